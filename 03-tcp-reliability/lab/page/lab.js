// The lab's page: an address in, a document out, and steps through it. It
// knows no protocol: all words and pictures come with the document.
import * as addresses from "./address.js";
import { $, el, fill, rest, time } from "./dom.js";
import * as engine from "./engine.js";
import * as extra from "./extra.js";
import * as panels from "./panels.js";
import * as stage from "./stage.js";

let doc;                  // what is shown
let address = "", before; // of its settings, and of the run that it is compared with
let at = 0, see = "";     // the event, and the packet that was chosen
let cover = "";           // the side that is covered
let costs = "";           // the picture with the harm of each loss, while that is asked for
let wrong = [];           // what the page's own part of the address got wrong
let playing = 0, asked = 0;
let asking, shown;        // the run that is on its way, and the promise of it
let moved = false;        // since the address was written

const first = document.querySelector("#presets a").dataset.go;
const last = () => doc.events.length - 1;
const find = (id = "") => doc?.packets.find((p) => p.id === id.replace("-copy", ""));

// Behind "?" when a program serves the page, behind "#" everywhere.
function write(push) {
  moved = false;
  const text = addresses.join(address, { at: at < last() ? at + 1 : "", see, cover });
  history[push ? "pushState" : "replaceState"]({ before }, "", engine.served ? location.pathname + (text && "?" + text) : "#" + text);
}

// settle writes the address when a key or the mouse rests: browsers allow some
// twenty writings a second.
function settle() {
  if (moved && !playing) write(false);
}

function start() {
  const { settings, wrong: bad, ...view } = addresses.parse(location.hash.slice(1) || location.search.slice(1));
  wrong = bad;
  cover = $("cover").value = view.cover ?? "";
  const was = history.state?.before, place = { at: view.at, see: view.see }; // of a long picture
  return go(settings || first, { push: null, was, event: view.at && view.at - 1, packet: view.see, view: { ...drawn(was, ""), ...place } }).then((done) => done && at < last() && stage.follow());
}

// go shows the run of an address; what differs from the run that was is marked.
// It says whether it did: a newer question may have come meanwhile.
function go(next, how = {}) {
  asking = [next, how];
  return shown = load(next, how);
}

// drawn is how a picture is asked for: a long one from where it is looked at.
const drawn = (was, top = stage.top()) => ({ width: stage.width(), before: was, cover, top });

// The picture comes first, and placed is told: the rest takes longer to make.
async function load(next, { push = true, was, event, packet = "", view = drawn(was, ""), placed = () => {} }) {
  const turn = ++asked;
  stop();
  $("busy").hidden = false;
  try {
    if (push !== null) {
      const { picture } = await engine.picture(next, view);
      if (turn !== asked) return false;
      stage.draw(picture);
      placed();
      await rest();
    }
    const got = await engine.run(next, view);
    await rest();
    if (turn !== asked) return false;
    stage.draw(got.picture);
    await rest();
    if (turn !== asked) return false;
    doc = got;
  } catch (e) {
    if (turn === asked) problems([e.message]);
    return false;
  } finally {
    if (turn === asked) {
      $("busy").hidden = true;
      asking = undefined;
    }
  }
  if (push) wrong = [];
  if (event > last()) wrong.push(`the run has ${last() + 1} steps`);
  if (packet && !find(packet)) wrong.push(`the run has no packet ${packet}`);
  address = doc.address;
  before = was;
  see = find(packet) ? packet : "";
  at = Math.min(event ?? last(), last());
  if (push !== null) write(push);
  costs = "";
  render();
  extra.follow(address, cost);
  return true;
}

function draw(picture) {
  stage.draw(picture);
  stage.label(doc, see, cover);
}

function problems(list) {
  fill($("problems"), ...list.map((p) => el("p", {}, p)));
}

