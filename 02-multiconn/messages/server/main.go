// Command server answers messages: it searches for what a client asks, or
// sends back the first bytes of what it got. Each connection has a goroutine
// of its own, and may carry any number of messages.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"

	"example.com/sockets/02-multiconn/internal/cli"
	"example.com/sockets/02-multiconn/internal/limits"
	"example.com/sockets/02-multiconn/internal/neterror"
	"example.com/sockets/02-multiconn/messages/message"
)

type server struct {
	addr string
	*limits.Server
	answered atomic.Int64 // requests
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
		client, err := s.Accept(ctx, listener)
		if err != nil {
			break // Ctrl-C
		}
		go s.serve(client)
	}
	served, _ := s.Shutdown()
	fmt.Fprintf(s.Out, "Stopped; connections served: %d, requests answered: %d\n",
		served, s.answered.Load())
}

// serve answers one client to its end. Whatever goes wrong here ends this
// connection and nothing else.
func (s *server) serve(client *limits.Client) {
	err := s.answerAll(client)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("no whole message, or not reading, for %s", s.IdleTimeout)
	}
	client.End(err) // io.EOF, the client's FIN between two messages, is the good end
}

// answerAll answers one request after another until the client has no more.
func (s *server) answerAll(client *limits.Client) error {
	// The reader keeps what came with a message and belongs to the next. It
	// reads from the plain connection: the client's Read would give more time
	// with each byte, and the time is for a whole message.
	r := bufio.NewReader(client.Conn)
	for {
		client.Extend()
		request, err := message.Read(r)
		if err != nil {
			return err
		}
		if !s.Quiet {
			fmt.Fprintf(s.Out, "Request %.100q from %s\n", request.Content, client.RemoteAddr())
		}
		reply, err := answer(request)
		if err != nil {
			return err
		}
		if err := message.Write(client, reply); err != nil {
			return err
		}
		s.answered.Add(1)
	}
}
