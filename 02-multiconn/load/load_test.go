package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sockets/02-multiconn/internal/cli"
	"example.com/sockets/02-multiconn/internal/servertest"
)

const code = "02-multiconn/load.load."

func serve(t *testing.T, handle func(*net.TCPConn)) string {
	t.Helper()
	return servertest.Serve(t, code, handle)
}

// figures reads the lines that run prints at the end.
func figures(t *testing.T, out string) (messages, failed int) {
	t.Helper()
	pattern := regexp.MustCompile(`(?m)^Messages: (\d+) in \S+, \d+ a second\nRound trip: p50 \S+, p99 \S+\nErrors: (\d+)\n$`)
	m := pattern.FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("load printed\n%s\nwhich does not end with the figures", out)
	}
	fmt.Sscan(m[1], &messages)
	fmt.Sscan(m[2], &failed)
	return messages, failed
}

func TestLoad(t *testing.T) {
	for _, test := range []struct{ conns, size int }{
		{1, 1}, {3, 2}, {50, 64}, {4, maxSize},
	} {
		var out bytes.Buffer
		l := load{serve(t, servertest.Echo), test.conns, test.size, 50 * time.Millisecond,
			time.Minute}
		err := l.run(t.Context(), &out, io.Discard)
		first := fmt.Sprintf("Loading %s with %s, %d-byte messages, for 50ms\n",
			l.addr, count(test.conns, "connection"), test.size)
		if !strings.HasPrefix(out.String(), first) {
			t.Errorf("load printed\n%s\nwhich does not begin with\n%s", &out, first)
		}
		messages, failed := figures(t, out.String())
		if err != nil || failed != 0 || messages < test.conns {
			t.Errorf("%d connections, %d bytes: %d messages, %d errors: %v",
				test.conns, test.size, messages, failed, err)
		}
	}
}

// All connections are in use at the same time, no two messages are the same,
// and all that come are counted.
func TestMessages(t *testing.T) {
	const conns, size = 20, 64
	var mu sync.Mutex
	open, seen := 0, map[string]bool{}
	all := make(chan struct{})
	addr := serve(t, func(conn *net.TCPConn) {
		mu.Lock()
		if open++; open == conns {
			close(all)
		}
		mu.Unlock()
		message := make([]byte, size)
		for {
			if _, err := io.ReadFull(conn, message); err != nil {
				return
			}
			<-all // answer nobody before everybody is here
			mu.Lock()
			if seen[string(message)] {
				t.Errorf("%q came twice", message)
			}
			seen[string(message)] = true
			mu.Unlock()
			conn.Write(message)
		}
	})
	var out bytes.Buffer
	err := load{addr, conns, size, 50 * time.Millisecond, time.Minute}.run(t.Context(), &out,
		io.Discard)
	messages, failed := figures(t, out.String())
	if err != nil || failed != 0 || messages != len(seen) {
		t.Errorf("%d messages came and %d were counted, %d errors: %v", len(seen), messages, failed,
			err)
	}
}

// Servers that do wrong are found out: each connection is one error, the
// good ones go on, and one line explains each kind.
func TestBadServers(t *testing.T) {
	for name, test := range map[string]struct {
		handle func(*net.TCPConn)
		like   string
		advice string
	}{
		"changes a byte": {func(conn *net.TCPConn) {
			message := make([]byte, 64)
			for n := 0; ; n++ {
				if _, err := io.ReadFull(conn, message); err != nil {
					return
				}
				if n == 3 {
					message[63] = '!'
				}
				conn.Write(message)
			}
		}, `message 4: byte 64 is '!', not '.'`,
			"is that the right server?"},
		"repeats an old message": {func(conn *net.TCPConn) {
			first := make([]byte, 64)
			io.ReadFull(conn, first)
			for {
				conn.Write(first)
				if _, err := io.ReadFull(conn, make([]byte, 64)); err != nil {
					return
				}
			}
		}, `message 2: byte 1 is '1', not '2'`,
			"is that the right server?"},
		"closes at once": {func(conn *net.TCPConn) {}, "message 1: ",
			"look at the server's terminal"},
		"closes in the middle": {func(conn *net.TCPConn) {
			message := make([]byte, 64)
			io.ReadFull(conn, message)
			conn.Write(message[:63])
		}, "message 1: unexpected EOF",
			"look at the server's terminal"},
		"resets": {func(conn *net.TCPConn) {
			io.ReadFull(conn, make([]byte, 64))
			conn.SetLinger(0)
		}, "message 1: ", "look at the server's terminal"},
		"never answers": {servertest.Silence,
			"message 1: i/o timeout", "nothing answered: "},
		"answers with one byte too few": {func(conn *net.TCPConn) {
			message := make([]byte, 64)
			io.ReadFull(conn, message)
			conn.Write(message[1:])
			io.Copy(io.Discard, conn)
		}, "message 1: i/o timeout", "nothing answered: "},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			// A deadline that an honest server keeps even on a busy machine
			// is too long for a test of one that never answers.
			timeout := time.Minute
			if strings.Contains(test.like, "timeout") {
				timeout = 100 * time.Millisecond
			}
			addr := serve(t, test.handle)
			err := load{addr, 3, 64, time.Minute, timeout}.run(t.Context(), &out, io.Discard)
			if _, failed := figures(t, out.String()); failed != 3 {
				t.Errorf("each of three connections should be an error, and load printed\n%s", &out)
			}
			explained := regexp.MustCompile(`^3 connections to ` + addr + `: ` +
				regexp.QuoteMeta(test.like) + `[^\n]*\n` + regexp.QuoteMeta(test.advice) +
				`[^\n]*$`)
			if err == nil || !explained.MatchString(err.Error()) {
				t.Errorf("load explained\n%v\nwhich does not match\n%s", err, explained)
			}
		})
	}
}

