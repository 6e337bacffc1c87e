package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

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

// A packet under way has bytes of its own: what is sent after it leaves them
// as they are. No timer of data runs out here, so each packet is sent once.
func TestOnItsWay(t *testing.T) {
	t.Parallel()
	p := startProxy(t, echoServer(t), func(o *options) {
		o.view, o.RACK, o.RTOMin, o.RTOMax = "json", false, time.Hour, time.Hour
		faults("-delay 1ms")(o)
	})
	c := dial(t, p.addr)
	c.SetDeadline(time.Now().Add(30 * time.Second))
	data := random(200_000)
	got, err := exchange(c, data)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes sent, %d came back, error %v", len(data), len(got), err)
	}
	for line := range strings.Lines(p.text()) {
		if strings.Contains(line, `"event":"discarded"`) ||
			strings.Contains(line, `"retransmission":true`) && !strings.Contains(line, `"SYN`) {
			t.Errorf("the network is good, and yet: %s", line) // (a SYN's timer is a second)
		}
	}
}

// The programs of chapters 1 and 2, unmodified, over networks that lose,
// repeat, reorder and damage packets: ten million bytes through the echo
// client's pipe, which ends with a half-close, and 200 connections at once.
func TestChapterPrograms(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	build := func(folder string) string {
		exe := filepath.Join(dir, strings.ReplaceAll(folder, "/", "-")+".exe")
		cmd := exec.Command("go", "build", "-o", exe, "../../"+folder)
		if out, err := cmd.CombinedOutput(); err != nil {
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
			got := run(echo, data, echoClient, "-message", "-")
			if sha256.Sum256([]byte(got)) != sha256.Sum256(data) {
				t.Errorf("01-echo/client sent %d bytes from its pipe; %d came back, or others",
					len(data), len(got))
			}
			got = run(multi, nil, multiClient, "-conns", "200", "-quiet", "-timeout", "2m")
			if !strings.Contains(got, "errors: 0") {
				t.Errorf("02-multiconn/client, 200 connections:\n%s", got)
			}
			got = run(messages, nil, messageClient, "-timeout", "1m", "binary", "😃")
			if want := "Received \"First 10 bytes of request: binary😃\"\n"; got != want {
				t.Errorf("02-multiconn/messages/client printed %q and not %q", got, want)
			}
		})
	}
}

// A real HTTP client and server: keep-alive, a large upload, a large download,
// and a request that is cancelled in the middle.
func TestHTTP(t *testing.T) {
	t.Parallel()
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
		r, err := client.Post("http://"+p.addr+"/up", "application/octet-stream",
			bytes.NewReader(data))
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

func TestMaxConns(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
