//go:build !windows

package cli

import "syscall"

const (
	addressInUse        = syscall.EADDRINUSE
	addressNotAvailable = syscall.EADDRNOTAVAIL
	brokenPipe          = syscall.EPIPE
	connectionRefused   = syscall.ECONNREFUSED
	connectionReset     = syscall.ECONNRESET
	hostUnreachable     = syscall.EHOSTUNREACH
	invalidArgument     = syscall.EINVAL
	messageTooLong      = syscall.EMSGSIZE
	networkUnreachable  = syscall.ENETUNREACH
	permissionDenied    = syscall.EACCES
)

// What a person types to end the input.
const endOfInput = "Ctrl-D"
