package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"time"
)

// fromFlags makes the server that the command line asks for. Where that can't
// be understood, it says why and ends the program with status 2.
func fromFlags() *server {
	s := &server{out: os.Stdout, errOut: os.Stderr}
	flag.StringVar(&s.addr, "addr", "127.0.0.1:65432",
		"listen on `host:port`; port 0 picks a free one, no host means every address of this computer")
	flag.IntVar(&s.maxConns, "max-conns", 10000,
		"serve at most this `number` of connections at once; further clients wait")
	flag.DurationVar(&s.idleTimeout, "idle-timeout", 5*time.Minute,
		"hang up on a client that is silent, or does not read, for this `duration`; 0 means never")
	flag.DurationVar(&s.grace, "grace", 5*time.Second,
		"on Ctrl-C, let echoes in the middle finish for this `duration` at most")
	flag.BoolVar(&s.quiet, "quiet", false,
		"leave out the lines about single connections")
	flag.Parse()
	if err := s.check(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		flag.Usage()
		os.Exit(2)
	}
	return s.start()
}

// check objects to what package flag lets pass.
func (s *server) check() error {
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: settings are given as flags", flag.Arg(0))
	}
	_, port, err := net.SplitHostPort(s.addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return fmt.Errorf("invalid value %q for flag -addr: %w", s.addr, err)
	}
	if s.maxConns < 1 || s.maxConns > 1_000_000 {
		return fmt.Errorf("invalid value %d for flag -max-conns: must be from 1 to 1000000", s.maxConns)
	}
	if s.idleTimeout < 0 {
		return fmt.Errorf("invalid value %s for flag -idle-timeout: must be 0 or more", s.idleTimeout)
	}
	if s.grace < 0 {
		return fmt.Errorf("invalid value %s for flag -grace: must be 0 or more", s.grace)
	}
	return nil
}
