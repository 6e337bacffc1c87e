package check

import (
	"io"
	"net"
	"time"
)

// A TCPConn is an end of a Link with the other methods of net.TCPConn, so that an
// answer that wants one of those can be tried in virtual time.
type TCPConn struct{ *Conn }

// TCPLink is Link, with ends that stand for TCP connections.
func TCPLink(room int) (client, server *TCPConn) {
	c, s := Link(room)
	return &TCPConn{c}, &TCPConn{s}
}

// ReadFrom sends all that r gives.
func (c *TCPConn) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{c.Conn}, struct{ io.Reader }{r})
}

// WriteTo passes on all that comes.
func (c *TCPConn) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(struct{ io.Writer }{w}, struct{ io.Reader }{c.Conn})
}

// CloseRead has the Reads of this end see an end.
func (c *TCPConn) CloseRead() error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if c.closed {
		return c.op("close", net.ErrClosed)
	}
	c.in.waits, c.in.fin = nil, true
	c.link.changed.Broadcast()
	return nil
}

// SetLinger with 0 makes a reset of the next Close.
func (c *TCPConn) SetLinger(seconds int) error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	c.abort = seconds == 0
	return nil
}

// What follows makes no difference in memory.

func (c *TCPConn) SetNoDelay(bool) error                        { return nil }
func (c *TCPConn) SetKeepAlive(bool) error                      { return nil }
func (c *TCPConn) SetKeepAlivePeriod(time.Duration) error       { return nil }
func (c *TCPConn) SetKeepAliveConfig(net.KeepAliveConfig) error { return nil }
func (c *TCPConn) SetReadBuffer(int) error                      { return nil }
func (c *TCPConn) SetWriteBuffer(int) error                     { return nil }
