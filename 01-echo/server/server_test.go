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
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// patience is how long a test waits for something that comes at once when all
// is well. It is long, so that a slow machine makes no test fail.
const patience = 10 * time.Second

// unhurried is an idle timeout that no test lives to see.
const unhurried = time.Minute

func TestEcho(t *testing.T) {
	for _, test := range []struct {
		name    string
		message []byte
	}{
		{"empty", nil},
		{"one byte", []byte("x")},
		{"one buffer", bytes.Repeat([]byte("b"), bufferSize)},
		{"one buffer and a byte", bytes.Repeat([]byte("c"), bufferSize+1)},
		{"binary", everyByte()},
		{"larger than every buffer", bytes.Repeat(everyByte(), 8<<20/256)},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, server{idleTimeout: unhurried}, "127.0.0.1:0")

			client := s.dial()
			s.roundTrip(client, test.message)

			s.says("Connected by %s", client.LocalAddr())
			s.says("Closed %s after %d bytes", client.LocalAddr(), len(test.message))
			s.stop("Stopped; clients served: 1, bytes echoed: %d", len(test.message))
		})
	}
}

func TestConversation(t *testing.T) {
	s := start(t, server{idleTimeout: unhurried}, "127.0.0.1:0")
	client := s.dial()

	// The server answers at once; it does not wait for the client's FIN.
	s.exchange(client, "one")
	s.exchange(client, "two")
	client.CloseWrite()

	if rest, err := io.ReadAll(client); err != nil || len(rest) > 0 {
		t.Errorf("after the half-close came %q and error %v, want the server's FIN alone", rest, err)
	}
	s.says("Connected by %s", client.LocalAddr())
	s.says("Closed %s after 6 bytes", client.LocalAddr())
}

func TestHalfClose(t *testing.T) {
	s := start(t, server{idleTimeout: unhurried}, "127.0.0.1:0")
	client := s.dial()

	// The client's FIN is out before it has read anything.
	s.send(client, "Hello, world")
	client.CloseWrite()

	got, err := io.ReadAll(client)
	if err != nil {
		t.Fatalf("reading after the half-close: %v", err)
	}
	if diff := cmp.Diff("Hello, world", string(got)); diff != "" {
		t.Errorf("the echo after the half-close (-want +got):\n%s", diff)
	}
}

func TestResetAffectsNobodyElse(t *testing.T) {
	t.Run("while the server reads", func(t *testing.T) {
		s := start(t, server{idleTimeout: unhurried}, "127.0.0.1:0")
		vanishing, next := s.dial(), s.dial()

		s.exchange(vanishing, "Hello")
		reset(vanishing)
		s.roundTrip(next, []byte("still there?"))

		s.says("Connected by %s", vanishing.LocalAddr())
		s.saysLike(`Closed %s after 5 bytes: .+`, vanishing.LocalAddr())
		s.says("Connected by %s", next.LocalAddr())
		s.says("Closed %s after 12 bytes", next.LocalAddr())
		s.stop("Stopped; clients served: 2, bytes echoed: 17")
	})

	t.Run("while the server writes", func(t *testing.T) {
		s := start(t, server{idleTimeout: unhurried}, "127.0.0.1:0")
		vanishing, next := s.dial(), s.dial()

		s.says("Connected by %s", vanishing.LocalAddr())
		s.fill(vanishing)
		reset(vanishing)
		s.roundTrip(next, []byte("still there?"))

		s.saysLike(`Closed %s after \d+ bytes: .+`, vanishing.LocalAddr())
		s.says("Connected by %s", next.LocalAddr())
		s.says("Closed %s after 12 bytes", next.LocalAddr())
	})
}

