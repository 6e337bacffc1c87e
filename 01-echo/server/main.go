// Command server is the echo server of chapter 1. It sends every byte that a
// client sends back to that client, and serves one client after another.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// bufferSize is small on purpose: a message of more than this many bytes
// needs several Reads, as every long message does in real life. The flag
// -buffer makes it smaller still.
var bufferSize = 1024

// A server holds the settings of the command line.
type server struct {
	idleTimeout time.Duration
	reads       bool      // print a line for each Read
	log         io.Writer // lines about single connections
}

func main() {
	addr := flag.String("addr", "127.0.0.1:65432",
		"listen on `host:port`; port 0 picks a free one")
	idleTimeout := flag.Duration("idle-timeout", 30*time.Second,
		"hang up on a client that is silent, or does not read, for this `duration`")
	flag.IntVar(&bufferSize, "buffer", bufferSize,
		"read at most this many `bytes` at a time")
	reads := flag.Bool("reads", false,
		"print a line for each Read, to make partial reads visible")
	quiet := flag.Bool("quiet", false,
		"leave out the lines about single connections")
	flag.Parse()
	if err := checkFlags(*addr, *idleTimeout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		flag.Usage()
		os.Exit(2)
	}

	// From here on Ctrl-C does not kill the program: it cancels ctx.
	ctx, stop := signal.NotifyContext(context.Background(),
		os.Interrupt, syscall.SIGTERM)
	defer stop()

	s := server{*idleTimeout, *reads, os.Stdout}
	if *quiet {
		s.log = io.Discard
	}
	if err := s.run(ctx, *addr, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run listens on addr and serves clients until ctx is cancelled.
func (s server) run(ctx context.Context, addr string, out io.Writer) error {
	// Listen makes a socket, ties it to the address and tells the kernel to
	// take calls for it: socket, bind and listen in one.
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w; %s",
			addr, cause(err), advice(err))
	}
	// Close frees the port. On Ctrl-C it also wakes the Accept that waits.
	defer listener.Close()
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	fmt.Fprintf(out, "Listening on %s\n", listener.Addr())

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
			return fmt.Errorf("cannot accept a client on %s: %w; %s",
				listener.Addr(), cause(err), advice(err))
		}
		clients++
		bytes += s.serve(ctx, conn)
	}
	fmt.Fprintf(out, "Stopped; clients served: %d, bytes echoed: %d\n",
		clients, bytes)
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
		fmt.Fprintf(s.log, ": %s", cause(err))
	}
	fmt.Fprintln(s.log)
	return n
}

// echo sends back what it reads until the client has no more to send.
// It returns the number of bytes sent back.
func (s server) echo(conn net.Conn) (int64, error) {
	var total int64
	buf := make([]byte, bufferSize)
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
