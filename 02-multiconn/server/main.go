// Command server echoes to many clients at once, each in its own goroutine.
package main

import (
	"context"
	"fmt"
	"net"

	"example.com/sockets/02-multiconn/internal/cli"
	"example.com/sockets/02-multiconn/internal/limits"
	"example.com/sockets/02-multiconn/internal/neterror"
)

type server struct {
	addr string
	*limits.Server
}

func main() {
	s := fromFlags()
	ctx := cli.Interrupt() // from here on Ctrl-C does not kill the program: it cancels ctx
	cli.Exit(s.run(ctx))
}

// run listens, and serves clients until ctx is cancelled.
func (s *server) run(ctx context.Context) error {
	listener, err := net.Listen("tcp", s.addr)
	if err != nil {
		return neterror.Listen(s.addr, err)
	}
	fmt.Fprint(s.Out, cli.Listening(s.addr, listener.Addr()))
	s.serveAll(ctx, listener)
	return nil
}

// serveAll starts a goroutine for each client until ctx is cancelled.
func (s *server) serveAll(ctx context.Context, listener net.Listener) {
	// On Ctrl-C, Close wakes the Accept that waits.
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	for {
		// In a first reading, take s.Accept for listener.Accept. What it adds,
		// to the client's Read and Write too, is in limits.go.
		client, err := s.Accept(ctx, listener)
		if err != nil {
			break // Ctrl-C
		}
		// The word go is what chapter 1's server lacks: the loop does not wait
		// for this client to end before it accepts the next one.
		go s.serve(client)
	}
	served, echoed := s.Shutdown()
	fmt.Fprintf(s.Out, "Stopped; connections served: %d, bytes echoed: %d\n", served, echoed)
}

// serve echoes what it reads until the client has no more to send. An error
// ends this connection, and no other.
func (s *server) serve(client *limits.Client) {
	buf := make([]byte, 512) // small, since every connection has one
	for {
		n, err := client.Read(buf) // this goroutine sleeps here, not a thread
		if n > 0 && !s.Quiet {
			fmt.Fprintf(s.Out, "Echoing %q to %s\n", buf[:n], client.RemoteAddr())
		}
		if n > 0 {
			// Write takes all n bytes, or fails. It waits for a client that
			// does not read, and nobody else waits with it.
			if _, writeErr := client.Write(buf[:n]); writeErr != nil {
				err = writeErr
			}
		}
		if err != nil {
			client.End(err) // io.EOF, the client's FIN, is the good end
			return
		}
	}
}
