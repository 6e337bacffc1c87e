package check

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

// Link makes a connection in memory and gives both ends. They do what those of
// TCP do: they hold up who writes when room bytes wait to be read (0 for 64
// KiB), keep deadlines, and end by a FIN or by a reset. In a Bubble they wait
// in virtual time.
func Link(room int) (client, server *Conn) {
	if room <= 0 {
		room = 64 << 10
	}
	mu := new(sync.Mutex)
	l := &link{mu: mu, changed: sync.NewCond(mu)}
	up, down := &half{room: room}, &half{room: room}
	address := func(port int) net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port} }
	client = &Conn{link: l, in: down, out: up, local: address(54803), remote: address(65432)}
	server = &Conn{link: l, in: up, out: down, local: address(65432), remote: address(54803)}
	return client, server
}

// A link is what both ends share.
type link struct {
	mu      *sync.Mutex
	changed *sync.Cond
}

// A half carries the bytes of one direction.
type half struct {
	waits []byte
	room  int
	fin   bool  // nothing follows
	err   error // in place of what would follow
}

// A Conn is an end of a Link. Its fields are set before it is used.
type Conn struct {
	link          *link
	in, out       *half
	local, remote net.Addr

	// Piece is how many bytes a Read brings at most: nil for all there are. With 0
	// it brings nothing, and no error.
	Piece func() int
	// Together makes Read return the last bytes and the end in one call.
	Together bool
	// WriteErr is what Write returns, after WriteRoom more bytes.
	WriteErr  error
	WriteRoom int
	// AtClose is called at the first Close, before that does anything.
	AtClose func()
	// AtWake is called when a deadline for Read was set that is over, and has
	// woken the Read that waited.
	AtWake func()

	once                  sync.Once
	closed                bool
	read, write           time.Time // deadlines
	readTimer, writeTimer *time.Timer
	reading               bool // a Read waits
	held                  bool // and must, see Hold
	abort                 bool // Close resets
	touched               []string
	peer                  *Conn // of one that was dialed
}

func (c *Conn) op(name string, err error) error {
	return &net.OpError{Op: name, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}

func over(t time.Time) bool { return !t.IsZero() && !time.Now().Before(t) }

func (c *Conn) Read(p []byte) (int, error) {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	for {
		switch h := c.in; {
		case c.closed:
			return 0, c.op("read", net.ErrClosed)
		case over(c.read):
			return 0, c.op("read", os.ErrDeadlineExceeded)
		case c.held:
		case len(p) == 0:
			return 0, nil
		case len(h.waits) > 0:
			n := len(p)
			if c.Piece != nil {
				n = min(n, max(0, c.Piece()))
			}
			if n == 0 {
				return 0, nil
			}
			n = copy(p[:n], h.waits)
			h.waits = h.waits[n:]
			c.link.changed.Broadcast()
			if c.Together && len(h.waits) == 0 && (h.fin || h.err != nil) {
				return n, c.end(h)
			}
			return n, nil
		case h.fin || h.err != nil:
			return 0, c.end(h)
		}
		c.reading = true
		c.link.changed.Wait()
		c.reading = false
	}
}

func (c *Conn) end(h *half) error {
	if h.err != nil {
		return c.op("read", h.err)
	}
	return io.EOF
}

func (c *Conn) Write(p []byte) (n int, err error) {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	for {
		switch h := c.out; {
		case c.closed:
			return n, c.op("write", net.ErrClosed)
		case over(c.write):
			return n, c.op("write", os.ErrDeadlineExceeded)
		case h.err != nil:
			return n, c.op("write", h.err)
		case h.fin:
			return n, c.op("write", net.ErrClosed)
		case n == len(p):
			return n, nil
		case len(h.waits) < h.room:
			k := min(len(p)-n, h.room-len(h.waits))
			if c.WriteErr != nil {
				k = min(k, c.WriteRoom)
				c.WriteRoom -= k
			}
			h.waits = append(h.waits, p[n:n+k]...)
			n += k
			c.link.changed.Broadcast()
			if c.WriteErr != nil && c.WriteRoom == 0 && n < len(p) {
				return n, c.op("write", c.WriteErr)
			}
			continue
		}
		c.link.changed.Wait()
	}
}

// CloseWrite sends the FIN.
func (c *Conn) CloseWrite() error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if c.closed {
		return c.op("close", net.ErrClosed)
	}
	c.touched = append(c.touched, "half-closed")
	c.out.fin = true
	c.link.changed.Broadcast()
	return nil
}

// Close ends both directions. What was written before still arrives.
func (c *Conn) Close() error {
	if c.AtClose != nil {
		c.once.Do(c.AtClose)
	}
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if c.closed {
		return c.op("close", net.ErrClosed)
	}
	c.closed = true
	c.touched = append(c.touched, "closed")
	c.out.fin = true
	if c.abort {
		c.out.waits, c.out.err = nil, errReset
	}
	if c.in.err == nil {
		c.in.err = errReset // for a peer that still writes
	}
	stop(c.readTimer)
	stop(c.writeTimer)
	c.link.changed.Broadcast()
	return nil
}

var errReset = errors.New("connection reset by peer")

// Reset ends the connection by a RST: what waits is lost to the peer.
func (c *Conn) Reset() error {
	c.link.mu.Lock()
	c.out.waits, c.out.err = nil, errReset
	c.link.mu.Unlock()
	return c.Close()
}

// Fail has the peer's Reads return err, after what waits.
func (c *Conn) Fail(err error) {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	c.out.err = err
	c.link.changed.Broadcast()
}

func (c *Conn) LocalAddr() net.Addr  { return c.local }
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

