package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sockets/02-multiconn/neterror"
)

// serve answers every client with handle and returns the server's address.
// When the test ends no goroutine of the server or of load is left.
func serve(t *testing.T, handle func(*net.TCPConn)) string {
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
				conn.SetDeadline(time.Now().Add(time.Minute)) // a safety net
				handle(conn.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		serving.Wait()
		noGoroutineLeft(t)
	})
	return l.Addr().String()
}

// noGoroutineLeft waits until no goroutine runs the code of load.
func noGoroutineLeft(t *testing.T) {
	t.Helper()
	var stacks string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); runtime.Gosched() {
		buf := make([]byte, 1<<20)
		stacks = string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(stacks, "02-multiconn/load.load.") {
			return
		}
	}
	t.Errorf("goroutines of load are left behind:\n%s", stacks)
}

func echo(conn *net.TCPConn) { io.Copy(conn, conn) }

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
		l := load{serve(t, echo), test.conns, test.size, 50 * time.Millisecond, time.Minute}
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
	err := load{addr, conns, size, 50 * time.Millisecond, time.Minute}.run(t.Context(), &out, io.Discard)
	messages, failed := figures(t, out.String())
	if err != nil || failed != 0 || messages != len(seen) {
		t.Errorf("%d messages came and %d were counted, %d errors: %v", len(seen), messages, failed, err)
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
		}, `message 4: what came back is not what was sent: byte 64 is '!' and should be '.'`,
			"is that an echo server?"},
		"repeats an old message": {func(conn *net.TCPConn) {
			first := make([]byte, 64)
			io.ReadFull(conn, first)
			for {
				conn.Write(first)
				if _, err := io.ReadFull(conn, make([]byte, 64)); err != nil {
					return
				}
			}
		}, `message 2: what came back is not what was sent: byte 1 is '1' and should be '2'`,
			"is that an echo server?"},
		"closes at once": {func(conn *net.TCPConn) {}, "message 1: ", "look at the server's terminal"},
		"closes in the middle": {func(conn *net.TCPConn) {
			message := make([]byte, 64)
			io.ReadFull(conn, message)
			conn.Write(message[:63])
		}, "message 1: the server closed the connection before the whole echo had come",
			"look at the server's terminal"},
		"resets": {func(conn *net.TCPConn) {
			io.ReadFull(conn, make([]byte, 64))
			conn.SetLinger(0)
		}, "message 1: ", "look at the server's terminal"},
		"never answers": {func(conn *net.TCPConn) { io.Copy(io.Discard, conn) },
			"message 1: i/o timeout", "nothing came in time"},
		"answers with one byte too few": {func(conn *net.TCPConn) {
			message := make([]byte, 64)
			io.ReadFull(conn, message)
			conn.Write(message[1:])
			io.Copy(io.Discard, conn)
		}, "message 1: i/o timeout", "nothing came in time"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			// A deadline that an honest server keeps even on a busy machine
			// is too long for a test of one that never answers.
			timeout := time.Minute
			if strings.Contains(test.like, "timeout") {
				timeout = 100 * time.Millisecond
			}
			err := load{serve(t, test.handle), 3, 64, time.Minute, timeout}.run(t.Context(), &out, io.Discard)
			if _, failed := figures(t, out.String()); failed != 3 {
				t.Errorf("each of three connections should be an error, and load printed\n%s", &out)
			}
			explained := regexp.MustCompile(`^3 errors, such as connection [123]: ` + regexp.QuoteMeta(test.like) + `[^\n]*; ` + regexp.QuoteMeta(test.advice) + `[^\n]*$`)
			if err == nil || !explained.MatchString(err.Error()) {
				t.Errorf("load explained\n%v\nwhich does not match\n%s", err, explained)
			}
		})
	}
}

// One bad connection is one error; the others have their whole time, and
// errors of two kinds are explained in two lines.
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
			echo(conn)
		}
	})
	var out bytes.Buffer
	err := load{addr, 3, 64, 50 * time.Millisecond, time.Minute}.run(t.Context(), &out, io.Discard)
	if messages, failed := figures(t, out.String()); failed != 2 || messages == 0 {
		t.Errorf("two of three connections failed, and load printed\n%s", &out)
	}
	if err == nil || strings.Count(err.Error(), "1 error, such as ") != 2 || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two kinds of errors are explained as\n%v", err)
	}
}

func TestCannotOpen(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	err = load{nobody, 5, 64, time.Minute, time.Minute}.run(t.Context(), io.Discard, io.Discard)
	if err == nil || !strings.HasPrefix(err.Error(), "cannot open connection 1 of 5 to "+nobody+": ") ||
		!strings.Contains(err.Error(), "; is the server running? start it first") {
		t.Errorf("nobody listens, and load says %v", err)
	}
	for name, test := range map[string]struct {
		err    error
		advice string
	}{
		"no ephemeral port": {&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", neterror.AddressNotAvailable)}, "the ephemeral ports"},
		"no buffers":        {&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", neterror.NoBuffers)}, "the ephemeral ports"},
		// A name server that refuses is not an echo server that refuses.
		"no such host": {&net.DNSError{UnwrapErr: neterror.ConnectionRefused}, "is the name spelled right?"},
		"time is up":   {&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, "nothing came in time"},
		"anything":     {errors.New("a surprise"), "docs/errors.md"},
	} {
		if got := advice(test.err); !strings.HasPrefix(got, test.advice) {
			t.Errorf("%s: the advice is %q and should begin with %q", name, got, test.advice)
		}
	}
}

// Ctrl-C ends load at once, with the figures so far and no error.
func TestStop(t *testing.T) {
	for name, handle := range map[string]func(*net.TCPConn){
		"while it waits for an echo": func(conn *net.TCPConn) { io.Copy(io.Discard, conn) },
		"while echoes come":          echo,
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
			if _, failed := figures(t, out.String()); err != nil || failed != 0 {
				t.Errorf("the load was stopped, and says %v", err)
			}
		})
	}
}

// Progress comes each second and counts upwards.
func TestProgress(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	read, progress := io.Pipe()
	ended := make(chan error, 1)
	addr := serve(t, echo)
	go func() {
		ended <- load{addr, 3, 64, time.Hour, time.Minute}.run(ctx, io.Discard, progress)
	}()
	last := 0
	for second := 1; second <= 2; second++ {
		var s, messages int
		if _, err := fmt.Fscanf(read, "%ds: %d messages\n", &s, &messages); err != nil ||
			s != second || messages <= last {
			t.Errorf("after %d seconds came %d, %d messages, error %v", second, s, messages, err)
		}
		last = messages
	}
	read.Close()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestFlags(t *testing.T) {
	good := load{"127.0.0.1:65432", 50, 64, time.Second, time.Second}
	if err := checkFlags(good); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*load){
		"-addr":    func(l *load) { l.addr = "127.0.0.1" },
		"-conns":   func(l *load) { l.conns = 0 },
		"-size":    func(l *load) { l.size = maxSize + 1 },
		"-for":     func(l *load) { l.duration = 0 },
		"-timeout": func(l *load) { l.timeout = -time.Second },
	} {
		bad := good
		spoil(&bad)
		if err := checkFlags(bad); err == nil || !strings.Contains(err.Error(), name+": ") {
			t.Errorf("%s was wrong, and the objection is %v", name, err)
		}
	}
}
