//go:build linux || darwin

package main

import (
	"flag"
	"os"
	"sync/atomic"
	"time"

	"example.com/sockets/01-echo/internal/cli"
)

// A client holds what the command line asks for, and how far it has come.
type client struct {
	addr     string
	message  string        // "-" stands for standard input
	timeout  time.Duration // for connecting
	terminal bool          // a person types the input, and reads the errors

	received atomic.Int64 // bytes; Ctrl-C reads it from another goroutine
}

// fromFlags makes the client that the command line asks for.
func fromFlags() *client {
	c := &client{addr: "127.0.0.1:65432", timeout: 5 * time.Second,
		terminal: cli.IsTerminal(os.Stdin) && cli.IsTerminal(os.Stderr)}
	flag.Var((*cli.DialAddr)(&c.addr), "addr",
		"connect to the server at `host:port`, such as [::1]:8080;\n"+
			"no host, as in :8080, means this computer")
	flag.StringVar(&c.message, "message", "Hello, world",
		"the `text` to send, such as \"Good day\"; - sends standard\n"+
			"input and writes the bytes of the echo alone")
	flag.Var((*cli.Duration)(&c.timeout), "timeout",
		"give up connecting after this `duration`, such as 500ms")
	cli.Parse("01-echo/berkeley/client",
		"The echo client in the classic calls, for Linux and macOS.", nil)
	return c
}
