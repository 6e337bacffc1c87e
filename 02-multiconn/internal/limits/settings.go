package limits

import (
	"flag"
	"fmt"
	"time"

	"example.com/sockets/02-multiconn/internal/cli"
)

// Settings are what a server's flags set.
type Settings struct {
	MaxConns    int           // further clients wait in the kernel's backlog
	IdleTimeout time.Duration // 0: a client may be silent for ever
	Grace       time.Duration // for what is being written, on Ctrl-C
	Quiet       bool          // no lines about single connections
}

// Flags defines the flags that set s.
func (s *Settings) Flags(idleTimeout time.Duration) {
	flag.IntVar(&s.MaxConns, "max-conns", 10000,
		"serve at most this `number` of connections at once, such as 100;\n"+
			"further clients wait")
	cli.Duration(&s.IdleTimeout, "idle-timeout", idleTimeout,
		"hang up on a client that is silent, or does not read, for this\n"+
			"`duration`, such as 30s; 0 means never")
	cli.Duration(&s.Grace, "grace", 5*time.Second,
		"on Ctrl-C, wait at most this `duration`, such as 2s, for clients\n"+
			"that have yet to read")
	flag.BoolVar(&s.Quiet, "quiet", false,
		"leave out the lines about single connections")
}

// Check objects to values out of bounds.
func (s *Settings) Check() error {
	const invalid = "invalid value %v for flag -%s: must be %s"
	switch {
	case s.MaxConns < 1 || s.MaxConns > 1_000_000:
		return fmt.Errorf(invalid, s.MaxConns, "max-conns", "from 1 to 1000000")
	case s.IdleTimeout < 0:
		return fmt.Errorf(invalid, s.IdleTimeout, "idle-timeout", "0 or more")
	case s.Grace < 0:
		return fmt.Errorf(invalid, s.Grace, "grace", "0 or more")
	}
	return nil
}
