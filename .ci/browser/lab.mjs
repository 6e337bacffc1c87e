// The lab in a browser, served and exported: what a learner does on it, with
// the mouse and with the keyboard alone, with and without scripts.
//
//	node lab.mjs LAB SITE     LAB is the built program, SITE what -export wrote
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [lab, site] = process.argv.slice(2);
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });

const served = spawn(lab, ["-addr", "127.0.0.1:0"]);
const address = await new Promise((resolve) => served.stdout.on("data", (d) => {
  const m = /Listening on (http:\S+)/.exec(d);
  if (m) resolve(m[1]);
}));

const types = { html: "text/html", js: "text/javascript", css: "text/css", json: "application/json", gz: "application/gzip" };
const files = createServer(async (request, answer) => {
  const name = new URL(request.url, "http://x").pathname.slice(1) || "index.html";
  try {
    const text = await readFile(join(site, name));
    answer.writeHead(200, { "Content-Type": types[name.split(".").pop()] ?? "application/octet-stream" });
    answer.end(text);
  } catch {
    answer.writeHead(404).end();
  }
});
await new Promise((resolve) => files.listen(0, "127.0.0.1", resolve));
const exported = `http://127.0.0.1:${files.address().port}/`;

// open opens a page that may say nothing on the console and ask nobody else.
async function open(url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("console", (m) => assert.fail(`${url}: console: ${m.text()}`));
  page.on("pageerror", (e) => assert.fail(`${url}: ${e.message}`));
  page.on("request", (r) => assert.ok(r.url().startsWith(new URL(url).origin) || r.url().startsWith("data:"), r.url()));
  await page.goto(url);
  if (options.javaScriptEnabled !== false) await page.waitForFunction(() => document.getElementById("when")?.textContent);
  return page;
}

const text = (page, id) => page.textContent("#" + id);
const settled = async (page, part) => page.waitForFunction((p) => location.href.includes(p) && document.getElementById("busy").hidden, part);

for (const [name, url] of [["served", address], ["exported", exported]]) {
  // The first picture tells the story; a click loses, a second one spares.
  let page = await open(url);
  assert.match(await text(page, "picture"), /1 packet was lost/);
  await page.click('#picture a[id="up-4"] text');
  await settled(page, "drop=data:2-3");
  assert.match(await text(page, "difference"), /Against the run before/);
  assert.match(await text(page, "picture"), /2 packets were lost/);
  assert.equal(await page.evaluate(() => document.activeElement.id), "up-4");
  await page.click('#picture a[id="up-4"] text');
  await settled(page, "drop=data:3");
  await page.goBack();
  await settled(page, "drop=data:2-3");

  // Steps, forward and back: the state is the one after the event.
  await page.goto(url);
  await page.waitForFunction(() => document.getElementById("when").textContent);
  await page.keyboard.press("Home");
  assert.match(await text(page, "when"), /^step 1 of/);
  for (let i = 0; i < 30; i++) await page.keyboard.press("ArrowRight");
  const there = await text(page, "step"), client = await text(page, "client");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowLeft");
  assert.equal(await text(page, "step"), there);
  assert.equal(await text(page, "client"), client);

  // An address that was shared shows the same picture and the same step.
  const shared = page.url();
  const again = await open(shared);
  assert.equal(await text(again, "step"), there);
  const drawn = async (p) => (await p.innerHTML("#picture")).replace(/ (class|tabindex)="[^"]*"/g, ""); // what the page marks
  assert.equal(await drawn(again), await drawn(page));

  // By keyboard alone: into the picture, to another packet, and lose it.
  await page.focus('#picture a[id="up-1"]');
  for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowDown");
  const id = await page.evaluate(() => document.activeElement.id);
  assert.notEqual(id, "up-1");
  await page.keyboard.press("Delete");
  await page.waitForFunction(() => document.getElementById("difference").textContent);

  // The other questions have answers.
  await page.click("#ask-harm");
  await page.waitForSelector("#extra table");
  await page.click("#ask-compare");
  await page.waitForFunction(() => document.querySelectorAll("#extra .run").length === 5);
  await page.click("#ask-curves");
  await page.waitForSelector("#extra figure svg");

  // While it is paused, no frame is asked for and no timer runs.
  const frames = await page.evaluate(() => new Promise((resolve) => {
    let n = 0;
    const frame = window.requestAnimationFrame, timeout = window.setTimeout;
    window.requestAnimationFrame = (f) => { n++; return frame(f); };
    window.setTimeout = (f, t) => { n++; return timeout(f, t); };
    timeout(() => resolve(n), 1000);
  }));
  assert.equal(frames, 0);
  await page.context().close();
  await again.context().close();

  // Nothing is hard to read or to reach, in two themes and three widths.
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [390, 1280, 1920]) {
      page = await open(url, { colorScheme, viewport: { width, height: 900 } });
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${width}: it scrolls sideways`);
      const found = await page.evaluate(`${axe}; axe.run().then((r) => r.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.html.slice(0, 120)).join(" | ")))`);
      assert.deepEqual(found, [], `${name}, ${colorScheme}, ${width}`);
      await page.context().close();
    }
  }
  console.log(`${name}: all well`);
}

// Without scripts the links of the picture do it.
const plain = await open(address, { javaScriptEnabled: false });
await plain.click('#picture a[id="up-4"] text');
assert.match(plain.url(), /drop=data:2-3/);
assert.match(await text(plain, "picture"), /2 packets were lost/);
await plain.click('#picture a[id="up-4"] text');
assert.match(plain.url(), /drop=data:3/);
console.log("without scripts: all well");

await browser.close();
files.close();
served.kill();
