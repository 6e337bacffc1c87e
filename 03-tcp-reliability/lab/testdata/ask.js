// Asks the engine in WebAssembly what the tests of the lab ask: a question a
// line comes in, and its answer goes out behind a line with its length in bytes.
const fs = require("fs");
const [, , glue, wasm] = process.argv;
require(glue);

function answer(line) {
  const [what, query] = [line.slice(0, line.indexOf("?")), line.slice(line.indexOf("?") + 1)];
  const got = globalThis.answer(what, query);
  const text = Buffer.from(got instanceof Error ? "error: " + got.message + "\n" : got);
  fs.writeSync(1, text.length + "\n");
  for (let from = 0; from < text.length;) from += fs.writeSync(1, text, from);
}

globalThis.ready = async () => {
  const lines = require("readline").createInterface({ input: process.stdin });
  for await (const line of lines) answer(line);
  process.exit(0);
};
const go = new Go();
WebAssembly.instantiate(fs.readFileSync(wasm), go.importObject).then(({ instance }) => go.run(instance));
