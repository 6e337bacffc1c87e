// The picture: made in Go, shown here; time passes over it as a curtain.
import { $, svg } from "./dom.js";

let axis = [], scale = 1, picture;

// draw puts a document's picture in its place.
export function draw(doc) {
  picture = svg(doc.picture);
  $("picture").replaceChildren(picture);
  // "µs,top,bottom …": a moment may be as high as its packets.
  axis = (picture.dataset.axis ?? "").split(" ").filter(Boolean)
    .map((m) => m.split(",").map(Number));
  const first = picture.querySelector("a[id]");
  for (const a of packets()) a.setAttribute("tabindex", a === first ? "0" : "-1");
}

export const packets = () => [...(picture?.querySelectorAll("a[id]") ?? [])];
export const packet = (id) => picture?.getElementById?.(id) ?? document.getElementById(id);

// y is how far down the picture's own scale a time is. With after, behind
// everything of that moment.
function y(us, after) {
  let before = axis[0];
  if (!before) return 0;
  for (const m of axis) {
    if (m[0] > us) {
      if (us <= before[0]) return before[1];
      const part = (us - before[0]) / (m[0] - before[0]);
      return before[2] + part * (m[1] - before[2]);
    }
    before = m;
    if (m[0] === us) return after ? m[2] : m[1];
  }
  return before[2];
}

// curtain covers what is later than an event. It is one element that moves: to
// restyle every arrow would be too slow.
export function curtain(doc, n) {
  const c = $("curtain"), last = n >= doc.events.length - 1;
  const box = picture.viewBox.baseVal;
  scale = picture.clientWidth / box.width || 1;
  const event = doc.events[n], own = event?.packet && packet(event.packet);
  let at = event ? y(event.at_us, true) : 0;
  if (own && event.what === "sent") at = Math.min(at, Number(own.dataset.y ?? at) + 9);
  c.hidden = last;
  c.style.transform = `translateY(${Math.round((at - box.y) * scale)}px)`;
  return (at - box.y) * scale;
}

// light marks the packets of an event and what caused it.
let lit = [];
export function light(event, see) {
  for (const e of lit) e.classList.remove("now", "cause", "seen");
  lit = [];
  const mark = (id, name) => {
    const e = id && packet(id);
    if (!e) return;
    e.classList.add(name);
    lit.push(e);
  };
  mark(event?.packet, "now");
  for (const id of event?.causes ?? []) mark(id, "cause");
  mark(see, "seen");
}

// follow keeps the moment that is shown in view while time passes.
export function follow(top) {
  const box = $("frame").getBoundingClientRect(), at = box.top + top;
  if (at < 80 || at > innerHeight - 60) scrollBy({ top: at - innerHeight / 2, behavior: "instant" });
}

// walk moves the focus from one packet to another: the picture is one tab stop.
export function walk(from, by) {
  const all = packets(), i = all.indexOf(from), next = all[Math.min(Math.max(i + by, 0), all.length - 1)];
  if (!next || next === from) return;
  from?.setAttribute("tabindex", "-1");
  next.setAttribute("tabindex", "0");
  next.focus();
}
