package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sockets/02-multiconn/internal/servertest"
	"github.com/google/go-cmp/cmp"
)

func serve(t *testing.T, handle func(*net.TCPConn)) string {
	t.Helper()
	return servertest.Serve(t, "02-multiconn/client.(*client).", handle)
}

// run runs a client and returns what it prints, its error behind the rest.
func run(ctx context.Context, addr string, conns, messages int, lines bool) (*client, string) {
	var out lockedBuffer
	c := &client{addr: addr, conns: conns, messages: messages,
		timeout: time.Minute, lines: lines, out: &out, progress: &out}
	if err := c.run(ctx); err != nil {
		fmt.Fprintln(&out, err)
	}
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
	addr := serve(t, servertest.Echo)
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
	_, out := run(t.Context(), serve(t, servertest.Echo), 500, 3, false)
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
	addr := serve(t, func(conn *net.TCPConn) {
		connected.Done()
		connected.Wait() // a client that does one after another waits for ever
		servertest.Echo(conn)
	})
	c, out := run(t.Context(), addr, n, 1, false)
	if c.echoed.Load() != n {
		t.Errorf("not every message came back:\n%s", out)
	}
}

// Whatever a server does wrong is counted and explained, once for each cause.
func TestErrors(t *testing.T) {
	const length = len("Message 1 from client.")
	read := func(conn *net.TCPConn) []byte {
		message := make([]byte, length)
		io.ReadFull(conn, message)
		return message
	}
	for name, test := range map[string]struct {
		handle func(*net.TCPConn)
		want   string
	}{
		"one bit is wrong": {func(conn *net.TCPConn) {
			echo := read(conn)
			echo[length-1] ^= 1
			conn.Write(echo)
			io.Copy(io.Discard, conn)
		}, "the echo is not what was sent\nis that the right server? "},
		"closes early": {func(conn *net.TCPConn) {
			conn.Write(read(conn)[:5])
		}, "5 of 22 bytes, then unexpected EOF\nlook at the server's terminal"},
		"closes at once": {func(conn *net.TCPConn) {
			read(conn)
		}, "0 of 22 bytes, then EOF\nlook at the server's terminal"},
		"resets": {func(conn *net.TCPConn) {
			read(conn)
			conn.SetLinger(0)
		}, "0 of 22 bytes, then connection reset by peer\nlook at the server's terminal"},
	} {
		t.Run(name, func(t *testing.T) {
			addr := serve(t, test.handle)
			_, out := run(t.Context(), addr, 3, 1, false)
			if !strings.Contains(out, "messages echoed: 0, errors: 3, ") {
				t.Errorf("three errors are not counted:\n%s", out)
			}
			if !strings.Contains(out, "\n3 connections to "+addr+": ") ||
				!strings.Contains(out, test.want) {
				t.Errorf("the line that explains should have %q:\n%s", test.want, out)
			}
		})
	}
}

// One bad connection among good ones costs nobody else anything.
func TestOneBadConnection(t *testing.T) {
	var mu sync.Mutex
	first := true
	addr := serve(t, func(conn *net.TCPConn) {
		mu.Lock()
		bad := first
		first = false
		mu.Unlock()
		if bad {
			return
		}
		servertest.Echo(conn)
	})
	c, out := run(t.Context(), addr, 50, 4, false)
	if c.echoed.Load() != 49*4 || !strings.Contains(out, "errors: 1, ") {
		t.Errorf("49 connections should have echoed 4 messages each:\n%s", out)
	}
}

func TestRefused(t *testing.T) {
	_, out := run(t.Context(), servertest.Nobody(t), 5, 1, false)
	if !strings.Contains(out, "errors: 5, ") ||
		!strings.HasSuffix(out,
			"\nis the server running? start it first: go run ./02-multiconn/server\n") {
		t.Errorf("nobody listens, and the client says:\n%s", out)
	}
}

func TestStop(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	addr := serve(t, func(conn *net.TCPConn) {
		conn.Read(make([]byte, 1)) // the client is in the middle
		cancel()
		servertest.Silence(conn)
	})
	done := make(chan string)
	go func() {
		_, out := run(ctx, addr, 10, 1, false)
		done <- out
	}()
	select {
	case out := <-done:
		if !strings.Contains(out, "messages echoed: 0, errors: 0, ") ||
			!strings.HasSuffix(out, "\nStopped; messages echoed: 0\nstopped\n") {
			t.Errorf("Ctrl-C is no error of a connection, and the client says:\n%s", out)
		}
	case <-time.After(time.Minute):
		t.Fatal("the client did not stop on Ctrl-C")
	}
}

func TestTimeout(t *testing.T) {
	var out lockedBuffer
	c := &client{addr: serve(t, servertest.Silence), conns: 1, messages: 1,
		timeout: 50 * time.Millisecond, out: &out}
	err := c.run(t.Context())
	want := "connection 1 to " + c.addr + ": 0 of 22 bytes, then i/o timeout\nnothing answered: "
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("the server never answers, and the client says:\n%v", err)
	}
}

// A client that opens thousands of connections shows how far it is.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		done := make(chan struct{})
		time.AfterFunc(5*time.Second, func() { close(done) })
		var progress strings.Builder
		c := &client{conns: 30000, progress: &progress}
		c.report(done, func() int { return 1000 * int(time.Since(begin).Seconds()) })
		want := "2000 of 30000 connections are open so far\n4000 of 30000 connections are open " +
			"so far\n"
		if progress.String() != want {
			t.Errorf("within 5 seconds the client printed\n%s\nand not\n%s", &progress, want)
		}
	})
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
	want := []string{"flag -conns", "flag -conns", "flag -messages", "flag -timeout"}
	if !slices.Equal(got, want) {
		t.Errorf("the objections name %q and not %q", got, want)
	}
}
