package neterror

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
)

// Each error has its advice, and both fit 80 columns.
func TestAdvice(t *testing.T) {
	const addr = "127.0.0.1:65432"
	call := func(name string, err error) error {
		return &net.OpError{Op: name, Net: "tcp", Err: os.NewSyscallError(name, err)}
	}
	dial := func(err error) error { return Dial(addr, err, "./02-multiconn/messages/server") }
	listen := func(err error) error { return Listen(addr, err) }
	// A name server that refuses is not a server that refuses.
	unknown := &net.OpError{Op: "dial", Err: &net.DNSError{
		UnwrapErr: ConnectionRefused, Err: "no such host", Name: "nosuchhost.invalid"}}
	for _, test := range []struct {
		words func(error) error
		err   error
		want  string // the second line begins with this
	}{
		{dial, call("connect", ConnectionRefused), "is the server running?"},
		{dial, unknown, "is the name spelled right?"},
		{dial, call("read", ConnectionReset), "look at the server's terminal"},
		{dial, call("write", BrokenPipe), "look at the server's terminal"},
		{dial, io.EOF, "look at the server's terminal"},
		{dial, fmt.Errorf("5 of 6 bytes: %w", io.ErrUnexpectedEOF),
			"look at the server's terminal"},
		{dial, call("socket", TooManyOpenFiles), "each connection is an open file"},
		{dial, call("connect", AddressNotAvailable), "no ephemeral port is left"},
		{dial, call("connect", NoBuffers), "no ephemeral port is left"},
		{dial, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, "nothing answered"},
		{dial, Wrong("byte %d", 5), "is that the right server?"},
		{dial, errors.New("a surprise"), "docs/errors.md"},
		{listen, call("bind", AddressInUse), "another program has this port"},
		{listen, call("bind", AddressNotAvailable), "no interface of this machine"},
		{listen, call("bind", PermissionDenied), "the system reserves this port"},
		{listen, unknown, "give an address of this machine"},
		{listen, errors.New("a surprise"), "docs/errors.md"},
		{func(err error) error { return Accept(addr, err) }, call("accept4", TooManyOpenFiles),
			"new clients wait"},
	} {
		said := test.words(test.err).Error()
		first, second, _ := strings.Cut(said, "\n")
		if !strings.HasPrefix(second, test.want) || strings.Contains(second, "\n") {
			t.Errorf("%v: the advice is %q and should begin with %q", test.err, second, test.want)
		}
		// A long name of a host may make a line longer.
		if test.err != unknown && max(len(first), len(second)) > 80 {
			t.Errorf("wider than 80 columns:\n%s", said)
		}
	}
}

// Errors that call for one advice are explained once, with the first of them.
func TestFailures(t *testing.T) {
	f := &Failures{Server: "./02-multiconn/server"}
	if err := f.Explain("127.0.0.1:65432"); err != nil || f.Count() != 0 {
		t.Errorf("nothing failed, and it says %d, %v", f.Count(), err)
	}
	f.Add(7, fmt.Errorf("0 of 22 bytes, then %w", io.EOF))
	f.Add(3, Wrong("byte 2 is wrong"))
	f.Add(9, fmt.Errorf("5 of 22 bytes, then %w", ConnectionReset))
	want := "2 connections to 127.0.0.1:65432: 0 of 22 bytes, then EOF\n" +
		"look at the server's terminal: was it stopped, or did its -idle-timeout pass?\n" +
		"connection 3 to 127.0.0.1:65432: byte 2 is wrong\n" +
		"is that the right server? start ours: go run ./02-multiconn/server"
	if got := f.Explain("127.0.0.1:65432"); got == nil || got.Error() != want || f.Count() != 3 {
		t.Errorf("%d failures are explained as\n%v\nand not\n%s", f.Count(), got, want)
	}
}
