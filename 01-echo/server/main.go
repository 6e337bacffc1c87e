// Command server is the echo server of chapter 1. It sends every byte that a
// client sends back to that client, and serves one client after another.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"example.com/sockets/01-echo/internal/cli"
)

func main() {
	s := fromFlags()
	ctx := cli.CtrlC() // from here on Ctrl-C cancels ctx, and kills nothing
	if err := s.run(ctx); err != nil {
		cli.Fail(err, cli.ListenAdvice(err))
	}
}

// run serves clients until ctx is cancelled.
func (s server) run(ctx context.Context) error {
	// Listen makes a socket, ties it to the address and tells the kernel to
	// let clients connect: socket, bind and listen in one.
	listener, err := net.Listen("tcp", s.addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w", s.addr, cli.Cause(err))
	}
	// Close frees the port. On Ctrl-C it also wakes the Accept that waits.
	defer listener.Close()
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	_, err = fmt.Fprintf(s.out, "Listening on %s\n%s", listener.Addr(), cli.OneAddress(s.addr))
	if err != nil {
		return fmt.Errorf("%w: %w", cli.ErrOutput, err) // who would find us?
	}

	var clients, bytes int64
	for {
		// The kernel has done the handshake by itself. Accept hands over
		// the oldest finished connection, or waits for one.
		conn, err := listener.Accept()
		if ctx.Err() != nil {
			if err == nil {
				conn.Close() // came in at the moment of Ctrl-C
			}
			break
		}
		if err != nil {
			return fmt.Errorf("cannot accept a client on %s: %w", listener.Addr(), cli.Cause(err))
		}
		clients++
		bytes += s.serve(ctx, conn)
	}
	_, err = fmt.Fprintf(s.out, "Stopped; clients served: %d, bytes echoed: %d\n", clients, bytes)
	if err != nil {
		return fmt.Errorf("%w: %w", cli.ErrOutput, err)
	}
	return nil
}

// serve echoes one client to its end and returns how many bytes went back.
// Whatever goes wrong here ends this connection and nothing else.
func (s server) serve(ctx context.Context, conn net.Conn) int64 {
	// Close sends a FIN: "no more bytes from this side".
	defer conn.Close()
	// On Ctrl-C, Close also wakes a Read or a Write that waits.
	defer context.AfterFunc(ctx, func() { conn.Close() })()

	client := conn.RemoteAddr()
	fmt.Fprintf(s.log, "Connected by %s\n", client)
	n, err := s.echo(conn)
	fmt.Fprintf(s.log, "Closed %s after %d bytes", client, n)
	switch {
	case err == nil: // the good end
	case ctx.Err() != nil:
		fmt.Fprint(s.log, ": the server was stopped")
	case errors.Is(err, os.ErrDeadlineExceeded):
		fmt.Fprintf(s.log, ": silent, or not reading, for %s", s.idleTimeout)
	default:
		fmt.Fprintf(s.log, ": %s", cli.Cause(err))
	}
	fmt.Fprintln(s.log)
	return n
}

// echo sends back what it reads until the client has no more to send.
// It returns the number of bytes sent back.
func (s server) echo(conn net.Conn) (int64, error) {
	var total int64
	buf := make([]byte, s.bufferSize)
	for {
		// Without a deadline a silent client would hold the server for good,
		// and so would one that never reads: Write waits for room.
		conn.SetDeadline(time.Now().Add(s.idleTimeout))

		// Read returns as soon as there is anything, however little: n says
		// how much. It may be a part of what the client wrote, or all of it,
		// or the end of one message together with the start of the next.
		n, readErr := conn.Read(buf)
		// Echo what came before looking at the error: both can come at once.
		if n > 0 {
			if s.reads {
				fmt.Fprintf(s.log, "Read %d bytes\n", n)
			}
			// Write goes on until the kernel has taken all n bytes, or fails.
			written, err := conn.Write(buf[:n])
			total += int64(written)
			if err != nil {
				return total, err
			}
		}
		if readErr == io.EOF {
			return total, nil // the client's FIN: it has sent everything
		}
		if readErr != nil {
			return total, readErr
		}
	}
}
