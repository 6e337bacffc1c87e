package cli

import "syscall"

// Windows numbers its socket errors by itself (winsock2.h). The constants of
// the same meaning in package syscall, such as ECONNREFUSED, never occur there.
const (
	addressInUse        = syscall.Errno(10048) // WSAEADDRINUSE
	addressNotAvailable = syscall.Errno(10049) // WSAEADDRNOTAVAIL
	brokenPipe          = syscall.WSAECONNABORTED
	connectionRefused   = syscall.Errno(10061) // WSAECONNREFUSED
	connectionReset     = syscall.WSAECONNRESET
	hostUnreachable     = syscall.Errno(10065) // WSAEHOSTUNREACH
	invalidArgument     = syscall.Errno(10022) // WSAEINVAL
	messageTooLong      = syscall.Errno(10040) // WSAEMSGSIZE
	networkUnreachable  = syscall.Errno(10051) // WSAENETUNREACH
	permissionDenied    = syscall.WSAEACCES
)

// What a person types to end the input.
const endOfInput = "Ctrl-Z and Enter"
