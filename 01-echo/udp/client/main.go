// Command client is the echo client over UDP. It sends datagrams to the server
// and waits for each of them to come back.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"example.com/sockets/01-echo/internal/cli"
)

func main() {
	c := fromFlags()
	ctx := cli.CtrlC() // from here on Ctrl-C cancels ctx, and kills nothing
	if err := c.run(ctx); err != nil {
		cli.Fail(err, advice(err))
	}
}

// run sends the message and prints what comes back.
func (c client) run(ctx context.Context) error {
	// Dial sends nothing and asks nobody. The socket only remembers the
	// server's address: Write needs none then, and Read takes datagrams from
	// there alone.
	conn, err := net.Dial("udp", c.addr)
	if err != nil {
		return fmt.Errorf("cannot send to %s: %w", c.addr, cli.Cause(err))
	}
	defer conn.Close()
	// On Ctrl-C, Close wakes the Read that waits.
	defer context.AfterFunc(ctx, func() { conn.Close() })()

	for range c.times {
		// One Write is one datagram.
		if _, err := conn.Write([]byte(c.message)); err != nil {
			return c.failed(ctx, "send to", 0, err)
		}
	}
	// Without a deadline the Read after a lost datagram would wait for ever:
	// nobody sends it again, and nobody says that it is lost.
	conn.SetReadDeadline(time.Now().Add(c.timeout))
	buf := make([]byte, 65535)
	for back := range c.times {
		// One Read is one datagram, the oldest of those that have arrived.
		n, err := conn.Read(buf)
		if err != nil {
			return c.failed(ctx, "receive from", back, err)
		}
		if _, err := fmt.Fprintf(c.out, "Received %q\n", buf[:n]); err != nil {
			return fmt.Errorf("%w: %w", cli.ErrOutput, err)
		}
		if string(buf[:n]) != c.message {
			return fmt.Errorf("%w: %d bytes went out, %d came back",
				cli.ErrDiffers, len(c.message), n)
		}
	}
	return nil
}

var errLost = errors.New("datagrams came back")

// failed says what an error means; back is how many datagrams have come back.
func (c client) failed(ctx context.Context, doing string, back int, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w after %d of %d datagrams had come back", cli.ErrStopped, back,
			c.times)
	case back > 0 && errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("only %d of %d %w in %s", back, c.times, errLost, c.timeout)
	}
	// "connection refused" ends here. The server's kernel has answered that
	// nobody has this port, in an ICMP message and not in a datagram.
	return fmt.Errorf("cannot %s %s: %w", doing, c.addr, cli.Cause(err))
}

// advice says what to try next.
func advice(err error) string {
	const server = "go run ./01-echo/udp/server"
	switch {
	case errors.Is(err, errLost):
		return "UDP sends nothing again: what is lost stays lost"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "is the server running (" + server + ")? or was it lost?"
	}
	return cli.DialAdvice(err, server)
}
