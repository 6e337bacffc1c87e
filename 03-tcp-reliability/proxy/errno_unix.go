//go:build !windows

package main

import "syscall"

const (
	addressInUse        = syscall.EADDRINUSE
	addressNotAvailable = syscall.EADDRNOTAVAIL
	permissionDenied    = syscall.EACCES
	tooManyFiles        = syscall.EMFILE
)
