//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/sockets/02-multiconn/internal/limits"
	"example.com/sockets/02-multiconn/internal/servertest"
)

// newLoop has about the settings of the command line's defaults.
func newLoop() *loop {
	return &loop{addr: "127.0.0.1:0", Settings: limits.Settings{
		MaxConns: 10000, IdleTimeout: time.Minute, Grace: time.Minute}}
}

// start runs l on a free port, until the test ends.
func start(t *testing.T, l *loop) *servertest.Server {
	t.Helper()
	return servertest.Start(t, "02-multiconn/eventloop.(*loop).",
		func(ctx context.Context, out io.Writer) error {
			l.out, l.errOut = out, out
			return l.listenAndRun(ctx)
		})
}

func TestLines(t *testing.T) {
	r := start(t, newLoop())
	conn := r.Dial(t)
	client := conn.LocalAddr().String()
	r.Lines.Expect(t, "Accepted connection from "+client)
	servertest.ExpectEcho(t, conn, "Message 1 from client.")
	r.Lines.Expect(t, `Echoing "Message 1 from client." to `+client)
	conn.CloseWrite()
	if rest, err := io.ReadAll(conn); err != nil || len(rest) > 0 {
		t.Errorf("after the half-close came %q, error: %v", rest, err)
	}
	r.Lines.Expect(t, "Closing connection to "+client)
	r.Stop()
	r.Lines.Expect(t, "Stopped; connections served: 1, bytes echoed: 22")
}

// Long streams on hundreds of connections at once, all with short writes:
// each client gets its own bytes back, and the end of the stream behind them.
func TestHundredsAtOnce(t *testing.T) {
	l := newLoop()
	l.Quiet = true
	r := start(t, l)
	conns := make([]*net.TCPConn, 300)
	for i := range conns {
		conns[i] = r.Dial(t)
	}
	var wg sync.WaitGroup
	for i, conn := range conns {
		wg.Go(func() {
			servertest.ExpectStream(t, conn, bytes.Repeat(fmt.Appendf(nil, "%d,", i), 20000))
		})
	}
	wg.Wait()
}

// A client that never reads costs one buffer, and holds up nobody. When it
// reads at last, it gets everything in order.
func TestSlowReader(t *testing.T) {
	l := newLoop()
	l.Quiet = true
	r := start(t, l)
	slow := r.Dial(t)
	sent := servertest.Fill(t, slow)
	for range 50 {
		servertest.ExpectEcho(t, r.Dial(t), "nobody waits for the other")
	}
	slow.CloseWrite()
	if got, err := io.Copy(io.Discard, slow); got != sent || err != nil {
		t.Errorf("sent %d bytes, and got %d back in the end, error: %v", sent, got, err)
	}
	r.Stop()
	if got := r.Lines.Next(t); got != fmt.Sprintf("Stopped; connections served: 51, bytes "+
		"echoed: %d", sent+50*26) {
		t.Errorf("the last line is %q, though %d bytes came back", got, sent+50*26)
	}
}

// The kernel is asked for "writable" only while bytes wait to be written, and
// for "readable" only while none do.
func TestWhatIsAskedFor(t *testing.T) {
	l, pair := loopWithPair(t)
	c := l.clients[pair.server]
	piece := bytes.Repeat([]byte("x"), len(l.buf))
	isReady := func(e events) bool {
		found, err := l.sel.Select(0)
		if err != nil {
			t.Fatal(err)
		}
		return len(found) == 1 && found[0] == ready{pair.server, e}
	}

	if isReady(writable) || isReady(readable) {
		t.Error("a connection with nothing to read or write is ready for something")
	}
	for len(c.pending) == 0 {
		if _, err := syscall.Write(pair.client, piece); err != nil {
			t.Fatal(err)
		}
		if !isReady(readable) {
			t.Fatal("the server's socket does not become readable, though the client has written")
		}
		l.serve(ready{pair.server, readable})
	}
	if len(c.pending) > len(l.buf) {
		t.Errorf("%d bytes wait, more than one buffer of %d", len(c.pending), len(l.buf))
	}
	before := len(c.pending)
	syscall.Write(pair.client, piece)
	if isReady(readable) {
		t.Error("the loop would read more from a client that does not read")
	}
	l.serve(ready{pair.server, readable | writable})
	if len(c.pending) > before {
		t.Errorf("%d bytes waited, and now %d", before, len(c.pending))
	}
	for buf := make([]byte, 1<<20); len(c.pending) > 0; {
		if _, err := syscall.Read(pair.client, buf); err != nil {
			t.Fatal(err)
		}
		if isReady(writable) {
			l.serve(ready{pair.server, writable})
		}
	}
	if !isReady(readable) {
		t.Error("nothing waits any more, and the loop does not ask for readable again")
	}
}

