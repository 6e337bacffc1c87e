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
	settings.Flags(5 * time.Minute)
	cli.Parse("Echo to many clients at once, each in a goroutine of its own.",
		"go run ./02-multiconn/server [flags]", settings.Check)
	return &server{addr, limits.New(settings, cli.Stdout, os.Stderr)}
}
