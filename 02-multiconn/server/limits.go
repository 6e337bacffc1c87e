package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"example.com/sockets/02-multiconn/neterror"
)

// What a server needs in the open: a bound on connections, on silence, on
// open files and on the time that it takes to stop.

// A server holds the settings of the command line and what they limit.
type server struct {
	addr        string
	maxConns    int           // further clients wait in the kernel's backlog
	idleTimeout time.Duration // 0: a client may be silent for ever
	grace       time.Duration // for echoes in the middle, on Ctrl-C
	quiet       bool          // no lines about single connections
	out, errOut io.Writer

	slots         chan struct{} // holds one element for each open connection
	closed        chan struct{} // gets an element when a connection has closed
	full          sync.Once     // the line about maxConns
	acceptTrouble string        // the last line about Accept
	clients       sync.WaitGroup

	mu       sync.Mutex // guards what follows
	open     map[*conn]struct{}
	stopping bool
	served   int
	bytes    int64
}

// A conn is a connection that keeps the server's limits.
type conn struct {
	net.Conn
	server *server
	moved  time.Time // when the deadline was last moved
	echoed int64     // bytes
}

// lastLook is for how long a connection goes on reading after Ctrl-C. Bytes
// that the kernel holds already are still echoed. (Closing with unread bytes
// would also send a RST, and the client could lose echoes that it has not
// read yet.)
const lastLook = 100 * time.Millisecond

// start makes room for the limits.
func (s *server) start() *server {
	s.slots = make(chan struct{}, s.maxConns)
	s.closed = make(chan struct{}, 1)
	s.open = make(map[*conn]struct{})
	return s
}

// accept waits for a slot and for a client. Its only error is that ctx has
// been cancelled.
func (s *server) accept(ctx context.Context, listener net.Listener) (*conn, error) {
	select {
	case s.slots <- struct{}{}:
	default:
		// Not to call Accept is all that it takes: the kernel goes on shaking
		// hands, and keeps the clients in the backlog.
		s.full.Do(func() {
			fmt.Fprintf(s.out, "All %d connections are taken; further clients wait in the backlog\n", s.maxConns)
		})
		select {
		case s.slots <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	for {
		c, err := listener.Accept()
		if ctx.Err() != nil {
			if err == nil {
				c.Close() // came in at the moment of Ctrl-C
			}
			return nil, ctx.Err()
		}
		if err == nil {
			return s.admit(c), nil
		}
		// Most likely the process is out of file descriptors. Trying again at
		// once would only spin, and giving up would punish the clients that
		// are being served. So wait until one of them leaves, or a moment.
		if text := neterror.Cause(err).Error(); text != s.acceptTrouble {
			s.acceptTrouble = text // said once
			fmt.Fprintf(s.errOut, "cannot accept a client on %s: %s; new clients wait in the backlog until connections close\n",
				listener.Addr(), text)
		}
		select {
		case <-s.closed:
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// admit makes a conn of c and takes it into the server's books.
func (s *server) admit(c net.Conn) *conn {
	if !s.quiet {
		fmt.Fprintf(s.out, "Accepted connection from %s\n", c.RemoteAddr())
	}
	conn := &conn{Conn: c, server: s}
	s.clients.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.served++
	s.open[conn] = struct{}{}
	return conn
}

// Read reads from the client, for as long as it may be silent.
func (c *conn) Read(p []byte) (int, error) {
	c.moveDeadline()
	return c.Conn.Read(p)
}

// Write writes to the client, which may take as long to read.
func (c *conn) Write(p []byte) (int, error) {
	c.moveDeadline()
	n, err := c.Conn.Write(p)
	c.echoed += int64(n)
	return n, err
}

// moveDeadline gives the client idleTimeout from now on. Moving a deadline
// costs about as much as a small Read, so it is left where it is until a
// sixteenth of the time has gone by. A client gets a little less for it.
func (c *conn) moveDeadline() {
	s := c.server
	if s.idleTimeout == 0 || time.Since(c.moved) < s.idleTimeout/16 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopping { // then shutDown has set the last deadlines
		c.moved = time.Now()
		c.SetDeadline(c.moved.Add(s.idleTimeout))
	}
}

// end closes the connection, says why, and frees its slot.
func (c *conn) end(err error) {
	s := c.server
	c.Close()
	s.mu.Lock()
	s.bytes += c.echoed
	delete(s.open, c)
	stopping := s.stopping
	s.mu.Unlock()

	if !s.quiet {
		reason := ""
		switch {
		case err == io.EOF: // the good end
		case stopping:
			reason = ": the server was stopped"
		case errors.Is(err, os.ErrDeadlineExceeded):
			reason = fmt.Sprintf(": silent, or not reading, for %s", s.idleTimeout)
		default:
			reason = fmt.Sprintf(": %s", neterror.Cause(err))
		}
		fmt.Fprintf(s.out, "Closing connection to %s%s\n", c.RemoteAddr(), reason)
	}
	<-s.slots
	select {
	case s.closed <- struct{}{}:
	default: // it says so already
	}
	s.clients.Done()
}

// shutDown lets the connections finish what they are in the middle of, for
// grace at most, and prints the last line.
func (s *server) shutDown() {
	s.mu.Lock()
	s.stopping = true
	now := time.Now()
	for c := range s.open {
		c.SetReadDeadline(now.Add(min(lastLook, s.grace)))
		c.SetWriteDeadline(now.Add(s.grace))
	}
	s.mu.Unlock()

	s.clients.Wait()
	fmt.Fprintf(s.out, "Stopped; connections served: %d, bytes echoed: %d\n", s.served, s.bytes)
}
