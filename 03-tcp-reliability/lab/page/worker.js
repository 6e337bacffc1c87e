// The engine as WebAssembly, in a worker: the page never waits for it.
importScripts("wasm_exec.js");

const started = (async () => {
  const go = new Go();
  const file = await fetch("engine.wasm.gz");
  if (!file.ok) throw new Error("engine.wasm.gz: " + file.status);
  const plain = file.body.pipeThrough(new DecompressionStream("gzip"));
  const { instance } = await WebAssembly.instantiateStreaming(
    new Response(plain, { headers: { "Content-Type": "application/wasm" } }), go.importObject);
  const ready = new Promise((resolve) => { self.ready = resolve; });
  go.run(instance); // it sets self.answer, calls self.ready, and runs for good
  await ready;
})();

onmessage = async ({ data: { id, what, query } }) => {
  try {
    await started;
    const text = self.answer(what, query);
    if (text instanceof Error) throw text;
    postMessage({ id, text });
  } catch (e) {
    postMessage({ id, error: String(e.message ?? e) });
  }
};
