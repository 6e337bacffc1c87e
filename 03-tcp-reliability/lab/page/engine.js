// Where documents come from: the program that serves the page, or the same
// engine as WebAssembly in a worker. Only this file knows which.
import { rest } from "./dom.js";

export const served = document.documentElement.dataset.engine === "http";
const kept = new Map(); // answers, or those to come, by question: Back is instant
const limit = 60;

let worker, waiting = new Map(), asked = 0;

// run gives the document of an address. The view says how it is drawn: width,
// the run before, the side that is covered, the part of a long picture.
export async function run(address, view = {}) {
  return ask("run", address, view);
}

// picture gives the document's picture alone, which is there sooner.
export const picture = (address, view) => ask("picture", address, view);

// harm, compare and curves give what one more run for each packet, protocol or
// loss rate shows.
export const harm = (address, view) => ask("harm", address, view);
export const compare = (address, view) => ask("compare", address, view);
export const curves = (address) => ask("curves", address, {});

// file makes one of the files that can be taken away.
export const file = (name, address) => wasm(name, address);

async function ask(what, address, view) {
  const parts = Object.entries(view).filter(([, v]) => v !== undefined && v !== "");
  const query = [address, ...parts.map(([k, v]) => `${k}=${encodeURIComponent(v)}`)]
    .filter(Boolean).join("&");
  const key = what + "?" + query;
  if (!kept.has(key)) {
    kept.set(key, fresh(what, query));
    kept.get(key).catch(() => kept.delete(key));
    if (kept.size > limit) kept.delete(kept.keys().next().value);
  }
  return kept.get(key);
}

async function fresh(what, query) {
  const text = served ? await http(`${what}?${query}`) : await preset(what, query) ?? await wasm(what, query);
  if (what !== "run") return JSON.parse(text);
  await rest();
  return unfold(JSON.parse(text));
}

// Packets, events and states refer to what many of them share. unfold puts it
// into its places; what is the same stays one object.
function unfold(doc) {
  const row = (table) => (i) => doc[table][i];
  for (const p of doc.packets) {
    p.source = doc.sources[p.source];
    p.fields = p.fields.map(row("fields"));
  }
  for (const e of doc.events) e.source = doc.sources[e.source];
  for (const s of doc.states) s.facts = s.facts.map(row("facts"));
  return doc;
}

async function http(key) {
  const answer = await fetch(key, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(await answer.text());
  return new TextDecoder().decode(await answer.arrayBuffer()); // text() would block for long
}

// preset looks for a document that was made beforehand, so that the first
// picture, which is in it, needs no engine.
let presets;
async function preset(what, query) {
  if (what !== "run" && what !== "picture") return undefined;
  presets ??= fetch("presets.json").then((a) => (a.ok ? a.json() : {}), () => ({}));
  const file = (await presets)[query];
  if (!file) return undefined;
  const answer = await fetch(file);
  return answer.ok ? answer.text() : undefined;
}

function wasm(what, query) {
  warm();
  const id = ++asked;
  worker.postMessage({ id, what, query });
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

// warm starts the engine before it is needed: its first runs are slow.
export function warm() {
  if (served || worker) return;
  worker = new Worker("worker.js");
  worker.onmessage = ({ data }) => {
    const asker = waiting.get(data.id);
    waiting.delete(data.id);
    if (!asker) return;
    if (data.error) asker.reject(new Error(data.error));
    else asker.resolve(data.text);
  };
  worker.onerror = (e) => {
    for (const { reject } of waiting.values()) reject(new Error("the engine stopped: " + e.message));
    waiting.clear();
    worker = undefined;
  };
}
