// What both ends know after an event, and what is inside a packet.
import { $, el, fill, time } from "./dom.js";

// What is in the panels: of what is shown already nothing is made again.
const shown = {};
const same = (id, ...now) => !now.some((v, i) => v !== shown[id]?.[i]) || !(shown[id] = now);

// show fills the panels for event number n of a document, and for a packet.
export function show(doc, n, p, cover) {
  const event = doc.events[n];
  for (const [id, name] of [["client", "Client"], ["server", "Server"]]) {
    const state = doc.states[event[id]];
    if (same(id, doc, id === cover || state, state?.timer && event.at_us)) continue;
    if (id === cover) fill($(id), el("h2", {}, name), el("p", { class: "dim" }, "Covered: the other end can't look inside."));
    else end($(id), name, state, event);
  }
  network(doc, event, cover);
  if (!same("packet", doc, p ?? event.source, cover)) packet(p, event, cover);
}

function end(place, name, state, event) {
  fill(place, el("h2", {}, name + (state?.name ? ": " + state.name : "")));
  if (!state) {
    place.append(el("p", { class: "dim" }, "Nothing has happened here yet."));
    return;
  }
  place.append(el("p", {}, state.says), tape(state), timer(state.timer, event), facts(state.facts));
}

// tape draws a number line: each range as wide as the square root of its size,
// so that a few numbers beside many can still be seen.
function tape(state) {
  const line = el("ol", { class: "tape" });
  for (const r of state.ranges ?? []) {
    const size = r.to - r.from;
    const label = r.text || (size === 1 ? String(r.from) : `${r.from} to ${r.to - 1}`);
    const cell = el("li", { class: "r-" + r.is.replaceAll(" ", "-"), title: `${label}: ${r.is}` },
      el("span", {}, label), el("small", {}, r.is));
    cell.style.flexGrow = Math.sqrt(size);
    line.append(cell);
  }
  return el("div", {}, line.hasChildNodes() ? line : "", el("p", { class: "dim" }, state.window));
}

function timer(t, event) {
  if (!t) return "";
  const whole = t.due_us - t.set_us, left = Math.max(0, t.due_us - event.at_us);
  return el("p", { class: "timer" },
    el("progress", { max: whole, value: left, "aria-label": "time left" }),
    ` Timer: ${time(left)} of ${time(whole)} left, then ${t.for}.`);
}

function facts(list) {
  if (!list?.length) return "";
  return el("dl", { class: "facts" }, ...list.flatMap((f) =>
    [el("dt", { title: f.meaning }, f.name), el("dd", {}, f.value)]));
}

// network shows the queue in front of the link, where there ever is one.
function network(doc, event, cover) {
  const queues = !cover && doc.events.some((e) => e.queue[0] + e.queue[1]);
  fill($("network"), ...queues ? [el("h2", {}, "Network"),
    queue("to the server", event.queue[0]), queue("to the client", event.queue[1])] : []);
}

function queue(where, n) {
  return el("p", {}, `Waiting for the link ${where}: ${n} `, el("span", { class: "queue", "aria-hidden": "true" }, ...Array.from({ length: Math.min(n, 40) }, () => el("i"))));
}

function packet(p, event, cover) {
  const place = $("packet");
  if (!p) {
    fill(place, el("h2", {}, "Packet"), el("p", { class: "dim" },
      "Step to an event, or press p and walk with ↑ and ↓, to look inside a packet."), source(event.source));
    return;
  }
  const from = p.direction === "up" ? "client" : "server";
  fill(place,
    el("h2", {}, `Packet ${p.label}`),
    cover ? "" : el("p", {}, p.sentence),
    p.toggle === undefined ? el("p", { class: "dim" }, cover ? "" : p.fixed ?? "") :
      el("p", {}, el("a", { href: "?" + p.toggle, class: "button", "data-toggle": p.id },
        p.toggle_word === "spare" && !cover ? "Spare this packet" : "Lose this packet")),
    el("p", { class: "dim" }, "In the command: ", el("code", {}, p.name)),
    from === cover ? "" : source(p.source),
    el("table", { tabindex: "0" }, el("caption", {}, "Its headers"),
      el("thead", {}, el("tr", {}, ...["field", "bits", "value", "meaning"].map((h) => el("th", { scope: "col" }, h)))),
      el("tbody", {}, ...p.fields.map((f) => el("tr", {},
        el("th", { scope: "row" }, f.name), el("td", {}, f.bits), el("td", {}, f.value), el("td", {}, f.meaning))))),
    el("details", {}, el("summary", {}, "Its bytes"), el("pre", { tabindex: "0" }, p.bytes.replace(/(..)/g, "$1 ").replace(/(.{48})/g, "$1\n"))));
}

// source shows the line of the protocol's code that decided.
function source(s) {
  if (!s) return "";
  return el("figure", { class: "source" },
    el("figcaption", {}, "Sent by this line: ", el("code", {}, s.where)),
    el("pre", { tabindex: "0" }, ...s.lines.map((line, i) => {
      const text = `${String(s.from + i).padStart(4)}  ${line}\n`;
      return i === s.here ? el("mark", {}, text) : text;
    })));
}
