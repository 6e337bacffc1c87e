package arq

import (
	"time"

	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// What the ends tell of themselves. No protocol needs any of it.

// told is the state that Notes last reported.
type told struct {
	srtt, rto  time.Duration
	finUnacked bool
	notes      [3]trace.Note
}

// Notes tells the smoothed round trip and the timeout when they have
// changed, and that the fin's acknowledgement never came. The notes are good
// until the next call.
func (s *sender) Notes() []trace.Note {
	t := &s.told
	notes := t.notes[:0]
	if t.srtt != s.timer.srtt {
		t.srtt = s.timer.srtt
		notes = append(notes, trace.Note{At: s.changed, Name: "srtt",
			Value: t.srtt.Microseconds(), Unit: "us"})
	}
	if t.rto != s.timer.rto {
		t.rto = s.timer.rto
		notes = append(notes, trace.Note{At: s.changed, Name: "rto",
			Value: t.rto.Microseconds(), Unit: "us"})
	}
	if t.finUnacked != s.finUnacked {
		t.finUnacked = s.finUnacked
		notes = append(notes, trace.Note{At: s.changed,
			Name:  "fin without acknowledgement",
			Value: MaxRetransmissions + 1, Unit: "transmissions"})
	}
	return notes
}

// Notes tells nothing: a receiver has no timer.
func (r *receiver) Notes() []trace.Note { return nil }

// A line is a number line in the making.
type line []trace.Range

// add says what has become of the packets from one number to before another.
func (l *line) add(from, to uint32, is trace.Fate) {
	last := len(*l) - 1
	switch {
	case from == to:
	case last >= 0 && (*l)[last].Is == is && (*l)[last].To == from:
		(*l)[last].To = to
	default:
		*l = append(*l, trace.Range{From: from, To: to, Is: is})
	}
}

// State tells what the sender knows.
func (s *StopAndWaitSender) State() trace.State {
	_, waits := s.Deadline()
	return s.state(s.next, s.base, waits)
}

// State tells what the sender knows.
func (s *GoBackNSender) State() trace.State {
	_, waits := s.Deadline()
	return s.state(s.again, s.base, waits)
}

// State tells what the sender knows.
func (s *SelectiveRepeatSender) State() trace.State {
	_, waits := s.Deadline()
	n, _ := s.earliest()
	return s.state(s.next, n, waits)
}

// state tells what a sender knows that takes the packets from lost on for
// lost. If it waits, then for packet timed.
func (s *sender) state(lost, timed uint32, waits bool) trace.State {
	zero := uint32(s.transfer)
	var l line
	l.add(1, s.base-zero, trace.Acknowledged)
	for n := s.base; n != s.next; n++ {
		is := trace.UnderWay
		switch slot := s.slot(n); {
		case slot.acked:
			is = trace.Held
		case !before(n, lost):
			is = trace.Missing
		case slot.times > 1:
			is = trace.Again
		}
		l.add(n-zero, n+1-zero, is)
	}
	l.add(s.next-zero, s.end-zero, trace.Written)
	out := &trace.Out{
		Ranges: l,
		Window: trace.Range{From: s.base - zero, To: s.base + s.window - zero},
		Sample: s.timer.latest, SRTT: s.timer.srtt, RTTVar: s.timer.rttvar, RTO: s.timer.rto,
		Timeouts: s.timeouts, Retransmits: s.again,
	}
	if waits {
		slot := s.slot(timed)
		out.Timer = trace.Timer{Set: slot.sent, Due: slot.deadline, For: timeout}
	}
	return trace.State{Out: out}
}

// State tells what the receiver knows. It takes one packet: the next.
func (r *receiver) State() trace.State { return r.state(nil, 1) }

// State tells what the receiver knows.
func (r *SelectiveRepeatReceiver) State() trace.State { return r.state(r.kept, MaxWindow) }

// state tells what a receiver knows that takes the next packets, so many, and
// has kept some of them.
func (r *receiver) state(kept map[uint32]kept, takes uint32) trace.State {
	zero := uint32(r.transfer)
	expected := r.expected - zero
	unread := uint32(len(r.unread))
	if r.finReceived && !r.endRead {
		unread++
	}
	var l line
	l.add(1, expected-unread, trace.Delivered)
	l.add(expected-unread, expected, trace.Ready)
	for n, found := expected, 0; found < len(kept); n++ {
		if _, ok := kept[n+zero]; ok {
			l.add(n, n+1, trace.Kept)
			found++
		} else {
			l.add(n, n+1, trace.Gap)
		}
	}
	if !r.room() {
		takes = 0
	}
	return trace.State{In: &trace.In{Ranges: l,
		Window: trace.Range{From: expected, To: expected + takes}, Thrown: r.thrown}}
}

// Dropped counts the packets that arrived whole and were thrown away because
// the application had not read enough.
func (r *receiver) Dropped() int { return r.dropped }

// State tells what the sender knows: what it has sent, and no more.
func (s *UDPSender) State() trace.State {
	sent := uint32(s.number)
	var l line
	l.add(1, sent+1, trace.Forgotten)
	l.add(sent+1, sent+1+uint32(len(s.wait)), trace.Written)
	return trace.State{Out: &trace.Out{Ranges: l}}
}

// State tells what the receiver knows. Its numbers count the datagrams as they
// arrive: nobody looks at those in the datagrams.
func (r *UDPReceiver) State() trace.State {
	read := uint32(r.read)
	var l line
	l.add(1, read+1, trace.Delivered)
	l.add(read+1, read+1+uint32(len(r.wait)), trace.Ready)
	return trace.State{In: &trace.In{Ranges: l, Thrown: r.dropped}}
}

// Dropped counts the datagrams that were thrown away because too many waited
// for the application.
func (r *UDPReceiver) Dropped() int { return r.dropped }

// Notes tells nothing.
func (s *UDPSender) Notes() []trace.Note { return nil }

// Notes tells nothing.
func (r *UDPReceiver) Notes() []trace.Note { return nil }
