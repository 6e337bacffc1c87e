//go:build !windows

package tests

import (
	"net"
	"os"
	"syscall"
	"testing"
)

// tooManyOpenFiles lowers the limit of this process to the descriptors that
// it has, for as long as it takes to ask for one more.
func tooManyOpenFiles(t *testing.T) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	next, err := os.Open(os.DevNull) // gets the lowest number that is free
	if err != nil {
		t.Fatal(err)
	}
	lowest := uint64(next.Fd())
	next.Close()

	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	low := before
	low.Cur = lowest
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	_, err = net.Dial("tcp", l.Addr().String())
	if restore := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); restore != nil {
		t.Fatal(restore)
	}
	return err
}