// A short idle timeout ends the first client. The next has sent everything
// before its turn comes, so that the same timeout does it no harm.
func TestIdleTimeout(t *testing.T) {
	const short = 300 * time.Millisecond

	t.Run("silent", func(t *testing.T) {
		s := start(t, server{idleTimeout: short}, "127.0.0.1:0")
		silent, next := s.dial(), s.dial()
		s.send(next, "my turn")
		next.CloseWrite()

		s.says("Connected by %s", silent.LocalAddr())
		s.says("Closed %s after 0 bytes: silent, or not reading, for 300ms", silent.LocalAddr())
		if rest, err := io.ReadAll(silent); err != nil || len(rest) > 0 {
			t.Errorf("the silent client read %q and error %v, want the server's FIN", rest, err)
		}
		s.says("Connected by %s", next.LocalAddr())
		s.says("Closed %s after 7 bytes", next.LocalAddr())
	})

	t.Run("never reads", func(t *testing.T) {
		s := start(t, server{idleTimeout: short}, "127.0.0.1:0")
		greedy, next := s.dial(), s.dial()
		s.send(next, "my turn")
		next.CloseWrite()

		// Writing goes on until the server hangs up: by then every buffer
		// between the two is full, in both directions.
		hungUp := make(chan error, 1)
		go func() {
			_, err := io.Copy(greedy, endless{})
			hungUp <- err
		}()

		s.says("Connected by %s", greedy.LocalAddr())
		s.saysLike(`Closed %s after [1-9]\d* bytes: silent, or not reading, for 300ms`, greedy.LocalAddr())
		if err := await(t, hungUp, "the server to hang up on the client that never reads"); err == nil {
			t.Error("the client that never reads wrote without end and without an error")
		}
		s.says("Connected by %s", next.LocalAddr())
		s.says("Closed %s after 7 bytes", next.LocalAddr())
	})
}

func TestOneClientAfterAnother(t *testing.T) {
	s := start(t, server{idleTimeout: unhurried}, "127.0.0.1:0")
	first := s.dial()
	s.exchange(first, "first")

	// The kernel does the second client's handshake and takes its bytes. All
	// of it is there before the first says another word.
	second := s.dial()
	s.send(second, "second")
	second.CloseWrite()

	s.exchange(first, "first again")
	first.CloseWrite()
	if got, err := io.ReadAll(second); string(got) != "second" || err != nil {
		t.Errorf("the second client got %q and error %v, want %q", got, err, "second")
	}

	s.says("Connected by %s", first.LocalAddr())
	s.says("Closed %s after 16 bytes", first.LocalAddr())
	s.says("Connected by %s", second.LocalAddr())
	s.says("Closed %s after 6 bytes", second.LocalAddr())
	s.stop("Stopped; clients served: 2, bytes echoed: 22")
}

func TestIPv6(t *testing.T) {
	probe, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skipf("this machine has no IPv6 loopback: %v", err)
	}
	probe.Close()

	s := start(t, server{idleTimeout: unhurried}, "[::1]:0")
	client := s.dial()
	s.roundTrip(client, []byte("Hello, world"))
	if addr := client.LocalAddr().String(); !strings.HasPrefix(addr, "[::1]:") {
		t.Errorf("the client's address is %s, want one of [::1]", addr)
	}
	s.says("Connected by %s", client.LocalAddr())
	s.says("Closed %s after 12 bytes", client.LocalAddr())
}

func TestCtrlC(t *testing.T) {
	t.Run("no client", func(t *testing.T) {
		s := start(t, server{idleTimeout: unhurried}, "127.0.0.1:0")
		s.stop("Stopped; clients served: 0, bytes echoed: 0")
		if conn, err := net.Dial("tcp", s.addr); err == nil {
			conn.Close()
			t.Errorf("%s still takes clients after the server has stopped", s.addr)
		}
	})

	t.Run("silent client", func(t *testing.T) {
		s := start(t, server{idleTimeout: unhurried}, "127.0.0.1:0")
		client := s.dial()
		s.says("Connected by %s", client.LocalAddr())

		s.cancel()
		s.says("Closed %s after 0 bytes: the server was stopped", client.LocalAddr())
		s.stop("Stopped; clients served: 1, bytes echoed: 0")
		if rest, err := io.ReadAll(client); err != nil || len(rest) > 0 {
			t.Errorf("the client read %q and error %v, want the server's FIN", rest, err)
		}
	})

	t.Run("client in the middle", func(t *testing.T) {
		s := start(t, server{idleTimeout: unhurried}, "127.0.0.1:0")
		client := s.dial()
		s.exchange(client, "Hello")
		s.says("Connected by %s", client.LocalAddr())

		s.cancel()
		s.says("Closed %s after 5 bytes: the server was stopped", client.LocalAddr())
		s.stop("Stopped; clients served: 1, bytes echoed: 5")
	})

	t.Run("client that never reads", func(t *testing.T) {
		s := start(t, server{idleTimeout: unhurried}, "127.0.0.1:0")
		client := s.dial()
		s.says("Connected by %s", client.LocalAddr())
		s.fill(client)

		s.cancel()
		s.saysLike(`Closed %s after \d+ bytes: the server was stopped`, client.LocalAddr())
		s.saysLike(`Stopped; clients served: 1, bytes echoed: \d+`)
	})

	t.Run("another client waits for its turn", func(t *testing.T) {
		s := start(t, server{idleTimeout: unhurried}, "127.0.0.1:0")
		client := s.dial()
		s.says("Connected by %s", client.LocalAddr())
		waiting := s.dial()

		s.cancel()
		s.says("Closed %s after 0 bytes: the server was stopped", client.LocalAddr())
		s.stop("Stopped; clients served: 1, bytes echoed: 0")
		// Its connection ends too, by a FIN or a RST.
		if n, err := waiting.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the waiting client read %d bytes and error %v, want the end of the connection", n, err)
		}
	})
}

