package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
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
	stop  func() error // presses Ctrl-C and waits for run to return
}

// lineWriter passes on each line that the server prints, in one Write each.
type lineWriter chan string

func (w lineWriter) Write(p []byte) (int, error) {
	w <- strings.TrimSuffix(string(p), "\n")
	return len(p), nil
}

// newServer has the settings of the command line's defaults.
func newServer() *server {
	return &server{maxConns: 10000, idleTimeout: time.Minute, grace: time.Minute}
}

// start runs s on a free port. The server is stopped, and has left no
// goroutine behind, when the test ends.
func start(t *testing.T, s *server) *running {
	t.Helper()
	lines := make(lineWriter, 100000)
	s.addr, s.out, s.errOut = "127.0.0.1:0", lines, lines
	s.start()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- s.run(ctx)
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
		noGoroutineLeft(t)
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

// noGoroutineLeft waits until no goroutine runs the server's code.
func noGoroutineLeft(t *testing.T) {
	t.Helper()
	var stacks string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); runtime.Gosched() {
		buf := make([]byte, 1<<20)
		stacks = string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(stacks, "02-multiconn/server.(*server).") {
			return
		}
	}
	t.Errorf("goroutines of the server are left behind:\n%s", stacks)
}

// A test can't see that noGoroutineLeft looks for the right name, but this can.
func TestNoGoroutineLeftLooksForTheRightName(t *testing.T) {
	r := start(t, newServer())
	expectEcho(t, r.dial(t), "hello")
	buf := make([]byte, 1<<20)
	stacks := string(buf[:runtime.Stack(buf, true)])
	if !strings.Contains(stacks, "02-multiconn/server.(*server).serve") {
		t.Errorf("a running server's goroutine has another name:\n%s", stacks)
	}
}

