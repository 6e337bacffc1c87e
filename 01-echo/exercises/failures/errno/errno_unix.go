//go:build !windows

// Package errno names three errors of the kernel, for errors.Is. Each system has
// numbers of its own for them.
package errno

import "syscall"

const (
	Refused    = syscall.ECONNREFUSED // nobody listens there
	Reset      = syscall.ECONNRESET   // the peer's RST came
	BrokenPipe = syscall.EPIPE        // a Write on a connection that is over
)
