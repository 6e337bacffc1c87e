package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// serve runs handle for each connection to a free port, and returns the
// address. Nothing is left running when the test ends.
func serve(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				handle(conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
		noGoroutineLeft(t)
	})
	return l.Addr().String()
}

func echo(conn net.Conn) { io.Copy(conn, conn) }

// noGoroutineLeft waits until no goroutine runs the client's code.
func noGoroutineLeft(t *testing.T) {
	t.Helper()
	var stacks string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); runtime.Gosched() {
		buf := make([]byte, 1<<20)
		stacks = string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(stacks, "02-multiconn/client.(*client).") {
			return
		}
	}
	t.Errorf("goroutines of the client are left behind:\n%s", stacks)
}

// run runs a client and returns what it prints, errors behind the rest.
func run(ctx context.Context, addr string, conns, messages int, lines bool) (*client, string) {
	var out lockedBuffer
	c := &client{addr: addr, conns: conns, messages: messages,
		timeout: time.Minute, lines: lines, out: &out}
	failed := c.run(ctx)
	failed.explain(&out, addr)
	return c, out.String()
}

// lockedBuffer can be written to by many goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

// The lines of each connection come in this order, mixed with the others'.
func TestLines(t *testing.T) {
	addr := serve(t, echo)
	_, out := run(t.Context(), addr, 3, 2, true)
	for id := 1; id <= 3; id++ {
		mine := regexp.MustCompile(fmt.Sprintf(`connection %d\b`, id))
		var got []string
		for line := range strings.Lines(out) {
			if mine.MatchString(line) {
				got = append(got, strings.TrimSuffix(line, "\n"))
			}
		}
		want := []string{
			fmt.Sprintf("Starting connection %d to %s", id, addr),
			fmt.Sprintf(`Sending "Message 1 from client." to connection %d`, id),
			fmt.Sprintf(`Received "Message 1 from client." from connection %d`, id),
			fmt.Sprintf(`Sending "Message 2 from client." to connection %d`, id),
			fmt.Sprintf(`Received "Message 2 from client." from connection %d`, id),
			fmt.Sprintf("Closing connection %d", id),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the lines of connection %d (-want +got):\n%s", id, diff)
		}
	}
	if n := strings.Count(out, "\n"); n != 18 {
		t.Errorf("there are %d lines and not 18:\n%s", n, out)
	}
}

var timing = regexp.MustCompile(`time: \S+`)

func TestSummary(t *testing.T) {
	_, out := run(t.Context(), serve(t, echo), 500, 3, false)
	want := "500 of 500 connections are open; sending 3 messages on each\n" +
		"Connections: 500, messages echoed: 1500, errors: 0, time: T\n"
	if diff := cmp.Diff(want, timing.ReplaceAllString(out, "time: T")); diff != "" {
		t.Error("the client's lines (-want +got):\n" + diff)
	}
}

// All the connections are open before the first message is sent.
func TestAllAtOnce(t *testing.T) {
	const n = 200
	var connected sync.WaitGroup
	connected.Add(n)
	addr := serve(t, func(conn net.Conn) {
		connected.Done()
		connected.Wait() // a client that does one after another waits for ever
		echo(conn)
	})
	c, out := run(t.Context(), addr, n, 1, false)
	if c.echoed.Load() != n {
		t.Errorf("not every message came back:\n%s", out)
	}
}