func TestCannotListen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()

	for _, test := range []struct{ name, addr, want string }{
		{"port taken", taken.Addr().String(), fmt.Sprintf("cannot listen on %s: bind: %s; "+
			"another program has this port: stop it, or take a free port with -addr 127.0.0.1:0",
			taken.Addr(), addressInUse)},
		// 192.0.2.0/24 is kept for documentation (RFC 5737): no machine has it.
		{"foreign address", "192.0.2.1:0", fmt.Sprintf("cannot listen on 192.0.2.1:0: bind: %s; "+
			"no interface of this machine has that address: try -addr 127.0.0.1:65432",
			addressNotAvailable)},
	} {
		t.Run(test.name, func(t *testing.T) {
			noGoroutineLeft(t)
			var out bytes.Buffer
			// Where it listens after all, it must not serve for ever.
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			err := server{unhurried, false, &out}.run(ctx, test.addr, &out)
			if diff := cmp.Diff(test.want, fmt.Sprint(err)); diff != "" {
				t.Errorf("listening on %s (-want +got):\n%s", test.addr, diff)
			}
			if out.Len() > 0 {
				t.Errorf("a server that cannot listen printed %q", out.String())
			}
		})
	}
}

func TestAdvice(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string // a part of the advice
	}{
		// A name server that can't be reached hides another error inside.
		{&net.DNSError{Err: "no such host", UnwrapErr: addressNotAvailable}, "an address of this machine"},
		{&net.OpError{Op: "listen", Err: os.NewSyscallError("bind", addressInUse)}, "another program has this port"},
		{&net.OpError{Op: "listen", Err: os.NewSyscallError("bind", addressNotAvailable)}, "no interface"},
		{&net.OpError{Op: "listen", Err: os.NewSyscallError("bind", permissionDenied)}, "reserves this port"},
		{errors.New("something else"), "docs/errors.md"},
	} {
		if got := advice(test.err); !strings.Contains(got, test.want) {
			t.Errorf("advice for %q:\n got %q\nwant something with %q", test.err, got, test.want)
		}
	}
}

func TestCheckFlags(t *testing.T) {
	setBufferSize(t, 1024)
	for _, test := range []struct {
		addr   string
		buffer int
		idle   time.Duration
		want   string // a part of the error; "" for none
	}{
		{"127.0.0.1:65432", 1024, time.Second, ""},
		{"[::1]:0", 1, time.Nanosecond, ""},
		{":65432", 1 << 20, time.Second, ""},
		{"127.0.0.1", 1024, time.Second, `"127.0.0.1" for flag -addr`},
		{"127.0.0.1:65536", 1024, time.Second, `"127.0.0.1:65536" for flag -addr`},
		{"127.0.0.1:0", 0, time.Second, "0 for flag -buffer"},
		{"127.0.0.1:0", 1<<20 + 1, time.Second, "1048577 for flag -buffer"},
		{"127.0.0.1:0", 1024, 0, "0s for flag -idle-timeout"},
	} {
		bufferSize = test.buffer
		err := checkFlags(test.addr, test.idle)
		if (err == nil) != (test.want == "") || !strings.Contains(fmt.Sprint(err), test.want) && err != nil {
			t.Errorf("-addr %s -buffer %d -idle-timeout %s: got error %v, want %q",
				test.addr, test.buffer, test.idle, err, test.want)
		}
	}
}

