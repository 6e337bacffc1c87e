package neterror

import "syscall"

// The socket errors that call for an advice of their own. Windows numbers them
// by itself (winsock2.h). The constants of the same meaning in package
// syscall, such as ECONNREFUSED, never occur there.
const (
	AddressInUse        = syscall.Errno(10048) // WSAEADDRINUSE
	AddressNotAvailable = syscall.Errno(10049) // WSAEADDRNOTAVAIL
	BrokenPipe          = syscall.WSAECONNABORTED
	ConnectionRefused   = syscall.Errno(10061) // WSAECONNREFUSED
	ConnectionReset     = syscall.WSAECONNRESET
	NoBuffers           = syscall.Errno(10055) // WSAENOBUFS
	PermissionDenied    = syscall.WSAEACCES
	TooManyOpenFiles    = syscall.Errno(10024) // WSAEMFILE
)
