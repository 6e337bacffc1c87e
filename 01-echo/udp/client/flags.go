package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"example.com/sockets/01-echo/internal/cli"
)

// A client holds what the command line asks for.
type client struct {
	addr    string
	message string
	times   int           // how many datagrams
	timeout time.Duration // for the echoes
	out     io.Writer
}

// fromFlags makes the client that the command line asks for.
func fromFlags() client {
	c := client{addr: "127.0.0.1:65432", timeout: 2 * time.Second, out: os.Stdout}
	flag.Var((*cli.DialAddr)(&c.addr), "addr",
		"send to the server at `host:port`, such as [::1]:8080;\n"+
			"no host, as in :8080, means this computer")
	flag.StringVar(&c.message, "message", "Hello, world",
		"the `text` of each datagram, such as \"Good day\"")
	flag.IntVar(&c.times, "times", 1, "send this `number` of datagrams before reading, such as 3")
	flag.Var((*cli.Duration)(&c.timeout), "timeout",
		"wait for the echoes for this `duration`, such as 500ms")
	cli.Parse("01-echo/udp/client",
		"The echo client over UDP: sends datagrams and waits for each to come back.", c.check)
	return c
}

// check objects to what the flags by themselves let pass.
func (c *client) check() error {
	if c.times < 1 || c.times > 1_000_000 {
		return fmt.Errorf("invalid value %d for flag -times: must be from 1 to 1000000", c.times)
	}
	return nil
}
