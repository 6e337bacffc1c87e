package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

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
		if !strings.Contains(stacks, "proxy.(*") && !strings.Contains(stacks, "main.(*link)") && !strings.Contains(stacks, "main.(*tcpProxy)") && !strings.Contains(stacks, "main.(*schedule)") {
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

// Whatever the network does, the bytes come back whole: half-close included.
func TestSameBytes(t *testing.T) {
	for flags, n := range map[string]int{
		"":           3_000_000,
		"-loss 0.05": 500_000,
		"-loss 0.2":  20_000,
		"-loss 0.02 -duplicate 0.1 -reorder 0.1 -corrupt 0.02 -jitter 1ms": 100_000,
		"-rate 20Mbit -queue 10": 500_000,
	} {
		t.Run(flags, func(t *testing.T) {
			t.Parallel()
			p := startProxy(t, echoServer(t), faults(flags))
			data := random(n)
			got, err := exchange(dial(t, p.addr), data)
			if err != nil || sha256.Sum256(got) != sha256.Sum256(data) {
				t.Fatalf("%d bytes sent, %d came back, error %v\n%s", n, len(got), err, p.text())
			}
			p.wait(t, fmt.Sprintf("Connection 1: %d bytes up, %d down", n, n))
		})
	}
}

// The programs of chapters 1 and 2, unmodified, over networks that lose,
// repeat, reorder and damage packets: ten million bytes through the echo
// client's pipe, which ends with a half-close, and 200 connections at once.
func TestChapterPrograms(t *testing.T) {
	dir := t.TempDir()
	build := func(folder string) string {
		exe := filepath.Join(dir, strings.ReplaceAll(folder, "/", "-")+".exe")
		if out, err := exec.Command("go", "build", "-o", exe, "../../"+folder).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return exe
	}
	start := func(folder string) string {
		server := exec.Command(build(folder), "-addr", "127.0.0.1:0", "-quiet")
		out, err := server.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { server.Process.Kill(); server.Wait() })
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(strings.TrimPrefix(line, "Listening on "))
	}
	echo, multi := start("01-echo/server"), start("02-multiconn/server")
	messages := start("02-multiconn/messages/server")
	echoClient, multiClient := build("01-echo/client"), build("02-multiconn/client")
	messageClient := build("02-multiconn/messages/client")

	for flags, size := range map[string]int{
		"":                        3_000_000,
		"-loss 0.05 -delay 200us": 10_000_000,
		"-loss 0.2":               20_000,
		"-loss 0.02 -duplicate 0.1 -reorder 0.1 -corrupt 0.02 -jitter 1ms": 500_000,
	} {
		t.Run(flags, func(t *testing.T) {
			t.Parallel()
			run := func(target string, in []byte, exe string, args ...string) string {
				t.Helper()
				p := startProxy(t, target, faults(flags))
				cmd := exec.Command(exe, append([]string{"-addr", p.addr}, args...)...)
				cmd.Stdin = bytes.NewReader(in)
				var errs bytes.Buffer
				cmd.Stderr = &errs
				out, err := cmd.Output()
				if err != nil {
					t.Errorf("%s %v: %v\n%s%s", filepath.Base(exe), args, err, out, &errs)
				}
				p.stop()
				return string(out)
			}
			if got := run(echo, nil, echoClient); got != "Received \"Hello, world\"\n" {
				t.Errorf("01-echo/client printed %q", got)
			}
			data := random(size)
			if got := run(echo, data, echoClient, "-message", "-"); sha256.Sum256([]byte(got)) != sha256.Sum256(data) {
				t.Errorf("01-echo/client sent %d bytes from its pipe; %d came back, or others", len(data), len(got))
			}
			if got := run(multi, nil, multiClient, "-conns", "200", "-quiet", "-timeout", "2m"); !strings.Contains(got, "errors: 0") {
				t.Errorf("02-multiconn/client, 200 connections:\n%s", got)
			}
			if got, want := run(messages, nil, messageClient, "-timeout", "1m", "binary", "😃"), "Received \"First 10 bytes of request: binary😃\"\n"; got != want {
				t.Errorf("02-multiconn/messages/client printed %q and not %q", got, want)
			}
		})
	}
}

