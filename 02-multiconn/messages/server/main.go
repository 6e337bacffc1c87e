// Command server answers messages: it searches for what a client asks, or
// sends back the first bytes of what it got. Each connection has a goroutine
// of its own, and may carry any number of messages.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"example.com/sockets/02-multiconn/messages/message"
	"example.com/sockets/02-multiconn/neterror"
)

// A server holds the settings of the command line.
type server struct {
	idleTimeout time.Duration
	log         io.Writer // lines about single connections
}

func main() {
	addr := flag.String("addr", "127.0.0.1:65432",
		"listen on `host:port`; port 0 picks a free one")
	idleTimeout := flag.Duration("idle-timeout", 30*time.Second,
		"hang up on a client that takes longer than this `duration` for a message")
	quiet := flag.Bool("quiet", false,
		"leave out the lines about single connections")
	flag.Parse()
	if err := checkFlags(*addr, *idleTimeout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(),
		os.Interrupt, syscall.SIGTERM)
	defer stop()

	s := server{*idleTimeout, os.Stdout}
	if *quiet {
		s.log = io.Discard
	}
	if err := s.run(ctx, *addr, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run listens on addr and serves clients until ctx is cancelled.
func (s server) run(ctx context.Context, addr string, out, errOut io.Writer) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return neterror.Listen(addr, err)
	}
	// On Ctrl-C, Close wakes the Accept that waits.
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	defer listener.Close()
	fmt.Fprintf(out, "Listening on %s\n", listener.Addr())

	var connections int
	var once sync.Once // the line about Accept
	var answered atomic.Int64
	var serving sync.WaitGroup
	for {
		conn, err := listener.Accept()
		if ctx.Err() != nil {
			if err == nil {
				conn.Close() // came in at the moment of Ctrl-C
			}
			break
		}
		if err != nil {
			// Most likely the process is out of file descriptors. The clients
			// that are being served still count: wait until one may have left.
			once.Do(func() {
				fmt.Fprintf(errOut, "cannot accept a client on %s: %v; new clients wait in the backlog until connections close\n",
					listener.Addr(), neterror.Cause(err))
			})
			select {
			case <-time.After(200 * time.Millisecond):
			case <-ctx.Done():
			}
			continue
		}
		connections++
		serving.Go(func() { s.serve(ctx, conn, &answered) })
	}
	serving.Wait()
	fmt.Fprintf(out, "Stopped; connections served: %d, requests answered: %d\n",
		connections, answered.Load())
	return nil
}

// serve answers one client to its end. Whatever goes wrong here ends this
// connection and nothing else.
func (s server) serve(ctx context.Context, conn net.Conn, answered *atomic.Int64) {
	defer conn.Close()
	// On Ctrl-C, Close also wakes a Read or a Write that waits.
	defer context.AfterFunc(ctx, func() { conn.Close() })()

	client := conn.RemoteAddr()
	fmt.Fprintf(s.log, "Accepted connection from %s\n", client)
	reason := ""
	switch err := s.answerAll(conn, answered); {
	case err == nil: // the good end
	case ctx.Err() != nil:
		reason = ": the server was stopped"
	case errors.Is(err, os.ErrDeadlineExceeded):
		reason = fmt.Sprintf(": no whole message, or not reading, for %s", s.idleTimeout)
	default:
		reason = fmt.Sprintf(": %s", neterror.Cause(err))
	}
	fmt.Fprintf(s.log, "Closing connection to %s%s\n", client, reason)
}

// answerAll answers one request after another until the client has no more.
func (s server) answerAll(conn net.Conn, answered *atomic.Int64) error {
	// The reader keeps what came with a message and belongs to the next.
	r := bufio.NewReader(conn)
	for {
		conn.SetDeadline(time.Now().Add(s.idleTimeout))
		request, err := message.Read(r)
		if err == io.EOF {
			return nil // the client's FIN, between two messages
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(s.log, "Request %.100q from %s\n",
			request.Content, conn.RemoteAddr())
		reply, err := answer(request)
		if err != nil {
			return err
		}
		if err := message.Write(conn, reply); err != nil {
			return err
		}
		answered.Add(1)
	}
}
