package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sockets/02-multiconn/internal/limits"
	"example.com/sockets/02-multiconn/internal/servertest"
	"github.com/google/go-cmp/cmp"
)

const code = "02-multiconn/server.(*server)."

var defaults = limits.Settings{MaxConns: 10000, IdleTimeout: time.Minute, Grace: time.Minute}

// start runs a server with these settings on a free port, until the test ends.
func start(t *testing.T, settings limits.Settings) *servertest.Server {
	t.Helper()
	return servertest.Start(t, code, func(ctx context.Context, out io.Writer) error {
		return newServer("127.0.0.1:0", settings, out).run(ctx)
	})
}

func newServer(addr string, settings limits.Settings, out io.Writer) *server {
	return &server{addr, limits.New(settings, out, out)}
}

// quiet returns the defaults without lines about single connections.
func quiet() limits.Settings {
	settings := defaults
	settings.Quiet = true
	return settings
}

// A test can't see that noGoroutineLeft looks for the right name, but this can.
func TestNoGoroutineLeftLooksForTheRightName(t *testing.T) {
	r := start(t, defaults)
	servertest.ExpectEcho(t, r.Dial(t), "hello")
	if stacks := servertest.Stacks(); !strings.Contains(stacks, code+"serve") {
		t.Errorf("a running server's goroutine has another name:\n%s", stacks)
	}
}

func TestLines(t *testing.T) {
	r := start(t, defaults)
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

func TestQuiet(t *testing.T) {
	r := start(t, quiet())
	servertest.ExpectEcho(t, r.Dial(t), "hello")
	r.Stop()
	r.Lines.Expect(t, "Stopped; connections served: 1, bytes echoed: 5")
}

// All the clients are connected before the first one speaks, and each gets
// its own bytes back.
func TestHundredsAtOnce(t *testing.T) {
	r := start(t, defaults)
	conns := make([]*net.TCPConn, 300)
	for i := range conns {
		conns[i] = r.Dial(t)
	}
	for i, conn := range slices.Backward(conns) {
		servertest.ExpectEcho(t, conn, fmt.Sprintf("I am client %d", i))
	}
	var wg sync.WaitGroup
	for i, conn := range conns {
		wg.Go(func() {
			servertest.ExpectStream(t, conn, bytes.Repeat(fmt.Appendf(nil, "%d,", i), 5000))
		})
	}
	wg.Wait()
}

// A client that sends and never reads fills the buffers between the two, and
// then stands still alone.
func TestClientThatNeverReads(t *testing.T) {
	r := start(t, quiet())
	greedy := r.Dial(t)
	servertest.Fill(t, greedy)
	for range 50 {
		servertest.ExpectEcho(t, r.Dial(t), "nobody waits for the other")
	}
	servertest.Reset(greedy) // there is nothing more to see
}

func TestReset(t *testing.T) {
	r := start(t, defaults)
	other, bad := r.Dial(t), r.Dial(t)
	r.Lines.Next(t)
	r.Lines.Next(t)
	servertest.ExpectEcho(t, bad, "half a mess")
	r.Lines.Next(t)
	servertest.Reset(bad)
	line := r.Lines.Next(t)
	if !strings.HasPrefix(line, "Closing connection to "+bad.LocalAddr().String()+": ") ||
		!strings.Contains(line, "reset") {
		t.Errorf("a client reset its connection, and the server printed %q", line)
	}
	servertest.ExpectEcho(t, other, "still here")
}

// A pipeServer is a server whose clients are joined to it by pipes.
type pipeServer struct {
	*servertest.PipeListener
	lines servertest.Lines
	stop  func() // presses Ctrl-C and waits for the server's end
}

// inVirtualTime runs a pipeServer whose clock jumps ahead whenever all wait.
func inVirtualTime(t *testing.T, settings limits.Settings, test func(*testing.T, pipeServer)) {
	synctest.Test(t, func(t *testing.T) {
		l, lines := servertest.ListenPipe(), servertest.NewLines()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			newServer("", settings, lines).serveAll(ctx, l)
			close(done)
		}()
		s := pipeServer{l, lines, func() { cancel(); <-done }}
		test(t, s)
		s.stop()
	})
}

