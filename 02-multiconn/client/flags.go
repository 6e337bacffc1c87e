package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"time"
)

// manyConns is from how many connections on a line for each is too much.
const manyConns = 20

// fromFlags makes the client that the command line asks for. Where that can't
// be understood, it says why and ends the program with status 2.
func fromFlags() *client {
	c := &client{out: os.Stdout}
	flag.StringVar(&c.addr, "addr", "127.0.0.1:65432",
		"connect to the server at `host:port`")
	flag.IntVar(&c.conns, "conns", 2,
		"open this `number` of connections at once")
	flag.IntVar(&c.messages, "messages", 2,
		"send this `number` of messages on each connection")
	flag.DurationVar(&c.timeout, "timeout", 10*time.Second,
		"give up on connecting, and on an echo, after this `duration`")
	quiet := flag.Bool("quiet", false,
		fmt.Sprintf("print a summary in place of lines about single connections, as with %d and more", manyConns))
	flag.Parse()
	c.lines = !*quiet && c.conns < manyConns
	if err := c.check(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		flag.Usage()
		os.Exit(2)
	}
	return c
}

// check objects to what package flag lets pass.
func (c *client) check() error {
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: settings are given as flags", flag.Arg(0))
	}
	_, port, err := net.SplitHostPort(c.addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return fmt.Errorf("invalid value %q for flag -addr: %w", c.addr, err)
	}
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
