//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

// Command eventloop is for Linux, macOS and the BSDs.
package main

import (
	"fmt"
	"os"
	"runtime"
)

func main() {
	fmt.Fprintf(os.Stderr, "the event loop uses epoll or kqueue, and %s has neither\n"+
		"run go run ./02-multiconn/server in its place: it behaves the same\n", runtime.GOOS)
	os.Exit(1)
}
