// Package neterror words the errors of this chapter's programs.
package neterror

import (
	"errors"
	"fmt"
	"net"
)

// Cause leaves out what Go's network errors say of the addresses, because the
// programs' own lines name them already: "connect: connection refused".
func Cause(err error) error {
	var op *net.OpError
	for errors.As(err, &op) { // one may be inside another
		err = op.Err
	}
	return err
}

// Listen says that a server can't listen on addr, and what to try next.
func Listen(addr string, err error) error {
	return fmt.Errorf("cannot listen on %s: %w; %s", addr, Cause(err), listenAdvice(err))
}

func listenAdvice(err error) string {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return "give an address of this machine, such as -addr 127.0.0.1:65432"
	case errors.Is(err, AddressInUse):
		return "another program has this port: stop it, or take a free port with -addr 127.0.0.1:0"
	case errors.Is(err, AddressNotAvailable):
		return "no interface of this machine has that address: try -addr 127.0.0.1:65432"
	case errors.Is(err, PermissionDenied):
		return "the system reserves this port: take one above 1023, such as -addr 127.0.0.1:65432"
	}
	return "docs/errors.md explains the common errors"
}
