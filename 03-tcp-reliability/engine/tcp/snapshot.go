package tcp

import (
	"slices"

	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// State is what this end knows now. Numbers are relative to each end's SYN.
func (c *Conn) State() trace.State {
	d, g, r, t := &c.snd, &c.congestion, &c.rcv, &c.rto
	out := &trace.Out{
		Window: trace.Range{From: d.una - d.iss, To: d.una + uint32(d.wnd) - d.iss},
		Sample: t.sampled, SRTT: t.srtt, RTTVar: t.rttvar, RTO: t.now, Timer: c.nextTimer(),
		Duplicates: c.duplicate, Cwnd: g.cwnd, Phase: c.phase(),
		Timeouts: c.out.timeouts, Retransmits: c.out.again,
	}
	if g.ssthresh != noThreshold {
		out.Ssthresh = g.ssthresh
	}
	out.Ranges = extend(nil, d.iss, d.iss, d.una, trace.Acknowledged)
	for i := range d.flight {
		x := &d.flight[i]
		out.Ranges = extend(out.Ranges, d.iss, x.seq, x.end, x.fate())
	}
	out.Ranges = extend(out.Ranges, d.iss, latest(d.nxt, d.first), d.end, trace.Written)

	in := &trace.In{Thrown: r.thrown, Window: trace.Range{From: r.nxt - r.irs, To: r.edge - r.irs}}
	read := r.read
	if r.finished() && r.waiting() == 0 {
		read = r.nxt // the FIN has a number, and no byte to be read
	}
	in.Ranges = extend(nil, r.irs, r.irs, read, trace.Delivered)
	in.Ranges = extend(in.Ranges, r.irs, read, r.nxt, trace.Ready)
	kept := slices.Clone(r.kept)
	slices.SortFunc(kept, func(a, b Block) int { return int(int32(a.From - b.From)) })
	at := r.nxt
	for _, k := range kept {
		in.Ranges = extend(in.Ranges, r.irs, at, k.From, trace.Gap)
		in.Ranges = extend(in.Ranges, r.irs, k.From, k.To, trace.Kept)
		at = k.To
	}
	return trace.State{Name: c.state.String(), Out: out, In: in}
}

// extend adds a range, if it is not empty, relative to zero: to the last one, if that is alike.
func extend(ranges []trace.Range, zero, from, to uint32, is trace.Fate) []trace.Range {
	if n := len(ranges); n > 0 && ranges[n-1].Is == is && before(from, to) {
		ranges[n-1].To = to - zero
	} else if before(from, to) {
		ranges = append(ranges, trace.Range{From: from - zero, To: to - zero, Is: is})
	}
	return ranges
}

func (x *sent) fate() trace.Fate {
	switch {
	case x.arrived:
		return trace.Held
	case x.lost != "":
		return trace.Missing
	case x.times > 1:
		return trace.Again
	}
	return trace.UnderWay
}

func (c *Conn) phase() trace.Phase {
	switch g := &c.congestion; {
	case c.recovery.phase != "":
		return c.recovery.phase
	case g.cwnd < g.ssthresh:
		return trace.SlowStart
	}
	return trace.CongestionAvoidance
}

// nextTimer is the timer that runs out next, and what it will do.
func (c *Conn) nextTimer() (next trace.Timer) {
	does := trace.Timeout
	if c.state == timeWait {
		does = trace.EndOfTimeWait
	} else if len(c.snd.flight) == 0 {
		does = trace.WindowProbe
	}
	consider := func(t timer, does trace.Reason) {
		if t.on && (next.For == "" || t.due < next.Due) {
			next = trace.Timer{Set: t.set, Due: t.due, For: does}
		}
	}
	consider(c.timer, does)
	consider(c.rack.reorder, trace.RACK)
	consider(c.rack.probe, trace.TailLossProbe)
	consider(c.owed.waits, trace.DelayedACK)
	return next
}
