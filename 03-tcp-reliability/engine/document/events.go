package document

import (
	"fmt"
	"slices"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/story"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// eventsOf fills in the events and the states. The trace tells of a state
// after the event that changed it.
func eventsOf(d *Document, r *one) {
	d.Events, d.States = []Event{}, []State{}
	packets := map[string]*story.Packet{}
	for _, p := range r.digest.Packets {
		packets[idOf(p)] = p
	}
	state := [2]int{-1, -1}
	reads := r.digest.Reads
	for i := range r.trace.Events {
		e := &r.trace.Events[i]
		switch e.Kind {
		case trace.Noted:
			continue
		case trace.Changed:
			state[e.Direction] = len(d.States)
			d.States = append(d.States, stateOf(e.State, e.Direction, r))
			// A loss is told after the sending that it belongs to.
			for last := len(d.Events) - 1; last >= 0; last-- {
				d.Events[last].Client, d.Events[last].Server = state[0], state[1]
				if d.Events[last].What != trace.Lost.String() {
					break
				}
			}
			continue
		}
		p := packets[id(e.Direction, e.Number)]
		out := Event{At: e.At.Microseconds(), What: e.Kind.String(), Packet: idOf(p),
			End: endOf(e), Client: state[0], Server: state[1], Source: -1, Queue: e.Queue}
		if p != nil && e.Kind == trace.Sent && p.Why != "" {
			out.What = "sent again"
		}
		var read []*story.Read
		if e.Kind == trace.Read || e.Kind == trace.End {
			read, reads = readsOf(e, reads)
		}
		out.Sentence, out.Causes = tell(e, p, r, read)
		if e.Kind == trace.Sent {
			out.Source = r.sources.of(p.Line)
		}
		d.Events = append(d.Events, out)
	}
}

// endOf is the end that an event happens at, or "" for what only the network
// knows.
func endOf(e *trace.Event) string {
	switch e.Kind {
	case trace.Lost:
		return ""
	case trace.Arrived, trace.Discarded, trace.Dropped, trace.Read, trace.End:
		return ends[1-e.Direction]
	}
	return ends[e.Direction]
}

// readsOf takes those of an event off the list: one reading may be of what
// several packets made possible.
func readsOf(e *trace.Event, reads []*story.Read) (these, rest []*story.Read) {
	n := 0
	for left := e.Length; n < len(reads) && reads[n].At == e.At &&
		reads[n].End == (e.Kind == trace.End) && (left > 0 || reads[n].End); n++ {
		left -= reads[n].Length
		if reads[n].End {
			n++
			break
		}
	}
	return reads[:n], reads[n:]
}

// tell says in a sentence what an event is, and which packets light up with it.
func tell(e *trace.Event, p *story.Packet, r *one, reads []*story.Read) (s string,
	causes []string) {
	end := ends[e.Direction]
	app := "The " + end + "'s application"
	reader := "The " + ends[1-e.Direction] + "'s application" // bytes that go up are the server's
	switch e.Kind {
	case trace.Wrote:
		return app + " writes " + words(e.Text, e.Length) + ".", nil
	case trace.Closed:
		return app + " has nothing more to say: it closes its half.", nil
	case trace.Sent:
		return sending(p), causesOf(p, r)
	case trace.Lost:
		if p.Loss == network.LostQueue {
			return fmt.Sprintf("The link's queue is full: %s is lost.", named(p)), nil
		}
		return fmt.Sprintf("The network loses %s. Neither end knows.", named(p)), nil
	case trace.Discarded:
		return fmt.Sprintf("%s arrives damaged: the checksum is wrong, and the %s discards it.",
			named(p), ends[1-e.Direction]), nil
	case trace.Dropped:
		return fmt.Sprintf("The %s drops %s: its buffer is full.", ends[1-e.Direction], named(p)),
			nil
	case trace.Arrived:
		a := arrivalOf(p, e)
		s = fmt.Sprintf("%s arrives at the %s", named(p), ends[1-e.Direction])
		if e.Copy > 1 {
			s = "A second copy of " + s
		}
		if a != nil {
			s += verdict(a, false)
			if a.Missing != nil {
				causes = append(causes, idOf(a.Missing))
			}
		}
		return s + ".", causes
	case trace.Read:
		for _, read := range reads {
			if read.By != nil {
				causes = append(causes, idOf(read.By.Packet))
			}
		}
		return reader + " reads " + words(e.Text, e.Length) + ".", causes
	case trace.End:
		return reader + " reads the end: everything has come.", nil
	case trace.Finished:
		return "The " + end + " has done its part.", nil
	case trace.Failed:
		return "The " + end + " " + e.Text + ".", nil
	}
	return e.Kind.String(), nil
}

func arrivalOf(p *story.Packet, e *trace.Event) *story.Arrival {
	for _, a := range p.Arrivals {
		if a.Time == e.At && a.Copy == max(1, e.Copy) {
			return a
		}
	}
	return nil
}

// words is a payload in quotes, or its length.
func words(text string, length int) string {
	if length > len(text) || !story.Readable(text) || length > 48 {
		return story.Count(length, "byte")
	}
	return fmt.Sprintf("%q", text)
}

// named is what a packet carries, and the number that its sender gave it.
func named(p *story.Packet) string {
	return fmt.Sprintf("%s (packet %d)", p.Label(true, 20), p.Number)
}

// theirs is the same where packets of both ends are talked about.
func theirs(p *story.Packet) string { return ends[p.Direction] + "'s " + named(p) }

// sending says what is sent, and why if that needs a reason.
func sending(p *story.Packet) string {
	s := fmt.Sprintf("The %s sends %s", ends[p.Direction], named(p))
	switch {
	case p.Why == trace.Timeout:
		return s +
			fmt.Sprintf(" again: no acknowledgement has come for %s, and the timer has run out.",
				silence(p))
	case p.Why == trace.FastRetransmit:
		return s +
			" again, before its timer runs out: acknowledgements that come show that it is missing."
	case p.Why == trace.RACK:
		return s + " again, before its timer runs out: what was sent later has arrived."
	case p.First != nil:
		return s + fmt.Sprintf(" again: %s.", p.Why)
	case p.Why != "":
		return s + fmt.Sprintf(": %s.", p.Why)
	case p.Cause != nil && p.Length == 0:
		return s + fmt.Sprintf(": an answer to %s.", named(p.Cause.Packet))
	case p.Cause != nil:
		return s + fmt.Sprintf(", which %s lets it send.", named(p.Cause.Packet))
	}
	return s + "."
}

func silence(p *story.Packet) string {
	if p.Previous == nil {
		return "long"
	}
	return story.Millis(p.At - p.Previous.At)
}

// causesOf are the packets behind a sending: the arrival that made the host
// send, for a fast retransmission the acknowledgements that repeat each other,
// and after a timeout the sending that was never answered.
func causesOf(p *story.Packet, r *one) (causes []string) {
	if p.Previous != nil {
		causes = append(causes, idOf(p.Previous))
	}
	if p.Why == trace.FastRetransmit {
		for _, q := range r.digest.Packets {
			if q.Direction != p.Direction && q.Repeat > 0 && arrivedBy(q, p.At) &&
				previousAt(p) <= q.At {
				causes = append(causes, idOf(q))
			}
		}
	}
	if p.Cause != nil && !slices.Contains(causes, idOf(p.Cause.Packet)) {
		causes = append(causes, idOf(p.Cause.Packet))
	}
	return causes
}

func previousAt(p *story.Packet) time.Duration {
	if p.Previous == nil {
		return 0
	}
	return p.Previous.At
}

func arrivedBy(p *story.Packet, at time.Duration) bool {
	return len(p.Arrivals) > 0 && p.Arrivals[0].Time <= at
}
