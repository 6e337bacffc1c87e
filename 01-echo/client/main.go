// Command client is the echo client of chapter 1. It sends a message to the
// echo server, reads what comes back and checks that it is the same.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"hash"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:65432",
		"connect to the server at `host:port`")
	message := flag.String("message", "Hello, world",
		"the `text` to send; - sends standard input and writes the echo to standard output")
	timeout := flag.Duration("timeout", 5*time.Second,
		"give up connecting after this `duration`")
	flag.Parse()
	if err := checkFlags(*addr, *timeout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		flag.Usage()
		os.Exit(2)
	}

	// From here on Ctrl-C does not kill the program: it cancels ctx.
	ctx, stop := signal.NotifyContext(context.Background(),
		os.Interrupt, syscall.SIGTERM)
	defer stop()

	err := run(ctx, *addr, *message, *timeout, os.Stdin, os.Stdout)
	if err != nil && ctx.Err() != nil {
		fmt.Fprintln(os.Stderr, "Stopped:", err)
	} else if err != nil {
		fmt.Fprintf(os.Stderr, "%s; %s\n", err, advice(err))
		os.Exit(1)
	}
}

// run makes one connection and sends message, or stdin where message is "-".
func run(ctx context.Context, addr, message string, timeout time.Duration,
	stdin io.Reader, stdout io.Writer) error {
	// Dial makes a socket and connects it: the kernel sends a SYN, and Dial
	// returns when the three-way handshake is done.
	dialer := net.Dialer{Timeout: timeout}
	c, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("cannot connect to %s: %w", addr, cause(err))
	}
	conn := c.(*net.TCPConn) // for CloseWrite, which only a stream has
	defer conn.Close()
	// On Ctrl-C, Close wakes the Read and the Write that wait.
	defer context.AfterFunc(ctx, func() { conn.Close() })()

	if message == "-" {
		return exchange(conn, stdin, stdout)
	}
	var reply bytes.Buffer
	err = exchange(conn, strings.NewReader(message), &reply)
	if err == nil || reply.Len() > 0 {
		fmt.Fprintf(stdout, "Received %q\n", reply.String())
	}
	return err
}

// exchange sends in to the server, and at the same time writes what comes
// back to out. One after the other would do for a short message. With a long
// one, both sides would end up waiting in Write for the other to read.
func exchange(conn *net.TCPConn, in io.Reader, out io.Writer) error {
	sent, received := newTally(), newTally()

	sending := make(chan error, 1)
	go func() {
		_, err := io.Copy(conn, io.TeeReader(in, sent))
		sending <- err
		// Half-close: our FIN says "that is all", and we go on reading. The
		// server sees the end of the stream and closes its side too.
		conn.CloseWrite()
	}()

	// Copy reads until the server's FIN, in as many pieces as it takes.
	_, err := io.Copy(io.MultiWriter(out, received), conn)
	if err != nil {
		return fmt.Errorf("the exchange with %s broke off after %d bytes came back: %w",
			conn.RemoteAddr(), received.n, cause(err))
	}
	select {
	case err := <-sending:
		if err != nil {
			return fmt.Errorf("cannot send everything to %s: %w",
				conn.RemoteAddr(), cause(err))
		}
	default: // the server's FIN came before ours
		return fmt.Errorf("%s %w (%d bytes had come back)",
			conn.RemoteAddr(), errClosedEarly, received.n)
	}
	if !sent.equal(received) {
		return fmt.Errorf("%w: %d bytes went out to %s, %d came back",
			errDiffers, sent.n, conn.RemoteAddr(), received.n)
	}
	return nil
}

var (
	errClosedEarly = errors.New("closed the connection before it had everything")
	errDiffers     = errors.New("what came back is not what was sent")
)

// A tally counts the bytes written to it and keeps their SHA-256: enough to
// compare two streams of any length in little memory.
type tally struct {
	n      int64
	digest hash.Hash
}

func newTally() *tally { return &tally{digest: sha256.New()} }

func (t *tally) Write(p []byte) (int, error) {
	t.n += int64(len(p))
	return t.digest.Write(p)
}

func (t *tally) equal(u *tally) bool {
	return t.n == u.n && bytes.Equal(t.digest.Sum(nil), u.digest.Sum(nil))
}
