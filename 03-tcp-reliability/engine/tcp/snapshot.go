package tcp

import (
	"slices"

	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// State is what this end knows now. Numbers are relative to each end's SYN.
func (c *Conn) State() trace.State {
	return trace.State{Name: c.state.String(), Out: c.sending(), In: c.receiving()}
}

func (c *Conn) sending() *trace.Out {
	d, g, t := &c.snd, &c.congestion, &c.rto
	out := &trace.Out{
		Window:     trace.Range{From: d.una - d.iss, To: d.una + uint32(d.wnd) - d.iss},
		Sample:     t.sampled,
		SRTT:       t.srtt,
		RTTVar:     t.rttvar,
		RTO:        t.now,
		Duplicates: c.duplicate,
		Cwnd:       g.cwnd,
		Phase:      c.recovery.phase,
		Timeouts:   c.out.timeouts, Retransmits: c.out.again,
	}
	if g.ssthresh != noThreshold {
		out.Ssthresh = g.ssthresh
	}
	if out.Phase == "" {
		out.Phase = trace.CongestionAvoidance
		if g.cwnd < g.ssthresh {
			out.Phase = trace.SlowStart
		}
	}
	out.Timer = c.nextTimer()

	add := func(from, to uint32, is trace.Fate) {
		if n := len(out.Ranges); n > 0 && out.Ranges[n-1].Is == is {
			out.Ranges[n-1].To = to - d.iss
		} else if before(from, to) {
			out.Ranges = append(out.Ranges, trace.Range{From: from - d.iss, To: to - d.iss, Is: is})
		}
	}
	add(d.iss, d.una, trace.Acknowledged)
	for i := range d.flight {
		switch x := &d.flight[i]; {
		case x.arrived:
			add(x.seq, x.end, trace.Held)
		case x.lost != "":
			add(x.seq, x.end, trace.Missing)
		case x.times > 1:
			add(x.seq, x.end, trace.Again)
		default:
			add(x.seq, x.end, trace.UnderWay)
		}
	}
	if end := d.end; before(d.nxt, end) {
		add(latest(d.nxt, d.first), end, trace.Written)
	}
	return out
}

// nextTimer is the timer that runs out next, and what it will do.
func (c *Conn) nextTimer() trace.Timer {
	next := trace.Timer{}
	consider := func(t timer, what trace.Reason) {
		if t.on && (next == trace.Timer{} || t.due < next.Due) {
			next = trace.Timer{Set: t.set, Due: t.due, For: what}
		}
	}
	what := trace.Timeout
	switch {
	case c.state == timeWait:
		what = trace.EndOfTimeWait
	case len(c.snd.flight) == 0:
		what = trace.WindowProbe
	}
	consider(c.timer, what)
	consider(c.rack.reorder, trace.FastRetransmit)
	consider(c.rack.probe, trace.TailLossProbe)
	consider(c.owed.waits, trace.DelayedACK)
	return next
}

func (c *Conn) receiving() *trace.In {
	r := &c.rcv
	in := &trace.In{Thrown: r.thrown,
		Window: trace.Range{From: r.nxt - r.irs, To: r.edge - r.irs}}
	add := func(from, to uint32, is trace.Fate) {
		if before(from, to) {
			in.Ranges = append(in.Ranges, trace.Range{From: from - r.irs, To: to - r.irs, Is: is})
		}
	}
	add(r.irs, r.read, trace.Delivered)
	add(r.read, r.nxt, trace.Ready)
	kept := slices.Clone(r.kept)
	slices.SortFunc(kept, func(a, b Block) int { return int(int32(a.From - b.From)) })
	at := r.nxt
	for _, k := range kept {
		add(at, k.From, trace.Gap)
		add(k.From, k.To, trace.Kept)
		at = k.To
	}
	return in
}
