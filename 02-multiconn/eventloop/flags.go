//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"os"
	"time"

	"example.com/sockets/02-multiconn/internal/cli"
)

// fromFlags makes the loop that the command line asks for.
func fromFlags() *loop {
	l := &loop{out: cli.Stdout, errOut: os.Stderr}
	cli.ListenAddr(&l.addr)
	l.Flags(5 * time.Minute)
	cli.Parse("Echo to many clients at once, all in one thread: an event loop.",
		"go run ./02-multiconn/eventloop [flags]", l.Check)
	return l
}