function render() {
  draw(doc.picture);
  fill($("story"), ...(cover ? [] : doc.story ?? []).map((c) => el("li", {}, c)));
  $("verdict").textContent = doc.result.verdict;
  $("difference").textContent = doc.before ?? "";
  $("command").textContent = doc.command;
  $("names").textContent = doc.names;
  text();
  problems([...wrong, ...doc.problems ?? [], ...doc.notes ?? []]);
  stage.plots(doc);
  for (const s of doc.settings) {
    const field = $("f-" + s.name);
    if (!s.problem && (document.activeElement !== field || field.matches("select"))) field.value = s.value;
    field.ariaInvalid = String(!!s.problem);
    $("u-" + s.name).textContent = s.problem ?? s.usage;
    field.closest("label").hidden = !s.problem && s.for?.length > 0 && !s.for.includes(doc.protocol);
  }
  $("watch").textContent = "";
  for (const a of document.querySelectorAll("#presets a")) {
    a.ariaCurrent = String(a.dataset.go === doc.address);
    if (a.dataset.go === doc.address) $("watch").textContent = a.dataset.watch;
  }
  $("scrub").max = last();
  for (const a of document.querySelectorAll("[data-take]")) a.href = `${a.dataset.take}?${address}`;
  invite();
  step(at, false);
}

// text fills in the run as text, which may be long, when it is looked at.
function text() {
  if (cover) $("text").textContent = "Covered: it tells of both ends.";
  else if ($("ladder").open && doc) $("text").textContent = doc.text;
}

// known says whether the side that is not covered can know of an event.
const known = (event) => !cover || event && event.end !== "" && event.end !== cover;

// step shows event n: the state is the one after it.
function step(n, remember = true) {
  if (!doc) return;
  at = Math.min(Math.max(0, n), last());
  const event = doc.events[at], says = known(event) ? event.sentence : "Something happens that this end can't see.";
  stage.curtain(doc, at);
  stage.now(event.at_us);
  $("scrub").value = at;
  $("scrub").setAttribute("aria-valuetext", `${time(event.at_us)}: ${says}`);
  $("step").textContent = at < last() ? says : find(see) && !cover ? `Packet ${find(see).label}. ${find(see).sentence} ${doc.before ?? ""}` : "This is the whole run. Step back, or Play it from the start.";
  $("when").textContent = `Step ${at + 1} of ${last() + 1}, at ${time(event.at_us)}:`;
  if (remember && at < last()) stage.follow(); // before more of the layout changes
  show();
  moved ||= remember;
}

// show lights what belongs to the event, and fills the panels.
function show() {
  const event = doc.events[at];
  stage.light(at < last() && (known(event) || see) && event, see); // at the end it is about the whole run
  document.body.dataset.cover = cover;
  const lost = at === last() && !cover && doc.packets.find((p) => p.fate === "lost"); // what one asks first
  panels.show(doc, at, find(see || known(event) && event.packet || lost?.id || ""), cover);
}

// move goes to the next event that can be known and that fits.
function move(by, fits = () => true) {
  if (!doc) return;
  stop();
  for (let n = at + by; n >= 0 && n <= last(); n += by) {
    if (known(doc.events[n]) && fits(doc.events[n])) return step(n);
  }
  step(by < 0 ? 0 : last());
}

// Where to jump: what happens rarely.
const landmark = (e) => /lost|again|discarded|dropped|read/.test(e.what);

// Playing: in the run's own time, slowed down, and never slower than a step in
// two seconds. While it is paused there is no timer and no frame.
function play() {
  if (!doc) return;
  if (playing) return stop();
  if (at === last()) step(0);
  $("play").textContent = "Pause";
  $("step").setAttribute("aria-live", "off"); // it would never end speaking
  const next = () => {
    const now = doc.events[at].at_us;
    do at++; while (at < last() && !known(doc.events[at]));
    step(at);
    if (at === last()) {
      stop();
      return settle();
    }
    playing = setTimeout(next, Math.min(2000, Math.max(60, (doc.events[at].at_us - now) / 1000 * $("speed").value)));
  };
  playing = setTimeout(next, 60);
}

