// The lab in a browser, served and exported: what a learner does on it, with
// the mouse and with the keyboard alone, with and without scripts.
//
//	node lab.mjs LAB SITE     LAB is the built program, SITE what -export wrote
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { both, browser, close, open, settled, text } from "./page.mjs";

const [lab, site] = process.argv.slice(2);
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const { served, exported } = await both(lab, site);

const difference = (page) => page.waitForFunction(() => document.getElementById("difference").textContent);
const arrow = (id) => `#picture a[id="${id}"] text`;
const sentence = (page) => text(page, "step");
const steps = (page) => page.evaluate(() => Number(document.getElementById("scrub").max) + 1);

// 1: the first run, its sentence and its picture; then other settings.
async function sees(page, url) {
  for (const says of [/1 packet was lost: "of "/, /noticed after 50 ms, by the 3rd repeat/]) {
    assert.match(await text(page, "picture"), says);
  }
  assert.match(await text(page, "invite"), /Click an arrow to lose that packet/);
  assert.match(await sentence(page), /This is the whole run/);
  assert.ok(await page.evaluate(() => document.getElementById("invite").getBoundingClientRect().bottom < innerHeight / 2), "the invitation is far down");
  const links = page.locator("#presets a"), n = await links.count();
  for (let i = 1; i < n; i++) {
    const link = links.nth(i), address = await link.getAttribute("data-go");
    await link.click();
    await settled(page, address);
    assert.equal(await text(page, "watch"), await link.getAttribute("data-watch"));
    assert.equal(await text(page, "problems"), "", address);
  }
  await page.goto(url);
  await settled(page, "");
  await page.selectOption("#f-protocol", "udp");
  await settled(page, "protocol=udp&drop=data:3");
  await page.fill("#f-message", "One two three four");
  await page.press("#f-message", "Tab");
  await settled(page, "message=One");
  assert.match(await text(page, "picture"), /"three "/);
  await page.fill("#f-delay", "soon");
  await page.press("#f-delay", "Tab");
  await page.waitForFunction(() => /delay/.test(document.getElementById("problems").textContent));
  // What is wrong is said beside the field too, which keeps what was typed.
  const field = () => page.evaluate(() => { const f = document.getElementById("f-delay"); return [f.value, f.ariaInvalid, document.getElementById(f.getAttribute("aria-describedby")).textContent]; });
  const [typed, invalid, says] = await field();
  assert.deepEqual([typed, invalid], ["soon", "true"]);
  assert.match(says, /invalid value "soon" for delay/);
  await page.fill("#f-delay", "20ms");
  await page.press("#f-delay", "Tab");
  await settled(page, "delay=20ms");
  assert.deepEqual(await field(), ["20ms", "false", "one-way delay"]);
}

