package tcp

import (
	"errors"
	"fmt"
	"time"
)

// Why a connection fails.
var (
	errReset   = errors.New("connection reset by peer")
	errRefused = errors.New("connection refused")
	errAborted = errors.New("connection aborted by this side")
)

// fail ends the connection. With reset the peer is told, if it knows of it.
func (c *Conn) fail(err error, reset bool) {
	if reset && c.state != listen && c.state != synSent {
		c.sendReset(c.snd.nxt, c.rcv.nxt, RST|ACK)
	}
	c.state, c.err = closed, err
	c.owed, c.timer, c.rack.reorder, c.rack.probe = acknowledgement{}, timer{}, timer{}, timer{}
}

// The connection is given up when the timer has repeated one segment 15 times, as Linux has it
// (tcp_retries2), and never sooner than RFC 9293, section 3.8.3, allows.
const (
	maxRepetitions = 15
	leastPatience  = 100 * time.Second
	synPatience    = 3 * time.Minute
)

// hopeless says whether to give up on what was sent first at this time.
func (c *Conn) hopeless(now, begun time.Duration) bool {
	patience := leastPatience
	if c.state == synSent || c.state == synReceived {
		patience = synPatience
	}
	return c.timeouts > maxRepetitions && now-begun >= patience
}

func (c *Conn) giveUp(what string) {
	c.fail(fmt.Errorf("gave up: %s was repeated %d times and never answered",
		what, c.timeouts-1), true)
}
