package main

import (
	"errors"
	"io/fs"
	"net"
)

// cause leaves out what Go's errors say of addresses and files, because our own
// lines name them already: "bind: address already in use".
func cause(err error) error {
	var op *net.OpError
	for errors.As(err, &op) { // one may be inside another
		err = op.Err
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return err
}

// advice says what to try next when listening fails.
func advice(err error) string {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return "give an address of this machine, such as -listen 127.0.0.1:9000"
	case errors.Is(err, addressInUse):
		return "stop the program that has this port, or take a free one: -listen 127.0.0.1:0"
	case errors.Is(err, addressNotAvailable):
		return "no interface of this machine has that address: try -listen 127.0.0.1:9000"
	case errors.Is(err, permissionDenied):
		return "the system reserves this port: take one above 1023: -listen 127.0.0.1:9000"
	}
	return "docs/errors.md explains the common errors"
}

// dialAdvice says what to try next when the target can't be reached.
func dialAdvice(err error) string {
	if errors.Is(err, tooManyFiles) {
		return "a connection through the proxy needs two sockets: allow fewer with -max-conns"
	}
	return "is it running? start it first, or name another with -target"
}
