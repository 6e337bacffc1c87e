package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"example.com/sockets/01-echo/internal/cli"
)

// largest is the most that one datagram can carry over IPv4, in bytes: 65535
// less 20 for the header of IP and 8 for that of UDP (RFC 768).
const largest = 65507

// A server holds what the command line asks for.
type server struct {
	addr       string
	bufferSize int       // bytes
	out        io.Writer // the first and the last line
	log        io.Writer // a line for each datagram
}

// fromFlags makes the server that the command line asks for.
func fromFlags() server {
	s := server{addr: "127.0.0.1:65432", out: os.Stdout, log: os.Stdout}
	flag.Var((*cli.ListenAddr)(&s.addr), "addr",
		"wait for datagrams at `host:port`, such as [::1]:8080;\n"+
			"no host, as in :8080, means every address of this computer;\nport 0 picks a free one")
	flag.IntVar(&s.bufferSize, "buffer", largest,
		"read at most this many `bytes` of a datagram, such as 5;\n"+
			"what is beyond them is lost")
	quiet := flag.Bool("quiet", false, "leave out the lines about single datagrams")
	cli.Parse("01-echo/udp/server",
		"The echo server over UDP: sends each datagram back to where it came from.", s.check)
	if *quiet {
		s.log = io.Discard
	}
	return s
}

// check objects to what the flags by themselves let pass.
func (s *server) check() error {
	if s.bufferSize < 1 || s.bufferSize > largest {
		return fmt.Errorf("invalid value %d for flag -buffer: must be from 1 to %d", s.bufferSize,
			largest)
	}
	return nil
}
