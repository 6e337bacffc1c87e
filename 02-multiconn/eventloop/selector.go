//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import "time"

// events is what a socket is asked to report, or reports: that a read, or a
// write, would not wait.
type events uint8

const (
	readable events = 1 << iota
	writable
)

// ready is one socket that Select returns, and what it is ready for.
type ready struct {
	fd     int
	events events
}

// A selector watches sockets. Its methods have the names of Python's
// selectors; each system has its own call underneath, in a file of its own.
// All of them are level-triggered: a socket is reported by each Select for as
// long as it is ready.
var _ interface {
	// Register begins to watch fd for the given events.
	Register(fd int, e events) error
	// Modify replaces the events that fd is watched for.
	Modify(fd int, e events) error
	// Unregister ends it. Call it before closing fd.
	Unregister(fd int) error
	// Select waits until a socket is ready, or for timeout (negative: for
	// ever), and returns what is ready. The slice is valid until the next
	// call. An error or a hang-up of the peer counts as readable and writable:
	// the next read or write says what it is.
	Select(timeout time.Duration) ([]ready, error)
	Close() error
} = (*selector)(nil)

// milliseconds rounds up, so that a short wait does not become none.
func milliseconds(d time.Duration) int {
	if d < 0 {
		return -1
	}
	return int((d + time.Millisecond - 1) / time.Millisecond)
}
