package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"time"
)

// checkFlags objects to what package flag lets pass.
func checkFlags(addr string, timeout time.Duration) error {
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: settings are given as flags", flag.Arg(0))
	}
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return fmt.Errorf("invalid value %q for flag -addr: %w", addr, err)
	}
	if timeout <= 0 {
		return fmt.Errorf("invalid value %s for flag -timeout: must be more than 0", timeout)
	}
	return nil
}

// cause leaves out what Go's network errors say of the addresses, because our
// own lines name them already: "connect: connection refused".
func cause(err error) error {
	var op *net.OpError
	for errors.As(err, &op) { // one may be inside another
		err = op.Err
	}
	return err
}

// advice says what to try next. The order matters: a name that can't be
// looked up may hide a refused connection, namely to the name server.
func advice(err error) string {
	var dns *net.DNSError
	var netErr net.Error
	switch {
	case errors.As(err, &dns):
		return "is the name spelled right? try the number instead: -addr 127.0.0.1:65432"
	case errors.Is(err, connectionRefused):
		return "is the server running? start it first: go run ./01-echo/server"
	case errors.Is(err, errClosedEarly), errors.Is(err, connectionReset),
		errors.Is(err, brokenPipe):
		return "look at the server's terminal: was it stopped, or did its -idle-timeout pass?"
	case errors.Is(err, errDiffers):
		return "is that an echo server? start ours: go run ./01-echo/server"
	case errors.As(err, &netErr) && netErr.Timeout():
		return "nothing answered: is the address right, and does a firewall drop packets on the way?"
	}
	return "docs/errors.md explains the common errors"
}
