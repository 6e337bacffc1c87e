package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"example.com/sockets/01-echo/internal/cli"
)

// A server holds what the command line asks for.
type server struct {
	addr        string
	idleTimeout time.Duration
	bufferSize  int       // bytes
	reads       bool      // print a line for each Read
	out         io.Writer // the first and the last line
	log         io.Writer // lines about single connections
}

// fromFlags makes the server that the command line asks for.
func fromFlags() server {
	s := server{addr: "127.0.0.1:65432", idleTimeout: 30 * time.Second, out: os.Stdout,
		log: os.Stdout}
	flag.Var((*cli.ListenAddr)(&s.addr), "addr", "listen on `host:port`, such as [::1]:8080;\n"+
		"no host, as in :8080, means every address of this computer;\nport 0 picks a free one")
	flag.Var((*cli.Duration)(&s.idleTimeout), "idle-timeout",
		"hang up on a client that is silent, or does not read,\n"+
			"for this `duration`, such as 10s")
	// Small on purpose: a longer message takes several Reads, as in real life.
	flag.IntVar(&s.bufferSize, "buffer", 1024,
		"read at most this many `bytes` at a time, such as 5")
	flag.BoolVar(&s.reads, "reads", false,
		"print a line for each Read, to make partial reads visible")
	quiet := flag.Bool("quiet", false, "leave out the lines about single connections")
	cli.Parse("01-echo/server",
		"The echo server: sends every byte back, one client after another.", s.check)
	if *quiet {
		s.log = io.Discard
	}
	return s
}

// check objects to what the flags by themselves let pass.
func (s *server) check() error {
	if s.bufferSize < 1 || s.bufferSize > 1<<20 {
		return fmt.Errorf("invalid value %d for flag -buffer: must be from 1 to 1048576",
			s.bufferSize)
	}
	return nil
}