// A client that says nothing has the idle timeout and no longer.
func TestIdleTimeout(t *testing.T) {
	settings := defaults
	settings.IdleTimeout = 5 * time.Minute
	inVirtualTime(t, settings, func(t *testing.T, s pipeServer) {
		begin := time.Now()
		conn := s.Dial()
		if got, err := io.ReadAll(conn); err != nil || len(got) > 0 ||
			time.Since(begin) != 5*time.Minute {
			t.Errorf("after %s a silent client got %q, error: %v, and not the end after 5m0s",
				time.Since(begin), got, err)
		}
		s.lines.Expect(t, "Accepted connection from pipe")
		s.lines.Expect(t, "Closing connection to pipe: silent, or not reading, for 5m0s")
	})
}

// A client that says a word now and then is not silent, however long it stays.
func TestDeadlineMoves(t *testing.T) {
	settings := quiet()
	settings.IdleTimeout = 5 * time.Minute
	inVirtualTime(t, settings, func(t *testing.T, s pipeServer) {
		conn := s.Dial()
		for range 20 {
			<-time.After(4 * time.Minute)
			servertest.ExpectEcho(t, conn, "still here")
		}
		conn.Close()
	})
}

// A client that does not read has the idle timeout, too.
func TestNotReading(t *testing.T) {
	inVirtualTime(t, defaults, func(t *testing.T, s pipeServer) {
		conn := s.Dial()
		defer conn.Close()
		conn.Write([]byte("hello")) // a pipe holds nothing: the echo waits for a Read
		begin := time.Now()
		for range 2 {
			<-s.lines
		}
		if got, want := <-s.lines,
			"Closing connection to pipe: silent, or not reading, for 1m0s"; got != want {
			t.Errorf("the server printed %q and not %q", got, want)
		}
		if took := time.Since(begin); took < time.Minute*15/16 || took > time.Minute {
			t.Errorf("the server gave up after %s and not after about a minute", took)
		}
	})
}

// An echo that a client does not take is given up when the grace is over, and
// the server says what it waits for.
func TestGraceEnds(t *testing.T) {
	settings := quiet()
	settings.Grace = 5 * time.Second
	inVirtualTime(t, settings, func(t *testing.T, s pipeServer) {
		silent, busy := s.Dial(), s.Dial()
		defer silent.Close()
		defer busy.Close()
		servertest.ExpectEcho(t, silent, "hello")
		busy.Write([]byte("who reads this?"))
		synctest.Wait()
		s.stopsIn(t, 5*time.Second)
		s.lines.Expect(t,
			"Stopping; waiting for clients: 1, for 5s at most; Ctrl-C again ends at once")
		s.lines.Expect(t, "Stopped; connections served: 2, bytes echoed: 5")
	})
}

// stopsIn checks that the server takes so long to stop: its last look.
func (s pipeServer) stopsIn(t *testing.T, want time.Duration) {
	t.Helper()
	begin := time.Now()
	s.stop()
	if took := time.Since(begin); took != want {
		t.Errorf("the server took %s to stop and not %s", took, want)
	}
}

// Nobody is in the middle of anything: the server stops after its last look,
// without a word about waiting.
func TestStopWithIdleClients(t *testing.T) {
	inVirtualTime(t, quiet(), func(t *testing.T, s pipeServer) {
		conn := s.Dial()
		defer conn.Close()
		servertest.ExpectEcho(t, conn, "hello")
		s.stopsIn(t, 100*time.Millisecond)
		s.lines.Expect(t, "Stopped; connections served: 1, bytes echoed: 5")
	})
}

// A client that goes on talking can't keep the server from its end.
func TestStopWhileTalking(t *testing.T) {
	settings := quiet()
	settings.IdleTimeout = time.Second
	inVirtualTime(t, settings, func(t *testing.T, s pipeServer) {
		conn := s.Dial()
		defer conn.Close()
		go io.Copy(io.Discard, conn)
		var talking sync.WaitGroup
		talking.Go(func() {
			for range 100 {
				<-time.After(70 * time.Millisecond)
				if _, err := conn.Write([]byte("and another thing")); err != nil {
					return
				}
			}
		})
		<-time.After(200 * time.Millisecond)
		s.stopsIn(t, 100*time.Millisecond)
		talking.Wait()
	})
}

