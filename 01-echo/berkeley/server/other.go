//go:build !linux && !darwin

// Command server is chapter 1's echo server again, in the system calls of Linux and
// macOS. Other systems have other calls.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "01-echo/berkeley/server makes the system calls of Linux and macOS; on this system run: go run ./01-echo/server")
	os.Exit(1)
}
