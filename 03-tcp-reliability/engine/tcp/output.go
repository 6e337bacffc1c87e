package tcp

import (
	"time"

	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// output is the heart: after every event it alone decides what leaves. What was lost comes first,
// then what is new, then a bare ACK if nothing has carried it. At the end it sets the timer.
func (c *Conn) output(now time.Duration) {
	if c.state == closed {
		return // nothing leaves any more, and fail has stopped the timers
	}
	d, g := &c.snd, &c.congestion
	pipe := d.pipe()
	g.limited = false
	// The one rule, but for one segment that is urgent (recovery.go).
	fits := func(size int) bool {
		g.limited = pipe+size > g.cwnd && !c.recovery.urgent
		c.recovery.urgent = false
		return !g.limited
	}

	for i := range d.flight {
		x := &d.flight[i]
		if x.lost == "" {
			continue
		}
		if x.lost == trace.AfterTimeout && c.timeouts > 0 {
			// Until something is acknowledged, what the timer repeats goes alone: the loss window
			// is one segment, however small (RFC 5681, section 3.1; RFC 6298, section 5.4).
			g.limited = true
			break
		}
		if !fits(x.size()) {
			break
		}
		pipe += x.size()
		c.transmit(now, x, x.lost, x.line)
	}

	for !g.limited {
		size, fin, ok := c.fresh()
		if !ok || !fits(size) {
			break
		}
		pipe += size
		x := sent{seq: d.nxt, end: d.nxt + uint32(size), fin: fin, begun: now}
		if fin {
			x.end++
			c.finSent()
		}
		c.transmit(now, d.append(x), c.rack.why, c.here(0)) // why: "", or it probes the tail
		c.rack.why = ""
	}

	if c.owed.now {
		c.sendACK(now, c.owed.line)
	}
	c.setTimer(now)
}

// fresh says how many new bytes may leave now in one segment, and whether the FIN goes with them.
// The peer's window is one bound; the rules against small segments are another.
func (c *Conn) fresh() (size int, fin, ok bool) {
	d := &c.snd
	if !c.state.maySend() {
		return 0, false, false
	}
	queued, usable := d.queued(), int(int32(d.una+uint32(d.wnd)-d.nxt))
	full := min(queued, c.congestion.mss)
	size = min(full, usable)
	fin = c.ended && size == queued && usable > size
	switch {
	case size < 0 || size == 0 && !fin:
		return 0, false, false
	case len(d.flight) == 0:
		// Whatever fits: with nothing under way no acknowledgement will make room for more.
	case size < full && size < d.widest/2:
		// The window cuts it: a silly window (RFC 9293, section 3.8.6.2.1).
		return 0, false, false
	case c.options.Nagle && size < c.congestion.mss && !fin:
		// Nagle's algorithm (section 3.7.4): a small segment waits while anything is under way.
		return 0, false, false
	}
	return size, fin, true
}

// sendSYN begins the connection. The SYN is under way like data.
func (c *Conn) sendSYN(now time.Duration) {
	x := c.snd.append(sent{seq: c.snd.iss, end: c.snd.iss + 1, syn: true, begun: now})
	c.transmit(now, x, "", c.here(1))
	c.setTimer(now)
}

// transmit sends a segment that is in flight: for the first time, or again.
func (c *Conn) transmit(now time.Duration, x *sent, why trace.Reason, line trace.Line) {
	s := c.segment(now, x.seq)
	s.Payload = c.snd.payload(x)
	switch {
	case x.syn:
		s.Flags |= SYN
		c.offer(&s)
	case x.fin:
		s.Flags |= FIN
	}
	if !before(x.end, c.snd.end) && len(s.Payload) > 0 {
		s.Flags |= PSH // nothing more is to come for now (section 3.9.1.2)
	}
	x.lost, x.at = "", now
	x.times++
	c.tell(&s, x, why, line)

	// The segment carries an ACK, so none is owed any more. While something is missing one goes
	// alone: with data it would be no duplicate ACK (RFC 5681, section 2), and SACK blocks might
	// not fit beside a full payload.
	if len(c.rcv.kept) == 0 {
		c.owed.now, c.owed.waits = false, timer{}
	}
}

// offer adds what a SYN says of this end (RFC 9293, section 3.7.1; RFC 2018, section 2; RFC 7323,
// section 2.2). A SYN ACK says only what the SYN did.
func (c *Conn) offer(s *Segment) {
	s.MSS = uint16(min(c.ownMSS(), 0xffff))
	s.SACKPermitted = c.sack
	s.HasScale = c.state == synSent || c.scaled
	s.Scale = c.rcv.shift
	s.Window = uint16(min(c.rcv.free(), 0xffff)) // not scaled
}

// sendACK sends an acknowledgement alone, with SACK blocks if anything is kept out of order: as
// many as fit (RFC 2018, section 3).
func (c *Conn) sendACK(now time.Duration, line trace.Line) {
	s := c.segment(now, c.snd.nxt)
	most := 4
	if c.stamps.on {
		most = 3
	}
	if c.sack {
		s.SACK = c.rcv.kept[:min(len(c.rcv.kept), most)]
	}
	c.owed.now, c.owed.waits = false, timer{}
	c.tell(&s, nil, "", line)
}

// sendProbe asks for an ACK, with a number that was acknowledged long ago: it must be answered (RFC
// 9293, section 3.10.7.4, first). Section 3.8.6.1 would send a byte of data; Linux does this.
func (c *Conn) sendProbe(now time.Duration, line trace.Line) {
	s := c.segment(now, c.snd.una-1)
	c.tell(&s, nil, trace.WindowProbe, line)
}

// sendReset sends a RST.
func (c *Conn) sendReset(seq, ack uint32, flags Flags) {
	s := Segment{Src: c.options.Local, Dst: c.remote, Seq: seq, Ack: ack, Flags: flags}
	c.tell(&s, nil, "", c.here(1))
}

// segment is what all segments of a connection have in common.
func (c *Conn) segment(now time.Duration, seq uint32) Segment {
	s := Segment{Src: c.options.Local, Dst: c.remote, Seq: seq}
	if s.HasTimestamps = c.stamps.on; s.HasTimestamps {
		s.TSVal = c.stamps.clock(now)
	}
	if c.state != synSent {
		s.Flags, s.Ack, s.TSEcr = ACK, c.rcv.nxt, c.stamps.recent
		s.Window = uint16(c.rcv.window() >> c.rcv.shift)
		c.owed.last = s.Ack
	}
	return s
}

// setTimer is the one place that sets the timer, so that it can't be forgotten: then, if the last
// segment were lost, or the ACK that opens a window, both ends would wait for ever. While anything
// is in flight it measures the RTO: from the first transmission on, anew whenever something is
// acknowledged (RFC 6298, section 5). Else, if something waits, it is the time to a window probe.
func (c *Conn) setTimer(now time.Duration) {
	defer c.rack.schedule(c, now)
	var wait time.Duration
	switch {
	case c.state == timeWait:
		return // waitTwoMSL has set it
	case len(c.snd.flight) > 0:
		if c.probing > 0 {
			c.probing, c.rearm = 0, true // the window is open again
		}
		wait = c.rto.now
	case c.state.maySend() && (c.snd.queued() > 0 || c.ended): // the peer's window forbids it
		if c.probing == 0 {
			c.probing, c.rearm = c.rto.now, true
		}
		wait = c.probing
	default:
		c.timer, c.rearm, c.probing = timer{}, false, 0
		return
	}
	if !c.timer.on || c.rearm {
		c.timer = timer{on: true, set: now, due: now + wait}
	}
	c.rearm = false
}

// tick does what is due, and says whether anything was.
func (c *Conn) tick(now time.Duration) (ran bool) {
	due := func(t *timer) bool {
		if !t.on || t.due > now {
			return false
		}
		*t, ran = timer{}, true
		return true
	}
	if due(&c.timer) {
		c.timerRan(now)
	}
	if due(&c.owed.waits) {
		c.acknowledge()
	}
	if due(&c.rack.reorder) {
		c.rackJudges(now)
	}
	if due(&c.rack.probe) {
		c.rack.probeTail(c)
	}
	return ran
}

// due is when tick has something to do.
func (c *Conn) due() (when time.Duration, ok bool) {
	for _, t := range [...]*timer{&c.timer, &c.owed.waits, &c.rack.reorder, &c.rack.probe} {
		if t.on && (!ok || t.due < when) {
			when, ok = t.due, true
		}
	}
	return when, ok
}
