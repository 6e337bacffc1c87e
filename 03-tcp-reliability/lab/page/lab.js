// The lab's page: an address in, a document out, and steps through it. It
// knows no protocol: all words and pictures come with the document.
import { $, el, fill, time } from "./dom.js";
import * as engine from "./engine.js";
import * as stage from "./stage.js";
import * as panels from "./panels.js";

let doc;               // what is shown
let address = "";      // of its settings
let at = 0, see = "";  // the event, and the packet that was chosen
let playing = 0, asked = 0;

// The address of the page: settings first, then what is looked at. Behind "?"
// when a program serves the page, behind "#" everywhere.
function read() {
  const text = location.hash.slice(1) || location.search.slice(1);
  const settings = [], view = {};
  for (const part of text.split("&").filter(Boolean)) {
    const key = part.split("=")[0];
    if (key === "at" || key === "see" || key === "cover") view[key] = decodeURIComponent(part.slice(key.length + 1));
    else settings.push(part);
  }
  return { settings: settings.join("&"), ...view };
}

function write(push) {
  const view = [];
  if (doc && at < doc.events.length - 1) view.push("at=" + at);
  if (see) view.push("see=" + see);
  const text = [address, ...view].filter(Boolean).join("&");
  const url = document.documentElement.dataset.engine === "http" ? location.pathname + (text && "?" + text) : "#" + text;
  history[push ? "pushState" : "replaceState"]({ before: push ? undefined : history.state?.before }, "", url);
}

// go shows the run of an address. With before, what differs is marked.
async function go(next, { push = true, before, event, packet = "" } = {}) {
  const turn = ++asked;
  stop();
  $("busy").hidden = false;
  try {
    const got = await engine.run(next, { width: width(), before });
    if (turn !== asked) return; // a newer one was asked for
    doc = got;
  } catch (e) {
    fill($("problems"), el("p", {}, e.message));
    return;
  } finally {
    $("busy").hidden = true;
  }
  address = doc.address;
  see = doc.packets.some((p) => p.id === packet) ? packet : "";
  at = Math.min(Math.max(0, event ?? doc.events.length - 1), doc.events.length - 1);
  if (push !== null) write(push);
  render();
}

const width = () => Math.max(320, Math.min(1280, Math.floor($("stage").clientWidth)));

function render() {
  stage.draw(doc);
  fill($("story"), ...doc.story.map((c) => el("li", { class: "k-" + c.mark }, c.text)));
  $("verdict").textContent = doc.result.verdict;
  $("difference").textContent = doc.before?.sentence ?? "";
  $("command").textContent = doc.command;
  $("text").textContent = doc.text;
  fill($("problems"), ...[...doc.problems ?? [], ...doc.notes ?? []].map((p) => el("p", {}, p)));
  fill($("plots"), ...(doc.plots ?? []).map((p) => plot(p)));
  for (const s of doc.settings) {
    const field = $("f-" + s.name);
    if (!field) continue;
    if (field.type === "checkbox") field.checked = s.value === "true";
    else if (document.activeElement !== field) field.value = s.value;
    field.closest("label").hidden = s.for?.length > 0 && !s.for.includes(doc.protocol);
  }
  let watch = "";
  for (const a of document.querySelectorAll("#presets a")) {
    a.ariaCurrent = String(a.dataset.go === doc.address);
    if (a.dataset.go === doc.address) watch = a.title;
  }
  $("watch").textContent = watch;
  $("scrub").max = doc.events.length - 1;
  for (const a of document.querySelectorAll("[data-take]")) {
    a.href = a.dataset.take + "?" + address;
  }
  step(at, false);
}

function plot(p) {
  const figure = el("figure", {}, el("figcaption", {}, p.name + ": " + p.text));
  const holder = el("div", {});
  holder.append(new DOMParser().parseFromString(p.svg, "image/svg+xml").documentElement);
  figure.prepend(holder);
  return figure;
}

// step shows event n: the state is the one after it.
function step(n, remember = true) {
  at = Math.min(Math.max(0, n), doc.events.length - 1);
  const event = doc.events[at];
  $("scrub").value = at;
  $("scrub").setAttribute("aria-valuetext", `${time(event?.at_us ?? 0)}: ${event?.sentence ?? ""}`);
  $("step").textContent = event ? event.sentence : "";
  $("when").textContent = `step ${at + 1} of ${doc.events.length}, at ${time(event?.at_us ?? 0)}`;
  const top = stage.curtain(doc, at);
  stage.light(event, see);
  panels.show(doc, at, see);
  if (remember) {
    write(false);
    if (at < doc.events.length - 1) stage.follow(top);
  }
}

// Playing: in the run's own time, slowed down, and never slower than a step in
// two seconds. While it is paused there is no timer and no frame.
function play() {
  if (playing) return stop();
  if (at >= doc.events.length - 1) step(0);
  $("play").textContent = "Pause";
  const next = () => {
    if (at >= doc.events.length - 1) return stop();
    step(at + 1);
    const pause = (doc.events[at + 1]?.at_us ?? 0) - doc.events[at].at_us;
    playing = setTimeout(next, Math.min(2000, Math.max(60, pause / 1000 * Number($("speed").value))));
  };
  playing = setTimeout(next, 0);
}

function stop() {
  clearTimeout(playing);
  playing = 0;
  $("play").textContent = "Play";
}

// A click on a packet loses it or spares it: the address is the document's.
function toggle(id) {
  const p = doc.packets.find((p) => p.id === id.replace("-copy", ""));
  if (!p) return;
  if (p.toggle === undefined) {
    see = id;
    step(at);
    return;
  }
  go(p.toggle, { before: address, packet: id }).then(() => stage.packet(id)?.focus({ preventScroll: true }));
}