type pair struct{ server, client int }

// loopWithPair makes a loop that has one connection and does not run.
func loopWithPair(t *testing.T) (*loop, pair) {
	t.Helper()
	l := newLoop()
	l.Quiet, l.out, l.errOut = true, io.Discard, io.Discard
	l.buf = make([]byte, 1<<10)
	var err error
	if l.sel, err = newSelector(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.sel.Close() })
	l.stopping = true // no listener: do not begin to accept
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fds[1]) })
	l.admit(fds[0], nil)
	l.stopping = false
	l.accepting = true
	return l, pair{fds[0], fds[1]}
}

func TestReset(t *testing.T) {
	r := start(t, newLoop())
	other, bad := r.Dial(t), r.Dial(t)
	r.Lines.Next(t)
	r.Lines.Next(t)
	servertest.ExpectEcho(t, bad, "half a mess")
	r.Lines.Next(t)
	servertest.Reset(bad)
	r.Lines.Expect(t, fmt.Sprintf("Closing connection to %s: connection reset by peer",
		bad.LocalAddr()))
	servertest.ExpectEcho(t, other, "still here")
}

// A reset while bytes wait to be written is found by the write.
func TestResetWhileWriting(t *testing.T) {
	l := newLoop()
	l.Quiet = true
	r := start(t, l)
	bad := r.Dial(t)
	servertest.Fill(t, bad)
	servertest.Reset(bad)
	servertest.ExpectEcho(t, r.Dial(t), "still here")
}

func TestIdleTimeout(t *testing.T) {
	l := newLoop()
	l.IdleTimeout = 50 * time.Millisecond
	r := start(t, l)
	conn := r.Dial(t)
	if got, err := io.ReadAll(conn); err != nil || len(got) > 0 {
		t.Errorf("a silent client got %q, error: %v, and not the server's FIN", got, err)
	}
	r.Lines.Expect(t, "Accepted connection from "+conn.LocalAddr().String())
	r.Lines.Expect(t, fmt.Sprintf("Closing connection to %s: silent, or not reading, for 50ms",
		conn.LocalAddr()))
}

func TestMaxConns(t *testing.T) {
	l := newLoop()
	l.MaxConns = 2
	r := start(t, l)
	first, second := r.Dial(t), r.Dial(t)
	r.Lines.Expect(t, "Accepted connection from "+first.LocalAddr().String())
	r.Lines.Expect(t, "Accepted connection from "+second.LocalAddr().String())
	r.Lines.Expect(t, "All 2 connections are taken; further clients wait in the backlog")
	third := r.Dial(t)
	first.Close()
	r.Lines.Expect(t, "Closing connection to "+first.LocalAddr().String())
	r.Lines.Expect(t, "Accepted connection from "+third.LocalAddr().String())
	servertest.ExpectEcho(t, third, "my turn")
}

// What the kernel had taken for the server before Ctrl-C still comes back,
// and who is silent gets a FIN.
func TestStopEchoesWhatHasArrived(t *testing.T) {
	l := newLoop()
	l.Quiet = true
	r := start(t, l)
	conns := make([]*net.TCPConn, 50)
	for i := range conns {
		conns[i] = r.Dial(t)
		servertest.ExpectEcho(t, conns[i], "hello")
	}
	for _, conn := range conns[1:] {
		io.WriteString(conn, "the last words")
	}
	go r.Stop()
	for i, conn := range conns {
		want := "the last words"
		if i == 0 {
			want = ""
		}
		if got, err := io.ReadAll(conn); err != nil || string(got) != want {
			t.Errorf("client %d got %q and not %q, error: %v", i, got, want, err)
		}
	}
}

