// What both ends know after an event, and what is inside a packet.
import { $, el, fill, time } from "./dom.js";

// show fills the panels for event number n of a document.
export function show(doc, n, see) {
  const event = doc.events[n];
  end($("client"), "Client", doc.states[event?.client], event);
  end($("server"), "Server", doc.states[event?.server], event);
  packet(doc, doc.packets.find((p) => p.id === (see || event?.packet)), event, see);
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
    const cell = el("li", { class: "r-" + r.is.replaceAll(" ", "-"), title: `${r.from} to ${r.to - 1}: ${r.is}` },
      el("span", {}, label), el("small", {}, r.is));
    cell.style.flexGrow = Math.sqrt(size);
    line.append(cell);
  }
  return el("div", {}, line, el("p", { class: "dim" }, state.window));
}

function timer(t, event) {
  if (!t) return "";
  const whole = t.due_us - t.set_us, left = Math.max(0, t.due_us - event.at_us);
  return el("p", { class: "timer" },
    el("progress", { max: whole, value: left, "aria-label": "time left" }),
    ` ${time(left)} of ${time(whole)} left: then ${t.for}`);
}

function facts(list = []) {
  if (!list?.length) return "";
  return el("dl", { class: "facts" }, ...list.flatMap((f) =>
    [el("dt", { title: f.meaning }, f.name), el("dd", {}, f.value)]));
}

function packet(doc, p, event, chosen) {
  const place = $("packet");
  const s = p?.source ?? event?.source;
  if (!p) {
    fill(place, el("h2", {}, "Packet"), el("p", { class: "dim" },
      "Choose an arrow of the picture to look inside."), source(s));
    return;
  }
  fill(place,
    el("h2", {}, p.label),
    el("p", {}, p.sentence),
    p.toggle !== undefined ? el("p", {}, el("a", { href: "?" + p.toggle, class: "button", "data-go": p.toggle },
      p.toggle_word === "spare" ? "Spare this packet" : "Lose this packet")) :
      p.fixed ? el("p", { class: "dim" }, p.fixed) : "",
    p.harm ? el("p", {}, p.harm.says) : "",
    source(s),
    el("table", {}, el("caption", {}, "Its headers"),
      el("thead", {}, el("tr", {}, ...["field", "bits", "value", "meaning"].map((h) => el("th", { scope: "col" }, h)))),
      el("tbody", {}, ...p.fields.map((f) => el("tr", {},
        el("th", { scope: "row" }, f.name), el("td", {}, f.bits), el("td", {}, f.value), el("td", {}, f.meaning))))),
    el("details", {}, el("summary", {}, "Its bytes"), el("pre", {}, p.bytes.replace(/(..)/g, "$1 ").replace(/(.{48})/g, "$1\n"))));
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