// One bad connection is one error; the others have their whole time, and
// errors of two kinds are explained one by one.
func TestOneBadConnection(t *testing.T) {
	numbers := make(chan int, 3)
	for i := range cap(numbers) {
		numbers <- i
	}
	addr := serve(t, func(conn *net.TCPConn) {
		switch <-numbers {
		case 0:
			io.ReadFull(conn, make([]byte, 64))
		case 1:
			io.ReadFull(conn, make([]byte, 64))
			conn.Write(make([]byte, 64))
		default:
			servertest.Echo(conn)
		}
	})
	var out bytes.Buffer
	err := load{addr, 3, 64, 50 * time.Millisecond, time.Minute}.run(t.Context(), &out, io.Discard)
	if messages, failed := figures(t, out.String()); failed != 2 || messages == 0 {
		t.Errorf("two of three connections failed, and load printed\n%s", &out)
	}
	if err == nil || strings.Count(err.Error(), "connection ") != 2 ||
		strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("two kinds of errors are explained as\n%v", err)
	}
}

func TestCannotOpen(t *testing.T) {
	nobody := servertest.Nobody(t)
	err := load{nobody, 5, 64, time.Minute, time.Minute}.run(t.Context(), io.Discard, io.Discard)
	if err == nil || !strings.HasPrefix(err.Error(), "connection 1 of 5 to "+nobody+": ") ||
		!strings.Contains(err.Error(), "\nis the server running? start it first") {
		t.Errorf("nobody listens, and load says %v", err)
	}
}

// Ctrl-C ends load at once, with the figures so far, and counts as no error
// of the server.
func TestStop(t *testing.T) {
	for name, handle := range map[string]func(*net.TCPConn){
		"while it waits for an echo": servertest.Silence,
		"while echoes come":          servertest.Echo,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			var connected sync.WaitGroup
			connected.Add(3)
			addr := serve(t, func(conn *net.TCPConn) {
				first := make([]byte, 1)
				io.ReadFull(conn, first)
				connected.Done()
				conn.Write(first)
				handle(conn)
			})
			go func() {
				connected.Wait()
				stop()
			}()
			var out bytes.Buffer
			err := load{addr, 3, 64, time.Hour, time.Hour}.run(ctx, &out, io.Discard)
			figuresOnly, stopped := strings.CutSuffix(out.String(),
				"Stopped before the 1h0m0s were over\n")
			if _, failed := figures(t, figuresOnly); err != cli.ErrStopped || failed != 0 ||
				!stopped {
				t.Errorf("the load was stopped, and says %v", err)
			}
		})
	}
}

// Progress comes each second and counts upwards.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var roundTrips histogram
		done := make(chan struct{})
		var out bytes.Buffer
		go func() {
			for range 3 {
				roundTrips.add(time.Millisecond)
				<-time.After(900 * time.Millisecond)
			}
			close(done)
		}()
		report(&out, done, &roundTrips)
		if want := "1s: 2 messages so far\n2s: 3 messages so far\n"; out.String() != want {
			t.Errorf("after 2.7 seconds there is %q and not %q", &out, want)
		}
	})
}

func TestCheck(t *testing.T) {
	good := load{"127.0.0.1:65432", 50, 64, time.Second, time.Second}
	if err := good.check(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*load){
		"-conns":   func(l *load) { l.conns = 65536 },
		"-size":    func(l *load) { l.size = maxSize + 1 },
		"-for":     func(l *load) { l.duration = 0 },
		"-timeout": func(l *load) { l.timeout = -time.Second },
	} {
		bad := good
		spoil(&bad)
		if err := bad.check(); err == nil || !strings.Contains(err.Error(), name+": ") {
			t.Errorf("%s was wrong, and the objection is %v", name, err)
		}
	}
}
