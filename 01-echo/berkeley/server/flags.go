//go:build linux || darwin

package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"example.com/sockets/01-echo/internal/cli"
)

// A server holds what the command line asks for, and what the last line says.
type server struct {
	addr        string
	idleTimeout time.Duration
	log         io.Writer // lines about single connections

	clients, echoed atomic.Int64 // Ctrl-C reads them from another goroutine
}

// fromFlags makes the server that the command line asks for.
func fromFlags() *server {
	s := &server{addr: "127.0.0.1:65432", idleTimeout: 30 * time.Second, log: os.Stdout}
	flag.Var((*cli.ListenAddr)(&s.addr), "addr", "listen on `host:port`, such as [::1]:8080;\n"+
		"no host, as in :8080, means every address of this computer;\nport 0 picks a free one")
	flag.Var((*cli.Duration)(&s.idleTimeout), "idle-timeout",
		"hang up on a client that is silent, or does not read,\n"+
			"for this `duration`, such as 10s")
	quiet := flag.Bool("quiet", false, "leave out the lines about single connections")
	cli.Parse("01-echo/berkeley/server",
		"The echo server in the classic calls, for Linux and macOS.", s.check)
	if *quiet {
		s.log = io.Discard
	}
	return s
}

// check objects to what the flags by themselves let pass.
func (s *server) check() error {
	if s.idleTimeout < time.Microsecond { // the kernel would take it for "never"
		return fmt.Errorf("invalid value %s for flag -idle-timeout: must be 1µs or more",
			s.idleTimeout)
	}
	return nil
}
