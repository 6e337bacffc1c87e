//go:build !linux && !darwin

// Command client is chapter 1's echo client again, in the system calls of Linux and
// macOS. Other systems have other calls.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "01-echo/berkeley/client makes the system calls of Linux and macOS; on this system run: go run ./01-echo/client")
	os.Exit(1)
}
