// The address of the page: settings, which are flags and Go's business, and
// then what is looked at: the step, the packet, the side that is covered.
const views = { at: /^[1-9]\d{0,6}$/, see: /^(up|down)-[1-9]\d*$/, cover: /^(client|server)$/ };

export function parse(text) {
  const settings = [], view = {}, wrong = [];
  for (const part of text.split("&").filter(Boolean)) {
    const [key, ...rest] = part.split("="), value = rest.join("=");
    if (!Object.hasOwn(views, key)) settings.push(part);
    else if (views[key].test(value)) view[key] = value;
    else wrong.push(`invalid value "${value.slice(0, 40)}" for ${key}`);
  }
  return { settings: settings.join("&"), ...view, wrong };
}

// join is the address of settings and views, without those that are empty.
export function join(settings, view) {
  const parts = Object.keys(views).filter((k) => view[k]).map((k) => `${k}=${view[k]}`);
  return [settings, ...parts].filter(Boolean).join("&");
}

const pairs = (settings) => new Map(settings.split("&").filter(Boolean).map((p) => [p.split("=")[0], p]));

// set changes one setting.
export function set(settings, name, value) {
  const all = pairs(settings);
  all.set(name, `${name}=${encodeURIComponent(value)}`);
  return [...all.values()].join("&");
}

// losing takes from other settings which packets they lose.
export function losing(settings, other) {
  const all = pairs(settings), from = pairs(other);
  for (const name of ["loss", "drop", "spare"]) {
    if (from.has(name)) all.set(name, from.get(name));
    else all.delete(name);
  }
  return [...all.values()].join("&");
}