// The ladder shows the loss, the retransmission and what is read.
func TestLiveLadder(t *testing.T) {
	p := startProxy(t, echoServer(t), func(o *options) {
		o.view, o.RACK = "ladder", false // nothing but the timer can notice
		faults("-drop data:1 -delay 5ms")(o)
	})
	if got, err := exchange(dial(t, p.addr), []byte("Hello, world")); string(got) != "Hello, world" {
		t.Fatalf("%q came back, error %v", got, err)
	}
	p.wait(t, "Connection 1:")
	for _, want := range []string{`: "Hello, world" seq 1-12 ── × lost`, `again: timeout`, `reads "Hello, world"`,
		`12 bytes up, 12 down`, " by timeout)"} {
		if !strings.Contains(p.text(), want) {
			t.Errorf("the ladder does not show %q:\n%s", want, p.text())
		}
	}
}

func TestJSONView(t *testing.T) {
	p := startProxy(t, echoServer(t), func(o *options) {
		o.view, o.RACK = "json", false // nothing but the timer can notice
		faults("-drop data:1")(o)
	})
	exchange(dial(t, p.addr), []byte("Hello"))
	p.wait(t, `"event":"finished"`)
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	events := map[string]int{}
	for line := range strings.Lines(p.text()) {
		if !strings.HasPrefix(line, "{") {
			continue
		}
		var e struct {
			Event          string
			Connection     int
			Retransmission bool
			Why            string
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Connection != 1 {
			t.Errorf("%s: %v", line, err)
		}
		events[e.Event]++
		if e.Retransmission && e.Event == "sent" {
			events["again by "+e.Why]++
		}
	}
	if events["lost"] != 1 || events["again by timeout"] == 0 || events["read"] != 2 || events["end"] != 2 {
		t.Errorf("events: %v", events)
	}
}

// A target that refuses gets the client a reset, and the terminal a line.
func TestTargetRefuses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	for _, delay := range []time.Duration{0, time.Millisecond} {
		p := startProxy(t, nobody, func(o *options) { o.Delay = delay })
		const clients = 20
		for range clients {
			c, err := net.Dial("tcp", p.addr)
			if err == nil { // the reset may also come before Dial has returned
				_, err = io.ReadAll(c)
				c.Close()
			}
			if err == nil || !strings.Contains(err.Error(), "reset") && !strings.Contains(err.Error(), "forcibly") {
				t.Errorf("the client's error: %v", err)
			}
		}
		p.stop()
		for text, want := range map[string]int{"cannot connect to the target " + nobody: clients, "it ended early": clients, "cannot carry": 0} {
			if n := strings.Count(p.text(), text); n != want {
				t.Errorf("the proxy says %q %d times and not %d:\n%s", text, n, want, p.text())
			}
		}
	}
}

// A reset passes through, in either direction, and other connections go on.
func TestReset(t *testing.T) {
	other := make(chan error, 10)
	arrived := make(chan struct{}, 1)
	target := serve(t, func(c *net.TCPConn) {
		line, err := bufio.NewReader(c).ReadString('\n')
		switch line {
		case "reset me\n":
			c.SetLinger(0)
			return
		case "I reset\n":
			arrived <- struct{}{}
			_, err = io.ReadAll(c)
			other <- err
			return
		}
		fmt.Fprint(c, line)
		if err != nil {
			other <- err
		}
	})
	p := startProxy(t, target, nil)
	bystander := dial(t, p.addr)

	c := dial(t, p.addr)
	fmt.Fprintln(c, "reset me")
	if _, err := io.ReadAll(c); err == nil {
		t.Error("the target reset, and the client saw a good end")
	}
	c = dial(t, p.addr)
	fmt.Fprintln(c, "I reset")
	<-arrived // a reset overtakes what waits
	c.SetLinger(0)
	c.Close()
	if err := <-other; err == nil {
		t.Error("the client reset, and the target saw a good end")
	}
	fmt.Fprintln(bystander, "hello")
	if line, err := bufio.NewReader(bystander).ReadString('\n'); line != "hello\n" {
		t.Errorf("the bystander got %q, error %v", line, err)
	}
}

