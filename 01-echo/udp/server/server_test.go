package main

import (
	"bufio"
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

	"example.com/sockets/01-echo/internal/cli"
)

// A running server, and what it prints.
type running struct {
	addr  string
	lines *bufio.Scanner
	stop  context.CancelFunc
	ended chan error
}

func start(t *testing.T, s server) *running {
	t.Helper()
	read, write := io.Pipe()
	s.addr, s.out, s.log = "127.0.0.1:0", write, write
	ctx, stop := context.WithCancel(t.Context())
	r := &running{lines: bufio.NewScanner(read), stop: stop, ended: make(chan error, 1)}
	go func() {
		r.ended <- s.run(ctx)
		write.Close()
	}()
	t.Cleanup(func() {
		stop()
		read.Close() // lets a server go that wants to print
	})
	var ok bool
	if r.addr, ok = strings.CutPrefix(r.line(t), "Listening on "); !ok {
		t.Fatalf("the server's first line is %q", r.lines.Text())
	}
	return r
}

func (r *running) line(t *testing.T) string {
	t.Helper()
	if !r.lines.Scan() {
		t.Fatal("the server printed no further line")
	}
	return r.lines.Text()
}

func (r *running) expect(t *testing.T, want string) {
	t.Helper()
	if got := r.line(t); got != want {
		t.Errorf("the server printed %q and not %q", got, want)
	}
}

// dial makes a socket that sends to the server and hears it alone.
func (r *running) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("udp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute)) // a safety net
	return conn
}

func receive(t *testing.T, conn net.Conn) string {
	t.Helper()
	buf := make([]byte, largest)
	n, err := conn.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

// Each datagram is one Read, the empty one and the largest too, and clients
// take no turns.
func TestDatagrams(t *testing.T) {
	r := start(t, server{bufferSize: largest})
	ann, bob := r.dial(t), r.dial(t)
	sizes := []int{12, 0, 9000}
	if runtime.GOOS == "linux" {
		sizes = append(sizes, largest) // macOS sends 9216 bytes at most
	}
	total := 0
	for _, size := range sizes {
		for _, conn := range []net.Conn{ann, bob} {
			message := strings.Repeat("x", size)
			if _, err := conn.Write([]byte(message)); err != nil {
				t.Fatal(err)
			}
			r.expect(t, fmt.Sprintf("Received %d bytes from %s", size, conn.LocalAddr()))
			if got := receive(t, conn); got != message {
				t.Errorf("%d bytes were sent and %d came back, or others", size, len(got))
			}
			total += size
		}
	}
	r.stop()
	r.expect(t, fmt.Sprintf("Stopped; datagrams received: %d, bytes echoed: %d", 2*len(sizes),
		total))
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
}

// Two Writes are two Reads. What is beyond the buffer is lost, and does not
// come with the next Read.
func TestBorders(t *testing.T) {
	r := start(t, server{bufferSize: 5})
	conn := r.dial(t)
	for _, message := range []string{"Hello, world", "Bob"} {
		if _, err := conn.Write([]byte(message)); err != nil {
			t.Fatal(err)
		}
	}
	r.expect(t, fmt.Sprintf("Received 5 bytes from %s", conn.LocalAddr()))
	r.expect(t, fmt.Sprintf("Received 3 bytes from %s", conn.LocalAddr()))
	for _, want := range []string{"Hello", "Bob"} {
		if got := receive(t, conn); got != want {
			t.Errorf("%q came back and not %q", got, want)
		}
	}
}

func TestListenErrors(t *testing.T) {
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.LocalAddr().String()
	err = server{addr: addr, out: io.Discard}.run(t.Context())
	if err == nil || !strings.HasPrefix(err.Error(), "cannot listen on "+addr+": ") ||
		!strings.HasPrefix(cli.ListenAdvice(err), "another program has this port") {
		t.Errorf("the port is taken, and the server says %v; %s", err, cli.ListenAdvice(err))
	}
}

func TestBrokenOutput(t *testing.T) {
	read, write := io.Pipe()
	read.CloseWithError(errors.New("the disk is gone"))
	err := server{addr: "127.0.0.1:0", out: write}.run(t.Context())
	if got := fmt.Sprint(err); got != "cannot write the output: the disk is gone" {
		t.Errorf("the output failed, and the server says %v", got)
	}
}

func TestFlags(t *testing.T) {
	for size, good := range map[int]bool{0: false, 1: true, largest: true, largest + 1: false} {
		if err := (&server{bufferSize: size}).check(); (err == nil) != good {
			t.Errorf("-buffer %d: %v", size, err)
		}
	}
}

// Whatever the bytes are, the same come back.
func FuzzEcho(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte("Hello, world"))
	f.Add(bytes.Repeat([]byte{0, 0xff, '\n'}, 1000))
	f.Fuzz(func(t *testing.T, message []byte) {
		if len(message) > 9000 {
			t.Skip("macOS would not send it")
		}
		r := start(t, server{bufferSize: largest})
		conn := r.dial(t)
		if _, err := conn.Write(message); err != nil {
			t.Fatal(err)
		}
		r.line(t)
		if got := receive(t, conn); got != string(message) {
			t.Errorf("%q was sent, and %q came back", message, got)
		}
	})
}