func TestLines(t *testing.T) {
	r := start(t, newServer())
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

func TestQuiet(t *testing.T) {
	s := newServer()
	s.quiet = true
	r := start(t, s)
	expectEcho(t, r.dial(t), "hello")
	r.stop()
	r.expect(t, "Stopped; connections served: 1, bytes echoed: 5")
}

// All the clients are connected before the first one speaks, and each gets
// its own bytes back.
func TestHundredsAtOnce(t *testing.T) {
	r := start(t, newServer())
	conns := make([]*net.TCPConn, 300)
	for i := range conns {
		conns[i] = r.dial(t)
	}
	for i, conn := range slices.Backward(conns) {
		expectEcho(t, conn, fmt.Sprintf("I am client %d", i))
	}
	var wg sync.WaitGroup
	for i, conn := range conns {
		wg.Go(func() {
			message := bytes.Repeat(fmt.Appendf(nil, "%d,", i), 5000)
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

// stuff sends to a client's server, without reading, until nothing fits any
// more, and returns how many bytes went out. Then the server is in Write.
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

// A client that sends and never reads fills the buffers between the two, and
// then stands still alone.
func TestClientThatNeverReads(t *testing.T) {
	s := newServer()
	s.quiet = true
	r := start(t, s)
	greedy := r.dial(t)
	stuff(t, greedy)
	for range 50 {
		expectEcho(t, r.dial(t), "nobody waits for the other")
	}
	greedy.SetLinger(0) // reset: there is nothing more to see
	greedy.Close()
}

func TestReset(t *testing.T) {
	r := start(t, newServer())
	other, bad := r.dial(t), r.dial(t)
	r.line(t)
	r.line(t)
	expectEcho(t, bad, "half a mess")
	r.line(t)
	bad.SetLinger(0)
	bad.Close()
	line := r.line(t)
	if !strings.HasPrefix(line, "Closing connection to "+bad.LocalAddr().String()+": ") || !strings.Contains(line, "reset") {
		t.Errorf("a client reset its connection, and the server printed %q", line)
	}
	expectEcho(t, other, "still here")
}

func TestIdleTimeout(t *testing.T) {
	s := newServer()
	s.idleTimeout = 50 * time.Millisecond
	r := start(t, s)
	conn := r.dial(t)
	if got, err := io.ReadAll(conn); err != nil || len(got) > 0 {
		t.Errorf("a silent client got %q, error: %v, and not the server's FIN", got, err)
	}
	r.expect(t, "Accepted connection from "+conn.LocalAddr().String())
	r.expect(t, fmt.Sprintf("Closing connection to %s: silent, or not reading, for 50ms", conn.LocalAddr()))
}

// Who speaks is not idle, however long the connection lasts.
func TestDeadlineMoves(t *testing.T) {
	s := newServer()
	s.idleTimeout = time.Minute
	s.start()
	ours, theirs := net.Pipe()
	defer theirs.Close()
	defer ours.Close()
	c := &conn{Conn: ours, server: s}
	c.moveDeadline()
	first := c.moved
	c.moveDeadline()
	if c.moved != first {
		t.Error("the deadline was moved twice within a sixteenth of the idle timeout")
	}
	c.moved = first.Add(-s.idleTimeout / 16)
	c.moveDeadline()
	if c.moved.Before(first) {
		t.Error("the deadline was not moved after a sixteenth of the idle timeout")
	}
}

// With room for two, the third client is connected by the kernel and waits
// until one of the two has left. The line about it comes once.
func TestMaxConns(t *testing.T) {
	s := newServer()
	s.maxConns = 2
	r := start(t, s)
	first, second := r.dial(t), r.dial(t)
	r.expect(t, "Accepted connection from "+first.LocalAddr().String())
	r.expect(t, "Accepted connection from "+second.LocalAddr().String())
	r.expect(t, "All 2 connections are taken; further clients wait in the backlog")
	third, fourth := r.dial(t), r.dial(t)
	first.Close()
	r.expect(t, "Closing connection to "+first.LocalAddr().String())
	r.expect(t, "Accepted connection from "+third.LocalAddr().String())
	expectEcho(t, third, "my turn")
	r.line(t)
	second.Close()
	r.expect(t, "Closing connection to "+second.LocalAddr().String())
	r.expect(t, "Accepted connection from "+fourth.LocalAddr().String())
	r.stop()
}

// failingListener fails as many times as it has errors, then accepts.
type failingListener struct {
	net.Listener
	errs []error
}

func (l *failingListener) Accept() (net.Conn, error) {
	if len(l.errs) > 0 {
		err := l.errs[0]
		l.errs = l.errs[1:]
		return nil, err
	}
	return l.Listener.Accept()
}

// Accept may fail as often as it likes: the server says so once, waits, and
// takes the client as soon as it can.
func TestAcceptFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()

	var log bytes.Buffer
	s := newServer()
	s.quiet, s.errOut = true, &log
	s.start()
	trouble := &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	c, err := s.accept(t.Context(), &failingListener{l, []error{trouble, trouble, trouble}})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	want := fmt.Sprintf("cannot accept a client on %s: %v; new clients wait in the backlog until connections close\n",
		l.Addr(), trouble.Err)
	if diff := cmp.Diff(want, log.String()); diff != "" {
		t.Error("three failures of one kind (-want +got):\n" + diff)
	}
}

// Ctrl-C while an echo is under way: the client, which reads slowly, gets
// every byte that the server counts as echoed, and then the FIN.
func TestStopInTheMiddle(t *testing.T) {
	s := newServer()
	s.quiet = true
	r := start(t, s)
	silent, busy := r.dial(t), r.dial(t)
	expectEcho(t, silent, "hello")
	stuff(t, busy)
	stopped := make(chan error, 1)
	go func() { stopped <- r.stop() }()
	silent.SetReadDeadline(time.Now().Add(time.Minute))
	if rest, err := io.ReadAll(silent); err != nil || len(rest) > 0 {
		t.Errorf("the silent client got %q, error: %v, and not the server's FIN", rest, err)
	}
	select {
	case <-stopped:
		t.Fatal("the server ended in the middle of an echo")
	default:
	}
	got, _ := io.Copy(io.Discard, busy)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	var echoed int64
	line := r.line(t)
	if _, err := fmt.Sscanf(line, "Stopped; connections served: 2, bytes echoed: %d", &echoed); err != nil {
		t.Fatalf("the last line is %q", line)
	}
	// Unread bytes of ours make the server's kernel send a RST behind the
	// echoes, and our kernel then drops what we had not read yet.
	if got+5 > echoed || got == 0 {
		t.Errorf("the clients got %d bytes, and the server says that it echoed %d", got+5, echoed)
	}
}

// An echo that a client does not take is given up when the grace is over.
func TestGraceEnds(t *testing.T) {
	s := newServer()
	s.grace = 50 * time.Millisecond
	s.quiet = true
	r := start(t, s)
	busy := r.dial(t)
	stuff(t, busy)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if line := r.line(t); !strings.HasPrefix(line, "Stopped; connections served: 1, ") {
		t.Errorf("the last line is %q", line)
	}
}

// What the kernel had taken for the server before Ctrl-C still comes back.
func TestStopEchoesWhatHasArrived(t *testing.T) {
	s := newServer()
	s.quiet = true
	r := start(t, s)
	conns := make([]*net.TCPConn, 50)
	for i := range conns {
		conns[i] = r.dial(t)
		expectEcho(t, conns[i], "hello")
	}
	for _, conn := range conns {
		io.WriteString(conn, "the last words")
	}
	go r.stop()
	for i, conn := range conns {
		if got, err := io.ReadAll(conn); err != nil || string(got) != "the last words" {
			t.Errorf("client %d got %q, error: %v", i, got, err)
		}
	}
}

func TestListenErrors(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for addr, want := range map[string]string{
		taken.Addr().String(): "take a free port with -addr 127.0.0.1:0",
		"203.0.113.1:0":       "no interface of this machine has that address",
	} {
		s := newServer()
		s.addr, s.out = addr, io.Discard
		err := s.start().run(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), "cannot listen on "+addr+": ") || !strings.Contains(err.Error(), want) {
			t.Errorf("listening on %s: %v; the advice should be %q", addr, err, want)
		}
	}
}

func TestCheck(t *testing.T) {
	for name, change := range map[string]func(*server){
		"-addr":         func(s *server) { s.addr = "127.0.0.1" },
		"-max-conns":    func(s *server) { s.maxConns = 0 },
		"-idle-timeout": func(s *server) { s.idleTimeout = -time.Second },
		"-grace":        func(s *server) { s.grace = -time.Second },
	} {
		s := newServer()
		s.addr = "127.0.0.1:0"
		change(s)
		if err := s.check(); err == nil || !strings.Contains(err.Error(), "for flag "+name+": ") {
			t.Errorf("a wrong value for %s: %v", name, err)
		}
	}
}
