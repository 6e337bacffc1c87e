package main

import "example.com/sockets/02-multiconn/internal/cli"

// fromFlags returns the address that the command line asks for.
func fromFlags() (addr string) {
	cli.DialAddr(&addr)
	cli.Parse("Send to an echo server until nothing fits any more, and never read.",
		"go run ./02-multiconn/neverreads [flags]", func() error { return nil })
	return addr
}