// 2: a click loses a packet, another one spares it.
async function loses(page, url) {
  await page.goto(url);
  await settled(page, "");
  await page.hover(arrow("up-4"));
  assert.match(await text(page, "invite"), /Click to lose packet 4: "word "/);
  assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector("#up-4 path")).strokeWidth), "14px", "it is harder to hit under the mouse");
  await page.click(arrow("up-4"));
  await settled(page, "drop=data:2-3");
  const said = await text(page, "difference");
  assert.match(said, /Against the run before: the message is whole/);
  assert.match(await text(page, "picture"), /2 packets were lost/);
  assert.equal(await page.evaluate(() => document.activeElement.id), "up-4");
  await page.click(arrow("up-4"));
  await settled(page, "drop=data:3&");
  await page.goBack();
  await settled(page, "drop=data:2-3");
  assert.equal(await text(page, "difference"), said);
  // Where arrows cross, a click takes the nearest, whichever was drawn last.
  await page.goto(url);
  await settled(page, "");
  for (const id of ["up-8", "down-5"]) {
    const [x, y] = await page.evaluate((ids) => {
      const [a, b] = ids.map((id) => {
        const path = document.querySelector(`#picture a[id="${id}"] path`), m = path.getScreenCTM();
        const at = (p) => p.matrixTransform(m), n = path.getTotalLength();
        return [at(path.getPointAtLength(0)), at(path.getPointAtLength(n))];
      });
      // A bit beside where they cross, on the first: both are in reach.
      const slope = ([p, q]) => (q.y - p.y) / (q.x - p.x), cross = (b[0].y - a[0].y - slope(b) * b[0].x + slope(a) * a[0].x) / (slope(a) - slope(b));
      const x = cross + 40;
      return [x, a[0].y + slope(a) * (x - a[0].x)];
    }, [id, id === "up-8" ? "down-5" : "up-8"]);
    await page.mouse.move(x, y);
    const both = await page.evaluate(([x, y]) => new Set(document.elementsFromPoint(x, y).map((e) => e.closest("#picture a")?.id).filter(Boolean)).size, [x, y]);
    assert.ok(both >= 2, "the arrows do not cross there");
    assert.equal(await page.getAttribute("#picture a.hot", "id"), id);
    await page.mouse.click(x, y);
    await page.waitForFunction((id) => document.querySelector(`#picture a[id="${id}"]`).dataset.lost, id);
    await settled(page, ""); // the picture is there before the rest
    await page.goBack();
    await page.waitForFunction((id) => !document.querySelector(`#picture a[id="${id}"]`).dataset.lost, id);
  }
  // One that chance took is spared, too.
  await page.goto(url + "#loss=0.3&seed=4");
  await page.reload();
  await settled(page, "loss=0.3");
  const taken = await page.getAttribute("#picture a[data-lost]", "id");
  await page.click(arrow(taken));
  await settled(page, "spare=");
  assert.equal(await page.getAttribute(`#picture a[id="${taken}"]`, "data-lost"), null);
  // A loss by number of what is sent later is taken back, and the page says so.
  await page.goto(url + "#drop=data:3,down:8");
  await page.reload();
  await settled(page, "down:8");
  await page.click(arrow("up-3"));
  await settled(page, "data:1,data:3");
  assert.match(await text(page, "problems"), /taken back/);
}

// The past of a click is unchanged, for every packet of ten runs.
async function past(page) {
  const [runs, packets] = await page.evaluate(async () => {
    const { run } = await import("./engine.js");
    const runs = [...document.querySelectorAll("#presets a")].map((a) => a.dataset.go).slice(0, 8);
    runs.push("loss=0.2&seed=5", "protocol=go-back-n&loss=0.2&duplicate=0.1&seed=6");
    let packets = 0;
    for (const address of runs) {
      const was = await run(address);
      await Promise.all(was.packets.filter((p) => p.toggle !== undefined).map(async (p) => {
        const is = await run(p.toggle), n = was.events.findIndex((e) => e.packet === p.id);
        const first = (doc) => JSON.stringify(doc.events.slice(0, n).map((e) => [e.at_us, e.what, e.packet, e.end]));
        if (first(was) !== first(is)) throw new Error(`${address}: losing ${p.id} changes what was before`);
        packets++;
      }));
    }
    return [runs.length, packets];
  });
  assert.ok(runs === 10 && packets > 150, `${runs} runs, ${packets} packets`);
}

