// Small helpers: elements are made, never written as HTML, since the texts of
// a run may hold anything.

export const $ = (id) => document.getElementById(id);

export function el(name, attributes = {}, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) e.addEventListener(key.slice(2), value);
    else if (value === true) e.setAttribute(key, "");
    else if (value !== false && value !== undefined && value !== "") e.setAttribute(key, value);
  }
  e.append(...children.filter((c) => c !== undefined && c !== ""));
  return e;
}

export function fill(e, ...children) {
  e.replaceChildren(...children.filter((c) => c !== undefined && c !== ""));
}

// svg parses a picture as XML, so that nothing in it can run.
export function svg(text) {
  const parsed = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  return document.adoptNode(parsed);
}

export function time(us) {
  const ms = us / 1000;
  return ms < 10000 ? `${+ms.toFixed(1)} ms` : `${+(ms / 1000).toFixed(1)} s`;
}

// rest lets the browser paint, and answer the mouse, before the next piece of work.
export const rest = () => new Promise((then) => setTimeout(then));
