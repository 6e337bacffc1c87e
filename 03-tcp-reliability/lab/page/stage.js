// The picture: made in Go, shown here; time passes over it as a curtain.
import { $, el, svg } from "./dom.js";

let drawn, axis = [], picture, whole = 0; // its moments, its height with what is not drawn
const scale = () => picture.clientWidth / picture.viewBox.baseVal.width || 1;

// width is that of a picture: the nearest of those which are made beforehand,
// and the rest is scaled.
const widths = document.documentElement.dataset.widths.split(" ");
export function width() {
  const far = (w) => Math.abs(w - $("stage").clientWidth);
  return widths.reduce((a, b) => far(b) < far(a) ? b : a);
}

// top is from where a long picture is drawn, as an address has it.
export function top() {
  const box = picture?.viewBox.baseVal;
  return box && box.height < whole ? box.y : undefined;
}

// draw puts a picture in its place, if it is another.
export function draw(text) {
  if (text === drawn) return;
  drawn = text;
  const held = document.activeElement.closest("#picture a")?.id;
  picture = svg(text);
  $("picture").replaceChildren(picture);
  // "µs,top,bottom …": a moment may be as high as its packets.
  axis = (picture.dataset.axis ?? "").split(" ").filter(Boolean).map((m) => m.split(",").map(Number));
  const box = picture.viewBox.baseVal;
  whole = Number(picture.dataset.height) || box.height;
  $("picture").style.paddingTop = `${100 * box.y / box.width}%`;
  $("picture").style.paddingBottom = `${100 * (whole - box.y - box.height) / box.width}%`;
  packet(held)?.focus({ preventScroll: true });
  dispatchEvent(new Event("scroll")); // another part may be looked at
}

// label makes the picture one tab stop, and says of each packet what a document does.
export function label(doc, see, cover) {
  const stop = packet(see) ?? picture.querySelector("a[id]");
  const known = new Map(doc.packets.map((p) => [p.id, p]));
  for (const a of packets()) {
    const p = known.get(a.id.replace("-copy", ""));
    a.setAttribute("tabindex", a === stop ? "0" : "-1");
    const says = cover ? a.querySelector("title").textContent : p.sentence;
    a.setAttribute("aria-label", `${a.querySelector("text")?.textContent ?? p.label}. ${says}`);
  }
}

export const packets = () => [...(picture?.querySelectorAll("a[id]") ?? [])];
export const packet = (id) => (id ? picture?.getElementById(id) : null);

// watch tells when another width fits, or another part of a picture is seen.
export function watch(resized, part) {
  let was = width();
  new ResizeObserver(() => {
    if (width() !== was) {
      was = width();
      resized();
    }
  }).observe($("stage"));
  // Not before one rests there: who moves fast sees none of what is between.
  let rest;
  addEventListener("scroll", () => {
    clearTimeout(rest);
    rest = setTimeout(look, 80);
  }, { passive: true });
  let wanted = -1;
  const look = () => {
    const box = picture?.viewBox.baseVal;
    if (!box || box.height >= whole) return;
    const from = -$("frame").getBoundingClientRect().top / scale(), to = from + innerHeight / scale();
    const top = Math.max(0, Math.round((from + to - box.height) / 2 / 500) * 500);
    const inside = (from >= box.y || box.y === 0) && (to <= box.y + box.height || box.y + box.height >= whole);
    if (inside || top === wanted || top === box.y) return;
    wanted = top;
    part(top).finally(() => { wanted = -1; });
  };
}

// y is how far down the picture's own scale a time is, behind everything of
// that moment.
function y(us) {
  let before = axis[0];
  if (!before) return 0;
  for (const m of axis) {
    if (m[0] > us) {
      if (us < before[0]) return before[1];
      return before[2] + (us - before[0]) / (m[0] - before[0]) * (m[1] - before[2]);
    }
    before = m;
  }
  return before[2];
}

