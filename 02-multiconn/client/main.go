// Command client opens many connections to an echo server at once, sends
// messages on each, and checks that every echo is what was sent.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"example.com/sockets/02-multiconn/neterror"
)

// A client holds the settings of the command line.
type client struct {
	addr     string
	conns    int
	messages int           // on each connection
	timeout  time.Duration // for connecting, and for each echo
	lines    bool          // print lines about single connections
	out      io.Writer

	echoed atomic.Int64 // messages that came back whole
}

func main() {
	c := fromFlags()
	// From here on Ctrl-C does not kill the program: it cancels ctx.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	failures := c.run(ctx)
	if ctx.Err() != nil {
		fmt.Printf("Stopped; messages echoed: %d\n", c.echoed.Load())
		return
	}
	failures.explain(os.Stderr, c.addr)
	if failures.count > 0 {
		os.Exit(1)
	}
}

// run opens all the connections, sends on all of them at the same time, and
// returns what went wrong.
func (c *client) run(ctx context.Context) *failures {
	start := time.Now()
	conns, failed := c.connect(ctx)
	if !c.lines {
		fmt.Fprintf(c.out, "%d of %d connections are open; sending %d messages on each\n",
			len(conns), c.conns, c.messages)
	}

	var wg sync.WaitGroup
	for id, conn := range conns {
		wg.Go(func() {
			// On Ctrl-C, Close wakes the Read or Write that waits.
			defer context.AfterFunc(ctx, func() { conn.Close() })()
			if err := c.talk(id, conn); err != nil && ctx.Err() == nil {
				failed.add(id, err)
			}
			if c.lines {
				fmt.Fprintf(c.out, "Closing connection %d\n", id)
			}
			conn.Close()
		})
	}
	wg.Wait()

	if !c.lines {
		fmt.Fprintf(c.out, "Connections: %d, messages echoed: %d, errors: %d, time: %s\n",
			len(conns), c.echoed.Load(), failed.count, time.Since(start).Round(time.Millisecond))
	}
	return failed
}

// connect opens the connections, 100 at a time, and returns them by number.
// The kernel's queue for handshakes that are not finished is not endless.
func (c *client) connect(ctx context.Context) (map[int]net.Conn, *failures) {
	conns, failed := map[int]net.Conn{}, &failures{}
	dialer := net.Dialer{Timeout: c.timeout}
	slots := make(chan struct{}, 100)
	var mu sync.Mutex // guards conns
	var wg sync.WaitGroup
	for id := 1; id <= c.conns; id++ {
		slots <- struct{}{}
		if c.lines {
			fmt.Fprintf(c.out, "Starting connection %d to %s\n", id, c.addr)
		}
		wg.Go(func() {
			defer func() { <-slots }()
			conn, err := dialer.DialContext(ctx, "tcp", c.addr)
			if err != nil {
				if ctx.Err() == nil { // Ctrl-C is no error
					failed.add(id, err)
				}
				return
			}
			mu.Lock()
			conns[id] = conn
			mu.Unlock()
		})
	}
	wg.Wait()
	return conns, failed
}

// talk sends the messages of one connection, and reads the echo of each
// before it sends the next.
func (c *client) talk(id int, conn net.Conn) error {
	for i := range c.messages {
		message := fmt.Appendf(nil, "Message %d from client.", i+1)
		if c.lines {
			fmt.Fprintf(c.out, "Sending %q to connection %d\n", message, id)
		}
		// A server that stops reading, or never answers, is an error too.
		conn.SetDeadline(time.Now().Add(c.timeout))
		if _, err := conn.Write(message); err != nil {
			return err
		}
		// One Read may return a part of the echo. ReadFull goes on until all
		// of it is there: we know its length, because we sent it.
		echo := make([]byte, len(message))
		if n, err := io.ReadFull(conn, echo); err != nil {
			return fmt.Errorf("%w after %d of %d bytes of an echo", neterror.Cause(err), n, len(echo))
		}
		if c.lines {
			fmt.Fprintf(c.out, "Received %q from connection %d\n", echo, id)
		}
		if !bytes.Equal(echo, message) {
			return errDiffers
		}
		c.echoed.Add(1)
	}
	return nil
}
