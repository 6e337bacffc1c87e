// How fast the lab answers, served and exported. Run by hand, on a quiet machine:
//
//	node speed.mjs LAB SITE     LAB is the built program, SITE what -export wrote
import { both, browser, close, open, settled } from "./page.mjs";

const [lab, site] = process.argv.slice(2);
const runs = [["24 packets", "drop=data:3"], ["200", "bytes=133000&loss=0.01&seed=2"], ["1,000", "protocol=selective-repeat&bytes=480000&loss=0.02"]];
const quantile = (list, q) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(q * list.length))].toFixed(0);

// clicks loses different packets of a run, and measures from the click to the
// frame in which the new picture is painted.
const clicks = (page) => page.evaluate(async () => {
  const painted = () => new Promise((r) => requestAnimationFrame(() => setTimeout(r)));
  const lost = (id) => Boolean(document.getElementById(id)?.dataset.lost);
  const until = (done) => new Promise((resolve) => {
    const check = () => done() && (o.disconnect(), resolve());
    const o = new MutationObserver(check);
    o.observe(document.getElementById("picture"), { childList: true });
    check();
  });
  const all = [...document.querySelectorAll("#picture a[data-drop]")].slice(0, 12).map((a) => a.id);
  const times = [];
  for (const id of all) {
    const was = lost(id), start = performance.now();
    document.getElementById(id).dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
    await until(() => lost(id) !== was);
    await painted();
    times.push(performance.now() - start);
    while (!document.getElementById("busy").hidden) await painted(); // the rest of the document
    history.back();
    await until(() => lost(id) === was);
    await painted();
    while (!document.getElementById("busy").hidden) await painted();
    await painted();
  }
  return times;
});

// scrubs moves through the whole run, a step or more each frame: how long from
// frame to frame.
const scrubs = (page) => page.evaluate(async () => {
  const scrub = document.getElementById("scrub"), times = [];
  let was;
  for (let i = 0; i < 120; i++) {
    scrub.value = Math.round(i / 119 * scrub.max);
    scrub.dispatchEvent(new Event("input"));
    const now = await new Promise(requestAnimationFrame);
    if (was) times.push(now - was);
    was = now;
  }
  return times;
});

console.log("run          packets  click p50  p95    scrub p50  p95   longest task   (ms)");
for (const [name, url] of Object.entries(await both(lab, site))) {
  for (const [size, address] of runs) {
    const page = await open(url);
    await page.goto(url + "#" + address);
    await page.reload();
    await settled(page, address.split("&")[0]);
    const packets = await page.evaluate(async (a) => (await (await import("./engine.js")).run(a)).packets.length, address);
    await page.evaluate(() => {
      window.tasks = [0];
      new PerformanceObserver((l) => window.tasks.push(...l.getEntries().map((e) => e.duration))).observe({ type: "longtask" });
    });
    const click = await clicks(page), scrub = await scrubs(page);
    const longest = await page.evaluate(() => Math.max(...window.tasks));
    console.log(name.padEnd(9), size.padStart(10), String(packets).padStart(5), quantile(click, 0.5).padStart(9), quantile(click, 0.95).padStart(6),
      quantile(scrub, 0.5).padStart(9), quantile(scrub, 0.95).padStart(6), longest.toFixed(0).padStart(9));
    await page.context().close();
  }
}
await browser.close();
close();
