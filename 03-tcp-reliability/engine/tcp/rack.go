package tcp

import (
	"time"

	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// RACK-TLP (RFC 8985), to be read after everything else. RACK judges losses by time in place of
// order: a segment is lost if one that was sent a while later has arrived. So it sees the loss of a
// repetition, too, and one segment behind a loss is enough. TLP, the tail loss probe, sends the
// last segment again when nothing was heard for two round trips: the SACK that it draws tells RACK
// what else is missing, long before the timer runs out.
//
// Both run beside the timer, which they never touch: if they miss something, it does not. Without
// D-SACK (section 7.4.2, 6.2 step 4) the wait does not adapt, nor is a needless probe seen.
type rack struct {
	on        bool
	newest    int           // of the packets that arrived, the one sent last
	rtt       time.Duration // RACK.rtt: its round trip
	least     time.Duration // RACK.min_RTT
	highest   uint32        // RACK.fack: the highest number that arrived
	reordered bool          // RACK.reordering_seen
	reorder   timer         // when to judge again

	probe    timer        // PTO: when to probe the tail
	why      trace.Reason // of the next new segment: TailLossProbe, or ""
	probed   bool         // one probe is enough for a tail
	probeEnd uint32       // TLP.end_seq
	repeated bool         // TLP.is_retrans: the probe was a repetition
}

// arrived takes a segment that was just learned to have arrived (section 6.2, steps 1 to 3). The
// RFC orders transmissions by time, and those of one moment by sequence number. Here packets are
// numbered as they leave, which is exact: in a simulation a whole burst leaves at one moment.
func (r *rack) arrived(now time.Duration, x *sent) {
	rtt := now - x.at
	if !r.on || x.times > 1 && rtt < r.least {
		return // too soon: it was an earlier transmission that arrived
	}
	if r.newest == 0 {
		r.least, r.highest = rtt, x.end
	}
	r.least = min(r.least, rtt)
	if x.latest > r.newest {
		r.newest, r.rtt = x.latest, rtt
	}
	if before(x.end, r.highest) && x.times == 1 {
		r.reordered = true
	}
	r.highest = latest(r.highest, x.end)
}

// patience is how long to wait for what may only be out of order: a quarter of the round trip. None
// if order was always kept and three segments have arrived (section 6.2, step 4).
func (r *rack) patience(c *Conn) time.Duration {
	if !r.reordered && (c.snd.arrived() >= threshold || c.recovery.phase != "") {
		return 0
	}
	return min(r.least/4, c.rto.srtt)
}

// rackJudges marks what is lost by time (section 6.2, step 5), and sets a timer for the rest.
func (c *Conn) rackJudges(now time.Duration) {
	r, found := &c.rack, false
	r.reorder = timer{}
	wait := r.rtt + r.patience(c)
	for i := range c.snd.flight {
		x := &c.snd.flight[i]
		if x.arrived || x.lost != "" || x.latest > r.newest {
			continue
		}
		if due := x.at + wait; due <= now {
			x.lost, x.line, found = trace.RACK, c.here(0), true
		} else {
			r.reorder = timer{on: true, set: now, due: max(r.reorder.due, due)}
		}
	}
	if found {
		c.recover()
	}
}

// timedOut: the timer was first, and takes all for lost.
func (r *rack) timedOut() { r.reorder, r.probe, r.probed = timer{}, timer{}, false }

// schedule sets the time of the probe: two round trips after the latest event (section 7.2), with
// time for a delayed acknowledgement if one segment is alone. Nothing is probed in a recovery,
// while a gap is known, twice in a row, or when the timer is due earlier.
func (r *rack) schedule(c *Conn, now time.Duration) {
	flight := c.snd.flight
	if !r.on || len(flight) == 0 || r.probed || c.recovery.phase != "" || c.rto.srtt == 0 ||
		r.reorder.on || flight[0].syn || c.snd.arrived() > 0 {
		r.probe = timer{}
		return
	}
	wait := 2 * c.rto.srtt
	if len(flight) == 1 {
		wait += c.rto.least // the peer may delay its ACK (section 7.2)
	}
	set := max(c.timer.set, flight[len(flight)-1].at)
	r.probe = timer{on: set+wait < c.timer.due, set: set, due: max(set+wait, now)}
}

// arrived is how many segments under way are known to have arrived.
func (d *sender) arrived() (n int) {
	for i := range d.flight {
		if d.flight[i].arrived {
			n++
		}
	}
	return n
}

// probeTail has one segment leave whatever cwnd says: a new one, or the last again (section 7.3).
func (r *rack) probeTail(c *Conn) {
	flight := c.snd.flight
	if len(flight) == 0 {
		return
	}
	r.probed, c.recovery.urgent = true, true
	_, _, fresh := c.fresh()
	if r.repeated = !fresh; fresh {
		r.why = trace.TailLossProbe
	} else {
		last := &flight[len(flight)-1]
		last.lost, last.line = trace.TailLossProbe, c.here(0)
	}
	r.probeEnd = c.snd.nxt
	c.rearm = true
}

// acknowledged ends a probe. If it was a repetition, then it mended a loss that nobody else has
// noticed, and the window is cut as for any other (7.4.2).
func (r *rack) acknowledged(c *Conn, ack uint32) {
	if !r.probed || before(ack, r.probeEnd) {
		return
	}
	r.probed = false
	if r.repeated && c.recovery.phase == "" {
		c.congestion.reduce(c.congestion.cwnd)
		c.congestion.cwnd = c.congestion.ssthresh
	}
}
