// Command client is the echo client of chapter 1. It sends a message to the
// echo server, reads what comes back and checks that it is the same.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"example.com/sockets/01-echo/internal/cli"
)

func main() {
	c := fromFlags()
	ctx := cli.CtrlC() // from here on Ctrl-C cancels ctx, and kills nothing
	if err := c.run(ctx); err != nil {
		cli.Fail(err, cli.DialAdvice(err, "go run ./01-echo/server"))
	}
}

// run makes one connection and sends the message, or standard input.
func (c client) run(ctx context.Context) error {
	// Dial makes a socket and connects it: the kernel sends a SYN, and Dial
	// returns when the three-way handshake is done.
	dialer := net.Dialer{Timeout: c.timeout}
	dialed, err := dialer.DialContext(ctx, "tcp", c.addr)
	if ctx.Err() != nil {
		return fmt.Errorf("%w before the server answered", cli.ErrStopped)
	}
	if err != nil {
		return fmt.Errorf("cannot connect to %s: %w", c.addr, cli.Cause(err))
	}
	conn := dialed.(*net.TCPConn) // for CloseWrite, which only a stream has
	defer conn.Close()
	// On Ctrl-C, Close wakes the Read and the Write that wait.
	defer context.AfterFunc(ctx, func() { conn.Close() })()

	if c.message == "-" {
		if c.terminal {
			cli.Connected(c.errOut, conn.RemoteAddr().String(), conn.LocalAddr().String())
		}
		return c.exchange(ctx, conn, c.in, c.out)
	}
	var reply bytes.Buffer
	err = c.exchange(ctx, conn, strings.NewReader(c.message), &reply)
	if err == nil || reply.Len() > 0 {
		if _, err := fmt.Fprintf(c.out, "Received %q\n", reply.String()); err != nil {
			return fmt.Errorf("%w: %w", cli.ErrOutput, err)
		}
	}
	return err
}

// exchange sends input to the server, and at the same time writes what comes
// back to output. One after the other would do for a short message. With a long
// one, both sides would end up waiting in Write for the other to read.
func (c client) exchange(ctx context.Context, conn *net.TCPConn,
	input io.Reader, output io.Writer) error {
	sent, received := newTally(), newTally()
	in, out := &reader{Reader: input}, &writer{Writer: output}

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
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w after %d bytes had come back", cli.ErrStopped, received.n)
	case out.err != nil:
		return fmt.Errorf("%w: %w", cli.ErrOutput, out.err)
	case err != nil:
		return fmt.Errorf("connection to %s %w after %d bytes: %w",
			conn.RemoteAddr(), cli.ErrLost, received.n, cli.Cause(err))
	}

	// The server's FIN has come. Had we sent everything?
	hungUp := fmt.Errorf("%s %w; %d bytes had come back",
		conn.RemoteAddr(), cli.ErrHungUp, received.n)
	if c.message == "-" {
		// There may be more to come, and nobody knows when: don't wait for it.
		select {
		case err = <-sending:
		default:
			return hungUp
		}
	} else {
		conn.SetWriteDeadline(time.Now()) // wakes a Write that waits
		err = <-sending
	}
	switch {
	case in.err != nil:
		return fmt.Errorf("%w: %w", cli.ErrInput, in.err)
	case err != nil:
		return hungUp
	case !sent.equal(received):
		return fmt.Errorf("%w: %d bytes went out, %d came back",
			cli.ErrDiffers, sent.n, received.n)
	}
	return nil
}
