// The lab for tests in a browser: both of its forms, and pages that are open.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { chromium } from "playwright-core";

const executablePath = process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
export const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });

const types = { html: "text/html", js: "text/javascript", css: "text/css", json: "application/json", gz: "application/gzip" };
const ends = [];
export const close = () => ends.forEach((end) => end());

// both starts the program, and a server of the exported files.
export async function both(lab, site) {
  const program = spawn(lab, ["-addr", "127.0.0.1:0"]);
  const served = await new Promise((resolve) => program.stdout.on("data", (d) => {
    const m = /Listening on (http:\S+)/.exec(d);
    if (m) resolve(m[1]);
  }));
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
  ends.push(() => program.kill(), () => { files.close(); files.closeAllConnections(); });
  return { served, exported: `http://127.0.0.1:${files.address().port}/` };
}

// open opens a page that may say nothing on the console and ask nobody else.
export async function open(url, { seen = () => {}, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("console", (m) => assert.fail(`${url}: console: ${m.text()}`));
  page.on("pageerror", (e) => assert.fail(`${url}: ${e.message}`));
  page.on("request", (r) => {
    seen(r);
    assert.ok(r.url().startsWith(new URL(url).origin) || /^(data|blob):/.test(r.url()), r.url());
  });
  await page.goto(url);
  if (options.javaScriptEnabled !== false) await settled(page, "");
  return page;
}

export const text = (page, id) => page.textContent("#" + id);

// settled waits for the run of an address, or of a part of it.
export const settled = (page, part) => page.waitForFunction((p) => (location.href + "&").includes(p) &&
  document.getElementById("when").textContent && document.getElementById("busy").hidden, part);