// A client that goes on sending, and reads, does not keep the server from its
// end, nor another client from the echo of its last words.
func TestStopWhileSending(t *testing.T) {
	l := newLoop()
	l.Quiet = true
	r := start(t, l)
	busy, other := r.Dial(t), r.Dial(t)
	servertest.ExpectEcho(t, other, "hello")
	servertest.ExpectEcho(t, busy, "hello")
	var talking sync.WaitGroup
	defer talking.Wait()
	defer busy.Close()
	talking.Go(func() { io.Copy(io.Discard, busy) })
	talking.Go(func() {
		for piece := make([]byte, 1<<18); ; {
			if _, err := busy.Write(piece); err != nil {
				return // the server has closed the connection
			}
		}
	})
	io.WriteString(other, "the last words")
	go r.Stop()
	if got, err := io.ReadAll(other); err != nil || string(got) != "the last words" {
		t.Errorf("the other client got %q, error: %v", got, err)
	}
	if err := r.Stop(); err != nil {
		t.Error(err)
	}
}

// An echo in the middle is finished after Ctrl-C; one that the client does not
// take is given up when the grace is over.
func TestGrace(t *testing.T) {
	l := newLoop()
	l.Grace, l.Quiet = 50*time.Millisecond, true
	r := start(t, l)
	servertest.Fill(t, r.Dial(t))
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	r.Lines.Expect(t,
		"Stopping; waiting for clients: 1, for 50ms at most; Ctrl-C again ends at once")
	if line := r.Lines.Next(t); !strings.HasPrefix(line, "Stopped; connections served: 1, ") {
		t.Errorf("the last line is %q", line)
	}
}

// Nothing is left open, whatever way the connections ended.
func TestNoDescriptorLeft(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux lists a process's descriptors in /proc")
	}
	before := descriptors(t)
	l := newLoop()
	l.Quiet = true
	r := start(t, l)
	for i := range 30 {
		conn := r.Dial(t)
		servertest.ExpectEcho(t, conn, "hello")
		if i%2 == 0 {
			conn.SetLinger(0)
		}
		if i < 20 {
			conn.Close()
		} else {
			defer conn.Close()
		}
	}
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	after := descriptors(t)
	if after > before+10 { // the ten that the test itself has open
		t.Errorf("%d descriptors before the server, %d after it, and 10 are the test's", before,
			after)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	names, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range names {
		if to, err := os.Readlink(name); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

func TestSelector(t *testing.T) {
	s, err := newSelector()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fds[0])
	expect := func(after string, want ...ready) {
		t.Helper()
		got, err := s.Select(0)
		if err != nil {
			t.Fatal(err)
		}
		var all events // kqueue reports readable and writable one by one
		for _, r := range got {
			all |= r.events
		}
		var wanted events
		for _, r := range want {
			wanted |= r.events
		}
		if all != wanted {
			t.Errorf("%s: ready for %b, expected %b", after, all, wanted)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.Register(fds[0], readable))
	expect("nothing written")
	syscall.Write(fds[1], []byte("x"))
	expect("a byte written", ready{fds[0], readable})
	expect("the byte not read yet: level-triggered", ready{fds[0], readable})
	must(s.Modify(fds[0], writable))
	expect("only writable asked for", ready{fds[0], writable})
	must(s.Modify(fds[0], readable|writable))
	expect("both asked for", ready{fds[0], readable | writable})
	must(s.Unregister(fds[0]))
	expect("unregistered")
	syscall.Read(fds[0], make([]byte, 1))
	must(s.Register(fds[0], readable))
	syscall.Close(fds[1])
	got, err := s.Select(time.Minute)
	if err != nil || len(got) != 1 || got[0].events&readable == 0 {
		t.Errorf("the peer has hung up, and Select says %v, error %v", got, err)
	}
}