func TestReads(t *testing.T) {
	setBufferSize(t, 5)
	s := start(t, server{idleTimeout: unhurried, reads: true}, "127.0.0.1:0")
	client := s.dial()
	s.roundTrip(client, []byte("Hello, world"))

	s.says("Connected by %s", client.LocalAddr())
	for left := 12; left > 0; {
		line, n := s.line(), 0
		if _, err := fmt.Sscanf(line, "Read %d bytes", &n); err != nil || n < 1 || n > 5 || n > left {
			t.Fatalf("with a buffer of 5 bytes and %d bytes to come, the server printed %q", left, line)
		}
		left -= n
	}
	s.says("Closed %s after 12 bytes", client.LocalAddr())
}

func TestQuiet(t *testing.T) {
	s := start(t, server{idleTimeout: unhurried, reads: true, log: io.Discard}, "127.0.0.1:0")
	s.roundTrip(s.dial(), []byte("Hello, world"))
	s.stop("Stopped; clients served: 1, bytes echoed: 12")
}

// FuzzEcho sends data in pieces whose sizes are the bytes of sizes, in turn.
func FuzzEcho(f *testing.F) {
	f.Add([]byte(""), []byte(""))
	f.Add([]byte("Hello, world"), []byte{5, 0, 1})
	f.Add(everyByte(), []byte{15, 16, 17})
	f.Add(bytes.Repeat(everyByte(), 64), []byte{255})

	setBufferSize(f, 16) // many partial reads
	s := start(f, server{idleTimeout: unhurried, log: io.Discard}, "127.0.0.1:0")
	f.Fuzz(func(t *testing.T, data, sizes []byte) {
		s := s.in(t)
		s.roundTrip(s.dial(), data, sizes...)
	})
}

// A running is a server at work, seen by a test: what it prints, and clients
// that connect to it.
type running struct {
	t      testing.TB
	addr   string
	lines  chan string // what the server prints
	cancel func()      // Ctrl-C
	ended  chan error  // what run returned
}

// start runs s on addr until the test is over. Where s has no log, the lines
// about single connections are read together with the others.
func start(t testing.TB, s server, addr string) *running {
	t.Helper()
	noGoroutineLeft(t)
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, lines: make(chan string, 10_000), cancel: cancel, ended: make(chan error, 1)}
	out := &lineWriter{lines: r.lines}
	if s.log == nil {
		s.log = out
	}
	go func() {
		r.ended <- s.run(ctx, addr, out)
		close(r.lines)
	}()
	t.Cleanup(func() {
		cancel()
		for {
			select {
			case _, more := <-r.lines:
				if !more {
					return
				}
			case <-time.After(patience):
				t.Errorf("the server still runs %s after Ctrl-C", patience)
				return
			}
		}
	})
	if _, err := fmt.Sscanf(r.line(), "Listening on %s", &r.addr); err != nil {
		t.Fatalf("the server's first line is not \"Listening on ...\": %v", err)
	}
	return r
}

// in is the same server in another test, such as one round of fuzzing.
func (r *running) in(t testing.TB) *running {
	other := *r
	other.t = t
	return &other
}

// line waits for the next line that the server prints.
func (r *running) line() string {
	r.t.Helper()
	select {
	case line, more := <-r.lines:
		if !more {
			r.t.Fatalf("the server has ended (%v), but another line was expected", <-r.ended)
		}
		return line
	case <-time.After(patience):
		r.t.Fatalf("the server has printed nothing for %s", patience)
	}
	return ""
}

// says waits for the server's next line, which must be the one given.
func (r *running) says(format string, args ...any) {
	r.t.Helper()
	if diff := cmp.Diff(fmt.Sprintf(format, args...), r.line()); diff != "" {
		r.t.Fatalf("the server's next line (-want +got):\n%s", diff)
	}
}

// saysLike is says with a regular expression.
func (r *running) saysLike(format string, args ...any) {
	r.t.Helper()
	want := fmt.Sprintf(format, args...)
	if got := r.line(); !regexp.MustCompile("^" + want + "$").MatchString(got) {
		r.t.Fatalf("the server's next line:\n got %q\nwant %q", got, want)
	}
}

// stop presses Ctrl-C and waits for the last line and the end of run.
func (r *running) stop(format string, args ...any) {
	r.t.Helper()
	r.cancel()
	r.says(format, args...)
	if err := await(r.t, r.ended, "the server to end after Ctrl-C"); err != nil {
		r.t.Errorf("after Ctrl-C the server ended with error %q, want none", err)
	}
	if line, more := <-r.lines; more {
		r.t.Errorf("after its last words the server printed %q", line)
	}
}

