// Package story works out of a trace what every view tells: what became of
// each packet, what its receiver did with it, which packet made each read
// possible, what waited for what and how long, and in sentences what was lost,
// who noticed it and what it cost. It draws nothing. Events go in one by one,
// so that a view may follow a run while it lasts.
package story

import (
	"slices"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// A Packet is one sending of a host.
type Packet struct {
	*trace.Header
	Connection int
	Direction  network.Direction
	Number     int
	At         time.Duration // when it was sent
	Fate       Fate
	Loss       network.Loss
	Arrivals   []*Arrival // the network makes a second copy of some
	Marked     bool

	First, Previous *Packet // of a packet sent again: the first transmission, the latest before it
	Cause           *Arrival
	Repeat          int  // of an acknowledgement: it repeats the one before for this many times
	Overtaken       bool // it arrived after a packet that was sent later

	// Set by Finish.
	Needless bool          // sent again, although the receiver got it from an earlier sending
	Due      time.Duration // when it arrived, or would have
}

// Fate says what the network did with a packet.
type Fate int

const (
	UnderWay Fate = iota // when the trace ends
	Lost
	Arrived // at least one copy
)

// An Arrival is a copy of a packet that came to the other end.
type Arrival struct {
	*Packet
	Time    time.Duration
	Copy    int // 1, or 2 for a duplicate
	Is      Verdict
	Missing *Packet       // what Kept waits for, and Thrown is out of order for; may be nil
	Until   time.Duration // when what is Kept came into order; 0: never
	judged  bool
	unheard bool // no acknowledgement says what has become of it
}

// Verdict says what the receiver did with an arrival.
type Verdict int

const (
	Unsaid  Verdict = iota // nothing is to be said, or known
	Taken                  // in order
	Kept                   // until what is missing before it comes
	Already                // it has these bytes
	Thrown                 // away, because an earlier packet is missing
	NotKept                // the receiver's acknowledgements do not cover it
	Damaged                // and discarded: the checksum is wrong
	Full                   // dropped: there was no room for it
)

// A Read is what an application read at a moment and one arrival made
// possible. What it reads at once may be several Reads.
type Read struct {
	At         time.Duration
	Connection int
	Direction  network.Direction // Down: the client reads
	By         *Arrival          // nil if that is not known
	Length     int               // bytes
	Text       string            // of these at most trace.TextSize
	End        bool              // of the bytes
	Marked     bool
}

// A Failure is the end of a host that has given up.
type Failure struct {
	At         time.Duration
	Connection int
	Direction  network.Direction
	Text       string
}

// A Digest is what a trace tells. With Live it keeps nothing of what is over;
// who follows it takes each thing when it comes: see Add.
type Digest struct {
	Protocol string // of the trace; "": nothing is known of what a receiver does
	Live     bool   // times are a real clock's, and nothing is kept

	Packets  []*Packet
	Reads    []*Read
	Failures []*Failure
	Gaps     []*Gap

	packets map[name]*Packet
	latest  [2]map[int]*Packet // of what was sent again, by the first number
	flows   [2]flow            // of data, by direction
	acks    [2]acks            // by the direction in which they go
	newest  [2]int             // number of the newest packet that arrived
}

type name struct {
	direction network.Direction
	number    int
}

// New makes the digest of a trace that begins.
func New(protocol string) *Digest {
	d := &Digest{Protocol: protocol, packets: map[name]*Packet{},
		latest: [2]map[int]*Packet{{}, {}}}
	for i := range d.flows {
		d.flows[i] = flow{digest: d, kind: receives(protocol), next: 1}
	}
	return d
}

// Of is the finished digest of a whole trace.
func Of(t *trace.Trace) *Digest {
	d := New(t.Protocol)
	for i := range t.Events {
		d.Add(&t.Events[i])
	}
	d.Finish()
	return d
}

// Add takes the next event. It returns what the event is about: a *Packet that
// is sent or lost, an *Arrival, []*Read, a *Failure, or nil.
func (d *Digest) Add(e *trace.Event) any {
	for i := range d.flows {
		d.flows[i].passed(e.At)
	}
	id := name{e.Direction, e.Number}
	switch e.Kind {
	case trace.Sent:
		return d.sent(id, e)
	case trace.Lost:
		p := d.packets[id]
		if p == nil {
			return nil
		}
		p.Fate, p.Loss = Lost, e.Loss
		if d.Live {
			delete(d.packets, id)
		}
		return p
	case trace.Arrived, trace.Discarded, trace.Dropped:
		if a := d.arrived(id, e); a != nil {
			return a
		}
	case trace.Read, trace.End:
		reads := d.flows[e.Direction].read(e)
		if !d.Live {
			d.Reads = append(d.Reads, reads...)
		}
		return reads
	case trace.Failed:
		f := &Failure{e.At, e.Connection, e.Direction, e.Text}
		d.Failures = append(d.Failures, f)
		return f
	}
	return nil
}

func (d *Digest) sent(id name, e *trace.Event) *Packet {
	p := &Packet{Header: e.Packet, Connection: e.Connection, Direction: e.Direction,
		Number: e.Number, At: e.At, Marked: e.Marked}
	d.packets[id] = p
	if !d.Live {
		d.Packets = append(d.Packets, p)
	}
	if p.Retransmits > 0 {
		again := d.latest[p.Direction]
		p.First = d.packets[name{p.Direction, p.Retransmits}]
		p.Previous = d.packets[name{p.Direction, p.Header.Previous}]
		if p.Header.Previous == 0 {
			if p.Previous = again[p.Retransmits]; p.Previous == nil {
				p.Previous = p.First
			}
		}
		if !d.Live {
			again[p.Retransmits] = p
		}
	}
	cause := d.packets[name{1 - p.Direction, p.Header.Cause}]
	if p.Header.Cause > 0 && cause != nil && len(cause.Arrivals) > 0 {
		p.Cause = cause.Arrivals[len(cause.Arrivals)-1]
	}
	d.flows[p.Direction].sent(p)
	p.Repeat = d.acks[p.Direction].repeat(p, &d.flows[1-p.Direction])
	d.flows[1-p.Direction].acknowledged(p)
	return p
}

func (d *Digest) arrived(id name, e *trace.Event) *Arrival {
	p := d.packets[id]
	if p == nil { // the trace, or what is kept of it, begins later
		p = &Packet{Header: e.Packet, Connection: e.Connection, Direction: e.Direction,
			Number: e.Number, At: e.At}
	}
	flow := &d.flows[p.Direction]
	if e.Kind == trace.Dropped {
		// A host says so of a packet that has just arrived, or in place of that.
		for _, a := range p.Arrivals {
			if a.Copy == max(e.Copy, 1) {
				flow.undo(a)
				a.Is, a.judged = Full, true
				return nil
			}
		}
	}
	a := &Arrival{Packet: p, Time: e.At, Copy: max(e.Copy, 1)}
	p.Fate = Arrived
	p.Arrivals = append(p.Arrivals, a)
	if d.Live {
		delete(d.packets, id)
	}
	if a.Copy == 1 {
		p.Overtaken = p.Number < d.newest[p.Direction]
		d.newest[p.Direction] = max(p.Number, d.newest[p.Direction])
	}
	switch e.Kind {
	case trace.Discarded:
		a.Is, a.judged = Damaged, true
	case trace.Dropped:
		a.Is, a.judged = Full, true
	default:
		flow.arrived(a)
	}
	return a
}

// Settled says whether Is will not change any more.
func (a *Arrival) Settled() bool { return a.judged }

// Finish is called after the last event: it looks back at what is known only
// then. Of a Live digest nothing is kept that could be looked at.
func (d *Digest) Finish() {
	for i := range d.flows {
		d.flows[i].passed(1<<63 - 1)
		d.flows[i].finish()
	}
	got := map[*Packet][]*Packet{} // by the first transmission, what the receiver got
	for _, p := range d.Packets {
		first := p
		if p.First != nil {
			first = p.First
		}
		for _, before := range got[first] {
			p.Needless = p.Needless || before.At <= p.At && before != p
		}
		if slices.ContainsFunc(p.Arrivals, func(a *Arrival) bool { return a.Whole() }) {
			got[first] = append(got[first], p)
		}
	}
	d.dues()
}

// Whole says that the receiver got what the arrival carries, now or before.
func (a *Arrival) Whole() bool {
	return a.Is == Unsaid && !a.unheard || a.Is == Taken || a.Is == Kept || a.Is == Already
}

// dues estimates when a packet that did not arrive would have: its flight is
// that of the nearest packet in its direction that did.
func (d *Digest) dues() {
	for dir := range d.flows {
		var flown []*Packet
		for _, p := range d.Packets {
			if int(p.Direction) == dir && p.Fate == Arrived {
				p.Due = p.Arrivals[0].Time
				flown = append(flown, p)
			}
		}
		for _, p := range d.Packets {
			if int(p.Direction) != dir || p.Fate == Arrived {
				continue
			}
			p.Due = p.At
			i, _ := slices.BinarySearchFunc(flown, p.At, func(q *Packet, at time.Duration) int {
				return int(min(1, max(-1, q.At-at)))
			})
			var near *Packet
			for _, j := range []int{i - 1, i} {
				if j >= 0 && j < len(flown) &&
					(near == nil || (flown[j].At-p.At).Abs() < (near.At-p.At).Abs()) {
					near = flown[j]
				}
			}
			if near != nil {
				p.Due += near.Due - near.At
			}
		}
	}
}
