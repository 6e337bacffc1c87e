package main

import "syscall"

// Windows numbers its socket errors by itself (winsock2.h). The constants of
// the same meaning in package syscall, such as ECONNREFUSED, never occur there.
const (
	connectionRefused = syscall.Errno(10061) // WSAECONNREFUSED
	connectionReset   = syscall.WSAECONNRESET
	brokenPipe        = syscall.WSAECONNABORTED
)