// 3: steps, forward and back; play and pause; the scrubber.
async function moves(page, url) {
  await page.goto(url);
  await settled(page, "");
  const n = await steps(page), [forth, back] = await page.evaluate(() => {
    const walk = (key) => {
      const all = [];
      for (let was = ""; was !== document.getElementById("when").textContent;) {
        was = document.getElementById("when").textContent;
        all.push(["when", "step", "client", "server"].map((id) => document.getElementById(id).textContent));
        document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
      }
      return all;
    };
    const back = walk("ArrowLeft");
    return [walk("ArrowRight"), back.reverse()];
  });
  assert.equal(forth.length, n);
  assert.deepEqual(forth, back);
  await page.keyboard.press("Home");
  assert.match(await text(page, "when"), /^Step 1 of/);
  // A sentence above the picture appears when it has come true.
  const told = () => page.locator("#picture [data-true]:visible").count();
  assert.equal(await told(), 0);
  for (let i = 0; i < n && !/again, before its timer/.test(await sentence(page)); i++) await page.keyboard.press("Shift+ArrowRight");
  assert.equal(await told(), 2, "lost, and noticed");
  await page.keyboard.press("End");
  assert.equal(await told(), 3);
  await page.keyboard.press("Home");
  // The loss behind a repetition lights up with it, and the repeats.
  for (let i = 0; i < n && !/again, before its timer/.test(await sentence(page)); i++) await page.keyboard.press("Shift+ArrowRight");
  await page.click("#next");
  await page.click("#back");
  const causes = await page.locator("#picture a.cause").count();
  assert.ok(causes >= 4, `${causes} causes`);
  // What is later is covered, and the packet of the step is not.
  const [now, later, line] = await page.evaluate(() => ["#up-10 text", "#up-12 text", "#curtain"]
    .map((s) => document.querySelector(s).getBoundingClientRect()));
  assert.ok((now.top + now.bottom) / 2 < line.top && line.top < later.top, `the curtain is at ${line.top}, the packet from ${now.top} to ${now.bottom}, a later one at ${later.top}`);
  assert.match(await text(page, "packet"), /Sent by this line: .*\.go:\d+/);
  // What comes later in the same moment is covered, too: "in " has come, and "of " is not yet sent again.
  while (!/"in " \(packet 9\) arrives/.test(await sentence(page))) await page.keyboard.press("ArrowLeft");
  const [edge, repair] = await page.evaluate(() => ["#curtain", "#up-10 text"].map((s) => document.querySelector(s).getBoundingClientRect()));
  assert.ok(edge.top < (repair.top + repair.bottom) / 2, `the curtain is at ${edge.top}, the repair from ${repair.top} to ${repair.bottom}`);
  while (!/again, before its timer/.test(await sentence(page))) await page.keyboard.press("ArrowRight");
  // The same address shows the same picture and the same step.
  const again = await open(page.url());
  const drawn = async (p) => (await p.innerHTML("#picture")).replaceAll(' class=""', "");
  assert.ok(await drawn(again) === await drawn(page), "another picture");
  assert.equal(await sentence(again), await sentence(page));
  assert.equal(await text(again, "client"), await text(page, "client"));
  await again.context().close();
  // A click in the middle of a run shows the loss, the step after the sending.
  const number = async () => parseInt((await text(page, "when")).slice(5));
  const there = await number();
  await page.click(arrow("up-10"));
  await difference(page);
  assert.equal(await number(), there + 1);
  assert.match(await sentence(page), /loses/);
  // The controls stay under the mouse while the picture moves.
  await page.keyboard.press("End");
  await page.click("#next");
  assert.equal(await number(), 1, "Step does nothing at the end");
  await page.keyboard.press("End");
  await page.evaluate(() => scrollTo(0, 0));
  const { x, y } = await page.locator("#back").boundingBox(), from = await number(), lost = page.url().match(/drop=[^&]*/)[0];
  for (let i = 0; i < 60; i++) await page.mouse.click(x + 9, y + 9);
  assert.equal(await number(), from - 60);
  assert.ok(page.url().includes(lost), "a click on the controls loses a packet");
  await page.evaluate(() => { const s = document.getElementById("scrub"); s.value = 5; s.dispatchEvent(new Event("input")); });
  assert.match(await text(page, "when"), /^Step 6 of/);
  await page.selectOption("#speed", "10");
  await page.click("#play");
  await page.waitForFunction(() => !/^Step [1-9] of/.test(document.getElementById("when").textContent));
  assert.equal(await page.getAttribute("#step", "aria-live"), "off");
  await page.click("#play");
  await quiet(page);
  assert.equal(await page.getAttribute("#step", "aria-live"), "polite");
}

// While it is paused, no frame is asked for and no timer runs.
async function quiet(page) {
  const n = await page.evaluate(() => new Promise((resolve) => {
    let n = document.getAnimations().length;
    const { requestAnimationFrame: frame, setTimeout: timeout, setInterval: interval } = window;
    window.requestAnimationFrame = (f) => { n++; return frame(f); };
    window.setTimeout = (f, t) => { n++; return timeout(f, t); };
    window.setInterval = (f, t) => { n++; return interval(f, t); };
    const was = document.getElementById("when").textContent;
    timeout(() => {
      Object.assign(window, { requestAnimationFrame: frame, setTimeout: timeout, setInterval: interval });
      resolve(n + (document.getElementById("when").textContent !== was));
    }, 700);
  }));
  assert.equal(n, 0, "something moves while it is paused");
}

