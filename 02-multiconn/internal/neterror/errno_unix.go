//go:build !windows

package neterror

import "syscall"

// The socket errors that call for an advice of their own.
const (
	AddressInUse        = syscall.EADDRINUSE
	AddressNotAvailable = syscall.EADDRNOTAVAIL // or no ephemeral port is left
	BrokenPipe          = syscall.EPIPE
	ConnectionRefused   = syscall.ECONNREFUSED
	ConnectionReset     = syscall.ECONNRESET
	NoBuffers           = syscall.ENOBUFS
	PermissionDenied    = syscall.EACCES
	TooManyOpenFiles    = syscall.EMFILE
)
