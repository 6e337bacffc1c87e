//go:build linux || darwin

package main

import (
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/sockets/02-multiconn/internal/servertest"
)

// More connections than the system allows files: load says which limit it is.
func TestTooManyFiles(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // the kernel takes the calls
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	next, err := os.Open(os.DevNull) // its number is the first free one
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()

	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	few := before
	few.Cur = uint64(next.Fd()) + 5
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	defer syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before)
	err = load{l.Addr().String(), 50, 64, time.Minute, time.Minute}.run(t.Context(), io.Discard,
		io.Discard)
	if err == nil || !strings.HasPrefix(err.Error(), "connection ") ||
		!strings.Contains(err.Error(), "too many open files\neach connection is an open file") {
		t.Errorf("50 connections in fewer files gave: %v", err)
	}
	servertest.NoGoroutineLeft(t, code)

	// Nothing was sent on those that could be opened: all are open first.
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if came, err := io.ReadAll(conn); len(came) > 0 || err != nil {
		t.Errorf("the first connection brought %q, error %v, before all were open", came, err)
	}
}