function stop() {
  clearTimeout(playing);
  playing = 0;
  $("play").textContent = "Play";
  $("step").setAttribute("aria-live", "polite");
}

// prepare asks for the picture of a click while the mouse is still pressed.
function prepare(id) {
  const p = find(id);
  if (p?.toggle !== undefined) engine.picture(p.toggle, drawn(address)).catch(() => {});
}

// toggle loses a packet or spares it: the address is the document's. Who looks
// at a moment goes to the one in which the packet is sent.
async function toggle(id) {
  await shown; // a second click is about the run that the first one makes
  const p = find(id), sent = doc.events.findIndex((e) => e.packet === p?.id);
  if (!p) return;
  if (p.toggle === undefined) return choose(id);
  const top = () => stage.packet(id)?.getBoundingClientRect().top ?? 0, y = top();
  const event = at === last() ? undefined : sent + (p.toggle_word === "lose");
  const placed = () => scrollBy({ top: top() - y, behavior: "instant" }); // so that a second click meets the same arrow
  if (!await go(p.toggle, { was: address, packet: id, event, view: drawn(address), placed })) return;
  placed();
  stage.packet(id)?.focus({ preventScroll: true });
  stage.uncover(id);
}

// part draws another part of the same run's long picture.
async function part(top) {
  const turn = asked;
  try {
    const { picture } = await engine.picture(address, drawn(before, top));
    if (turn !== asked) return;
    draw(picture);
    step(at, false);
  } catch (e) {
    problems([e.message]);
  }
}

function choose(id) {
  see = id;
  show();
  moved = true;
}

// cost shows a picture of the same run with what each loss would cost, or the
// run's own again; none is shown while a side is covered.
function cost(picture) {
  if (costs === picture || cover) return;
  costs = picture;
  draw(costs || doc.picture);
  step(at, false);
}

// invite says what a click does.
const verb = matchMedia("(pointer: coarse)").matches ? "Tap" : "Click";
const invitation = $("invite").textContent = $("invite").textContent.replaceAll("Click", verb);
function invite(id) {
  const p = find(id);
  $("invite").textContent = !p || cover ? invitation : p.toggle_word ? `${verb} to ${p.toggle_word} packet ${p.label}.` : p.fixed ?? invitation;
}

// again draws the same run anew.
const again = (push = null) => {
  const [next, how] = asking ?? [address, { push, was: before, event: at, packet: see }];
  return go(next, { ...how, view: drawn(how.was) });
};

function covering(side) {
  cover = $("cover").value = side;
  step(at);
  again(false); // a picture without what this end can't know
}

function faster(by) {
  const speed = $("speed");
  speed.selectedIndex = Math.min(Math.max(speed.selectedIndex - by, 0), speed.length - 1);
}

function open(id) {
  $(id).open = !$(id).open;
  if (!$(id).open) return;
  $(id).querySelector("summary").focus();
  $(id).scrollIntoView({ block: "nearest" });
}

const sides = ["", "server", "client"];
const keys = {
  ArrowLeft: (e) => move(-1, e.shiftKey ? landmark : undefined),
  ArrowRight: (e) => move(1, e.shiftKey ? landmark : undefined),
  Home: () => { stop(); step(0); },
  End: () => { stop(); step(last()); },
  " ": play,
  "+": () => faster(1),
  "-": () => faster(-1),
  p: () => (stage.packet(see || doc.events[at].packet) ?? stage.packets()[0])?.focus(),
  c: () => covering(sides[(sides.indexOf(cover) + 1) % 3]),
  h: () => extra.ask("harm", address, cost),
  m: () => extra.ask("compare", address, cost),
  e: () => extra.ask("curves", address, cost),
  t: () => open("ladder"),
  "?": () => open("help"),
};

// then does something when the run is there that is on its way.
const then = (does) => (asking ? shown.then(does) : does());

