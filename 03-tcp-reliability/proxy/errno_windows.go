package main

import "syscall"

// Windows numbers its socket errors by itself (winsock2.h). The constants of
// the same meaning in package syscall, such as EADDRINUSE, never occur there.
const (
	addressInUse        = syscall.Errno(10048) // WSAEADDRINUSE
	addressNotAvailable = syscall.Errno(10049) // WSAEADDRNOTAVAIL
	permissionDenied    = syscall.WSAEACCES
	tooManyFiles        = syscall.Errno(10024) // WSAEMFILE
)