// With room for two, the third client is connected by the kernel and waits
// until one of the two has left. The line about it comes once.
func TestMaxConns(t *testing.T) {
	settings := defaults
	settings.MaxConns = 2
	r := start(t, settings)
	first, second := r.Dial(t), r.Dial(t)
	r.Lines.Expect(t, "Accepted connection from "+first.LocalAddr().String())
	r.Lines.Expect(t, "Accepted connection from "+second.LocalAddr().String())
	r.Lines.Expect(t, "All 2 connections are taken; further clients wait in the backlog")
	third, fourth := r.Dial(t), r.Dial(t)
	first.Close()
	r.Lines.Expect(t, "Closing connection to "+first.LocalAddr().String())
	r.Lines.Expect(t, "Accepted connection from "+third.LocalAddr().String())
	servertest.ExpectEcho(t, third, "my turn")
	r.Lines.Next(t)
	second.Close()
	r.Lines.Expect(t, "Closing connection to "+second.LocalAddr().String())
	r.Lines.Expect(t, "Accepted connection from "+fourth.LocalAddr().String())
	r.Stop()
}

// failingListener fails as many times as it has errors, then accepts.
type failingListener struct {
	*servertest.PipeListener
	errs []error
}

func (l *failingListener) Accept() (net.Conn, error) {
	if len(l.errs) > 0 {
		err := l.errs[0]
		l.errs = l.errs[1:]
		return nil, err
	}
	return l.PipeListener.Accept()
}

// Accept may fail as often as it likes: the server says so once, waits each
// time, and takes the client as soon as it can.
func TestAcceptFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := servertest.ListenPipe()
		go l.Dial()
		var log bytes.Buffer
		s := newServer("", quiet(), &log)
		trouble := &net.OpError{Op: "accept", Net: "tcp",
			Err: os.NewSyscallError("accept4", syscall.EMFILE)}
		begin := time.Now()
		c, err := s.Accept(t.Context(), &failingListener{l, []error{trouble, trouble, trouble}})
		if err != nil {
			t.Fatal(err)
		}
		c.End(io.EOF)
		if took := time.Since(begin); took != 3*limits.AcceptPause {
			t.Errorf("after three failures it took %s to accept, and not three pauses", took)
		}
		want := fmt.Sprintf("cannot accept a client on pipe: %v\n"+
			"new clients wait in the backlog until connections close\n", trouble.Err)
		if diff := cmp.Diff(want, log.String()); diff != "" {
			t.Error("three failures of one kind (-want +got):\n" + diff)
		}
	})
}

// Ctrl-C while an echo is under way: the client, which reads slowly, gets
// every byte that the server counts as echoed, and then the FIN.
func TestStopInTheMiddle(t *testing.T) {
	r := start(t, quiet())
	silent, busy := r.Dial(t), r.Dial(t)
	servertest.ExpectEcho(t, silent, "hello")
	servertest.Fill(t, busy)
	stopped := make(chan error, 1)
	go func() { stopped <- r.Stop() }()
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
	line := r.Lines.Next(t)
	if _, err := fmt.Sscanf(line, "Stopped; connections served: 2, bytes echoed: %d",
		&echoed); err != nil {
		t.Fatalf("the last line is %q", line)
	}
	// Unread bytes of ours make the server's kernel send a RST behind the
	// echoes, and our kernel then drops what we had not read yet.
	if got+5 > echoed || got == 0 {
		t.Errorf("the clients got %d bytes, and the server says that it echoed %d", got+5, echoed)
	}
}

// What the kernel had taken for the server before Ctrl-C still comes back.
func TestStopEchoesWhatHasArrived(t *testing.T) {
	r := start(t, quiet())
	conns := make([]*net.TCPConn, 50)
	for i := range conns {
		conns[i] = r.Dial(t)
		servertest.ExpectEcho(t, conns[i], "hello")
	}
	for _, conn := range conns {
		io.WriteString(conn, "the last words")
	}
	go r.Stop()
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
		taken.Addr().String(): "pick a free one: -addr 127.0.0.1:0",
		"203.0.113.1:0":       "no interface of this machine has that address",
	} {
		err := newServer(addr, defaults, io.Discard).run(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), "cannot listen on "+addr+": ") ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("listening on %s: %v; the advice should be %q", addr, err, want)
		}
	}
}
