//go:build !windows

package main

import "syscall"

const (
	connectionRefused = syscall.ECONNREFUSED
	connectionReset   = syscall.ECONNRESET
	brokenPipe        = syscall.EPIPE
)
