//go:build !linux && !darwin

// Command client is chapter 1's echo client again, in the system calls of Linux and
// macOS. Other systems have other calls.
package main

import (
	"errors"

	"example.com/sockets/01-echo/internal/cli"
)

func main() {
	cli.Fail(errors.New("01-echo/berkeley/client makes the system calls of Linux and macOS"),
		"on this system run: go run ./01-echo/client")
}