// 4: inside both ends; one side is covered.
async function looks(page, url) {
  await page.goto(url);
  await settled(page, "");
  assert.match(await text(page, "client"), /timeout \(RTO\)200 ms/);
  assert.equal(await page.locator("#plots svg").count(), 2);
  await page.focus('#picture a[tabindex="0"]');
  assert.match(await text(page, "packet"), /Its headers.*checksum/s);
  await page.selectOption("#cover", "server");
  await settled(page, "cover=server");
  assert.match(await text(page, "picture"), /What the client can know/);
  await page.keyboard.press("t");
  assert.equal(await page.locator("#picture [data-lost]").count(), 0, "losses can be seen");
  const read = await page.evaluate(() => ["picture", "story", "text"].map((id) => document.getElementById(id).textContent).join() +
    [...document.querySelectorAll("#picture a")].map((a) => a.ariaLabel).join());
  assert.ok(!/lost|loses|arrives at the server|[Tt]he server (sends|reads)/.test(read), read);
  await page.keyboard.press("t");
  assert.match(await text(page, "server"), /^ServerCovered/);
  assert.ok(!await page.isVisible("#watch") && !/-drop/.test(await text(page, "picture")), "what the network does is told");
  assert.ok(!await page.isVisible("[data-ask=harm]") && !await page.isVisible("#plots"), "what tells of both ends is shown");
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("Home");
  const all = await steps(page), said = [await sentence(page)];
  while (Number((await text(page, "when")).match(/\d+/)[0]) < all && said.length < all) {
    await page.keyboard.press("ArrowRight");
    said.push(await sentence(page));
  }
  assert.ok(said.length > 20 && said.length < all);
  for (const s of said.slice(0, -1)) assert.ok(!/^The (server|network)|arrives at the server/.test(s), s);
  await page.keyboard.press("c");
  assert.match(await text(page, "client"), /^ClientCovered/);
  await page.keyboard.press("c");
  await page.waitForSelector("#picture [data-lost]", { state: "attached" });
  assert.match(await text(page, "story"), /1 packet was lost/);
}

// 5 and 6: the harm of each loss, all protocols with the same clicks, curves.
async function asks(page, url) {
  await page.goto(url);
  await settled(page, "");
  await page.click("[data-ask=harm]");
  await page.waitForSelector("#extra table");
  assert.match(await text(page, "extra"), /The worst packet to lose is/);
  assert.equal(await page.locator("#extra tbody tr").count(), await page.locator("#picture a[id]").count());
  // The costs stand on the picture, behind the labels, and go with the question.
  await page.waitForSelector("#picture a[data-harm='3']");
  const costs = await page.evaluate(() => [...document.querySelectorAll("#picture a[data-harm]")]
    .map((a) => [a.dataset.harm, a.querySelector("text").textContent, a.ariaLabel]));
  const costly = costs.filter(([level]) => level > 0);
  assert.ok(costly.length > 2 && costly.every(([, label, says]) => / · (\+[\d.]+ m?s|never whole)$/.test(label) && says.startsWith(label)), JSON.stringify(costs));
  await page.click(arrow("up-4"));
  await settled(page, "drop=data:2-3");
  await page.waitForSelector("#picture a[data-harm='3']");
  assert.equal(await page.evaluate(() => document.activeElement.id), "up-4");
  await page.goBack();
  await settled(page, "");
  await page.click('#extra [data-toggle="up-4"]'); // the table's first column does the same
  await settled(page, "drop=data:2-3");
  await page.goBack();
  await settled(page, "");
  await page.click("[data-ask=compare]");
  await page.waitForFunction(() => !document.querySelector("#picture [data-harm]"));
  const five = () => page.waitForFunction(() => document.querySelectorAll("#extra .runs svg").length === 5);
  await five();
  await page.click("#extra .runs section:nth-child(1) a[data-drop='data:5'] text");
  await settled(page, "drop=data:3,data:5");
  await five();
  await page.waitForFunction(() => [...document.querySelectorAll("#extra .runs svg")].every((s) => s.querySelectorAll("[data-lost]").length >= 2));
  await page.click("[data-ask=curves]");
  await page.waitForSelector("#extra figure svg");
  await page.click("[data-ask=curves]");
  assert.equal(await text(page, "extra"), "");
}

