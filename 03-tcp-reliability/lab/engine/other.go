//go:build !(js && wasm)

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "this is a part of an exported lab and runs in a browser;\n"+
		"to make one: go run ./03-tcp-reliability/lab -export site")
	os.Exit(1)
}
