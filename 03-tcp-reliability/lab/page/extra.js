// Questions that need more runs than the one that is shown.
import { $, el, fill, svg } from "./dom.js";
import * as engine from "./engine.js";
import { width } from "./stage.js";

let open = ""; // the question that is answered
let turn = 0;

// ask answers a question, or takes its answer away. paint shows a picture in
// place of the run's own: "" is that one.
export async function ask(what, address, paint) {
  open = what === open ? "" : what;
  await answer(address, paint);
  if (open) $("extra").scrollIntoView({ block: "nearest" });
}

// follow answers the open question for another run.
export function follow(address, paint) {
  if (open && open !== "curves") answer(address, paint);
}

async function answer(address, paint) {
  const mine = ++turn;
  for (const b of document.querySelectorAll("[data-ask]")) b.ariaPressed = String(b.dataset.ask === open);
  if (open !== "harm") paint("");
  if (!open) return fill($("extra"));
  if (!$("extra").hasChildNodes()) fill($("extra"), el("p", {}, "running …"));
  let parts, picture = "";
  try {
    [parts, picture] = await answers[open](address);
  } catch (e) {
    parts = [el("p", { class: "wrong" }, e.message)];
  }
  if (mine !== turn) return;
  fill($("extra"), ...parts);
  if (picture) paint(picture);
}

const answers = {
  async harm(address) {
    const got = await engine.harm(address, { width: width() });
    return [[el("p", {}, el("b", {}, got.says)), table("The cost of losing each packet", ["packet", "the message is whole", "a word waits at most", "why"],
      got.rows.map((r) => [el("a", { href: "#picture", "data-toggle": r.id }, r.label), r.later, r.waits, r.why]))], got.picture];
  },
  async compare(address) {
    const across = Math.max(1, Math.floor($("extra").clientWidth / 390));
    const got = await engine.compare(address, { width: Math.max(320, Math.floor($("extra").clientWidth / Math.min(across, 3)) - 16) });
    return [[el("h2", {}, "The same network, every way to send"), el("p", {}, "A click loses a packet in all of them."),
      el("div", { class: "runs" }, ...got.runs.map((r) => el("section", {},
        el("h3", {}, el("a", { href: "?" + r.address, "data-go": r.address }, r.name)),
        el("p", {}, r.verdict), el("p", { class: "dim" }, r.counts), svg(r.picture))))]];
  },
  async curves(address) {
    const got = await engine.curves(address);
    return [[el("figure", {}, svg(got.svg), el("figcaption", {}, got.text))]];
  },
};

function table(caption, head, rows) {
  return el("table", { tabindex: "0" }, el("caption", {}, caption),
    el("thead", {}, el("tr", {}, ...head.map((h) => el("th", { scope: "col" }, h)))),
    el("tbody", {}, ...rows.map((r) => el("tr", {}, ...r.map((c, i) => el(i ? "td" : "th", i ? {} : { scope: "row" }, c))))));
}