// dial connects a client, which is closed when the test is over.
func (r *running) dial() *net.TCPConn {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatalf("connecting a client: %v", err)
	}
	r.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn.(*net.TCPConn)
}

func (r *running) send(client net.Conn, message string) {
	r.t.Helper()
	if _, err := io.WriteString(client, message); err != nil {
		r.t.Fatalf("sending %q: %v", message, err)
	}
}

// exchange sends message and waits until it has come back.
func (r *running) exchange(client net.Conn, message string) {
	r.t.Helper()
	r.send(client, message)
	got := make([]byte, len(message))
	if n, err := io.ReadFull(client, got); string(got) != message || err != nil {
		r.t.Fatalf("sent %q, got back %q and error %v", message, got[:n], err)
	}
}

// roundTrip sends message in pieces of these sizes (whole, where none are
// given), reads at the same time, half-closes, and compares what came back.
func (r *running) roundTrip(client *net.TCPConn, message []byte, sizes ...byte) {
	r.t.Helper()
	sent := make(chan error, 1)
	go func() {
		sent <- writePieces(client, message, sizes)
		client.CloseWrite()
	}()
	got, err := io.ReadAll(client)
	if err != nil {
		r.t.Errorf("reading the echo of %d bytes: %v", len(message), err)
	}
	if err := await(r.t, sent, "the client to send everything"); err != nil {
		r.t.Errorf("sending %d bytes: %v", len(message), err)
	}
	if bytes.Equal(message, got) {
		return
	}
	if len(message) > 1<<10 {
		r.t.Fatalf("sent %d bytes, got back %d, and not the same", len(message), len(got))
	}
	r.t.Fatalf("the echo (-want +got):\n%s", cmp.Diff(message, got))
}

func writePieces(w io.Writer, message []byte, sizes []byte) error {
	for _, size := range sizes {
		n := min(int(size), len(message))
		if _, err := w.Write(message[:n]); err != nil {
			return err
		}
		message = message[n:]
	}
	_, err := w.Write(message)
	return err
}

// fill writes without reading, until this connection takes no more: then the
// server, too, waits in Write.
func (r *running) fill(client *net.TCPConn) {
	r.t.Helper()
	filled := make(chan error, 1)
	go func() {
		_, err := io.Copy(client, endless{})
		filled <- err
	}()
	// A Write of nothing else can end this Copy: it ends by the deadline,
	// which passes when the buffers have been full for a moment.
	client.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	if err := await(r.t, filled, "every buffer to fill up"); !errors.Is(err, os.ErrDeadlineExceeded) {
		r.t.Fatalf("filling every buffer ended with %v, want a deadline that passed", err)
	}
}

// reset closes the connection with a RST in place of a FIN.
func reset(conn *net.TCPConn) {
	conn.SetLinger(0)
	conn.Close()
}

// await waits for a value of c.
func await[T any](t testing.TB, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("waited %s for %s", patience, what)
	}
	return v
}

// noGoroutineLeft checks, when the test and its other cleanups are over, that
// none of this program's goroutines is left.
func noGoroutineLeft(t testing.TB) {
	t.Cleanup(func() {
		for deadline := time.Now().Add(patience); ; runtime.Gosched() {
			left := goroutines()
			if len(left) == 0 {
				return
			}
			if time.Now().After(deadline) {
				t.Errorf("goroutines left behind:\n\n%s", strings.Join(left, "\n\n"))
				return
			}
		}
	})
}

// goroutines returns the stacks that mention this module, without the test's
// own and those of the tests around it.
func goroutines() (stacks []string) {
	buf := make([]byte, 1<<20)
	all := strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
	for _, stack := range all[1:] { // the first is the goroutine that asks
		if strings.Contains(stack, "example.com/sockets/") &&
			!strings.Contains(stack, "testing.(*T).Run(") {
			stacks = append(stacks, stack)
		}
	}
	return stacks
}

// setBufferSize is the flag -buffer, for one test.
func setBufferSize(t testing.TB, size int) {
	before := bufferSize
	t.Cleanup(func() { bufferSize = before })
	bufferSize = size
}

// A lineWriter cuts what it is given into lines.
type lineWriter struct {
	lines   chan<- string
	partial []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.partial = append(w.partial, p...)
	for {
		line, rest, whole := bytes.Cut(w.partial, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		w.lines <- string(line)
		w.partial = rest
	}
}

// endless is a reader with no end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// everyByte returns the 256 values of a byte.
func everyByte() []byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return all
}
