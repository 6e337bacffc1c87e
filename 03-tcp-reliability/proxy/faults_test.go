package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
)

// A target that never answers costs its client the wait, and nobody else.
func TestTargetNeverAnswers(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1)
	target := serve(t, func(c *net.TCPConn) {
		b := make([]byte, 4)
		if io.ReadFull(c, b); string(b) == "wait" {
			asked <- struct{}{}
			io.Copy(io.Discard, c)
			return
		}
		c.Write(b)
	})
	p := startProxy(t, target, nil)
	waiting := dial(t, p.addr)
	waiting.Write([]byte("wait"))
	<-asked
	if got, err := exchange(dial(t, p.addr), []byte("hello")); string(got) != "hell" {
		t.Errorf("meanwhile another client got %q, error %v", got, err)
	}
	waiting.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := waiting.Read(make([]byte, 1)); !os.IsTimeout(err) {
		t.Errorf("the waiting client's error: %v", err)
	}
}

// A target that never reads slows its client down, and nobody else; the
// proxy's memory stays bounded, because it stops reading.
func TestTargetNeverReads(t *testing.T) {
	t.Parallel()
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
	const most = 64 << 20 // more than all buffers on the way hold
	sent, taken := 0, 1
	block := bytes.Repeat([]byte("!"), 1<<16)
	for sent < most && taken > 0 { // until nothing is taken for a second
		rude.SetWriteDeadline(time.Now().Add(time.Second))
		taken, _ = rude.Write(block)
		sent += taken
	}
	if sent >= most {
		t.Errorf("the proxy took %d bytes for a target that never reads", sent)
	}
	if got, err := exchange(dial(t, p.addr), []byte("hello")); string(got) != "hello" {
		t.Errorf("meanwhile another client got %q, error %v", got, err)
	}
}

// A program that reads late gets all its bytes, though both ends of TCP have
// finished long before.
func TestLateReader(t *testing.T) {
	t.Parallel()
	data := random(200_000)
	target := serve(t, func(c *net.TCPConn) {
		io.ReadAll(c)
		c.Write(data)
	})
	p, _ := startTCP(t, target, func(o *options) { o.Delay = 0 })
	c := dial(t, p.listener.Addr().String())
	c.SetReadBuffer(4096)
	p.until(t, "a link", func(l *link) bool {
		l.ends[network.Up].kernel.SetWriteBuffer(4096)
		return true
	})
	c.CloseWrite()
	p.until(t, "both ends are done", func(l *link) bool {
		for d := range l.ends {
			if l.ends[d].conn == nil {
				return false
			}
			if done, _ := l.ends[d].conn.Done(); !done {
				return false
			}
		}
		return true
	})
	if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes of %d came, error %v", len(got), len(data), err)
	}
}

// Out of file descriptors the proxy says so, lives on, and serves again.
func TestOutOfDescriptors(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no limit of this kind")
	}
	addr, stop := limited(t, "-n 40", "")
	var conns []net.Conn
	// One byte goes to the target and comes back.
	echo := func(c net.Conn) error {
		c.SetDeadline(time.Now().Add(time.Minute))
		fmt.Fprint(c, "x")
		_, err := io.ReadFull(c, make([]byte, 1))
		return err
	}
	for i := range 60 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		// The first is carried through before the others take descriptors.
		if i == 0 {
			if err := echo(c); err != nil {
				t.Fatal("the first client, alone: ", err)
			}
		}
	}
	// It is served on while the others wait, or are reset.
	if err := echo(conns[0]); err != nil {
		t.Errorf("the first client, among 60: %v", err)
	}
	for _, c := range conns {
		c.Close()
	}
	// Who comes while descriptors are still short is reset, and tries again.
	for end := time.Now().Add(time.Minute); ; {
		got, err := exchange(dial(t, addr), []byte("hello"))
		if string(got) == "hello" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("when the clients have left, another got %q, error %v", got, err)
		}
	}
	if status, told := stop(); status != 0 || !strings.Contains(told, "too many open files") {
		t.Errorf("the proxy ended with status %d and said\n%s", status, told)
	}
}

// Nothing of a connection is kept when it is over. (It runs alone: the heap is
// the whole process's.)
func TestNothingKept(t *testing.T) {
	const conns = 1000
	p := startProxy(t, echoServer(t), func(o *options) { o.Delay, o.view = 0, "ladder" })
	use := func(from, to int) uint64 {
		for range to - from {
			c, err := net.Dial("tcp", p.addr)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := exchange(c.(*net.TCPConn), []byte("hello")); string(got) != "hello" {
				t.Fatalf("%q came back, error %v", got, err)
			}
			c.Close()
		}
		p.wait(t, fmt.Sprintf("Connection %d:", to))
		p.mu.Lock()
		p.out = *bytes.NewBufferString("")
		p.mu.Unlock()
		runtime.GC()
		runtime.GC() // what finalizers kept
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := use(0, 100)
	after := use(100, 100+conns)
	const noise = 100 << 10 // of the runtime and of what still ends
	if grown := int64(after) - int64(before); grown > noise {
		t.Errorf("%d connections that are over keep %d bytes each", conns, grown/conns)
	}
}
