package tcp

import (
	"errors"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// A segment arrives: RFC 9293, section 3.10.7, in its order, without security (third) and urgent
// data (sixth). Nothing leaves here but resets and the handshake's packets; output sends the rest.

func (c *Conn) arrive(now time.Duration, s *Segment) {
	switch c.state {
	case closed:
		c.refuse(s)
	case listen:
		c.arriveListen(now, s)
	case synSent:
		c.arriveSynSent(now, s)
	default:
		c.arriveSynchronized(now, s)
	}
}

// refuse answers a segment of a connection that is not there (3.10.7.1).
func (c *Conn) refuse(s *Segment) {
	if s.Flags&RST != 0 {
		return
	}
	peer := c.remote
	c.remote = s.Src
	if s.Flags&ACK != 0 {
		c.sendReset(s.Ack, 0, RST)
	} else {
		c.sendReset(0, s.end(), RST|ACK)
	}
	c.remote = peer
}

// arriveSynchronized: all other states (3.10.7.4).
func (c *Conn) arriveSynchronized(now time.Duration, s *Segment) {
	if c.state == synReceived && s.Flags&SYN != 0 && s.Seq == c.rcv.irs {
		c.stamps.keep(s, c.rcv.nxt)
		if s.Flags&ACK == 0 {
			// The peer repeats its SYN, so our SYN ACK was lost. An ACK alone would not help it.
			c.snd.flight[0].lost, c.snd.flight[0].line = trace.DuplicateSYN, c.here(0)
			return
		}
		s.Flags &^= SYN // simultaneous open, the last step
		s.Seq++
		s.Window >>= c.snd.shift // a SYN's is not scaled (RFC 7323, section 2.2)
		c.acknowledge()
	}
	if !c.checkSequence(now, s) || !c.checkReset(s) {
		return
	}
	if s.Flags&SYN != 0 {
		// Fourth, a SYN: the peer may have forgotten us, or someone guesses. The challenge ACK
		// asks: a peer that has forgotten answers with an exact RST (RFC 5961, section 4).
		c.acknowledge()
		return
	}
	if s.Flags&ACK == 0 || !c.checkACK(now, s) {
		return
	}
	c.heard, c.unheard = now, 0
	// Seventh and eighth, the text and the FIN.
	if c.state.mayReceive() && (len(s.Payload) > 0 || s.Flags&FIN != 0) {
		c.take(now, s)
	}
}

// checkSequence is the first check: does the segment lie in the window, and is it no duplicate from
// long ago? What does not is answered by an ACK, which tells the peer where we are. RFC 7323
// (section 5.3, R1) has even old bare ACKs answered; Linux and this TCP don't.
func (c *Conn) checkSequence(now time.Duration, s *Segment) bool {
	old := c.stamps.old(s)
	c.stamps.keep(s, c.owed.last)
	if c.stamps.on && !s.HasTimestamps && s.Flags&RST == 0 {
		c.rcv.thrown++
		return false // RFC 7323, section 3.2
	}
	if !old && c.rcv.accepts(s) {
		return true
	}
	c.rcv.thrown++
	if s.Flags&RST != 0 || old && s.end() == s.Seq {
		return false
	}
	if !old && s.Seq == c.rcv.nxt && c.rcv.edge == c.rcv.nxt {
		// No room for what it carries, but what it acknowledges counts, and its window, too.
		s.Payload, s.Flags = nil, s.Flags&^FIN
		c.acknowledge()
		return true
	}
	if c.state == timeWait && s.Flags&FIN != 0 {
		c.waitTwoMSL(now) // the peer missed our last ACK
	}
	c.acknowledge()
	return false
}

// checkReset is the second: only a RST with the very next number ends the connection; one that is
// merely in the window may be guessed, and gets a challenge ACK (RFC 5961, section 3).
func (c *Conn) checkReset(s *Segment) bool {
	if s.Flags&RST == 0 {
		return true
	}
	switch {
	case s.Seq != c.rcv.nxt:
		c.acknowledge()
	case c.state == synReceived && c.passive && !c.ended:
		// Back to LISTEN: the next peer is not bound by what this one has offered.
		anew := Accept(c.options)
		anew.out, anew.now, anew.rcv.thrown = c.out, c.now, c.rcv.thrown
		*c = *anew
	case c.state == synReceived:
		c.fail(errors.New("connection refused"), false)
	case c.state == closing || c.state == lastACK || c.state == timeWait:
		c.fail(nil, false) // all is said: the peer has forgotten us, which is no error
	default:
		c.fail(errors.New("connection reset by peer"), false)
	}
	return false
}

// checkACK is the fifth: what does the segment acknowledge?
func (c *Conn) checkACK(now time.Duration, s *Segment) bool {
	d := &c.snd
	if c.state == synReceived {
		if s.Ack != d.nxt {
			c.sendReset(s.Ack, 0, RST)
			return false
		}
		c.establish(now, s)
	} else if before(d.nxt, s.Ack) || before(s.Ack, d.una-uint32(d.widest)) {
		c.acknowledge() // of what was never sent, or too old (RFC 5961, section 5.2)
		return false
	} else if !before(s.Ack, d.una) {
		c.acknowledged(now, s)
	}
	if before(s.Ack, d.una) {
		return true // an old ACK says nothing of the window either
	}

	// The newest segment says how large the window is: sent last, then acknowledging most.
	if before(d.wl1, s.Seq) || d.wl1 == s.Seq && !before(s.Ack, d.wl2) {
		d.wnd, d.wl1, d.wl2 = c.windowOf(s), s.Seq, s.Ack
		d.widest = max(d.widest, d.wnd)
	}
	if !c.state.maySend() && d.una == d.end+1 {
		c.finAcked(now)
	}
	return true
}

// windowOf is the window that a segment tells, in bytes.
func (c *Conn) windowOf(s *Segment) int { return int(s.Window) << c.snd.shift }

// take puts the payload and the FIN where they belong, and acknowledges them (RFC 9293, section
// 3.8.6.3; RFC 5681, section 4.2: at once when something is missing or a gap is filled).
func (c *Conn) take(now time.Duration, s *Segment) {
	was, gap := c.rcv.nxt, len(c.rcv.kept) > 0
	c.rcv.add(s.Seq, s.Payload, s.Flags&FIN != 0)
	gap = gap || c.rcv.nxt == was
	if c.options.DelayedACK && !gap && !c.rcv.finished() && !c.owed.waits.on {
		c.owed.waits = timer{on: true, set: now, due: now + delay}
	} else {
		c.acknowledge()
	}
	if c.rcv.finished() {
		c.finArrived(now)
	}
}

// An acknowledgement is one that is owed to the peer.
type acknowledgement struct {
	now   bool       // output sends it,
	line  trace.Line // as this line of code has decided;
	waits timer      // or it may wait for more to acknowledge
	last  uint32     // what was acknowledged last: Last.ACK.sent
}

const delay = 40 * time.Millisecond // an acknowledgement may wait; RFC 9293 allows 500

// acknowledge has output send an ACK, alone or on data.
func (c *Conn) acknowledge() {
	c.owed.now, c.owed.line = true, c.here(1)
}
