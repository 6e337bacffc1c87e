package main

import (
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
