// Command client opens many connections to an echo server at once, sends
// messages on each, and checks that every echo is what was sent.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"example.com/sockets/02-multiconn/internal/cli"
	"example.com/sockets/02-multiconn/internal/neterror"
)

// A client holds the settings of the command line.
type client struct {
	addr     string
	conns    int
	messages int           // on each connection
	timeout  time.Duration // for connecting, and for each echo
	lines    bool          // print lines about single connections
	out      io.Writer
	progress io.Writer

	echoed atomic.Int64 // messages that came back whole
}

func main() {
	c := fromFlags()
	ctx := cli.Interrupt() // from here on Ctrl-C does not kill the program: it cancels ctx
	cli.Exit(c.run(ctx))
}

// run opens all the connections, and sends on all of them at the same time.
// Its error explains what went wrong.
func (c *client) run(ctx context.Context) error {
	start := time.Now()
	failed := &neterror.Failures{Server: "./02-multiconn/server"}
	conns := c.connect(ctx, failed)
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
				failed.Add(id, err)
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
			len(conns), c.echoed.Load(), failed.Count(), time.Since(start).Round(time.Millisecond))
	}
	if ctx.Err() != nil && c.echoed.Load() < int64(c.conns)*int64(c.messages) {
		fmt.Fprintf(c.out, "Stopped; messages echoed: %d\n", c.echoed.Load())
		if failed.Count() == 0 {
			return cli.ErrStopped
		}
	}
	return failed.Explain(c.addr)
}

// connect opens the connections, 100 at a time, and returns them by number.
// The kernel's queue for handshakes that are not finished is not endless.
func (c *client) connect(ctx context.Context, failed *neterror.Failures) map[int]net.Conn {
	conns := map[int]net.Conn{}
	dialer := net.Dialer{Timeout: c.timeout}
	slots := make(chan struct{}, 100)
	var mu sync.Mutex // guards conns
	var wg sync.WaitGroup
	done := make(chan struct{})
	go c.report(done, func() int { mu.Lock(); defer mu.Unlock(); return len(conns) })
	defer close(done)
	for id := 1; id <= c.conns && ctx.Err() == nil; id++ {
		slots <- struct{}{}
		if c.lines {
			fmt.Fprintf(c.out, "Starting connection %d to %s\n", id, c.addr)
		}
		wg.Go(func() {
			defer func() { <-slots }()
			conn, err := dialer.DialContext(ctx, "tcp", c.addr)
			if err != nil {
				if ctx.Err() == nil { // Ctrl-C is no error
					failed.Add(id, err)
				}
				return
			}
			mu.Lock()
			conns[id] = conn
			mu.Unlock()
		})
	}
	wg.Wait()
	return conns
}

// report prints every two seconds how many connections are open, until done is
// closed: thousands take their time, and a server may be full.
func (c *client) report(done <-chan struct{}, open func() int) {
	ticker := time.NewTicker(2 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			fmt.Fprintf(c.progress, "%d of %d connections are open so far\n", open(), c.conns)
		case <-done:
			return
		}
	}
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
			return fmt.Errorf("%d of %d bytes, then %w", n, len(echo), neterror.Root(err))
		}
		if c.lines {
			fmt.Fprintf(c.out, "Received %q from connection %d\n", echo, id)
		}
		if !bytes.Equal(echo, message) {
			return neterror.Wrong("the echo is not what was sent")
		}
		c.echoed.Add(1)
	}
	return nil
}
