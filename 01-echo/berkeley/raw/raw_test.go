//go:build linux || darwin

package raw

import (
	"bytes"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestResolve(t *testing.T) {
	for addr, want := range map[string]syscall.Sockaddr{
		"127.0.0.1:65432": &syscall.SockaddrInet4{Port: 65432, Addr: [4]byte{127, 0, 0, 1}},
		"[::1]:80":        &syscall.SockaddrInet6{Port: 80, Addr: [16]byte{15: 1}},
		":9":              &syscall.SockaddrInet6{Port: 9},
	} {
		_, got, err := Resolve(addr)
		if err != nil {
			t.Errorf("%s: %v", addr, err)
			continue
		}
		if String(got) != String(want) {
			t.Errorf("%s became %s and not %s", addr, String(got), String(want))
		}
	}
	for _, addr := range []string{"127.0.0.1", "[fe80::1%lo]:80", "127.0.0.1:99999"} {
		if _, sa, err := Resolve(addr); err == nil {
			t.Errorf("%s became %s and should be refused", addr, String(sa))
		}
	}
}

// More than the send buffer holds: the kernel takes it in parts, the reader
// gets it in parts, and all of it arrives in order.
func TestPartialReadsAndWrites(t *testing.T) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fds[1])
	syscall.SetsockoptInt(fds[0], syscall.SOL_SOCKET, syscall.SO_SNDBUF, 4096)
	message := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
	go func() {
		if n, err := WriteAll(fds[0], message); n != len(message) || err != nil {
			t.Errorf("WriteAll wrote %d of %d bytes, error %v", n, len(message), err)
		}
		syscall.Close(fds[0])
	}()
	var got []byte
	buf := make([]byte, 1000)
	for {
		n, err := Read(fds[1], buf)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break // the end of the stream
		}
		got = append(got, buf[:n]...)
	}
	if !bytes.Equal(got, message) {
		t.Errorf("%d bytes arrived of %d, or they differ", len(got), len(message))
	}
}

func TestWriteToNobody(t *testing.T) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fds[0])
	syscall.Close(fds[1])
	n, err := WriteAll(fds[0], []byte("hello"))
	if diff := cmp.Diff(0, n); diff != "" || err != syscall.EPIPE {
		t.Errorf("wrote %d bytes, error %v; want 0 and %v", n, err, syscall.EPIPE)
	}
}