// A target that never reads slows its client down, and nobody else; the
// proxy's memory stays bounded, because it stops reading.
func TestTargetNeverReads(t *testing.T) {
	done := make(chan struct{})
	target := serve(t, func(c *net.TCPConn) {
		b := make([]byte, 1)
		if c.Read(b); b[0] == '!' {
			<-done
			return
		}
		c.Write(b)
		io.Copy(c, c)
	})
	defer close(done)
	p := startProxy(t, target, nil)
	rude := dial(t, p.addr)
	rude.SetWriteDeadline(time.Now().Add(2 * time.Second))
	sent := 0
	block := bytes.Repeat([]byte("!"), 1<<16)
	for sent < 64<<20 {
		n, err := rude.Write(block)
		sent += n
		if err != nil {
			break
		}
	}
	if sent >= 64<<20 {
		t.Errorf("the proxy took %d bytes for a target that never reads", sent)
	}
	if got, err := exchange(dial(t, p.addr), []byte("hello")); string(got) != "hello" {
		t.Errorf("meanwhile another client got %q, error %v", got, err)
	}
}

func TestMaxConns(t *testing.T) {
	p := startProxy(t, echoServer(t), func(o *options) { o.maxConns = 1 })
	first := dial(t, p.addr)
	fmt.Fprint(first, "x")
	io.ReadFull(first, make([]byte, 1))
	second := dial(t, p.addr) // waits in the backlog
	fmt.Fprint(second, "y")
	second.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if _, err := second.Read(make([]byte, 1)); !os.IsTimeout(err) {
		t.Errorf("with -max-conns 1 the second client was served: %v", err)
	}
	first.Close()
	second.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.ReadFull(second, make([]byte, 1)); err != nil {
		t.Errorf("when the first has left, the second is not served: %v", err)
	}
}

// Ctrl-C in the middle of a transfer ends everything, with resets.
func TestStopInTheMiddle(t *testing.T) {
	p := startProxy(t, echoServer(t), faults("-rate 1Mbit"))
	c := dial(t, p.addr)
	go c.Write(random(1_000_000))
	io.ReadFull(c, make([]byte, 1000))
	if err := p.stop(); err != nil {
		t.Error(err)
	}
	if _, err := io.Copy(io.Discard, c); err == nil {
		t.Error("the proxy was stopped in the middle, and the client saw a good end")
	}
	if !strings.Contains(p.text(), "Stopped; connections: 1") {
		t.Errorf("the proxy printed\n%s", p.text())
	}
	startProxy(t, echoServer(t), func(o *options) { o.listen = p.addr }) // the port is free again
}

// A real HTTP client and server: keep-alive, a large upload, a large download,
// and a request that is cancelled in the middle.
func TestHTTP(t *testing.T) {
	data := random(1_000_000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/down":
			w.Write(data)
		case "/endless":
			for r.Context().Err() == nil {
				if _, err := w.Write(data); err != nil {
					return
				}
			}
		default:
			b, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%x", sha256.Sum256(b))
		}
	}))
	defer server.Close()
	p := startProxy(t, strings.TrimPrefix(server.URL, "http://"), faults("-loss 0.02"))
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	want := fmt.Sprintf("%x", sha256.Sum256(data))
	for range 3 { // on one connection
		r, err := client.Post("http://"+p.addr+"/up", "application/octet-stream", bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(r.Body); string(b) != want {
			t.Errorf("the upload's hash is %s and not %s, error %v", b, want, err)
		}
		r.Body.Close()
		if r, err = client.Get("http://" + p.addr + "/down"); err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(r.Body); !bytes.Equal(b, data) {
			t.Errorf("%d bytes came down, error %v", len(b), err)
		}
		r.Body.Close()
	}
	ctx, cancel := context.WithCancel(t.Context())
	request, _ := http.NewRequestWithContext(ctx, "GET", "http://"+p.addr+"/endless", nil)
	r, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	io.ReadFull(r.Body, make([]byte, 100_000))
	cancel()
	r.Body.Close()
	p.wait(t, "Connection 1:") // the server saw its end
}