// 7: what is taken away is the same, served and exported.
async function takes(page, url, name) {
  await page.goto(url);
  await settled(page, "");
  const files = {};
  for (const link of await page.locator("[data-take]").all()) {
    const file = await link.getAttribute("data-take");
    if (name === "served") {
      files[file] = Buffer.from(await (await page.request.get(new URL(await link.getAttribute("href"), url).href)).body());
    } else {
      const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
      assert.equal(download.suggestedFilename(), file);
      files[file] = await readFile(await download.path());
    }
    assert.ok(files[file].length > 500, file);
  }
  assert.match(await text(page, "command"), /^go run .* -drop data:3$/);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  for (const [button, want] of [["#copy-link", page.url()], ["#copy-command", await text(page, "command")]]) {
    await page.click(button);
    await page.waitForFunction((w) => navigator.clipboard.readText().then((t) => t === w), want);
  }
  assert.equal(await text(page, "copied"), "Copied.");
  return files;
}

// In the middle of a long run, of which a part is drawn, a click and a cover stay
// where one looks.
async function long(page, url) {
  await page.goto(url + "#protocol=stop-and-wait&bytes=300000");
  await page.reload();
  await settled(page, "bytes=300000");
  await page.evaluate(() => scrollTo(0, document.getElementById("frame").getBoundingClientRect().height / 2));
  const part = () => page.evaluate(() => document.querySelector("#picture svg").viewBox.baseVal.y);
  await page.waitForFunction(() => document.querySelector("#picture svg").viewBox.baseVal.y > 0);
  const top = await part();
  // The client's packet in the middle of what is seen.
  const place = (id) => page.evaluate((id) => document.querySelector(`#picture a[id="${id}"] text`)?.getBoundingClientRect().y, id);
  const id = await page.evaluate(() => [...document.querySelectorAll("#picture a[id^=up]")]
    .find((a) => a.querySelector("text")?.getBoundingClientRect().y > innerHeight / 2).id);
  const y = await place(id);
  await page.click(arrow(id));
  await page.waitForFunction((id) => document.querySelector(`#picture a[id="${id}"]`)?.dataset.lost, id);
  await settled(page, "");
  await settled(page, "drop=data:");
  assert.equal(await part(), top, "another part");
  // The line above the picture may have grown meanwhile: the arrow stays.
  assert.ok(Math.abs(await place(id) - y) < 3, `${id} was at ${y}, and is at ${await place(id)}`);
  for (const cover of ["server", "client", ""]) {
    await page.keyboard.press("c");
    await page.waitForFunction((cover) => !document.getElementById("busy").hidden || document.body.dataset.cover === cover, cover);
    await settled(page, cover && "cover=" + cover);
    assert.equal(await part(), top, `another part, ${cover} is covered`);
    const seen = await place(id);
    assert.ok(cover === "client" ? seen === undefined : Math.abs(seen - y) < 60, `${cover} is covered, and ${id} is at ${seen}`);
  }
}

// On a phone, what a tap did is said where it can be seen: the panels are far down.
async function taps(url) {
  const page = await open(url, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  // What a tap would do is said, and the arrow stays where the finger is.
  const moved = await page.evaluate(() => {
    const a = document.querySelector("#up-4 text"), box = () => a.getBoundingClientRect(), { x, y } = box();
    a.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX: x + 5, clientY: y + 5 }));
    return [box().y - y, document.getElementById("invite").textContent];
  });
  assert.match(moved[1], /packet 4/);
  assert.equal(moved[0], 0, "the arrow moves away");
  await page.locator(arrow("up-9")).scrollIntoViewIfNeeded();
  await page.tap(arrow("up-9"));
  await page.waitForFunction(() => /^Packet 9: .* The network loses it\. It is sent again after .*\. Against the run before/.test(document.getElementById("step").textContent));
  const [line, arrows] = await page.evaluate(() => ["step", "up-9"].map((id) => document.getElementById(id).getBoundingClientRect().toJSON()));
  assert.ok(line.top >= 0 && line.bottom <= 844 && arrows.top >= 0 && arrows.bottom <= line.top, JSON.stringify([line, arrows]));
  await page.context().close();
}

