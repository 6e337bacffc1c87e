package main

import (
	"os"
	"time"

	"example.com/sockets/02-multiconn/internal/cli"
	"example.com/sockets/02-multiconn/internal/limits"
)

// fromFlags makes the server that the command line asks for.
func fromFlags() *server {
	var addr string
	var settings limits.Settings
	cli.ListenAddr(&addr)
	settings.Flags(30 * time.Second)
	cli.Parse("Answer messages: search for what a client asks, or send back its first bytes.",
		"go run ./02-multiconn/messages/server [flags]", settings.Check)
	return &server{addr: addr, Server: limits.New(settings, cli.Stdout, os.Stderr)}
}
