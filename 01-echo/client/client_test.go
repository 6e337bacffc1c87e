package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/sockets/01-echo/internal/cli"
)

// serve answers one client with handle and returns the server's address. The
// test waits for handle to return, and leaves no goroutine behind.
func serve(t *testing.T, handle func(*net.TCPConn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(time.Minute)) // a safety net
		handle(conn.(*net.TCPConn))
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
		noGoroutineLeft(t)
	})
	return l.Addr().String()
}

// noGoroutineLeft waits until no goroutine runs the client's code.
func noGoroutineLeft(t *testing.T) {
	t.Helper()
	var stacks string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); runtime.Gosched() {
		buf := make([]byte, 1<<20)
		stacks = string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(stacks, "01-echo/client.client.exchange") {
			return
		}
	}
	t.Errorf("goroutines of the client are left behind:\n%s", stacks)
}

func echo(conn *net.TCPConn) { io.Copy(conn, conn) }

// ask runs the client against a server that does handle.
func ask(t *testing.T, handle func(*net.TCPConn), message string, stdin io.Reader) (string, error) {
	t.Helper()
	var stdout bytes.Buffer
	err := newClient(serve(t, handle), message, stdin, &stdout).run(t.Context())
	return stdout.String(), err
}

func newClient(addr, message string, stdin io.Reader, stdout io.Writer) client {
	return client{addr: addr, message: message, timeout: time.Minute,
		in: stdin, out: stdout, errOut: io.Discard}
}

// advice is what the client would say to try next.
func advice(err error) string { return cli.DialAdvice(err, "go run ./01-echo/server") }

func TestMessages(t *testing.T) {
	for _, message := range []string{"", "x", "Hello, world", "Grüße, 世界", "a\x00b\n",
		strings.Repeat("long", 1<<20)} {
		got, err := ask(t, echo, message, nil)
		want := fmt.Sprintf("Received %q\n", message)
		if err != nil || got != want {
			t.Errorf("the client printed %.40q, error %v, and should print %.40q", got, err, want)
		}
	}
}

