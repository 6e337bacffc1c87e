package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The test's program is the proxy's, too: see proxyProgram.
func TestMain(m *testing.M) {
	if os.Getenv(beProxy) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

const beProxy = "BE_THE_PROXY"

// proxyProgram is a program that asProxy makes the proxy.
func proxyProgram(t *testing.T) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exe
}

// asProxy has a command run the proxy.
func asProxy(cmd *exec.Cmd) *exec.Cmd {
	cmd.Env = append(os.Environ(), beProxy+"=1")
	return cmd
}

// limited starts a proxy in front of an echo server, with a limit of the shell's such
// as "-n 40". stop ends it as Ctrl-C does, and gives its exit status and standard error.
func limited(t *testing.T, limit, args string) (addr string, stop func() (int, string)) {
	t.Helper()
	cmd := asProxy(exec.CommandContext(t.Context(), "sh", "-c", "ulimit "+limit+"; exec "+
		proxyProgram(t)+" -delay 0 -view none -listen 127.0.0.1:0 -target "+echoServer(t)+" "+args))
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	addr, _, _ = strings.Cut(strings.TrimPrefix(line, "Listening on "), ",")
	return addr, func() (int, string) {
		cmd.Process.Signal(os.Interrupt)
		io.Copy(io.Discard, stdout)
		cmd.Wait()
		return cmd.ProcessState.ExitCode(), stderr.String()
	}
}

// A running proxy, and what it prints.
type running struct {
	addr string
	stop func() error
	mu   sync.Mutex
	out  bytes.Buffer
	more chan struct{}
}

func (r *running) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out.Write(p)
	select {
	case r.more <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (r *running) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.String()
}

// wait waits until the proxy has printed text.
func (r *running) wait(t testing.TB, text string) {
	t.Helper()
	for end := time.After(time.Minute); !strings.Contains(r.text(), text); {
		select {
		case <-r.more:
		case <-end:
			t.Fatalf("the proxy did not print %q but\n%s", text, r.text())
		}
	}
}

// startProxy runs a proxy with these faults, until the test ends. Then no
// goroutine of it may be left.
func startProxy(t testing.TB, target string, set func(*options)) *running {
	t.Helper()
	o := defaults()
	o.Delay, o.listen, o.target, o.view = time.Millisecond, "127.0.0.1:0", target, "summary"
	if set != nil {
		set(o)
	}
	r := &running{more: make(chan struct{}, 1)}
	proxies.Add(1)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- o.run(ctx, r, r, false) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(time.Minute):
			return fmt.Errorf("the proxy did not stop")
		}
	})
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		proxies.Add(-1)
		nothingLeft(t)
	})
	r.wait(t, "Listening on ")
	_, rest, _ := strings.Cut(r.text(), "Listening on ")
	r.addr, _, _ = strings.Cut(rest, ",")
	return r
}

func faults(flags string) func(*options) {
	return func(o *options) {
		fs := conditionFlags(&o.Conditions)
		if err := fs.Parse(strings.Fields(flags)); err != nil {
			panic(err)
		}
	}
}

// proxies is how many run: tests may run side by side.
var proxies atomic.Int32

// nothingLeft looks until no goroutine of the proxies is left: nothing
// announces that one has ended. While another proxy runs, its end will look.
func nothingLeft(t testing.TB) {
	t.Helper()
	for end := time.Now().Add(time.Minute); proxies.Load() == 0; runtime.Gosched() {
		buf := make([]byte, 1<<20)
		stacks := string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(stacks, "main.(*tcpProxy)") &&
			!strings.Contains(stacks, "main.(*link)") && !strings.Contains(stacks, "proxy.(*") &&
			!strings.Contains(stacks, "main.(*schedule)") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("still running:\n%s", stacks)
		}
	}
}

// echoServer echoes until the client's end, and then ends too.
func echoServer(t testing.TB) string {
	t.Helper()
	return serve(t, func(c *net.TCPConn) {
		io.Copy(c, c)
		c.CloseWrite()
	})
}

// serve calls handle for each client.
func serve(t testing.TB, handle func(*net.TCPConn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var clients sync.WaitGroup
	t.Cleanup(func() { l.Close(); clients.Wait() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			clients.Go(func() { defer c.Close(); handle(c.(*net.TCPConn)) })
		}
	}()
	return l.Addr().String()
}

func dial(t testing.TB, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(2 * time.Minute))
	return c.(*net.TCPConn)
}

func random(n int) []byte {
	r := rand.NewChaCha8([32]byte{byte(n)})
	b := make([]byte, n)
	r.Read(b)
	return b
}

// exchange sends, half-closes, and returns what comes back until the end.
func exchange(c *net.TCPConn, data []byte) ([]byte, error) {
	go func() {
		c.Write(data)
		c.CloseWrite()
	}()
	return io.ReadAll(c)
}
