package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"strings"
	"sync"

	"example.com/sockets/02-multiconn/neterror"
)

// checkFlags objects to what package flag lets pass.
func checkFlags(l load) error {
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: settings are given as flags", flag.Arg(0))
	}
	_, port, err := net.SplitHostPort(l.addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	switch {
	case err != nil:
		return fmt.Errorf("invalid value %q for flag -addr: %w", l.addr, err)
	case l.conns < 1:
		return fmt.Errorf("invalid value %d for flag -conns: must be 1 or more", l.conns)
	case l.size < 1 || l.size > maxSize:
		return fmt.Errorf("invalid value %d for flag -size: must be from 1 to %d", l.size, maxSize)
	case l.duration <= 0:
		return fmt.Errorf("invalid value %s for flag -for: must be more than 0", l.duration)
	case l.timeout <= 0:
		return fmt.Errorf("invalid value %s for flag -timeout: must be more than 0", l.timeout)
	}
	return nil
}

// advice says what to try next. The order matters: a name that can't be
// looked up may hide a refused connection, namely to the name server.
func advice(err error) string {
	var dns *net.DNSError
	var netErr net.Error
	switch {
	case errors.As(err, &dns):
		return "is the name spelled right? try the number instead: -addr 127.0.0.1:65432"
	case errors.Is(err, neterror.ConnectionRefused):
		return "is the server running? start it first: go run ./02-multiconn/server -quiet"
	case errors.Is(err, neterror.TooManyOpenFiles):
		return "each connection is an open file: take fewer with -conns, or raise the limit that ulimit -Hn shows (Go has raised the one of ulimit -n to that by itself)"
	case errors.Is(err, neterror.AddressNotAvailable), errors.Is(err, neterror.NoBuffers):
		return "the ephemeral ports for this server are used up: take fewer connections with -conns, or wait until those of earlier runs have left TIME-WAIT"
	case errors.Is(err, errClosedEarly), errors.Is(err, neterror.ConnectionReset),
		errors.Is(err, neterror.BrokenPipe):
		return "look at the server's terminal: was it stopped, or has it too many open files (ulimit -n)?"
	case errors.Is(err, errDiffers):
		return "is that an echo server? start ours: go run ./02-multiconn/server -quiet"
	case errors.As(err, &netErr) && netErr.Timeout():
		return "nothing came in time: is the address right, is that an echo server, and is -timeout long enough for so much load?"
	}
	return "docs/errors.md explains the common errors"
}

// failures counts errors by kind and keeps the first of each as an example.
// Two errors are of one kind when they call for the same advice.
type failures struct {
	mu     sync.Mutex // guards what follows
	kinds  []string   // in the order of their first error
	first  map[string]error
	counts map[string]int
}

func (f *failures) add(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.counts == nil {
		f.first, f.counts = map[string]error{}, map[string]int{}
	}
	kind := advice(err)
	if f.counts[kind] == 0 {
		f.kinds = append(f.kinds, kind)
		f.first[kind] = err
	}
	f.counts[kind]++
}

func (f *failures) count() (n int) {
	for _, c := range f.counts {
		n += c
	}
	return n
}

// explain returns one line for each kind of error, or nil where there is none.
func (f *failures) explain() error {
	var lines []string
	for _, kind := range f.kinds {
		lines = append(lines, fmt.Sprintf("%s, such as %v; %s",
			count(f.counts[kind], "error"), f.first[kind], kind))
	}
	if lines == nil {
		return nil
	}
	return errors.New(strings.Join(lines, "\n"))
}

// count returns n with its noun: "1 error", "2 errors".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
