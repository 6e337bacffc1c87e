package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"example.com/sockets/02-multiconn/internal/cli"
)

// With manyConns connections or more the client prints a summary in place of
// a line for each.
const manyConns = 20

// fromFlags makes the client that the command line asks for.
func fromFlags() *client {
	c := &client{out: cli.Stdout, progress: os.Stderr}
	cli.DialAddr(&c.addr)
	flag.IntVar(&c.conns, "conns", 2,
		"open this `number` of connections at once, such as 1000")
	flag.IntVar(&c.messages, "messages", 2,
		"send this `number` of messages on each connection,\nsuch as 10")
	cli.Duration(&c.timeout, "timeout", 10*time.Second,
		"give up on connecting, and on an echo, after this `duration`,\nsuch as 500ms")
	quiet := flag.Bool("quiet", false,
		fmt.Sprintf("print a summary in place of lines about single connections,\n"+
			"as with %d and more", manyConns))
	cli.Parse("Open many connections to an echo server at once, and check every echo.",
		"go run ./02-multiconn/client [flags]", c.check)
	c.lines = !*quiet && c.conns < manyConns
	return c
}

// check objects to values out of bounds.
func (c *client) check() error {
	// More than 65,535 is impossible: each needs a port of this computer.
	if c.conns < 1 || c.conns > 65535 {
		return fmt.Errorf("invalid value %d for flag -conns: must be from 1 to 65535", c.conns)
	}
	if c.messages < 1 {
		return fmt.Errorf("invalid value %d for flag -messages: must be 1 or more", c.messages)
	}
	if c.timeout <= 0 {
		return fmt.Errorf("invalid value %s for flag -timeout: must be more than 0", c.timeout)
	}
	return nil
}