function choose(id) {
  see = see === id ? "" : id;
  stage.light(doc.events[at], see);
  panels.show(doc, at, see);
  write(false);
}

// change reads the form: its fields are the flags.
function change(field) {
  const value = field.type === "checkbox" ? (field.checked ? "true" : "false") : field.value;
  const settings = new Map(address.split("&").filter(Boolean).map((p) => [p.split("=")[0], p]));
  settings.set(field.name, field.name + "=" + encodeURIComponent(value));
  go([...settings.values()].join("&"));
}

// Something rarely, a loss or a packet that was sent again: where to jump.
const landmark = (e) => /lost|again|dropped|read|timer/.test(e.what);
function jump(by) {
  for (let n = at + by; n >= 0 && n < doc.events.length; n += by) {
    if (landmark(doc.events[n])) return step(n);
  }
  step(by < 0 ? 0 : doc.events.length - 1);
}

const keys = {
  ArrowLeft: (e) => e.shiftKey ? jump(-1) : step(at - 1),
  ArrowRight: (e) => e.shiftKey ? jump(1) : step(at + 1),
  Home: () => step(0),
  End: () => step(doc.events.length - 1),
  " ": play,
  t: () => { $("ladder").open = !$("ladder").open; },
  "?": () => { $("help").open = !$("help").open; },
};

function wire() {
  $("back").onclick = () => step(at - 1);
  $("next").onclick = () => step(at + 1);
  $("play").onclick = play;
  $("scrub").oninput = (e) => step(Number(e.target.value));
  $("form").onchange = (e) => e.target.name && change(e.target);
  $("form").onsubmit = (e) => e.preventDefault();
  $("run").hidden = true;
  $("controls").hidden = false;
  $("cover").onchange = (e) => { document.body.dataset.cover = e.target.value; };
  document.addEventListener("click", (e) => {
    const a = e.target.closest("a");
    if (!a || e.ctrlKey || e.metaKey || e.shiftKey || e.button) return;
    if (a.closest("#picture") && a.id) {
      e.preventDefault();
      toggle(a.id);
    } else if (a.dataset.go !== undefined) {
      e.preventDefault();
      const preset = a.closest("#presets");
      go(a.dataset.go, { before: preset ? undefined : address, packet: preset ? "" : see });
    }
  });
  $("picture").addEventListener("focusin", (e) => {
    const a = e.target.closest("#picture a[id]");
    if (a) { see = a.id; stage.light(doc.events[at], see); panels.show(doc, at, see); }
  });
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.matches("input:not([type=range]), select, textarea")) return;
    const a = e.target.closest?.("#picture a[id]");
    if (a && (e.key === "ArrowUp" || e.key === "ArrowDown")) {
      e.preventDefault();
      return stage.walk(a, e.key === "ArrowUp" ? -1 : 1);
    }
    if (a && e.key === "Delete") return toggle(a.id);
    if (e.key === " " && e.target.matches("button, summary")) return;
    const does = keys[e.key];
    if (!does || e.target.id === "scrub" && e.key.startsWith("Arrow")) return;
    e.preventDefault();
    does(e);
  });
  $("copy-link").onclick = () => copy(location.href, "copy-link");
  $("copy-command").onclick = () => copy(doc.command, "copy-command");
  for (const [id, what] of [["harm", harm], ["compare", compare], ["curves", curves]]) $("ask-" + id).onclick = what;
  onpopstate = start;
  let last = width();
  new ResizeObserver(() => {
    if (doc && Math.abs(width() - last) > 60) {
      last = width();
      go(address, { push: null, event: at, packet: see });
    }
  }).observe($("stage"));
}

async function copy(text, id) {
  try {
    await navigator.clipboard.writeText(text);
    $(id).textContent = "Copied";
  } catch {
    prompt("Copy this:", text);
  }
}

async function harm() {
  const got = await engine.harm(address);
  fill($("extra"), table("What would losing each packet cost?", ["packet", "the message is whole", "longest wait"],
    got.rows.map((r) => [r.label, r.later, r.waits])));
  for (const r of got.rows) stage.packet(r.id)?.setAttribute("data-harm", r.level);
}

async function compare() {
  const got = await engine.compare(address, { width: width() });
  fill($("extra"), el("h2", {}, "The same network, every way to send"), ...got.runs.map((r) => {
    const d = el("div", { class: "run" }, el("h3", {}, r.name), el("p", {}, r.verdict));
    d.append(document.adoptNode(new DOMParser().parseFromString(r.picture, "image/svg+xml").documentElement));
    return d;
  }));
}

async function curves() {
  const got = await engine.curves(address);
  const d = el("figure", {}, el("figcaption", {}, got.text));
  d.prepend(document.adoptNode(new DOMParser().parseFromString(got.svg, "image/svg+xml").documentElement));
  fill($("extra"), d);
}

function table(caption, head, rows) {
  return el("table", {}, el("caption", {}, caption),
    el("thead", {}, el("tr", {}, ...head.map((h) => el("th", { scope: "col" }, h)))),
    el("tbody", {}, ...rows.map((r) => el("tr", {}, ...r.map((c, i) => el(i ? "td" : "th", i ? {} : { scope: "row" }, c))))));
}

function start() {
  const { settings, at: event, see: packet, cover } = read();
  if (cover) $("cover").value = document.body.dataset.cover = cover;
  return go(settings, { push: null, event: event === undefined ? undefined : Number(event), packet });
}

wire();
start().then(() => setTimeout(engine.warm, 0));
