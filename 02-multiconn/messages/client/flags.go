package main

import (
	"flag"
	"fmt"
	"time"
	"unicode/utf8"

	"example.com/sockets/02-multiconn/internal/cli"
)

// fromFlags makes the client that the command line asks for.
func fromFlags() *client {
	c := &client{out: cli.Stdout}
	cli.DialAddr(&c.addr)
	cli.Duration(&c.timeout, "timeout", 5*time.Second,
		"give up connecting, and then waiting for the reply, after this\n`duration`, such as 500ms")
	cli.ParseArgs("Send one request to the message server, and print its reply.",
		"go run ./02-multiconn/messages/client [flags] search TEXT\n"+
			"    go run ./02-multiconn/messages/client [flags] binary TEXT", c.check)
	return c
}

// check objects to values out of bounds, and takes the arguments.
func (c *client) check() error {
	if c.timeout <= 0 {
		return fmt.Errorf("invalid value %s for flag -timeout: must be more than 0", c.timeout)
	}
	if flag.NArg() != 2 {
		return fmt.Errorf("expected an action and a text, and got %d arguments\n"+
			"an example: search morpheus", flag.NArg())
	}
	c.action, c.value = flag.Arg(0), flag.Arg(1)
	if c.action != "search" && c.action != "binary" {
		return fmt.Errorf("unknown action %q: the actions are search and binary", c.action)
	}
	if c.action == "search" && !utf8.ValidString(c.value) {
		return fmt.Errorf("cannot search for %q: it is not valid UTF-8", c.value)
	}
	return nil
}