// The captures can be read while the proxy runs, and are whole afterwards.
func TestLiveCaptures(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		if os.Getenv("CI") != "" && runtime.GOOS == "linux" {
			t.Fatal("CI needs tshark for this test: ", err)
		}
		t.Skip("this machine has no tshark")
	}
	name := filepath.Join(t.TempDir(), "live")
	p := startProxy(t, echoServer(t), func(o *options) { o.pcap = name; faults("-drop data:1")(o) })
	c := dial(t, p.addr)
	fmt.Fprint(c, "hello")
	io.ReadFull(c, make([]byte, 5))
	read := func(end string) (packets, comments int) {
		out, err := exec.Command(tshark, "-r", name+"-"+end+".pcapng", "-T", "fields", "-e", "frame.number", "-e", "frame.comment").Output()
		if err != nil {
			t.Fatalf("%s: %v", end, err)
		}
		return strings.Count(string(out), "\n"), strings.Count(string(out), "lost in the network")
	}
	if packets, comments := read("client"); packets < 6 || comments != 1 {
		t.Errorf("while the proxy runs: %d packets, %d of them with the comment", packets, comments)
	}
	c.Close()
	p.wait(t, "Connection 1:")
	for end := time.Now().Add(time.Minute); ; {
		atClient, lost := read("client")
		atServer, lostDown := read("server")
		if atClient-lost == atServer-lostDown {
			break // the last packet has arrived
		}
		if time.Now().After(end) {
			t.Fatalf("the client's capture has %d packets that were not lost, the server's %d", atClient-lost, atServer-lostDown)
		}
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	read("client")
	read("server")
}

