package tcp

import (
	"fmt"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// What an acknowledgement says, and what if none came. No data is sent here: only a window probe,
// or the reset of a connection that is given up.
//
// A recovery begins when a loss is seen, and ends when all that was under way then is acknowledged.
// In between the window is not cut again: many losses in one window are one sign of congestion (RFC
// 6582, section 3.2; RFC 6675, section 5).
type recovery struct {
	phase  trace.Phase // FastRecovery, AfterATimeout, or "": none
	point  uint32      // "recover": SND.NXT when it began
	urgent bool        // one segment leaves whatever the window says
}

// acknowledged takes an acknowledgement that is not old (RFC 9293, section 3.10.7.4, fifth).
func (c *Conn) acknowledged(now time.Duration, s *Segment) {
	d := &c.snd
	advance := int(s.Ack - d.una)
	duplicate := c.isDuplicate(s)

	// What has arrived? The newest that was sent once gives the timer a round trip.
	var newest time.Duration
	known, twice := false, false
	arrived := func(x *sent) {
		if x.times > 1 {
			twice = true
		} else {
			newest, known = max(newest, x.at), true
		}
		c.rack.arrived(now, x)
	}
	if advance > 0 {
		d.acknowledge(s.Ack, arrived)
	}
	waited := twice // all that the ACK covers may have waited for what was sent twice
	if c.sack {
		d.selective(s.SACK, arrived)
	}
	// What was sent twice gives no round trip: nobody can tell which of them was acknowledged (Karn's
	// rule; RFC 6298, section 3). The peer's echo of our clock can (RFC 7323, section 4.1).
	trip := now - newest
	if waited {
		trip, known = c.stamps.roundTrip(now, s)
	}
	if known {
		c.rto.sample(trip)
	}

	if advance > 0 {
		c.timeouts, c.duplicate, c.rearm = 0, 0, true
	} else if duplicate {
		c.duplicate++
	}
	phase := c.recovery.phase
	if phase != "" && !before(d.una, c.recovery.point) {
		c.recovery.phase = ""
	}
	if before(c.recovery.point, d.una) {
		c.recovery.point = d.una - 1 // long ago; else 2^31 numbers later it would lie ahead
	}
	if !c.sack {
		c.guess(advance > 0, duplicate)
	}

	// What is lost?
	if c.rack.on {
		c.rack.acknowledged(c, s.Ack)
		c.rackJudges(now)
	} else if c.judge() {
		c.recover()
	}
	if advance > 0 && phase != trace.FastRecovery && c.recovery.phase != trace.FastRecovery {
		c.congestion.acked(now, advance, c.rto.srtt)
	}
}

// isDuplicate says whether an acknowledgement is a duplicate: RFC 5681, section 2.
func (c *Conn) isDuplicate(s *Segment) bool {
	return len(c.snd.flight) > 0 && s.Ack == c.snd.una && len(s.Payload) == 0 &&
		s.Flags&(SYN|FIN) == 0 && c.windowOf(s) == c.snd.wnd
}

// guess takes the place of SACK for a peer that doesn't speak it (NewReno, RFC 6582). A duplicate
// acknowledgement says that some segment behind the first arrived: count the next one as arrived.
// After a timeout they say nothing: they may answer what it repeats (section 4). An acknowledgement
// that ends short of the recovery's point, a partial one, uncovers the next loss, which is repeated
// at once (section 3.2, step 3).
func (c *Conn) guess(advanced, duplicate bool) {
	flight := c.snd.flight
	switch {
	case duplicate && (c.recovery.phase == trace.FastRecovery || before(c.recovery.point, c.snd.una)):
		for i := range flight {
			if x := &flight[i]; i > 0 && !x.arrived {
				x.arrived = true
				return
			}
		}
	case advanced && c.recovery.phase == trace.FastRecovery && len(flight) > 0:
		flight[0].arrived, flight[0].lost, flight[0].line = false, trace.FastRetransmit, c.here(0)
		c.recovery.urgent = true
	case advanced:
		c.forgetArrived()
	}
}

// forgetArrived takes back what was guessed, or promised by a SACK.
func (c *Conn) forgetArrived() {
	for i := range c.snd.flight {
		c.snd.flight[i].arrived = false
	}
}

// recover begins a fast recovery, unless one is going on (RFC 6675, section 5, step 4). The first
// repetition leaves at once (4.3): the window, cut to half, would have it wait.
func (c *Conn) recover() {
	if c.recovery.phase != "" {
		return
	}
	c.recovery = recovery{phase: trace.FastRecovery, point: c.snd.nxt, urgent: true}
	c.congestion.reduce(int(c.snd.nxt - c.snd.una))
	c.congestion.cwnd = c.congestion.ssthresh
}

// timerRan: the timer ran out.
func (c *Conn) timerRan(now time.Duration) {
	switch {
	case c.state == timeWait:
		c.state = closed
	case len(c.snd.flight) > 0:
		c.timedOut(now)
	default:
		c.probeWindow(now)
	}
}

// timedOut: nothing was acknowledged for a whole RTO. The timer is doubled (RFC 6298, section 5.5),
// all that is not known to have arrived is taken for lost, and the network must be full: begin with
// one segment (RFC 5681, section 3.1).
func (c *Conn) timedOut(now time.Duration) {
	flight := c.snd.flight
	c.timeouts++
	if c.gaveUp(now, fmt.Sprint("segment ", flight[0].seq-c.snd.iss)) {
		return
	}
	c.out.timeouts++
	c.rto.double()
	c.rearm = true

	// A guess is none any more; and a peer that has thrown away what it promised to keep asks for
	// the first segment although it has it (RFC 2018, section 8).
	if !c.sack || flight[0].arrived {
		c.forgetArrived()
	}
	line := c.here(0)
	for i := range flight {
		if x := &flight[i]; !x.arrived {
			x.lost, x.line = trace.AfterTimeout, line
		}
	}
	flight[0].lost = trace.Timeout
	if flight[0].syn {
		return // no window is known yet
	}
	// The threshold is cut at the first timeout only: those after it tell nothing new of the
	// network (RFC 5681, section 3.1).
	if c.timeouts == 1 {
		c.congestion.reduce(int(c.snd.nxt - c.snd.una))
	}
	c.congestion.cwnd = c.congestion.mss
	c.recovery = recovery{phase: trace.AfterATimeout, point: c.snd.nxt}
	c.rack.timedOut()
}

// probeWindow asks whether the window is still closed (RFC 9293, section 3.8.6.1): the
// acknowledgement that opened it may have been lost, and nobody repeats those. It asks less and
// less often, and for ever while the peer answers.
func (c *Conn) probeWindow(now time.Duration) {
	if c.gaveUp(now, "a window probe") {
		return
	}
	c.probing = min(2*c.probing, c.rto.most)
	c.rearm = true
	c.sendProbe(now, c.here(0))
}

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

// gaveUp says whether the timer has run out too often, and then ends the connection. While the
// peer's window forbids what is sent, also because the peer took the window back, only silence
// counts: a peer that answers is there (RFC 9293, section 3.8.6, SHLD-17, and 3.8.6.1).
func (c *Conn) gaveUp(now time.Duration, what string) bool {
	c.unheard++
	times, since, patience := c.unheard, c.heard, leastPatience
	if flight := c.snd.flight; len(flight) > 0 && c.snd.allows(&flight[0]) {
		times, since = c.timeouts, flight[0].begun
	}
	if c.state == synSent || c.state == synReceived {
		patience = synPatience
	}
	if times <= maxRepetitions || now-since < patience {
		return false
	}
	c.fail(fmt.Errorf("gave up: %s was repeated %d times and never answered", what, times-1), true)
	return true
}
