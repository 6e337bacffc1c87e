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
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/sockets/01-echo/internal/cli"
)

const bufferSize = 1024 // as without flags

// A running server, and what it prints.
type running struct {
	addr  string
	lines chan string
	stop  func() error // presses Ctrl-C and waits for run to return
}

// start runs s on a free port of host. The server is stopped, and has left no
// goroutine behind, when the test ends.
func start(t *testing.T, s server, host string) *running {
	t.Helper()
	read, write := io.Pipe()
	s.addr, s.out, s.log = net.JoinHostPort(host, "0"), write, write
	if s.idleTimeout == 0 {
		s.idleTimeout = time.Minute
	}
	if s.bufferSize == 0 {
		s.bufferSize = bufferSize
	}
	lines := make(chan string, 1000)
	go func() {
		var all bytes.Buffer
		buf := make([]byte, 1000)
		for {
			n, err := read.Read(buf)
			all.Write(buf[:n])
			for {
				line, rest, ok := strings.Cut(all.String(), "\n")
				if !ok {
					break
				}
				all.Reset()
				all.WriteString(rest)
				lines <- line
			}
			if err != nil {
				close(lines)
				return
			}
		}
	}()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- s.run(ctx)
		write.Close()
	}()
	r := &running{lines: lines}
	r.stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(time.Minute):
			return fmt.Errorf("the server did not stop on Ctrl-C")
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

// echoOf sends message in pieces that end at the splits, and returns what
// comes back.
func echoOf(conn *net.TCPConn, message []byte, splits ...int) ([]byte, error) {
	go func() {
		from := 0
		for _, to := range append(splits, len(message)) {
			conn.Write(message[from:to])
			from = to
		}
		conn.CloseWrite()
	}()
	return io.ReadAll(conn)
}

// noGoroutineLeft waits until no goroutine runs the server's code.
func noGoroutineLeft(t *testing.T) {
	t.Helper()
	var stacks string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); runtime.Gosched() {
		buf := make([]byte, 1<<20)
		stacks = string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(stacks, "01-echo/server.server.") {
			return
		}
	}
	t.Errorf("goroutines of the server are left behind:\n%s", stacks)
}

func TestEcho(t *testing.T) {
	everyByte := make([]byte, 256)
	for i := range everyByte {
		everyByte[i] = byte(i)
	}
	for name, message := range map[string][]byte{
		"empty":                    {},
		"one byte":                 {'x'},
		"text":                     []byte("Hello, 世界"),
		"every byte":               everyByte,
		"as long as the buffer":    bytes.Repeat([]byte("b"), bufferSize),
		"larger than every buffer": bytes.Repeat(everyByte, 64<<10),
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, server{}, "127.0.0.1")
			conn := r.dial(t)
			got, err := echoOf(conn, message)
			if err != nil || !bytes.Equal(got, message) {
				t.Fatalf("sent %d bytes and got %d back, the same: %t, error: %v",
					len(message), len(got), bytes.Equal(got, message), err)
			}
			client := conn.LocalAddr()
			r.expect(t, fmt.Sprintf("Connected by %s", client))
			r.expect(t, fmt.Sprintf("Closed %s after %d bytes", client, len(message)))
			if err := r.stop(); err != nil {
				t.Fatal(err)
			}
			r.expect(t, fmt.Sprintf("Stopped; clients served: 1, bytes echoed: %d", len(message)))
		})
	}
}

func TestIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6 loopback:", err)
	}
	l.Close()
	r := start(t, server{}, "::1")
	if !strings.HasPrefix(r.addr, "[::1]:") {
		t.Errorf("the server listens on %s", r.addr)
	}
	got, err := echoOf(r.dial(t), []byte("six"))
	if err != nil || string(got) != "six" {
		t.Errorf("got %q back, error: %v", got, err)
	}
}

// With the buffer of five bytes and -reads, the reader of the chapter sees a
// message that takes three Reads.
func TestReads(t *testing.T) {
	r := start(t, server{reads: true, bufferSize: 5}, "127.0.0.1")
	if _, err := echoOf(r.dial(t), []byte("Hello, world")); err != nil {
		t.Fatal(err)
	}
	r.line(t) // Connected by
	var got []string
	for range 3 {
		got = append(got, r.line(t))
	}
	want := []string{"Read 5 bytes", "Read 5 bytes", "Read 2 bytes"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("the server's lines (-want +got):\n" + diff)
	}
	r.stop()
}

// A client that has half closed still gets everything.
func TestHalfClose(t *testing.T) {
	r := start(t, server{}, "127.0.0.1")
	conn := r.dial(t)
	conn.Write([]byte("the last words"))
	conn.CloseWrite()
	got, err := io.ReadAll(conn)
	if err != nil || string(got) != "the last words" {
		t.Errorf("after the half-close came %q, error: %v", got, err)
	}
}

// The second client is connected by the kernel, and served when the first is
// done and no sooner.
func TestOneAfterAnother(t *testing.T) {
	r := start(t, server{}, "127.0.0.1")
	first := r.dial(t)
	r.expect(t, "Connected by "+first.LocalAddr().String())
	second := r.dial(t)
	second.Write([]byte("second"))
	second.CloseWrite()
	got, err := echoOf(first, []byte("first"))
	if err != nil || string(got) != "first" {
		t.Errorf("the first client got %q, error: %v", got, err)
	}
	if got, err := io.ReadAll(second); err != nil || string(got) != "second" {
		t.Errorf("the second client got %q, error: %v", got, err)
	}
	r.expect(t, fmt.Sprintf("Closed %s after 5 bytes", first.LocalAddr()))
	r.expect(t, fmt.Sprintf("Connected by %s", second.LocalAddr()))
	r.expect(t, fmt.Sprintf("Closed %s after 6 bytes", second.LocalAddr()))
}