// What an address has wrong is said, and the rest works.
async function errs(page, url) {
  await page.goto(url + "#nonsense=1&drop=data:2&at=x&see=up-99&loss=2");
  await page.reload();
  await page.waitForFunction(() => document.getElementById("problems").children.length >= 4);
  for (const says of [/nonsense/, /"x" for at/, /no packet up-99/, /loss/]) assert.match(await text(page, "problems"), says);
  assert.match(await text(page, "picture"), /1 packet was lost: "word "/);
}

// By keyboard alone: every control can be reached, and the picture is one stop.
async function keys(page, url) {
  await page.goto(url);
  await settled(page, "");
  const reached = new Set();
  let inside = 0;
  for (let i = 0; i < 90; i++) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const e = document.activeElement;
      if (!e.dataset.n) e.dataset.n = Math.random();
      return [e.dataset.n, !!e.closest("#picture"), e.matches(":focus-visible"), e === document.body];
    });
    if (at[3] || reached.has(at[0])) break; // behind the last one
    reached.add(at[0]);
    inside += at[1];
    assert.ok(at[2], "the focus is not seen");
  }
  assert.equal(inside, 1, "tab stops in the picture");
  const missed = await page.evaluate(() => [...document.querySelectorAll("button, select, input, summary")]
    .filter((e) => e.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }) && !e.dataset.n).map((e) => e.id || e.textContent));
  assert.deepEqual(missed, [], "not reached with Tab");
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("Home");
  await page.keyboard.press("p");
  assert.equal(await page.evaluate(() => document.activeElement.id), "up-1");
  for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowDown");
  const id = await page.evaluate(() => document.activeElement.id);
  await page.keyboard.press("Delete");
  await difference(page);
  assert.ok(await page.getAttribute(`#picture a[id="${id}"]`, "data-lost"));
  await page.keyboard.press("Enter");
  await page.waitForFunction((id) => !document.querySelector(`#picture a[id="${id}"]`).dataset.lost, id);
  // The picture is there before the rest: keys wait for that.
  await page.keyboard.press("End");
  await page.keyboard.press("Shift+ArrowLeft");
  await settled(page, "");
  assert.match(await sentence(page), /reads/);
  await page.keyboard.press(" ");
  assert.equal(await text(page, "play"), "Pause");
  await page.keyboard.press(" ");
  assert.equal(await text(page, "play"), "Play");
  await page.keyboard.press("+");
  assert.equal(await page.inputValue("#speed"), "10");
  await page.keyboard.press("t");
  await page.waitForFunction(() => /CLIENT/.test(document.getElementById("text").textContent));
  assert.ok(await page.isVisible("#text"));
  await page.keyboard.press("?");
  assert.ok(await page.isVisible("#help dl"));
  for (const [k, what] of [["h", "table"], ["m", ".runs"], ["e", "figure"]]) {
    await page.keyboard.press(k);
    await page.waitForSelector("#extra " + what);
  }
}

// Nothing is hard to read or to reach, in two themes and three widths: at first
// sight, and with everything open in the middle of a run.
async function fits(url, name) {
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [390, 1280, 1920]) {
      const page = await open(url, { colorScheme, viewport: { width, height: 900 }, reducedMotion: width === 390 ? "reduce" : "no-preference" });
      await page.evaluate(axe);
      const check = async (where) => {
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${width}: it scrolls sideways`);
        const found = await page.evaluate(() => axe.run({ rules: { "label-content-name-mismatch": { enabled: true } } })
          .then((r) => r.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 150)).join(" | ")}`)));
        assert.deepEqual(found, [], `${name}, ${colorScheme}, ${width}, ${where}`);
      };
      await check("at first sight");
      if (name === "exported") { // the rest is the same page
        await page.context().close();
        continue;
      }
      await page.evaluate(() => { for (const d of document.querySelectorAll("details")) d.open = true; });
      const ask = { 390: "harm", 1280: "compare", 1920: "curves" }[width];
      await page.click(`[data-ask=${ask}]`);
      await page.waitForSelector("#extra :is(table, .runs, figure)");
      await page.evaluate(() => { const s = document.getElementById("scrub"); s.value = 33; s.dispatchEvent(new Event("input")); });
      await check("with all open");
      await page.context().close();
    }
  }
}