func (c *Conn) SetReadDeadline(t time.Time) error {
	err := c.setDeadline(t, &c.read, &c.readTimer)
	if err == nil && over(t) && c.AtWake != nil {
		c.AtWake()
	}
	return err
}

func (c *Conn) SetWriteDeadline(t time.Time) error { return c.setDeadline(t, &c.write, &c.writeTimer) }

func (c *Conn) setDeadline(t time.Time, deadline *time.Time, timer **time.Timer) error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if c.closed {
		return c.op("set", net.ErrClosed)
	}
	stop(*timer)
	*deadline, *timer = t, nil
	if !t.IsZero() {
		*timer = time.AfterFunc(time.Until(t), func() {
			c.link.mu.Lock()
			defer c.link.mu.Unlock()
			c.link.changed.Broadcast()
		})
	}
	c.link.changed.Broadcast()
	return nil
}

func stop(t *time.Timer) {
	if t != nil {
		t.Stop()
	}
}

// Deadlines says which deadlines are set: "", "read", "write" or "read and write".
func (c *Conn) Deadlines() string {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	switch {
	case !c.read.IsZero() && !c.write.IsZero():
		return "read and write"
	case !c.read.IsZero():
		return "read"
	case !c.write.IsZero():
		return "write"
	}
	return ""
}

// Peer is the other end of a connection that was dialed.
func (c *Conn) Peer() *Conn { return c.peer }

// Ended says whether this end was "closed", "half-closed", or "".
func (c *Conn) Ended() string {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	switch {
	case c.closed:
		return "closed"
	case slices.Contains(c.touched, "half-closed"):
		return "half-closed"
	}
	return ""
}

// Reading says whether a Read waits at this end.
func (c *Conn) Reading() bool {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	return c.reading
}

// Take reads what has arrived at this end, without waiting.
func (c *Conn) Take() string {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	taken := string(c.in.waits)
	c.in.waits = nil
	c.link.changed.Broadcast()
	return taken
}

// Hold calls f, which uses the peer's end, and lets the Reads of this end see
// its effects only when f is over, all at once.
func (c *Conn) Hold(f func()) {
	c.link.mu.Lock()
	c.held = true
	c.link.mu.Unlock()
	f()
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	c.held = false
	c.link.changed.Broadcast()
}

// Waiting is what has arrived at this end and was not read.
func (c *Conn) Waiting() string {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	return string(c.in.waits)
}

// A Listener gives the connections that are put into it.
type Listener struct {
	// AtClose is called by Close, before anyone learns that the listener is
	// closed. A connection that it returns is accepted at that very moment.
	AtClose func() *Conn
	// AtClosed is called by Close when it has woken those who wait in Accept.
	AtClosed func()
	// AtAccept is called when Accept is about to return a connection.
	AtAccept func()
	// AtNext is called when Accept is called again after it has returned one.
	AtNext func()

	mu       sync.Mutex
	changed  *sync.Cond
	backlog  []net.Conn
	err      error // of the next Accept
	closed   bool
	waiting  int // calls of Accept that wait
	accepted int
	calls    int
	failed   int // calls that have returned an error
}

// Listener makes a listener. Its clients come by Dial.
func (s *Story) Listener() *Listener {
	l := &Listener{}
	l.changed = sync.NewCond(&l.mu)
	s.Cleanup(func() { l.Close() })
	return l
}

func (l *Listener) Accept() (net.Conn, error) {
	if accepted, _, _, _ := l.State(); accepted > 0 && l.AtNext != nil {
		l.AtNext()
	}
	c, err := l.accept()
	if err == nil && l.AtAccept != nil {
		l.AtAccept()
	}
	return c, err
}

func (l *Listener) accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	l.waiting++
	defer func() { l.waiting-- }()
	for {
		switch {
		case len(l.backlog) > 0:
			c := l.backlog[0]
			l.backlog[0] = nil // so that it can be collected
			l.backlog = l.backlog[1:]
			l.accepted++
			return c, nil
		case l.failed > 100: // who tries again and again waits here
		case l.err != nil:
			l.failed++
			return nil, l.err
		case l.closed:
			l.failed++
			return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
		}
		l.changed.Wait()
	}
}

// Close wakes all that wait in Accept. Who waits in the backlog is refused.
func (l *Listener) Close() error {
	err := l.close()
	if err == nil && l.AtClosed != nil {
		l.AtClosed()
	}
	return err
}

func (l *Listener) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return &net.OpError{Op: "close", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	}
	for _, c := range l.backlog {
		c.(*Conn).Reset()
	}
	l.backlog = nil
	if l.AtClose != nil {
		if c := l.AtClose(); c != nil {
			l.backlog = append(l.backlog, c)
		}
	}
	l.closed = true
	l.changed.Broadcast()
	return nil
}

func (l *Listener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 65432} }

// Dial puts a connection into the backlog, and gives the client's end.
func (l *Listener) Dial() *Conn {
	return l.DialRoom(0)
}

// DialRoom is Dial, with room for so many bytes in each direction.
func (l *Listener) DialRoom(room int) *Conn {
	client, server := Link(room)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		server.Fail(errors.New("connection refused"))
		return client
	}
	l.backlog = append(l.backlog, server)
	l.changed.Broadcast()
	client.peer, server.peer = server, client
	return client
}

// Fail has Accept return err.
func (l *Listener) Fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
	l.changed.Broadcast()
}

// Failed is how many calls of Accept have returned an error.
func (l *Listener) Failed() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// State says how many were accepted, how many calls of Accept there were and
// wait now, and whether the listener is closed.
func (l *Listener) State() (accepted, calls, waiting int, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.accepted, l.calls, l.waiting, l.closed
}
