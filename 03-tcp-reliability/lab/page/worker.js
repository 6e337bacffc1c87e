// The engine as WebAssembly, in a worker: the page never waits for it.
importScripts("wasm_exec.js");

const started = (async () => {
  const go = new Go();
  const file = await fetch("engine.wasm.gz");
  if (!file.ok) throw new Error("engine.wasm.gz: " + file.status);
  const plain = file.body.pipeThrough(new DecompressionStream("gzip"));
  const { instance } = await WebAssembly.instantiateStreaming(
    new Response(plain, { headers: { "Content-Type": "application/wasm" } }), go.importObject);
  go.run(instance); // it sets self.answer, and runs for good
})();

onmessage = async ({ data: { id, what, query } }) => {
  try {
    await started;
    postMessage({ id, text: self.answer(what, query) });
  } catch (e) {
    postMessage({ id, error: String(e.message ?? e) });
  }
};
