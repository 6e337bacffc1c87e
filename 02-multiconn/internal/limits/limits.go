// Package limits bounds what clients can ask of a server in the open:
// connections, silence, open files, and the time that it takes to stop.
package limits

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"example.com/sockets/02-multiconn/internal/neterror"
)

// A Server accepts clients and keeps its settings towards them.
type Server struct {
	Settings
	Out, ErrOut io.Writer

	slots         chan struct{} // holds one element for each open connection
	closed        chan struct{} // gets an element when a connection has closed
	full          sync.Once     // the line about MaxConns
	acceptTrouble string        // the last words about Accept
	clients       sync.WaitGroup

	mu       sync.Mutex // guards what follows
	open     map[*Client]struct{}
	stopping bool
	served   int
	written  int64
}

// A Client is a connection that keeps the server's limits.
type Client struct {
	net.Conn
	server  *Server
	moved   time.Time   // when the deadline was last moved
	writing atomic.Bool // Write waits for the client to read
	written int64       // bytes
}

// lastLook is how long a connection may still read after Ctrl-C. Bytes that
// the kernel holds already are still answered. (Closing with unread bytes
// would also send a RST, and the client could lose answers that it has not
// read yet.)
const lastLook = 100 * time.Millisecond

// New makes a server with these settings, which prints its lines to out.
func New(settings Settings, out, errOut io.Writer) *Server {
	return &Server{Settings: settings, Out: out, ErrOut: errOut,
		slots:  make(chan struct{}, settings.MaxConns),
		closed: make(chan struct{}, 1),
		open:   map[*Client]struct{}{},
	}
}

// Accept waits for a slot and for a client. Its only error is that ctx has
// been cancelled; the listener must then be closed.
func (s *Server) Accept(ctx context.Context, listener net.Listener) (*Client, error) {
	select {
	case s.slots <- struct{}{}:
	default:
		// It is enough not to call Accept: the kernel goes on shaking hands,
		// and keeps the clients in the backlog.
		s.full.Do(func() { fmt.Fprint(s.Out, Full(s.MaxConns)) })
		select {
		case s.slots <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	for {
		conn, err := listener.Accept()
		if ctx.Err() != nil {
			if err == nil {
				conn.Close() // came in at the moment of Ctrl-C
			}
			return nil, ctx.Err()
		}
		if err == nil {
			return s.admit(conn), nil
		}
		// Most likely the process is out of file descriptors. Trying again at
		// once would only spin, and giving up would punish the clients that
		// are being served. So wait until one of them leaves, or a moment.
		if text := neterror.Cause(err).Error(); text != s.acceptTrouble {
			s.acceptTrouble = text // said once
			fmt.Fprintln(s.ErrOut, neterror.Accept(listener.Addr().String(), err))
		}
		select {
		case <-s.closed:
		case <-time.After(AcceptPause):
		case <-ctx.Done():
		}
	}
}

// AcceptPause is how long a server waits after an Accept that failed.
const AcceptPause = 200 * time.Millisecond

// Full is the line of a server that has maxConns connections.
func Full(maxConns int) string {
	return fmt.Sprintf("All %d connections are taken; further clients wait in the backlog\n",
		maxConns)
}

// admit makes a Client of conn and registers it with the server.
func (s *Server) admit(conn net.Conn) *Client {
	if !s.Quiet {
		fmt.Fprintf(s.Out, "Accepted connection from %s\n", conn.RemoteAddr())
	}
	c := &Client{Conn: conn, server: s}
	s.clients.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.served++
	s.open[c] = struct{}{}
	return c
}

// Read reads from the client, which may be silent for IdleTimeout.
func (c *Client) Read(p []byte) (int, error) {
	c.Extend()
	return c.Conn.Read(p)
}

// Write writes to the client, which may take as long to read.
func (c *Client) Write(p []byte) (int, error) {
	c.Extend()
	c.writing.Store(true)
	defer c.writing.Store(false)
	n, err := c.Conn.Write(p)
	c.written += int64(n)
	return n, err
}

// Extend gives the client IdleTimeout from now on. Moving a deadline costs
// about as much as a small Read, so it is left where it is until a sixteenth
// of the time has gone by. A client gets a little less for it.
func (c *Client) Extend() {
	s := c.server
	if s.IdleTimeout == 0 || time.Since(c.moved) < s.IdleTimeout/16 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopping { // then Shutdown has set the last deadlines
		c.moved = time.Now()
		c.SetDeadline(c.moved.Add(s.IdleTimeout))
	}
}

// End closes the connection, says why, and frees its slot. The good end is
// io.EOF, the client's FIN.
func (c *Client) End(err error) {
	s := c.server
	c.Close()
	s.mu.Lock()
	s.written += c.written
	delete(s.open, c)
	stopping := s.stopping
	s.mu.Unlock()

	if !s.Quiet {
		reason := ""
		switch {
		case err == io.EOF:
		case stopping:
			reason = ": the server was stopped"
		case errors.Is(err, os.ErrDeadlineExceeded):
			reason = fmt.Sprintf(": silent, or not reading, for %s", s.IdleTimeout)
		default:
			reason = fmt.Sprintf(": %s", neterror.Cause(err))
		}
		fmt.Fprintf(s.Out, "Closing connection to %s%s\n", c.RemoteAddr(), reason)
	}
	<-s.slots
	select {
	case s.closed <- struct{}{}:
	default: // it says so already
	}
	s.clients.Done()
}

// Shutdown lets the connections finish what they are in the middle of, for
// Grace at most, and returns how many there were in all, and how many bytes
// they were sent.
func (s *Server) Shutdown() (served int, written int64) {
	s.mu.Lock()
	s.stopping = true
	now := time.Now()
	for c := range s.open {
		c.SetReadDeadline(now.Add(min(lastLook, s.Grace)))
		c.SetWriteDeadline(now.Add(s.Grace))
	}
	s.mu.Unlock()

	ended := make(chan struct{})
	go func() {
		s.clients.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(2 * lastLook):
		if waiting := s.waiting(); waiting > 0 {
			fmt.Fprint(s.Out, Waiting(waiting, s.Grace))
		}
		<-ended
	}
	return s.served, s.written
}

// waiting returns how many clients have yet to read.
func (s *Server) waiting() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		if c.writing.Load() {
			n++
		}
	}
	return n
}

// Waiting is the line of a server that stops, while clients have yet to read
// what it writes to them.
func Waiting(clients int, grace time.Duration) string {
	const line = "Stopping; waiting for clients: %d, for %s at most; Ctrl-C again ends at once\n"
	return fmt.Sprintf(line, clients, grace)
}