// Standard input comes back byte for byte and nothing else is printed, in
// whatever pieces it arrives.
func TestStandardInput(t *testing.T) {
	message := strings.Repeat("\x00 any bytes \xff\r\n", 1000)
	for name, stdin := range map[string]io.Reader{
		"at once":            strings.NewReader(message),
		"in single bytes":    iotest.OneByteReader(strings.NewReader(message)),
		"end with the bytes": iotest.DataErrReader(strings.NewReader(message)),
	} {
		got, err := ask(t, echo, "-", stdin)
		if diff := cmp.Diff(message, got); err != nil || diff != "" {
			t.Errorf("%s: error %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// Each byte is back before the next is typed: nothing waits for more input.
func TestConversation(t *testing.T) {
	stdin, keyboard := io.Pipe()
	screen, stdout := io.Pipe()
	addr := serve(t, echo)
	done := make(chan error)
	go func() { done <- newClient(addr, "-", stdin, stdout).run(t.Context()) }()
	for _, line := range []string{"first\n", "second\n"} {
		io.WriteString(keyboard, line)
		got := make([]byte, len(line))
		if _, err := io.ReadFull(screen, got); err != nil || string(got) != line {
			t.Fatalf("typed %q, and read %q, error %v", line, got, err)
		}
	}
	keyboard.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Far more than all buffers hold, through a server with a tiny one: a client
// that wrote everything before it read would wait for ever.
func TestNoDeadlock(t *testing.T) {
	message := bytes.Repeat([]byte("0123456789abcdef"), 2<<20)
	got, err := ask(t, func(conn *net.TCPConn) {
		io.CopyBuffer(struct{ io.Writer }{conn}, struct{ io.Reader }{conn}, make([]byte, 1000))
	}, "-", bytes.NewReader(message))
	if err != nil || got != string(message) {
		t.Errorf("sent %d bytes, got %d back, error %v", len(message), len(got), err)
	}
}

func TestWrongEcho(t *testing.T) {
	for name, answer := range map[string]string{
		"other bytes": "HELLO", "too few": "hell", "too many": "hello!", "nothing": "",
	} {
		got, err := ask(t, func(conn *net.TCPConn) {
			io.Copy(io.Discard, conn)
			io.WriteString(conn, answer)
		}, "hello", nil)
		if !errors.Is(err, cli.ErrDiffers) ||
			!strings.Contains(advice(err), "is that an echo server?") {
			t.Errorf("%s: the client should object, and says %v", name, err)
		}
		if answer != "" && got != fmt.Sprintf("Received %q\n", answer) {
			t.Errorf("%s: the client should show what came, and printed %q", name, got)
		}
	}
}

// The server hangs up while standard input goes on without an end.
func TestServerEndsEarly(t *testing.T) {
	for name, end := range map[string]func(*net.TCPConn){
		"with a FIN": func(conn *net.TCPConn) { io.ReadFull(conn, make([]byte, 4)) },
		"with a RST": func(conn *net.TCPConn) { io.ReadFull(conn, make([]byte, 4)); conn.SetLinger(0) },
	} {
		stdin, keyboard := io.Pipe()
		go io.WriteString(keyboard, "more")
		_, err := ask(t, end, "-", stdin)
		if err == nil || !strings.Contains(advice(err), "look at the server's terminal") {
			t.Errorf("%s: the client says %v; %v", name, err, advice(err))
		}
		if err != nil && strings.Count(err.Error(), "127.0.0.1") != 1 {
			t.Errorf("%s: the line should name the server once: %v", name, err)
		}
		stdin.Close() // lets the sending goroutine go
	}
}

// What is wrong with the input or the output is not blamed on the network.
func TestBrokenInputAndOutput(t *testing.T) {
	broken := errors.New("the disk is gone")
	_, err := ask(t, echo, "-", iotest.ErrReader(broken))
	if got := fmt.Sprint(err); got != "cannot read the input: the disk is gone" {
		t.Errorf("the input failed, and the client says %v", got)
	}
	for _, message := range []string{"-", "hello"} {
		addr := serve(t, echo)
		read, write := io.Pipe()
		read.CloseWithError(broken)
		err = newClient(addr, message, strings.NewReader("hello"), write).run(t.Context())
		if got := fmt.Sprint(err); got != "cannot write the output: the disk is gone" {
			t.Errorf("-message %s: the output failed, and the client says %v", message, got)
		}
	}
}

// A person who is to type is told so, and nobody else.
func TestConnected(t *testing.T) {
	for _, terminal := range []bool{true, false} {
		var errOut bytes.Buffer
		addr := serve(t, echo)
		c := newClient(addr, "-", strings.NewReader("hello"), io.Discard)
		c.terminal, c.errOut = terminal, &errOut
		if err := c.run(t.Context()); err != nil {
			t.Error(err)
		}
		got := errOut.String()
		if !terminal && got != "" || terminal &&
			(!strings.HasPrefix(got, "Connected to "+addr+" from 127.0.0.1:") ||
				!strings.Contains(got, "\nType lines; ")) {
			t.Errorf("with a terminal: %t; the client said %q", terminal, got)
		}
	}
}

// A server that hangs up when it has what it was sent is no early end, even
// if its FIN comes before ours.
func TestServerClosesFirst(t *testing.T) {
	for range 200 {
		got, err := ask(t, func(conn *net.TCPConn) {
			buf := make([]byte, 1024)
			n, _ := conn.Read(buf)
			conn.Write(buf[:n])
		}, "hello", nil)
		if err != nil || got != "Received \"hello\"\n" {
			t.Fatalf("the client printed %q, error %v", got, err)
		}
	}
}

func TestConnectErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	c := newClient(nobody, "hello", nil, io.Discard)
	err = c.run(t.Context())
	if err == nil || !strings.HasPrefix(err.Error(), "cannot connect to "+nobody+": ") ||
		advice(err) != "is the server running? start it first: go run ./01-echo/server" {
		t.Errorf("nobody listens, and the client says %v; %s", err, advice(err))
	}
	c.timeout = time.Nanosecond
	err = c.run(t.Context())
	if err == nil || !strings.HasPrefix(advice(err), "nothing answered") {
		t.Errorf("time is up, and the client says %v; %s", err, advice(err))
	}
	// A name server that refuses is not an echo server that refuses.
	dns := &net.OpError{Op: "dial", Err: &net.DNSError{
		UnwrapErr: syscall.ECONNREFUSED, Err: "no such host", Name: "nosuchhost.invalid"}}
	if got := advice(dns); !strings.HasPrefix(got, "is the name spelled right?") {
		t.Errorf("the name is unknown, and the advice is %q", got)
	}
}

// Ctrl-C in the middle wakes the client, wherever it waits.
func TestStop(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	stdin, keyboard := io.Pipe()
	read, write := io.Pipe()
	addr := serve(t, echo)
	done := make(chan error)
	go func() { done <- newClient(addr, "-", stdin, write).run(ctx) }()
	io.WriteString(keyboard, "hello")
	io.ReadFull(read, make([]byte, 5))
	cancel()
	if err := <-done; fmt.Sprint(err) != "Stopped after 5 bytes had come back" ||
		advice(err) != "" {
		t.Errorf("the client was stopped, and says %v; %s", err, advice(err))
	}
	stdin.Close() // lets the sending goroutine go
}