func TestControl(t *testing.T) {
	p := startProxy(t, echoServer(t), func(o *options) { o.control = "127.0.0.1:0" })
	_, rest, _ := strings.Cut(p.text(), "Conditions at ")
	url, _, _ := strings.Cut(rest, "\n")
	ask := func(method, body string, header map[string]string) (int, string) {
		r, err := http.NewRequest(method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		for k, v := range header {
			r.Header.Set(k, v)
			if k == "Host" {
				r.Host = v
			}
		}
		transport := &http.Transport{DisableKeepAlives: true}
		answer, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		b, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, strings.TrimSpace(string(b))
	}
	open := dial(t, p.addr)
	const off = `{"burst":0,"corrupt":0,"delay":"1ms","drop":"","duplicate":0,"jitter":"0s","loss":0,"only":"","queue":20,"rate":0,"reorder":0,"seed":1,"spare":""}`
	for _, test := range []struct {
		method, body string
		header       map[string]string
		status       int
		answer       string
	}{
		{"GET", "", nil, 200, off},
		{"PATCH", `{"loss": 0.05, "drop": "up:100000"}`, nil, 200, strings.Replace(strings.Replace(off, `"loss":0`, `"loss":0.05`, 1), `"drop":""`, `"drop":"up:100000"`, 1)},
		{"PATCH", `{"loss": 2}`, nil, 400, `invalid value "2" for loss: must be a number from 0 to 1, such as 0.2`},
		{"PATCH", `{"lost": 0.1}`, nil, 400, `unknown condition "lost"`},
		{"PATCH", `{"seed": 2}`, nil, 400, "the seed can't be changed: the random streams go on"},
		{"PATCH", `hello`, nil, 400, "the body is no JSON object: invalid character 'h' looking for beginning of value"},
		{"PUT", `null`, nil, 400, "the body is no JSON object: null"},
		{"PUT", `{"loss": 0.1} {`, nil, 400, "the body is no JSON object: more follows it"},
		{"PUT", `{"delay": "1ms"}`, nil, 200, off},
		{"PUT", `{}`, map[string]string{"Content-Type": "text/plain"}, 415, "the body must be JSON, with the header Content-Type: application/json"},
		{"PUT", `{}`, map[string]string{"Origin": "http://example.com"}, 403, "this address is for programs on this computer alone"},
		{"PUT", `{}`, map[string]string{"Host": "example.com"}, 403, "this address is for programs on this computer alone"},
		{"DELETE", "", nil, 405, "Method Not Allowed"},
	} {
		status, answer := ask(test.method, test.body, test.header)
		if diff := cmp.Diff(test.answer, answer); status != test.status || diff != "" {
			t.Errorf("%s %s %v: status %d and not %d, answer (-want +got):\n%s", test.method, test.body, test.header, status, test.status, diff)
		}
	}
	if got, err := exchange(open, []byte("hello")); string(got) != "hello" {
		t.Errorf("the connection that was open: %q, error %v", got, err)
	}
}

// What makes no sense has status 2, what fails at run time 1. What is wrong
// stands on one line, what to try on the next, and both fit a terminal.
func TestWrongCommands(t *testing.T) {
	exe := filepath.Join(t.TempDir(), "proxy.exe")
	if out, err := exec.Command("go", "build", "-o", exe, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for args, test := range map[string]struct {
		status int
		stderr string
	}{
		"-network sctp":                    {2, `invalid value "sctp" for flag -network`},
		"-listen 9000":                     {2, `invalid value "9000" for flag -listen`},
		"-target :65432":                   {2, `invalid value ":65432" for flag -target`},
		"-control 0.0.0.0:8475":            {2, "must be a loopback address"},
		"-loss 2":                          {2, `invalid value "2" for flag -loss`},
		"-view film":                       {2, `invalid value "film" for flag -view`},
		"-mtu 1":                           {2, "invalid value 1 for flag -mtu"},
		"-max-conns 0":                     {2, "invalid value 0 for flag -max-conns"},
		"-network udp -mtu 1000":           {2, "flag -mtu means nothing to -network udp"},
		"hello":                            {2, `unexpected argument "hello"`},
		"-pcap /no/such/folder/name":       {1, "cannot write /no/such/folder/name-client.pcapng: "},
		"-listen " + taken.Addr().String(): {1, "cannot listen on " + taken.Addr().String()},
	} {
		cmd := exec.Command(exe, strings.Fields(args)...)
		out, _ := cmd.CombinedOutput()
		first, _, _ := strings.Cut(string(out), "\n")
		for line := range strings.Lines(string(out)) {
			if len(strings.TrimSuffix(line, "\n")) > 80 {
				t.Errorf("%s: a line of %d columns: %s", args, len(line)-1, line)
			}
		}
		if cmd.ProcessState.ExitCode() != test.status || strings.Count(string(out), "\n") > 3 || !strings.Contains(string(out), test.stderr) {
			t.Errorf("%s: status %d and not %d, the first line is\n%s\nand not\n%s", args, cmd.ProcessState.ExitCode(), test.status, first, test.stderr)
		}
	}
}

// A capture of an earlier run is kept.
func TestCaptureKept(t *testing.T) {
	name := filepath.Join(t.TempDir(), "run")
	os.WriteFile(name+"-client.pcapng", []byte("earlier"), 0o600)
	os.WriteFile(name+"-client-1.pcapng", []byte("still earlier"), 0o600)
	p := startProxy(t, echoServer(t), func(o *options) { o.pcap = name })
	exchange(dial(t, p.addr), []byte("Hello"))
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	for suffix, want := range map[string]string{"-client-1": "still earlier", "-client-2": "earlier"} {
		if got, err := os.ReadFile(name + suffix + ".pcapng"); err != nil || string(got) != want {
			t.Errorf("%s holds %q, error %v", suffix, got, err)
		}
	}
	if got, err := os.ReadFile(name + "-client.pcapng"); err != nil || len(got) < 500 {
		t.Errorf("the new capture has %d bytes, error %v", len(got), err)
	}
}

// The counts of the connections add up to those of the last line, and the
// captures have as many packets: nothing is sent behind the summary.
func TestCountsAddUp(t *testing.T) {
	p := startProxy(t, echoServer(t), faults("-drop data:1 -loss 0.05"))
	for range 10 {
		exchange(dial(t, p.addr), []byte("Hello, world"))
	}
	p.wait(t, "Connection 10:")
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	var up, down, allUp, allDown, lost int
	for line := range strings.Lines(p.text()) {
		var u, d int
		if _, err := fmt.Sscanf(line, "  segments: %d up (%d lost), %d down", &u, &lost, &d); err == nil {
			up, down = up+u, down+d
		}
		fmt.Sscanf(line, "Stopped; connections: 10, segments: %d up, %d down", &allUp, &allDown)
	}
	if up != allUp || down != allDown || up == 0 {
		t.Errorf("the connections have %d and %d segments, all together %d and %d:\n%s", up, down, allUp, allDown, p.text())
	}
}

// Nothing of a connection is kept when it is over.
func TestNothingKept(t *testing.T) {
	p := startProxy(t, echoServer(t), func(o *options) { o.view, o.Delay = "none", 0 })
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	many := func(n int) {
		for range n {
			if got, err := exchange(dial(t, p.addr), []byte("Hello")); string(got) != "Hello" {
				t.Fatalf("%q came back, error %v", got, err)
			}
		}
	}
	many(100)
	before := heap()
	many(1000)
	if kept := (heap() - before) / 1000; kept > 2000 {
		t.Errorf("%d bytes are kept of each connection", kept)
	}
}
