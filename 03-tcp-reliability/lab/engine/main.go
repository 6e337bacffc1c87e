//go:build js && wasm

// Command engine is the simulator as WebAssembly: the page of an exported lab
// asks it what the page of a served one asks over HTTP.
package main

import (
	"runtime/debug"
	"syscall/js"

	"example.com/sockets/03-tcp-reliability/engine/document"
)

func main() {
	debug.SetGCPercent(400) // a run makes much garbage, and is soon over
	for range 3 {
		document.Answer("run", "") // the first runs of a fresh engine are slow
	}
	js.Global().Set("answer", js.FuncOf(func(_ js.Value, args []js.Value) any {
		text, err := document.Answer(args[0].String(), args[1].String())
		if err != nil {
			return js.Global().Get("Error").New(err.Error())
		}
		return string(text)
	}))
	js.Global().Call("ready") // worker.js waits for it
	select {}                 // the functions above are called from outside
}