function key(e) {
  if (!doc || e.ctrlKey || e.metaKey || e.altKey || e.target.matches("input:not([type=range]), select, textarea")) return;
  const a = e.target.closest("#picture a[id]");
  if (a && (e.key === "ArrowUp" || e.key === "ArrowDown")) {
    e.preventDefault();
    return stage.walk(a, e.key === "ArrowUp" ? -1 : 1);
  }
  if (a && e.key === "Delete") return toggle(a.id);
  if (e.key === " " && e.target.matches("button, summary")) return;
  if (e.target.id === "scrub" && /^(Arrow|Home|End)/.test(e.key) && !e.shiftKey) return;
  if (!Object.hasOwn(keys, e.key)) return;
  e.preventDefault();
  then(() => keys[e.key](e));
}

function click(e) {
  // The mouse may be pressed on one arrow and let go on what is lit then.
  const picture = e.target.closest("#picture"), a = e.detail && picture && stage.hit(e) || e.target.closest("a");
  if (picture && !a) $("invite").textContent = `No packet there: ${verb.toLowerCase()} on an arrow, or on its name.`;
  if (!a || e.ctrlKey || e.metaKey || e.shiftKey || e.button) return;
  const elsewhere = a.closest("#extra svg");
  if (a.closest("#picture") && a.id) toggle(a.id);
  else if (elsewhere) go(addresses.losing(address, a.getAttribute("href").slice(1)), { was: address });
  else if (a.dataset.go !== undefined) go(a.dataset.go);
  else if (a.dataset.toggle !== undefined) toggle(a.dataset.toggle);
  else if (a.dataset.take && !engine.served) take(a.dataset.take);
  else return;
  e.preventDefault();
}

// take saves a file that the worker makes.
async function take(name) {
  try {
    const bytes = await engine.file(name, address);
    const link = el("a", { href: URL.createObjectURL(new Blob([bytes])), download: name });
    link.click();
    URL.revokeObjectURL(link.href);
  } catch (e) {
    problems([e.message]);
  }
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    $("copied").textContent = "Copied.";
  } catch {
    prompt("Copy this:", text);
  }
}

function wire() {
  for (const [id, does] of [["back", () => move(-1)], ["next", () => (at < last() ? move(1) : step(0))], ["play", play]]) $(id).onclick = () => then(does);
  $("scrub").oninput = (e) => { stop(); step(Number(e.target.value)); };
  $("cover").onchange = (e) => covering(e.target.value);
  $("form").onchange = async (e) => {
    await go(addresses.set(address, e.target.name, e.target.value));
    (document.querySelector("[aria-invalid=true] + small") ?? $("problems").firstChild)?.scrollIntoView({ block: "nearest" });
  };
  $("form").onsubmit = (e) => e.preventDefault();
  $("run").hidden = true;
  for (const id of ["controls", "sides", "questions", "copies"]) $(id).hidden = false;
  for (const a of document.querySelectorAll("[data-take]")) a.hidden = false;
  for (const b of document.querySelectorAll("[data-ask]")) b.onclick = () => extra.ask(b.dataset.ask, address, cost);
  document.addEventListener("click", click);
  document.addEventListener("keydown", key);
  for (const rest of ["keyup", "click", "change"]) document.addEventListener(rest, settle);
  const packet = (e) => e.target.closest("#picture a[id]")?.id;
  $("picture").addEventListener("focusin", (e) => { if (packet(e)) { choose(packet(e)); invite(see); } });
  $("picture").addEventListener("pointerdown", (e) => prepare(stage.hit(e)?.id));
  for (const m of ["pointermove", "pointerleave"]) $("picture").addEventListener(m, (e) => invite(stage.hit(e)?.id));
  $("copy-link").onclick = () => {
    write(false);
    copy(location.href);
  };
  $("copy-command").onclick = () => copy(doc.command);
  const narrow = matchMedia("(max-width: 45rem)"), fold = () => { $("examples").open = $("change").open = !narrow.matches; };
  narrow.onchange = fold;
  fold();
  $("ladder").ontoggle = text;
  onpopstate = start;
  stage.watch(() => doc && again(), part);
}

wire();
start().then(engine.warm);
