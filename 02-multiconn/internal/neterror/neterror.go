// Package neterror words the errors of this chapter's programs. A text has two
// lines: what happened, and what to try. Both fit 80 columns.
package neterror

import (
	"errors"
	"fmt"
	"io"
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

// Root leaves out the name of the call, too: "connection refused".
func Root(err error) error {
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return err
}

// Listen says that a server can't listen on addr.
func Listen(addr string, err error) error {
	return fmt.Errorf("cannot listen on %s: %w\n%s", addr, Cause(err), listenAdvice(err))
}

// Accept says that a server that listens on addr can't accept a client. Most
// likely the process is out of file descriptors.
func Accept(addr string, err error) error {
	return fmt.Errorf("cannot accept a client on %s: %w\n%s", addr, Cause(err),
		"new clients wait in the backlog until connections close")
}

// Dial says that a client can't connect to addr, where server should run.
func Dial(addr string, err error, server string) error {
	return fmt.Errorf("cannot connect to %s: %w\n%s", addr, Cause(err), Advice(err, server))
}

const seePage = "docs/errors.md explains the common errors"

func listenAdvice(err error) string {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return "give an address of this machine, such as -addr 127.0.0.1:65432"
	case errors.Is(err, AddressInUse):
		return "another program has this port: stop it, or pick a free one: -addr 127.0.0.1:0"
	case errors.Is(err, AddressNotAvailable):
		return "no interface of this machine has that address: try -addr 127.0.0.1:65432"
	case errors.Is(err, PermissionDenied):
		return "the system reserves this port: take one above 1023, such as 65432"
	}
	return seePage
}

// Advice says what to try after a client's error. The server that it needs is
// started with "go run " and server. The order of the cases matters: a name
// that can't be looked up may hide a refused connection, namely to the name
// server.
func Advice(err error, server string) string {
	var dns *net.DNSError
	var netErr net.Error
	var answer wrong
	switch {
	case errors.As(err, &dns):
		return "is the name spelled right? try the number instead: -addr 127.0.0.1:65432"
	case errors.Is(err, ConnectionRefused):
		return "is the server running? start it first: go run " + server
	case errors.As(err, &answer):
		return "is that the right server? start ours: go run " + server
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, ConnectionReset), errors.Is(err, BrokenPipe):
		return "look at the server's terminal: was it stopped, or did its -idle-timeout pass?"
	case errors.Is(err, TooManyOpenFiles):
		return "each connection is an open file: take fewer -conns, or raise ulimit -Hn"
	case errors.Is(err, AddressNotAvailable), errors.Is(err, NoBuffers):
		return "no ephemeral port is left for that server: take fewer -conns, or wait a minute"
	case errors.As(err, &netErr) && netErr.Timeout():
		return "nothing answered: is the server full (-max-conns), or a firewall in the way?"
	}
	return seePage
}

// Wrong returns an error that says what is wrong with an answer: the program
// at the other end is not the server that the client needs.
func Wrong(format string, args ...any) error {
	return wrong(fmt.Sprintf(format, args...))
}

type wrong string

func (w wrong) Error() string { return string(w) }
