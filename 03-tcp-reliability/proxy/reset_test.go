package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
)

// A target that refuses gets the client a reset, and the terminal a line.
func TestTargetRefuses(t *testing.T) {
	t.Parallel()
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
			if err == nil || !strings.Contains(err.Error(), "reset") &&
				!strings.Contains(err.Error(), "forcibly") {
				t.Errorf("the client's error: %v", err)
			}
		}
		p.stop()
		for text, want := range map[string]int{"cannot connect to the target " + nobody: clients,
			"it ended early": clients, "cannot carry": 0} {
			if n := strings.Count(p.text(), text); n != want {
				t.Errorf("the proxy says %q %d times and not %d:\n%s", text, n, want, p.text())
			}
		}
	}
}

// A refusal that is lost comes again: the client's SYN is repeated, and refused
// again.
func TestRefusalIsLost(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	p := startProxy(t, nobody, faults("-drop down:1"))
	if _, err := io.ReadAll(dial(t, p.addr)); err == nil {
		t.Error("the target refuses, and the client saw a good end")
	}
	p.wait(t, "it ended early: connection refused")
}

// A reset passes through, in either direction, and other connections go on.
func TestReset(t *testing.T) {
	t.Parallel()
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

// A client that resets at once leaves nothing behind.
func TestResetInHandshake(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	target := serve(t, func(c *net.TCPConn) {
		_, err := io.ReadAll(c)
		ended <- err
	})
	p := startProxy(t, target, faults("-delay 50ms"))
	c := dial(t, p.addr)
	c.SetLinger(0)
	c.Close()
	p.wait(t, "Connection 1:")
	p.stop()
	if err := <-ended; err == nil {
		t.Error("the client reset, and the target saw a good end")
	}
}

// What came before a reset is read.
func TestResetBehindData(t *testing.T) {
	t.Parallel()
	target := serve(t, func(c *net.TCPConn) {
		c.Write([]byte("hello"))
		c.Read(make([]byte, 1))
		c.SetLinger(0)
	})
	c := dial(t, startProxy(t, target, nil).addr)
	got := make([]byte, 5)
	io.ReadFull(c, got)
	fmt.Fprint(c, "\n")
	if rest, err := io.ReadAll(c); string(got) != "hello" || err == nil {
		t.Errorf("the client read %q and then %q, error %v", got, rest, err)
	}
}

// A program that does not read is reset all the same.
func TestResetWhileNobodyReads(t *testing.T) {
	t.Parallel()
	target := serve(t, func(c *net.TCPConn) {
		c.Read(make([]byte, 1))
		c.Write(random(200_000))
		c.SetLinger(0)
	})
	p, out := startTCP(t, target, func(o *options) { o.Delay = 0 })
	c := dial(t, p.listener.Addr().String())
	c.SetReadBuffer(4096)
	p.until(t, "a link", func(l *link) bool {
		l.ends[network.Up].kernel.SetWriteBuffer(4096)
		return true
	})
	fmt.Fprint(c, "x")
	out.wait(t, "Connection 1:")
}
