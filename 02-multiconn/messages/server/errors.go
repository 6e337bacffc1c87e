package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"time"
)

// checkFlags objects to what package flag lets pass.
func checkFlags(addr string, idleTimeout time.Duration) error {
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
	if idleTimeout <= 0 {
		return fmt.Errorf("invalid value %s for flag -idle-timeout: must be more than 0", idleTimeout)
	}
	return nil
}

// cause leaves out what Go's network errors say of the addresses, because our
// own lines name them already: "bind: address already in use".
func cause(err error) error {
	var op *net.OpError
	for errors.As(err, &op) { // one may be inside another
		err = op.Err
	}
	return err
}

// advice says what to try next when listening fails.
func advice(err error) string {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return "give an address of this machine, such as -addr 127.0.0.1:65432"
	case errors.Is(err, addressInUse):
		return "another program has this port: stop it, or take a free port with -addr 127.0.0.1:0"
	case errors.Is(err, addressNotAvailable):
		return "no interface of this machine has that address: try -addr 127.0.0.1:65432"
	case errors.Is(err, permissionDenied):
		return "the system reserves this port: take one above 1023, such as -addr 127.0.0.1:65432"
	}
	return "docs/errors.md explains the common errors"
}
