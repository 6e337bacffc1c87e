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
		what, query := args[0].String(), args[1].String()
		answer := document.Answer
		_, file := document.Files[what]
		if file {
			answer = document.File
		}
		text, err := answer(what, query)
		if err != nil {
			return js.Global().Get("Error").New(err.Error())
		}
		if !file {
			return string(text)
		}
		bytes := js.Global().Get("Uint8Array").New(len(text))
		js.CopyBytesToJS(bytes, text)
		return bytes
	}))
	js.Global().Call("ready") // worker.js waits for it
	select {}                 // the functions above are called from outside
}
