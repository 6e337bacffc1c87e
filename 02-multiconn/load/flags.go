package main

import (
	"flag"
	"fmt"
	"io"
	"time"

	"example.com/sockets/02-multiconn/internal/cli"
)

// fromFlags makes the load that the command line asks for, and returns where
// its progress goes.
func fromFlags() (l load, progress io.Writer) {
	cli.DialAddr(&l.addr)
	flag.IntVar(&l.conns, "conns", 50,
		"open this `number` of connections, such as 1000")
	flag.IntVar(&l.size, "size", 64,
		"send messages of this number of `bytes`, such as 1000;\nat most 65536")
	cli.Duration(&l.duration, "for", 10*time.Second,
		"send messages for this `duration`, such as 30s")
	cli.Duration(&l.timeout, "timeout", 10*time.Second,
		"give up on a connection or an echo that takes longer than this\n`duration`, such as 500ms")
	quiet := flag.Bool("quiet", false,
		"leave out the progress, which is a line for each second")
	cli.Parse("Put an echo server under load, and measure messages and round trips.",
		"go run ./02-multiconn/load [flags]", l.check)
	if *quiet {
		return l, io.Discard
	}
	return l, cli.Stdout
}

// check objects to values out of bounds.
func (l *load) check() error {
	switch {
	case l.conns < 1 || l.conns > 65535: // each needs a port of this computer
		return fmt.Errorf("invalid value %d for flag -conns: must be from 1 to 65535", l.conns)
	case l.size < 1 || l.size > maxSize:
		return fmt.Errorf("invalid value %d for flag -size: must be from 1 to %d", l.size, maxSize)
	case l.duration <= 0:
		return fmt.Errorf("invalid value %s for flag -for: must be more than 0", l.duration)
	case l.timeout <= 0:
		return fmt.Errorf("invalid value %s for flag -timeout: must be more than 0", l.timeout)
	}
	return nil
}
