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
	"testing"
	"time"
)

// serve answers each datagram with answer, and returns the server's address.
func serve(t *testing.T, answer func(conn net.PacketConn, datagram []byte,
	client net.Addr)) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 65535)
		for {
			n, client, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			answer(conn, buf[:n], client)
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return conn.LocalAddr().String()
}

func echo(conn net.PacketConn, datagram []byte, client net.Addr) { conn.WriteTo(datagram, client) }

func lose(net.PacketConn, []byte, net.Addr) {}

func TestMessages(t *testing.T) {
	for _, message := range []string{"", "x", "Grüße, 世界", strings.Repeat("long ", 1000)} {
		var out bytes.Buffer
		c := client{addr: serve(t, echo), message: message, times: 3, timeout: time.Minute,
			out: &out}
		if err := c.run(t.Context()); err != nil {
			t.Errorf("%.20q: %v", message, err)
		}
		if want := strings.Repeat(fmt.Sprintf("Received %q\n", message), 3); out.String() != want {
			t.Errorf("the client printed %q and not %q", out.String(), want)
		}
	}
}

func TestWrongEcho(t *testing.T) {
	addr := serve(t, func(conn net.PacketConn, datagram []byte, client net.Addr) {
		conn.WriteTo(datagram[:5], client)
	})
	c := client{addr: addr, message: "Hello, world", times: 1, timeout: time.Minute,
		out: io.Discard}
	err := c.run(t.Context())
	if got, want := fmt.Sprint(err),
		"what came back is not what was sent: 12 bytes went out, 5 came back"; got != want {
		t.Errorf("the client says %q and not %q", got, want)
	}
}

// What is lost stays lost: only the deadline ends the waiting.
func TestLoss(t *testing.T) {
	for _, test := range []struct {
		times        int
		text, advice string // how they begin
	}{
		{1, "cannot receive from %s: i/o timeout",
			"is the server running (go run ./01-echo/udp/server)? or was it lost?"},
		{2, "only 1 of 2 datagrams came back in 500ms",
			"UDP sends nothing again: what is lost stays lost"},
	} {
		seen := 0
		addr := serve(t, func(conn net.PacketConn, datagram []byte, client net.Addr) {
			if seen++; seen < test.times {
				echo(conn, datagram, client)
			}
		})
		c := client{addr: addr, message: "hello", times: test.times,
			timeout: 500 * time.Millisecond, out: io.Discard}
		err := c.run(t.Context())
		want := strings.ReplaceAll(test.text, "%s", addr)
		if err == nil || err.Error() != want || advice(err) != test.advice {
			t.Errorf("the client says %q, advice %q, and not %q, %q", fmt.Sprint(err), advice(err),
				want, test.advice)
		}
	}
}

// Nobody has the port: the server's kernel says so with an ICMP message. On
// Windows, Go asks the system to keep it to itself, so there the time runs out.
func TestNobodyListens(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := conn.LocalAddr().String()
	conn.Close()
	c := client{addr: addr, message: "hello", times: 1, timeout: 10 * time.Second, out: io.Discard}
	want := "is the server running? start it first: go run ./01-echo/udp/server"
	if runtime.GOOS == "windows" {
		c.timeout = 100 * time.Millisecond
		want = "is the server running (go run ./01-echo/udp/server)? or was it lost?"
	}
	if err := c.run(t.Context()); err == nil || advice(err) != want {
		t.Errorf("nobody listens, and the client says %v; %s", err, advice(err))
	}
}

func TestStop(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := client{addr: serve(t, lose), message: "hello", times: 2, timeout: time.Minute,
		out: io.Discard}
	done := make(chan error)
	go func() { done <- c.run(ctx) }()
	cancel()
	if err := <-done; fmt.Sprint(err) != "Stopped after 0 of 2 datagrams had come back" ||
		advice(err) != "" {
		t.Errorf("the client was stopped, and says %v; %s", err, advice(err))
	}
}

func TestBrokenOutput(t *testing.T) {
	read, write := io.Pipe()
	read.CloseWithError(errors.New("the disk is gone"))
	c := client{addr: serve(t, echo), message: "hello", times: 1, timeout: time.Minute, out: write}
	if got := fmt.Sprint(c.run(t.Context())); got != "cannot write the output: the disk is gone" {
		t.Errorf("the output failed, and the client says %v", got)
	}
}

func TestFlags(t *testing.T) {
	for times, good := range map[int]bool{0: false, 1: true, 1_000_000: true, 1_000_001: false} {
		if err := (&client{times: times}).check(); (err == nil) != good {
			t.Errorf("-times %d: %v", times, err)
		}
	}
}