// Whatever a server does wrong is counted and explained, in one line for each
// cause.
func TestErrors(t *testing.T) {
	const length = len("Message 1 from client.")
	read := func(conn net.Conn) []byte {
		message := make([]byte, length)
		io.ReadFull(conn, message)
		return message
	}
	for name, test := range map[string]struct {
		handle func(net.Conn)
		want   string
	}{
		"one bit is wrong": {func(conn net.Conn) {
			echo := read(conn)
			echo[length-1] ^= 1
			conn.Write(echo)
			io.Copy(io.Discard, conn)
		}, "the echo is not what was sent; is that an echo server?"},
		"closes early": {func(conn net.Conn) {
			conn.Write(read(conn)[:5])
		}, "unexpected EOF after 5 of 22 bytes of an echo; look at the server's terminal"},
		"closes at once": {func(conn net.Conn) {
			read(conn)
		}, "EOF after 0 of 22 bytes of an echo; look at the server's terminal"},
		"resets": {func(conn net.Conn) {
			read(conn)
			conn.(*net.TCPConn).SetLinger(0)
		}, "look at the server's terminal"},
	} {
		t.Run(name, func(t *testing.T) {
			addr := serve(t, test.handle)
			_, out := run(t.Context(), addr, 3, 1, false)
			if !strings.Contains(out, "messages echoed: 0, errors: 3, ") {
				t.Errorf("three errors are not counted:\n%s", out)
			}
			if !strings.Contains(out, " and 2 more to "+addr+": ") || !strings.Contains(out, test.want) {
				t.Errorf("the line that explains should have %q:\n%s", test.want, out)
			}
		})
	}
}

// One bad connection among good ones costs nobody else anything.
func TestOneBadConnection(t *testing.T) {
	var mu sync.Mutex
	first := true
	addr := serve(t, func(conn net.Conn) {
		mu.Lock()
		bad := first
		first = false
		mu.Unlock()
		if bad {
			return
		}
		echo(conn)
	})
	c, out := run(t.Context(), addr, 50, 4, false)
	if c.echoed.Load() != 49*4 || !strings.Contains(out, "errors: 1, ") {
		t.Errorf("49 connections should have echoed 4 messages each:\n%s", out)
	}
}

func TestRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	_, out := run(t.Context(), addr, 5, 1, false)
	if !strings.Contains(out, "errors: 5, ") || !strings.Contains(out, "start it first: go run ./02-multiconn/server") {
		t.Errorf("nobody listens, and the client says:\n%s", out)
	}
}

func TestStop(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	addr := serve(t, func(conn net.Conn) {
		conn.Read(make([]byte, 1)) // the client is in the middle
		cancel()
		io.Copy(io.Discard, conn) // and gets no answer
	})
	done := make(chan string)
	go func() {
		_, out := run(ctx, addr, 10, 1, false)
		done <- out
	}()
	select {
	case out := <-done:
		if !strings.Contains(out, "messages echoed: 0, errors: 0, ") {
			t.Errorf("Ctrl-C is no error of a connection, and the client says:\n%s", out)
		}
	case <-time.After(time.Minute):
		t.Fatal("the client did not stop on Ctrl-C")
	}
}

func TestTimeout(t *testing.T) {
	addr := serve(t, func(conn net.Conn) { io.Copy(io.Discard, conn) })
	var out lockedBuffer
	c := &client{addr: addr, conns: 1, messages: 1, timeout: 50 * time.Millisecond, out: &out}
	failed := c.run(t.Context())
	failed.explain(&out, addr)
	if !strings.Contains(out.String(), "nothing answered: ") {
		t.Errorf("the server never answers, and the client says:\n%s", out.String())
	}
}

func TestCheck(t *testing.T) {
	good := func() *client {
		return &client{addr: "127.0.0.1:1", conns: 1, messages: 1, timeout: time.Second}
	}
	if err := good().check(); err != nil {
		t.Error(err)
	}
	var got []string
	for _, change := range []func(*client){
		func(c *client) { c.addr = "127.0.0.1" },
		func(c *client) { c.conns = 0 },
		func(c *client) { c.conns = 65536 },
		func(c *client) { c.messages = 0 },
		func(c *client) { c.timeout = 0 },
	} {
		c := good()
		change(c)
		if err := c.check(); err == nil {
			t.Errorf("%+v is taken", c)
		} else {
			got = append(got, regexp.MustCompile(`flag (-\w+)`).FindString(err.Error()))
		}
	}
	want := []string{"flag -addr", "flag -conns", "flag -conns", "flag -messages", "flag -timeout"}
	if !slices.Equal(got, want) {
		t.Errorf("the objections name %q and not %q", got, want)
	}
}
