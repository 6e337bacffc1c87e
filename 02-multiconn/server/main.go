// Command server echoes to many clients at once, each in its own goroutine.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"example.com/sockets/02-multiconn/neterror"
)

func main() {
	s := fromFlags()
	// From here on Ctrl-C does not kill the program: it cancels ctx.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := s.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run listens, and serves clients until ctx is cancelled.
func (s *server) run(ctx context.Context) error {
	listener, err := net.Listen("tcp", s.addr)
	if err != nil {
		return neterror.Listen(s.addr, err)
	}
	defer context.AfterFunc(ctx, func() { listener.Close() })() // wakes Accept
	fmt.Fprintf(s.out, "Listening on %s\n", listener.Addr())
	for {
		// In a first reading, take accept for listener.Accept. What it adds,
		// to the connection's Read and Write too, is in limits.go.
		conn, err := s.accept(ctx, listener)
		if err != nil {
			break // Ctrl-C
		}
		// The word go is what chapter 1's server lacks: the loop does not wait
		// for this client to end before it accepts the next one.
		go s.serve(conn)
	}
	s.shutDown()
	return nil
}

// serve echoes what it reads until the client has no more to send. An error
// ends this connection, and no other.
func (s *server) serve(conn *conn) {
	buf := make([]byte, 512) // small, since every connection has one
	for {
		n, err := conn.Read(buf) // this goroutine sleeps here, not a thread
		if n > 0 && !s.quiet {
			fmt.Fprintf(s.out, "Echoing %q to %s\n", buf[:n], conn.RemoteAddr())
		}
		if n > 0 {
			// Write takes all n bytes, or fails. It waits for a client that
			// does not read, and nobody else waits with it.
			if _, writeErr := conn.Write(buf[:n]); writeErr != nil {
				err = writeErr
			}
		}
		if err != nil {
			conn.end(err) // io.EOF, the client's FIN, is the good end
			return
		}
	}
}
