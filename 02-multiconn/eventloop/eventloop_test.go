//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"bytes"
	"context"
	"errors"
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

	"github.com/google/go-cmp/cmp"
)

// A running server, and what it prints.
type running struct {
	addr  string
	lines chan string
	stop  func() error // presses Ctrl-C and waits for the loop to end
}

// lineWriter passes on each line that the server prints, in one Write each.
type lineWriter chan string

func (w lineWriter) Write(p []byte) (int, error) {
	w <- strings.TrimSuffix(string(p), "\n")
	return len(p), nil
}

// newLoop has about the settings of the command line's defaults.
func newLoop() *loop {
	return &loop{maxConns: 10000, idleTimeout: time.Minute, grace: time.Minute}
}

// start runs l on a free port, and stops it when the test ends.
func start(t *testing.T, l *loop) *running {
	t.Helper()
	lines := make(lineWriter, 100000)
	l.out, l.errOut = lines, lines
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- listenAndRun(ctx, "127.0.0.1:0", l)
		close(lines)
	}()
	r := &running{lines: lines}
	r.stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(time.Minute):
			return errors.New("the server did not stop on Ctrl-C")
		}
	})
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
	addr, ok := strings.CutPrefix(r.line(t), "Listening on ")
	if !ok {
		t.Fatal("the server's first line is not \"Listening on\"")
	}
	r.addr = addr
	return r
}

// line waits for the server's next line.
func (r *running) line(t *testing.T) string {
	t.Helper()
	select {
	case line := <-r.lines:
		return line
	case <-time.After(time.Minute):
		t.Fatal("the server printed no further line")
		return ""
	}
}

func (r *running) expect(t *testing.T, want string) {
	t.Helper()
	if got := r.line(t); got != want {
		t.Fatalf("the server printed\n\t%q\nand not\n\t%q", got, want)
	}
}

func (r *running) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute)) // a safety net
	return conn.(*net.TCPConn)
}

// expectEcho sends message and waits for its echo. The connection stays open.
func expectEcho(t *testing.T, conn net.Conn, message string) {
	t.Helper()
	go io.WriteString(conn, message)
	echo := make([]byte, len(message))
	n, err := io.ReadFull(conn, echo)
	if err != nil || string(echo) != message {
		t.Fatalf("sent %d bytes and got %d back, the same: %t, error: %v",
			len(message), n, string(echo) == message, err)
	}
}

func TestLines(t *testing.T) {
	r := start(t, newLoop())
	conn := r.dial(t)
	client := conn.LocalAddr().String()
	r.expect(t, "Accepted connection from "+client)
	expectEcho(t, conn, "Message 1 from client.")
	r.expect(t, `Echoing "Message 1 from client." to `+client)
	conn.CloseWrite()
	if rest, err := io.ReadAll(conn); err != nil || len(rest) > 0 {
		t.Errorf("after the half-close came %q, error: %v", rest, err)
	}
	r.expect(t, "Closing connection to "+client)
	r.stop()
	r.expect(t, "Stopped; connections served: 1, bytes echoed: 22")
}

// Long streams on hundreds of connections at once, all with short writes:
// each client gets its own bytes back, and the end of the stream behind them.
func TestHundredsAtOnce(t *testing.T) {
	l := newLoop()
	l.quiet = true
	r := start(t, l)
	conns := make([]*net.TCPConn, 300)
	for i := range conns {
		conns[i] = r.dial(t)
	}
	var wg sync.WaitGroup
	for i, conn := range conns {
		wg.Go(func() {
			message := bytes.Repeat(fmt.Appendf(nil, "%d,", i), 20000)
			go func() {
				conn.Write(message)
				conn.CloseWrite()
			}()
			got, err := io.ReadAll(conn)
			if err != nil || !bytes.Equal(got, message) {
				t.Errorf("client %d sent %d bytes and got %d back, the same: %t, error: %v",
					i, len(message), len(got), bytes.Equal(got, message), err)
			}
		})
	}
	wg.Wait()
}

// stuff sends without reading until nothing fits any more. Then bytes wait in
// the server to be written.
func stuff(t *testing.T, conn *net.TCPConn) int64 {
	t.Helper()
	var total int64
	piece := make([]byte, 1<<16)
	for {
		conn.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		n, err := conn.Write(piece)
		total += int64(n)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return total
		}
		if err != nil {
			t.Fatalf("after %d bytes: %v", total, err)
		}
		if total > 1<<30 {
			t.Fatal("the server takes a gigabyte from a client that does not read: it keeps it somewhere")
		}
	}
}

// A client that never reads costs one buffer, and holds up nobody. When it
// reads at last, it gets everything in order.
func TestSlowReader(t *testing.T) {
	l := newLoop()
	l.quiet = true
	r := start(t, l)
	slow := r.dial(t)
	sent := stuff(t, slow)
	for range 50 {
		expectEcho(t, r.dial(t), "nobody waits for the other")
	}
	slow.CloseWrite()
	if got, err := io.Copy(io.Discard, slow); got != sent || err != nil {
		t.Errorf("sent %d bytes, and got %d back in the end, error: %v", sent, got, err)
	}
	r.stop()
	if got := r.line(t); got != fmt.Sprintf("Stopped; connections served: 51, bytes echoed: %d", sent+50*26) {
		t.Errorf("the last line is %q, though %d bytes came back", got, sent+50*26)
	}
}

