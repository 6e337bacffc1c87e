package tcp

import (
	"cmp"
	"errors"
	"time"
)

// The handshake: both ends learn each other's first number and abilities (RFC 9293, section 3.5).

// arriveListen: LISTEN (3.10.7.2).
func (c *Conn) arriveListen(now time.Duration, s *Segment) {
	switch {
	case s.Flags&RST != 0:
	case s.Flags&ACK != 0:
		c.refuse(s)
	case s.Flags&SYN != 0:
		c.remote, c.passive = s.Src, true
		c.agree(s)
		c.state = synReceived
		c.sendSYN(now)
	}
}

// arriveSynSent: SYN-SENT (3.10.7.3).
func (c *Conn) arriveSynSent(now time.Duration, s *Segment) {
	hasACK := s.Flags&ACK != 0
	switch {
	case hasACK && s.Ack != c.snd.nxt: // of an earlier connection
		c.refuse(s)
	case s.Flags&RST != 0:
		if hasACK {
			c.fail(errors.New("connection refused"), false)
		}
	case s.Flags&SYN != 0 && hasACK:
		c.agree(s)
		c.establish(now, s)
		// The ACK might ride on data. It goes alone, so that all three steps are seen.
		c.sendACK(now, c.here(0))
	case s.Flags&SYN != 0:
		// The other end dials as well (figure 8). Marked as lost, our SYN leaves again with an ACK.
		c.agree(s)
		c.state = synReceived
		c.snd.flight[0].lost, c.snd.flight[0].line = "simultaneous open", c.here(0)
	}
}

// agree takes what the peer's SYN says: its first number, its window, which is not scaled (RFC
// 7323, section 2.2), and its options. What both ends offered is used.
func (c *Conn) agree(s *Segment) {
	c.rcv.begin(s.Seq)
	c.snd.wnd, c.snd.widest = int(s.Window), int(s.Window)
	c.snd.wl1, c.snd.wl2 = s.Seq, s.Ack

	c.peerMSS = cmp.Or(int(s.MSS), defaultMSS)
	c.sack = c.sack && s.SACKPermitted
	c.rack.on = c.rack.on && c.sack
	c.stamps.on = c.stamps.on && s.HasTimestamps
	c.stamps.recent = s.TSVal
	c.scaled = s.HasScale
	c.snd.shift = s.Scale
	if !s.HasScale {
		c.rcv.shift = 0
	}
}

// establish: our SYN is acknowledged.
func (c *Conn) establish(now time.Duration, s *Segment) {
	repeated := c.timeouts > 0
	c.acknowledged(now, s)
	c.state, c.heard, c.unheard = established, now, 0

	// Options take from each segment's room (RFC 9293, section 3.7.1).
	size := min(max(c.peerMSS, leastMSS), c.ownMSS())
	if c.stamps.on {
		size -= 12
	}
	c.congestion.begin(size, repeated)
	if repeated && !c.stamps.on {
		c.rto.now = max(c.rto.now, 3*time.Second) // RFC 6298, 5.7; timestamps have measured
	}
}