// What does not depend on the machine's load: requests, elements, bytes.
async function counts(url, name) {
  const asked = [];
  const page = await open(url, { seen: (r) => asked.push(new URL(r.url()).pathname) });
  const requests = asked.length;
  assert.ok(requests <= 16, `${name}: ${requests} requests: ${asked}`);
  const nodes = await page.evaluate(() => document.querySelectorAll("*").length);
  assert.ok(nodes < 900, `${name}: ${nodes} elements at first sight`);
  await page.goto(url + "#bytes=600000");
  await page.reload();
  await settled(page, "bytes=600000");
  const [packets, elements] = await page.evaluate(async () => {
    const { run } = await import("./engine.js");
    return [(await run("bytes=600000")).packets.length, document.querySelectorAll("*").length];
  });
  assert.ok(packets > 600 && elements < 4000, `${name}: ${elements} elements for ${packets} packets`);
  // A part that is scrolled to is drawn then.
  await page.evaluate(() => scrollTo(0, document.getElementById("frame").getBoundingClientRect().bottom + scrollY - 2000));
  await page.waitForFunction(() => document.querySelector("#picture svg").viewBox.baseVal.y > 0);
  await page.context().close();
  return `${requests} requests, ${nodes} elements; ${elements} for ${packets} packets`;
}

// Without scripts the links of the picture do it, and the form.
async function plain() {
  const page = await open(served, { javaScriptEnabled: false });
  await page.click(arrow("up-4"));
  await page.waitForURL(/drop=data:2-3/);
  assert.match(await text(page, "picture"), /2 packets were lost/);
  await page.click(arrow("up-4"));
  await page.waitForURL(/drop=data:3$/);
  await page.click("#presets a:nth-child(2)");
  await page.waitForURL(/protocol=udp/);
  assert.match(await text(page, "picture"), /udp/);
  await page.selectOption("#f-protocol", "go-back-n");
  await page.click("#run");
  await page.waitForURL(/protocol=go-back-n/);
  assert.match(await text(page, "picture"), /go-back-n/);
  assert.equal((await text(page, "problems")).trim(), "");
  assert.ok(!await page.isVisible("#controls") && !await page.isVisible("[data-ask]"), "what needs scripts is shown");
  // One end is covered, and stays so with a click; a long run has parts.
  await page.goto(served + "?drop=data:3");
  await page.getByRole("link", { name: "what the client can know" }).click();
  await page.waitForURL(/cover=server$/);
  for (const id of ["story", "verdict", "text", "picture"]) assert.doesNotMatch(await text(page, id), /lost|SERVER|in order/);
  await page.click(arrow("up-4"));
  await page.waitForURL(/drop=data:2-3.*cover=server$/);
  await page.goto(served + "?bytes=400000");
  const part = await page.getAttribute("#picture svg", "viewBox");
  await page.getByRole("link", { name: "what comes next" }).click();
  await page.waitForURL(/top=/);
  assert.notEqual(await page.getAttribute("#picture svg", "viewBox"), part);
  await page.getByRole("link", { name: "what is before" }).click();
  await page.waitForURL(/top=0/);
  assert.equal(await page.getAttribute("#picture svg", "viewBox"), part);
  for (const link of await page.locator("[data-take]").all()) {
    const answer = await page.request.get(new URL(await link.getAttribute("href"), served).href);
    assert.ok(answer.ok() && (await answer.body()).length > 500, await link.getAttribute("href"));
  }
  await page.goto(served + "?nonsense=1");
  assert.match(await text(page, "problems"), /nonsense/);
  await page.context().close();
}

const taken = {};
await Promise.all([["served", served], ["exported", exported]].map(async ([name, url]) => {
  const page = await open(url);
  for (const what of [sees, loses, past, moves, looks, asks, errs, long, keys]) {
    const start = performance.now();
    await what(page, url);
    if (process.env.VERBOSE) console.log(name, what.name, Math.round(performance.now() - start), "ms");
  }
  taken[name] = await takes(page, url, name);
  await page.context().close();
  await taps(url);
  await fits(url, name);
  console.log(`${name}: all well; ${await counts(url, name)}`);
}));
assert.deepEqual(taken.served, taken.exported, "what is taken away differs");
await plain();
console.log("without scripts: all well");

await browser.close();
close();
