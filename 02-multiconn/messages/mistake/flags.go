package main

import "example.com/sockets/02-multiconn/internal/cli"

// fromFlags answers -h: there is no other flag.
func fromFlags() {
	cli.Parse("Take one Read for one message, over TCP, and see what comes of it.",
		"go run ./02-multiconn/messages/mistake", func() error { return nil })
}