// A bad client loses its own connection, with a reason, and the next one is
// served as if nothing had happened.
func TestBadClients(t *testing.T) {
	for name, client := range map[string]struct {
		idleTimeout time.Duration
		do          func(*net.TCPConn)
		reason      string
	}{
		"resets": {time.Minute, func(conn *net.TCPConn) {
			conn.Write([]byte("half a mess"))
			io.ReadFull(conn, make([]byte, 11)) // the server is in the middle
			conn.SetLinger(0)
			conn.Close()
		}, "reset"},
		"is silent": {time.Millisecond, func(*net.TCPConn) {},
			": silent, or not reading, for 1ms"},
		"never reads": {100 * time.Millisecond, func(conn *net.TCPConn) {
			// More than the buffers between the two can hold. Write fails
			// when the server hangs up.
			conn.Write(make([]byte, 64<<20))
		}, ": silent, or not reading, for 100ms"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, server{idleTimeout: client.idleTimeout}, "127.0.0.1")
			conn := r.dial(t)
			r.expect(t, "Connected by "+conn.LocalAddr().String())
			client.do(conn)
			line := r.line(t)
			if !strings.HasPrefix(line, "Closed "+conn.LocalAddr().String()+" after ") ||
				!strings.Contains(line, client.reason) && runtime.GOOS != "windows" {
				t.Errorf("the server printed %q, which should give the reason %q", line,
					client.reason)
			}
			next := r.dial(t)
			r.expect(t, "Connected by "+next.LocalAddr().String())
			r.stop()
		})
	}
}

// Ctrl-C ends the server at once, whatever its client does.
func TestStop(t *testing.T) {
	t.Run("with no client", func(t *testing.T) {
		r := start(t, server{}, "127.0.0.1")
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		r.expect(t, "Stopped; clients served: 0, bytes echoed: 0")
	})
	t.Run("with a client connected", func(t *testing.T) {
		r := start(t, server{}, "127.0.0.1")
		conn := r.dial(t)
		conn.Write([]byte("five!"))
		io.ReadFull(conn, make([]byte, 5))
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		if n, err := conn.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the client should get a clean end, and got %d bytes, error %v", n, err)
		}
		r.expect(t, fmt.Sprintf("Connected by %s", conn.LocalAddr()))
		r.expect(t, fmt.Sprintf("Closed %s after 5 bytes: the server was stopped",
			conn.LocalAddr()))
		r.expect(t, "Stopped; clients served: 1, bytes echoed: 5")
	})
	t.Run("while it waits for a client to read", func(t *testing.T) {
		r := start(t, server{}, "127.0.0.1")
		conn := r.dial(t)
		r.line(t) // Connected by
		sent := make(chan error)
		go func() {
			_, err := conn.Write(make([]byte, 64<<20))
			sent <- err
		}()
		if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		if err := <-sent; err == nil {
			t.Error("the server took 64 MB that it could not echo")
		}
	})
}

func TestListenErrors(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for addr, advice := range map[string]string{
		taken.Addr().String(): "another program has this port: ",
		// RFC 5737: nobody's
		"203.0.113.1:0": "no interface of this computer has that address: ",
	} {
		err := server{addr: addr, out: io.Discard}.run(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), "cannot listen on "+addr+": ") ||
			!strings.HasPrefix(cli.ListenAdvice(err), advice) {
			t.Errorf("listening on %s gave %v, advice %q, which should begin %q", addr, err,
				cli.ListenAdvice(err), advice)
		}
	}
}

// A server that can't say where it listens does not serve in secret.
func TestBrokenOutput(t *testing.T) {
	read, write := io.Pipe()
	read.CloseWithError(errors.New("the disk is gone"))
	err := server{addr: "127.0.0.1:0", out: write}.run(t.Context())
	if got := fmt.Sprint(err); got != "cannot write the output: the disk is gone" {
		t.Errorf("the output failed, and the server says %v", got)
	}
}

func TestName(t *testing.T) {
	r := start(t, server{}, "localhost")
	if _, _, err := net.SplitHostPort(r.addr); err != nil {
		t.Errorf("the server listens on %q", r.addr)
	}
	r.expect(t, "The name localhost may stand for more addresses; this is the only one served.")
}

// Whatever bytes and split points go in, the same bytes come out.
func FuzzEcho(f *testing.F) {
	f.Add([]byte(""), uint(0), uint(0))
	f.Add([]byte("Hello, world"), uint(5), uint(7))
	f.Add(bytes.Repeat([]byte{0, 0xff, '\n'}, 1000), uint(1024), uint(1025))
	ctx, cancel := context.WithCancel(context.Background())
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		s := server{addr: "127.0.0.1:0", idleTimeout: time.Minute, bufferSize: bufferSize,
			out: write, log: io.Discard}
		ended <- s.run(ctx)
	}()
	var addr string
	if _, err := fmt.Fscanf(read, "Listening on %s\n", &addr); err != nil {
		f.Fatal(err)
	}
	go io.Copy(io.Discard, read)
	f.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			f.Error(err)
		}
		write.Close()
	})
	f.Fuzz(func(t *testing.T, message []byte, a, b uint) {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		n := uint(len(message)) + 1
		first, second := min(a%n, b%n), max(a%n, b%n)
		got, err := echoOf(conn.(*net.TCPConn), message, int(first), int(second))
		if err != nil || !bytes.Equal(got, message) {
			t.Errorf("sent %q in pieces that end at %d and %d, got %q back, error: %v",
				message, first, second, got, err)
		}
	})
}