// The kernel is asked for "writable" only while bytes wait to be written, and
// for "readable" only while none do.
func TestWhatIsAskedFor(t *testing.T) {
	l, pair := loopWithPair(t)
	c := l.conns[pair.server]
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
	l.quiet, l.out, l.errOut = true, io.Discard, io.Discard
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
	other, bad := r.dial(t), r.dial(t)
	r.line(t)
	r.line(t)
	expectEcho(t, bad, "half a mess")
	r.line(t)
	bad.SetLinger(0)
	bad.Close()
	r.expect(t, fmt.Sprintf("Closing connection to %s: connection reset by peer", bad.LocalAddr()))
	expectEcho(t, other, "still here")
}

// A reset while bytes wait to be written is found by the write.
func TestResetWhileWriting(t *testing.T) {
	l := newLoop()
	l.quiet = true
	r := start(t, l)
	bad := r.dial(t)
	stuff(t, bad)
	bad.SetLinger(0)
	bad.Close()
	expectEcho(t, r.dial(t), "still here")
}

func TestIdleTimeout(t *testing.T) {
	l := newLoop()
	l.idleTimeout = 50 * time.Millisecond
	r := start(t, l)
	conn := r.dial(t)
	if got, err := io.ReadAll(conn); err != nil || len(got) > 0 {
		t.Errorf("a silent client got %q, error: %v, and not the server's FIN", got, err)
	}
	r.expect(t, "Accepted connection from "+conn.LocalAddr().String())
	r.expect(t, fmt.Sprintf("Closing connection to %s: silent, or not reading, for 50ms", conn.LocalAddr()))
}

func TestMaxConns(t *testing.T) {
	l := newLoop()
	l.maxConns = 2
	r := start(t, l)
	first, second := r.dial(t), r.dial(t)
	r.expect(t, "Accepted connection from "+first.LocalAddr().String())
	r.expect(t, "Accepted connection from "+second.LocalAddr().String())
	r.expect(t, "All 2 connections are taken; further clients wait in the backlog")
	third := r.dial(t)
	first.Close()
	r.expect(t, "Closing connection to "+first.LocalAddr().String())
	r.expect(t, "Accepted connection from "+third.LocalAddr().String())
	expectEcho(t, third, "my turn")
}

// What the kernel had taken for the server before Ctrl-C still comes back,
// and who is silent gets a FIN.
func TestStopEchoesWhatHasArrived(t *testing.T) {
	l := newLoop()
	l.quiet = true
	r := start(t, l)
	conns := make([]*net.TCPConn, 50)
	for i := range conns {
		conns[i] = r.dial(t)
		expectEcho(t, conns[i], "hello")
	}
	for _, conn := range conns[1:] {
		io.WriteString(conn, "the last words")
	}
	go r.stop()
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
	l.quiet = true
	r := start(t, l)
	busy, other := r.dial(t), r.dial(t)
	expectEcho(t, other, "hello")
	expectEcho(t, busy, "hello")
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
	go r.stop()
	if got, err := io.ReadAll(other); err != nil || string(got) != "the last words" {
		t.Errorf("the other client got %q, error: %v", got, err)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

// An echo in the middle is finished after Ctrl-C; one that the client does not
// take is given up when the grace is over.
func TestGrace(t *testing.T) {
	l := newLoop()
	l.grace, l.quiet = 50*time.Millisecond, true
	r := start(t, l)
	stuff(t, r.dial(t))
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if line := r.line(t); !strings.HasPrefix(line, "Stopped; connections served: 1, ") {
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
	l.quiet = true
	r := start(t, l)
	for i := range 30 {
		conn := r.dial(t)
		expectEcho(t, conn, "hello")
		if i%2 == 0 {
			conn.SetLinger(0)
		}
		if i < 20 {
			conn.Close()
		} else {
			defer conn.Close()
		}
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	after := descriptors(t)
	if after > before+10 { // the ten that the test itself has open
		t.Errorf("%d descriptors before the server, %d after it, and 10 are the test's", before, after)
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

func TestCheckFlags(t *testing.T) {
	var got []string
	for _, change := range []func(*loop) string{
		func(*loop) string { return "127.0.0.1" },
		func(l *loop) string { l.maxConns = 0; return "127.0.0.1:0" },
		func(l *loop) string { l.idleTimeout = -1; return "127.0.0.1:0" },
		func(l *loop) string { l.grace = -1; return "127.0.0.1:0" },
	} {
		l := newLoop()
		addr := change(l)
		err := checkFlags(addr, l)
		if err == nil {
			t.Fatalf("-addr %s %+v is taken", addr, l)
		}
		_, after, _ := strings.Cut(err.Error(), "for flag ")
		name, _, _ := strings.Cut(after, ":")
		got = append(got, name)
	}
	if diff := cmp.Diff([]string{"-addr", "-max-conns", "-idle-timeout", "-grace"}, got); diff != "" {
		t.Error("the flags that are objected to (-want +got):\n" + diff)
	}
}
