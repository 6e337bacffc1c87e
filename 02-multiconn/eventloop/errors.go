//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

var errStopped = errors.New("the server was stopped")

// checkFlags objects to what package flag lets pass.
func checkFlags(addr string, l *loop) error {
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
	if l.maxConns < 1 || l.maxConns > 1_000_000 {
		return fmt.Errorf("invalid value %d for flag -max-conns: must be from 1 to 1000000", l.maxConns)
	}
	if l.idleTimeout < 0 {
		return fmt.Errorf("invalid value %s for flag -idle-timeout: must be 0 or more", l.idleTimeout)
	}
	if l.grace < 0 {
		return fmt.Errorf("invalid value %s for flag -grace: must be 0 or more", l.grace)
	}
	return nil
}

// text writes an address as package net does: 127.0.0.1:54803, [::1]:54803.
func text(sa syscall.Sockaddr) string {
	switch sa := sa.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)).String()
	case *syscall.SockaddrInet6:
		addr := netip.AddrFrom16(sa.Addr).Unmap() // an IPv4 client of an IPv6 socket
		return netip.AddrPortFrom(addr, uint16(sa.Port)).String()
	}
	return "an unknown address"
}
