// Package servertest is what the tests of this chapter have in common: servers
// that run inside the test, peers that behave or do not, and the programs as
// processes. Everything that it starts has ended when the test ends.
package servertest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is a safety net: no test that passes comes near it.
const patience = time.Minute

// A Server runs inside the test.
type Server struct {
	Addr  string
	Lines Lines        // what it prints
	Stop  func() error // presses Ctrl-C and waits for the server's end
}

// Start runs a server, which is to listen on a free port. When the test ends
// the server is stopped, and no goroutine may be left whose stack has code in it.
func Start(t testing.TB, code string, run func(ctx context.Context, out io.Writer) error) *Server {
	t.Helper()
	lines := NewLines()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, lines)
		close(lines)
	}()
	s := &Server{Lines: lines}
	s.Stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(patience):
			return errors.New("the server did not stop on Ctrl-C")
		}
	})
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
		NoGoroutineLeft(t, code)
	})
	addr, ok := strings.CutPrefix(lines.Next(t), "Listening on ")
	if !ok {
		t.Fatal("the server's first line is not \"Listening on\"")
	}
	s.Addr = addr
	return s
}

// Dial connects to the server. A peer that hangs fails the test at last.
func (s *Server) Dial(t testing.TB) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn.(*net.TCPConn)
}

// Lines are what a program prints, in order. As a Writer it splits what is
// written into lines; each Write must end with a whole one.
type Lines chan string

// NewLines has room for what the programs of a test print.
func NewLines() Lines { return make(Lines, 100_000) }

func (l Lines) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		l <- strings.TrimSuffix(line, "\n")
	}
	return len(p), nil
}

// Next waits for the next line, or "" at their end.
func (l Lines) Next(t testing.TB) string {
	t.Helper()
	select {
	case line := <-l:
		return line
	case <-time.After(patience):
		t.Fatal("no further line was printed")
		return ""
	}
}

// Expect waits for the next line, which must be want.
func (l Lines) Expect(t testing.TB, want string) {
	t.Helper()
	if got := l.Next(t); got != want {
		t.Fatalf("the program printed\n\t%q\nand not\n\t%q", got, want)
	}
}

// ExpectEcho sends message and waits for its echo. The connection stays open.
func ExpectEcho(t testing.TB, conn net.Conn, message string) {
	t.Helper()
	go io.WriteString(conn, message)
	echo := make([]byte, len(message))
	n, err := io.ReadFull(conn, echo)
	if err != nil || string(echo) != message {
		t.Fatalf("sent %d bytes and got %d back, the same: %t, error: %v",
			len(message), n, string(echo) == message, err)
	}
}

// ExpectStream sends message and the end behind it, and reads as it sends: all
// of it must come back, and the end.
func ExpectStream(t testing.TB, conn *net.TCPConn, message []byte) {
	go func() {
		conn.Write(message)
		conn.CloseWrite()
	}()
	got, err := io.ReadAll(conn)
	if err != nil || !bytes.Equal(got, message) {
		t.Errorf("sent %d bytes and got %d back, the same: %t, error: %v",
			len(message), len(got), bytes.Equal(got, message), err)
	}
}

// Fill sends without reading until nothing fits any more, and returns how many
// bytes went out. Then bytes wait in the server to be written.
func Fill(t testing.TB, conn *net.TCPConn) (total int64) {
	t.Helper()
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
		if total > 64<<20 {
			t.Fatal("the server takes 64 MB from a client that does not read: it keeps it somewhere")
		}
	}
}

// Reset closes conn with a RST.
func Reset(conn *net.TCPConn) {
	conn.SetLinger(0)
	conn.Close()
}

// NoGoroutineLeft waits until no goroutine's stack has code in it, such as
// "02-multiconn/server.(*server).".
func NoGoroutineLeft(t testing.TB, code string) {
	t.Helper()
	var stacks string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); runtime.Gosched() {
		if stacks = Stacks(); !strings.Contains(stacks, code) {
			return
		}
	}
	t.Errorf("goroutines are left behind:\n%s", stacks)
}

// Stacks returns the stacks of all goroutines.
func Stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

// Serve answers every client with handle, and returns the server's address.
// When the test ends no goroutine may be left whose stack has code in it.
func Serve(t testing.TB, code string, handle func(*net.TCPConn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(patience))
				handle(conn.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		serving.Wait()
		NoGoroutineLeft(t, code)
	})
	return l.Addr().String()
}

// Echo is a handle of Serve.
func Echo(conn *net.TCPConn) { io.Copy(conn, conn) }

// Silence is a handle of Serve that reads and never answers.
func Silence(conn *net.TCPConn) { io.Copy(io.Discard, conn) }

// Nobody returns an address where nobody listens.
func Nobody(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// A PipeListener connects its clients by net.Pipe: for tests in virtual time,
// which stands still while anybody waits for a real socket.
type PipeListener struct {
	clients chan net.Conn
	closed  chan struct{}
	close   func()
}

// ListenPipe makes a listener without a network.
func ListenPipe() *PipeListener {
	l := &PipeListener{clients: make(chan net.Conn), closed: make(chan struct{})}
	l.close = sync.OnceFunc(func() { close(l.closed) })
	return l
}

// Dial returns the client's end of a new connection.
func (l *PipeListener) Dial() net.Conn {
	ours, theirs := net.Pipe()
	l.clients <- theirs
	return ours
}

func (l *PipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.clients:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *PipeListener) Close() error   { l.close(); return nil }
func (l *PipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }
