//go:build linux

package interop

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Our endpoint talks to the Linux kernel's, in real time: with programs that know nothing of it, in
// both roles, over a network that loses packets both ways. Nothing of it takes longer than limit.

const limit = time.Minute

// million is a message of 1 MB. None of its kilobytes is like another.
var million = bytes.Join(pieces(1000), nil)

func TestLinux(t *testing.T) {
	for _, loss := range []string{"0", "0.05", "0.1"} {
		for _, c := range []struct {
			name string
			run  func(*testing.T, *link)
		}{
			{"curl GET", curlGet},
			{"curl POST", curlPost},
			{"python client", pythonClient},
			{"python server", pythonServer},
			{"slow reader", slowReader},
		} {
			t.Run(c.name+"/"+loss, func(t *testing.T) {
				t.Parallel()
				l := newLink(t, loss)
				c.run(t, l)
				l.inspect(t)
			})
		}
	}
}

// serveHTTP has package net/http serve over our TCP.
func serveHTTP(t *testing.T, l *link) {
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "GET" {
			w.Write(million)
			return
		}
		sum := sha256.New()
		n, err := io.Copy(sum, r.Body)
		fmt.Fprintf(w, "%d %x %v", n, sum.Sum(nil), err)
	})}
	go server.Serve(l.listen(80))
	t.Cleanup(func() { server.Close() })
}

// run runs a program in the link's namespace, and returns what it prints.
func run(t *testing.T, input []byte, words ...string) []byte {
	t.Helper()
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Stdin = bytes.NewReader(input)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", words[0], err)
	}
	return out
}

func curl(t *testing.T, input []byte, words ...string) []byte {
	t.Helper()
	return run(t, input, append([]string{"curl", "-sS", "--fail", "-m", fmt.Sprint(limit.Seconds()),
		"http://" + ourAddr.String() + "/"}, words...)...)
}

func curlGet(t *testing.T, l *link) {
	serveHTTP(t, l)
	if got := curl(t, nil); !bytes.Equal(got, million) {
		t.Errorf("curl got %d bytes, and not the right ones", len(got))
	}
}

func curlPost(t *testing.T, l *link) {
	serveHTTP(t, l)
	want := fmt.Sprintf("%d %x %v", len(million), sha256.Sum256(million), nil)
	if got := curl(t, million, "--data-binary", "@-", "-H", "Expect:"); string(got) != want {
		t.Errorf("our server got %s, want %s", got, want)
	}
}

// pythonClient sends 1 MB and reads at the same time; our server echoes.
func pythonClient(t *testing.T, l *link) {
	listener := l.listen(7)
	ended := make(chan error, 1)
	go func() {
		c, err := listener.Accept()
		if err == nil {
			io.Copy(c, c)
			c.Close()
			err = c.(*conn).closed()
		}
		ended <- err
	}()
	got := run(t, million, "python3", "-c", `
import socket, sys, threading
s = socket.create_connection((sys.argv[1], 7))
s.settimeout(60)
def send():
    s.sendall(sys.stdin.buffer.read())
    s.shutdown(socket.SHUT_WR)
threading.Thread(target=send).start()
while data := s.recv(65536):
    sys.stdout.buffer.write(data)
`, ourAddr.String())
	if !bytes.Equal(got, million) {
		t.Errorf("Python got %d bytes, and not the right ones", len(got))
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// pythonServer echoes what our client sends, both ways at once.
func pythonServer(t *testing.T, l *link) {
	server := exec.Command("python3", "-c", `
import socket, sys
l = socket.create_server((sys.argv[1], 7))
print("listening", flush=True)
s, _ = l.accept()
while data := s.recv(65536):
    s.sendall(data)
s.close()
`, kernelAddr.String())
	out, err := server.StdoutPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	io.ReadFull(out, make([]byte, len("listening")))
	c := l.dial(7)
	go func() {
		c.Write(million)
		c.CloseWrite()
	}()
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, million) {
		t.Errorf("our client got %d bytes, error %v", len(got), err)
	}
	if err := c.closed(); err != nil {
		t.Error(err)
	}
	if err := server.Wait(); err != nil {
		t.Error(err)
	}
}

// slowReader is a kernel's server that reads nothing until it has closed its window. A buffer that
// is made smaller then takes back what the window allowed, and segments under way are thrown away
// (RFC 9293, section 3.8.6, asks receivers not to, and senders to bear it).
func slowReader(t *testing.T, l *link) {
	listener, err := net.Listen("tcp4", kernelAddr.String()+":9")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c := l.dial(9)
	go func() {
		c.Write(million)
		c.CloseWrite()
	}()
	kernel, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	kernel.SetDeadline(time.Now().Add(limit))
	kernel.(*net.TCPConn).SetReadBuffer(8192)
	c.wait(func(time.Duration) bool { w := c.tcp.State().Out.Window; return w.From > 1 && w.From == w.To })
	var got strings.Builder
	if _, err := io.Copy(&got, kernel); err != nil || got.String() != string(million) {
		t.Errorf("the kernel's server got %d bytes, error %v", got.Len(), err)
	}
	kernel.Close()
	if err := c.closed(); err != nil {
		t.Error(err)
	}
}