// curtain covers what is later than an event. It is one element that moves: to
// restyle every arrow would be too slow.
export function curtain(doc, n) {
  const event = doc.events[n], own = packet(event.packet);
  let at = y(event.at_us);
  if (own && event.what.startsWith("sent")) at = Number(own.dataset.y) + 9;
  else {
    for (let e, i = n + 1; (e = doc.events[i]) && e.at_us === event.at_us; i++) { // later in this moment
      const later = e.what.startsWith("sent") && packet(e.packet);
      if (later) at = Math.min(at, later.dataset.y - 14);
    }
  }
  const hidden = $("curtain").hidden = n >= doc.events.length - 1;
  // A sentence about the run appears when it has come true.
  for (const g of picture.querySelectorAll("[data-true]")) g.classList.toggle("later", !hidden && g.dataset.true > event.at_us);
  $("curtain").style.transform = `translateY(${100 * at / whole}%)`;
}

// plots shows the curves of a run, each with a line for the step's time: they
// have the picture's axis, and say where on it they begin and end.
let lines = [];
export function plots(doc) {
  $("plots").replaceChildren(...(doc.plots ?? []).map((p) =>
    el("figure", {}, svg(p.svg), el("figcaption", {}, `${p.name}: ${p.text}`))));
  lines = [...$("plots").querySelectorAll("svg")].map((plot) => {
    const { left, right, from, to } = plot.dataset;
    return [plot.querySelector(".now"), (at) => Number(left) + (right - left) * (at - from) / (to - from)];
  });
}

export function now(us) {
  for (const [line, x] of lines) line.style.transform = `translate(${x(y(us))}px)`;
}

// light marks the packets of an event and what caused it.
let lit = [];
export function light(event, see) {
  for (const e of lit) e.classList.remove("now", "cause", "seen");
  lit = [];
  const mark = (id, name) => {
    const e = packet(id);
    if (!e) return;
    e.classList.add(name);
    lit.push(e);
  };
  mark(event?.packet, "now");
  for (const id of event?.causes ?? []) mark(id, "cause");
  mark(see, "seen");
}

// hit is the packet at a place: whose label it is, or the nearest of the arrows
// that cross there.
let hot;
export function hit(e) {
  if (!picture) return undefined;
  const at = new DOMPoint(e.clientX, e.clientY).matrixTransform(picture.getScreenCTM().inverse());
  hot?.classList.remove("hot");
  hot = undefined;
  let least = Infinity;
  const pile = document.elementsFromPoint(e.clientX, e.clientY);
  for (const part of pile[0]?.closest("#picture") ? pile : []) { // the controls may lie on it
    const a = part.closest("#picture a[id]");
    let far = -1;
    if (a && part.matches("[stroke-opacity]")) {
      const [x, y, x2, y2] = part.getAttribute("d").match(/[\d.]+/g), dx = x2 - x, dy = y2 - y;
      far = Math.abs(dy * (at.x - x) - dx * (at.y - y)) / Math.hypot(dx, dy);
    } else if (!a || !part.matches("text")) continue;
    if (far < least) [hot, least] = [a, far];
  }
  hot?.classList.add("hot");
  return hot;
}

// follow keeps the moment that is shown in view while time passes, and the
// controls where they are, at the window's bottom.
export function follow() {
  const at = $("curtain").getBoundingClientRect().top, room = innerHeight - $("controls").offsetHeight;
  const rest = $("frame").getBoundingClientRect().bottom - room;
  if (at < 60 || at > room - 9) scrollBy({ top: Math.min(at - innerHeight / 2, rest), behavior: "instant" });
}

// uncover moves a packet out from under the controls, which grow with what they say.
export function uncover(id) {
  const under = (packet(id)?.getBoundingClientRect().bottom ?? 0) - $("controls").getBoundingClientRect().top;
  if (under > 0 && under < 300) scrollBy({ top: under + 8, behavior: "instant" });
}

// walk moves the focus from one packet to another: the picture is one tab stop.
export function walk(from, by) {
  const all = packets(), next = all[all.indexOf(from) + by];
  if (!next) return;
  from.setAttribute("tabindex", "-1");
  next.setAttribute("tabindex", "0");
  next.focus();
}
