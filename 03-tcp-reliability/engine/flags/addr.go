//go:build !js

// A browser has no sockets: what runs there does without package net.

package flags

import (
	"errors"
	"flag"
	"net"
)

// Addr defines a flag for the address of a socket, host:port, of tcp or udp.
// What p holds is the default.
func Addr(fs *flag.FlagSet, p *string, network, name, usage string) {
	fs.Var(&addr{p, network}, name, usage)
}

type addr struct {
	text    *string
	network string
}

func (a *addr) String() string {
	if a.text == nil {
		return "" // package flag asks a zero value for the default
	}
	return *a.text
}

func (a *addr) Set(text string) error {
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = net.LookupPort(a.network, port)
	}
	if err != nil {
		return errors.New("must be host:port, such as 127.0.0.1:9000")
	}
	*a.text = text
	return nil
}
