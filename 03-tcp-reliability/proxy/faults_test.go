package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A target that never answers costs its client the wait, and nobody else.
func TestTargetNeverAnswers(t *testing.T) {
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

// Out of file descriptors the proxy says so, lives on, and serves again.
func TestOutOfDescriptors(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no limit of this kind")
	}
	exe := filepath.Join(t.TempDir(), "proxy")
	if out, err := exec.Command("go", "build", "-o", exe, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	target := echoServer(t)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "ulimit -n 40; exec "+exe+" -delay 0 -view none -listen 127.0.0.1:0 -target "+target)
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
	addr, _, _ := strings.Cut(strings.TrimPrefix(line, "Listening on "), ",")
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
	cmd.Process.Signal(os.Interrupt)
	io.Copy(io.Discard, stdout)
	if err := cmd.Wait(); err != nil || !strings.Contains(stderr.String(), "too many open files") {
		t.Errorf("the proxy ended with %v and said\n%s", err, &stderr)
	}
}
