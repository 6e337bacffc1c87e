package story

import (
	"cmp"
	"slices"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// A kind of receiver.
type kind int

const (
	unknown    kind = iota
	datagrams       // hands over what comes, as it comes
	inOrder         // keeps nothing out of order, and acknowledges the last in order
	selective       // keeps, and acknowledges each packet
	cumulative      // keeps, and acknowledges the last in order
	bytes           // TCP: keeps as it likes, and says so
)

func receives(protocol string) kind {
	switch protocol {
	case "udp":
		return datagrams
	case "stop-and-wait", "go-back-n":
		return inOrder
	case "selective-repeat":
		return selective
	case "tcp":
		return bytes
	case "":
		return unknown
	}
	return cumulative
}

// A Gap is something that is missing at a receiver while later packets come.
type Gap struct {
	Missing *Packet       // its first transmission; nil if that is not known
	Since   time.Duration // a later packet came, or what was missing before it
	Until   time.Duration // it came; 0: never
	Later   []*Arrival    // Kept, or Thrown, as they came
	seq     uint32
}

// Known is when the first later packet came: from then on it is known to be missing.
func (g *Gap) Known() time.Duration {
	if len(g.Later) == 0 {
		return g.Since
	}
	return min(g.Since, g.Later[0].Time)
}

// A flow is what the data that go in one direction meet at their receiver. It
// follows what the protocol's receiver does. TCP's says what it keeps by its
// acknowledgements: until they have spoken, nothing is judged.
type flow struct {
	digest *Digest
	kind   kind
	began  bool
	sents  []*Packet // first transmissions not yet in order
	max    uint32    // the first number never sent

	next     uint32    // all before it has arrived
	bytes    int64     // of it
	ahead    []span    // what has arrived beyond it, in order
	advances []advance // of next
	gap      *Gap      // the newest

	acked   uint32 // TCP: by the receiver; all before it
	sacked  []span
	blocks  int        // of the newest SACK
	pending []*Arrival // not yet judged
	doubted []*Arrival // not covered, though that says nothing yet
	heard   bool       // an acknowledgement came since the first of them,
	when    time.Duration

	reads   int64      // bytes read
	waiting []datagram // arrived and not read
}

type datagram struct {
	by   *Arrival
	left int
}

// A span is a part of the number line: from is in it, to is not.
type span struct {
	from, to uint32
	length   int // bytes of payload
	fin      bool
	by       *Arrival
}

// An advance is a move of next.
type advance struct {
	from  uint32
	upto  int64 // bytes in order after it
	end   bool  // the last of them
	by    *Arrival
	spans []span
}

func before(a, b uint32) bool { return int32(a-b) < 0 } // RFC 1982

// takes is the part of the number line that a packet takes; ok if it has any.
func (f *flow) takes(p *Packet) (s span, ok bool) {
	s = span{from: p.Seq, length: p.Length}
	if f.kind != bytes {
		s.fin = p.Kind == trace.Fin
		s.to = s.from + 1
		return s, p.Kind != trace.Ack && p.Kind != trace.Datagram
	}
	s.fin = p.Kind.Has("FIN")
	s.to = s.from + uint32(p.Length)
	if s.fin {
		s.to++
	}
	probe := p.Why == trace.WindowProbe || p.Why == trace.KeepAlive
	return s, s.to != s.from && !probe && !p.Kind.Has(trace.RST) && !p.Kind.Has(trace.SYN)
}

func (f *flow) sent(p *Packet) {
	s, ok := f.takes(p)
	if !ok {
		return
	}
	if before(f.max, s.to) || f.max == 0 {
		f.max = s.to
	}
	if p.Retransmits == 0 && f.kind != datagrams && f.kind != unknown {
		f.sents = append(f.sents, p)
	}
}

// missing is the first transmission of what is missing now.
func (f *flow) missing() *Packet { return f.at(f.next) }

// at is the first transmission of a number.
func (f *flow) at(number uint32) *Packet {
	for i := len(f.sents) - 1; i >= 0; i-- {
		if !before(number, f.sents[i].Seq) {
			return f.sents[i]
		}
	}
	return nil
}

func (f *flow) arrived(a *Arrival) {
	s, ok := f.takes(a.Packet)
	s.by = a
	switch {
	case !ok || f.kind == unknown:
		a.judged = true
		return
	case f.kind == datagrams:
		a.Is, a.judged = Taken, true
		f.waiting = append(f.waiting, datagram{a, a.Length})
		return
	}
	switch {
	case !before(f.next, s.to) || f.within(f.ahead, s):
		a.Is = Already
		a.judged = f.kind == bytes && (!before(f.acked, s.to) || f.within(f.sacked, s))
	case before(f.next, s.from):
		a.Is, a.Missing = Kept, f.missing()
		if f.kind == inOrder {
			a.Is = Thrown
		} else {
			f.insert(s)
		}
		if f.gap == nil || f.gap.seq != f.next {
			f.open(a.Time)
		}
		if !f.digest.Live {
			f.gap.Later = append(f.gap.Later, a)
		}
	default:
		a.Is = Taken
		f.insert(s)
		f.advance(a)
	}
	if !a.judged {
		f.pending = append(f.pending, a)
		f.heard = f.heard && len(f.pending) > 1
	}
}

// open begins a gap: what comes next is missing.
func (f *flow) open(at time.Duration) {
	f.gap = &Gap{Missing: f.missing(), Since: at, seq: f.next}
	if !f.digest.Live {
		f.digest.Gaps = append(f.digest.Gaps, f.gap)
	}
}

// wait begins a gap for what has arrived ahead, if there is any.
func (f *flow) wait(at time.Duration) {
	if len(f.ahead) == 0 || f.digest.Live {
		return
	}
	f.open(at)
	for _, s := range f.ahead {
		f.gap.Later = append(f.gap.Later, s.by)
	}
	slices.SortStableFunc(f.gap.Later, func(a, b *Arrival) int { return cmp.Compare(a.Time, b.Time) })
}

func (f *flow) within(list []span, s span) bool {
	for _, o := range list {
		if !before(s.from, o.from) && !before(o.to, s.to) {
			return true
		}
	}
	return false
}

func (f *flow) insert(s span) {
	i := 0
	for i < len(f.ahead) && !before(s.from, f.ahead[i].from) {
		i++
	}
	f.ahead = append(f.ahead, span{})
	copy(f.ahead[i+1:], f.ahead[i:])
	f.ahead[i] = s
}

// advance moves next over what has arrived.
func (f *flow) advance(by *Arrival) {
	v := advance{from: f.next, by: by}
	for len(f.ahead) > 0 && !before(f.next, f.ahead[0].from) {
		s := f.ahead[0]
		f.ahead = f.ahead[1:]
		if !before(f.next, s.to) {
			continue
		}
		if f.kind == bytes {
			s.length = int(s.to - f.next)
			if s.fin {
				s.length--
			}
		}
		f.bytes += int64(s.length)
		f.next = s.to
		v.end = v.end || s.fin
		v.spans = append(v.spans, s)
		if s.by != by {
			s.by.Until = by.Time
		}
	}
	v.upto = f.bytes
	f.advances = append(f.advances, v)
	if f.gap != nil && f.gap.Until == 0 && before(f.gap.seq, f.next) {
		f.gap.Until = by.Time
		f.wait(by.Time)
	}
	i := 0
	for i < len(f.sents)-1 && !before(f.next, f.sents[i+1].Seq) {
		i++
	}
	f.sents = f.sents[i:]
	// What is read and acknowledged can't be taken back, and is forgotten.
	old := func(v advance) bool { return v.upto <= f.reads && !before(f.acked, v.from) }
	for i = 0; i < len(f.advances)-1 && old(f.advances[i]); i++ {
	}
	if i > 32 {
		f.advances = append(f.advances[:0], f.advances[i:]...)
	}
}

// undo takes an arrival back that the receiver turns out not to have kept.
func (f *flow) undo(a *Arrival) {
	for i, w := range f.waiting {
		if w.by == a {
			f.waiting = append(f.waiting[:i:i], f.waiting[i+1:]...)
			return
		}
	}
	for i, p := range f.pending {
		if p == a {
			f.pending = append(f.pending[:i:i], f.pending[i+1:]...)
			break
		}
	}
	for i, s := range f.ahead {
		if s.by == a {
			f.ahead = append(f.ahead[:i:i], f.ahead[i+1:]...)
			return
		}
	}
	for i := range f.advances {
		v := &f.advances[i]
		j := slices.IndexFunc(v.spans, func(s span) bool { return s.by == a })
		if j < 0 {
			continue
		}
		back := v.spans[j:]
		for _, later := range f.advances[i+1:] {
			back = append(back[:len(back):len(back)], later.spans...)
		}
		for _, s := range back {
			f.bytes -= int64(s.length)
			if s.by != a {
				s.by.Until = 0
				f.insert(s)
			}
		}
		v.spans, v.upto, v.end = v.spans[:j], f.bytes, false
		f.advances = f.advances[:i+1]
		if f.next = v.from; j > 0 {
			f.next = v.spans[j-1].to
		} else {
			f.advances = f.advances[:i]
		}
		if f.gap != nil && before(f.next, f.gap.seq) { // it stands behind the one that is open again
			f.digest.Gaps = slices.DeleteFunc(f.digest.Gaps, func(g *Gap) bool { return g == f.gap })
		}
		f.wait(a.Time)
		return
	}
}

// acknowledged takes what a packet of the receiver says of the data.
func (f *flow) acknowledged(p *Packet) {
	if !p.HasAck || p.Kind.Has(trace.RST) || f.kind == datagrams || f.kind == unknown {
		return
	}
	ack := p.Ack
	if f.kind == bytes {
		if !f.began || before(f.acked, ack) {
			f.acked, f.began = ack, true
		}
		f.sacked, f.blocks = f.told(p), len(p.SACK)
	} else {
		ack++ // the textbook protocols name the last that arrived
	}
	f.heard, f.when = len(f.pending) > 0, p.At
	rest := f.pending[:0]
	for _, a := range f.pending {
		s, _ := f.takes(a.Packet)
		covered := !before(ack, s.to) || f.within(f.sacked, s)
		if f.kind == selective {
			covered = p.Ack == a.Seq
		}
		switch {
		case covered:
			// The receiver's word counts, also if it kept what no receiver
			// of this protocol keeps.
			switch a.judged = true; {
			case a.Is == Thrown:
				a.Is = Kept
			case f.kind == bytes && before(ack, s.to):
				a.Is, a.Missing = Kept, f.at(ack)
			case f.kind == bytes && (a.Is == Kept || f.digest.Live):
				a.Is = Taken // whether it had come before is not certain on a real clock
			}
		case f.kind == bytes && before(s.from, ack):
			a.judged = true // a part of it was taken: there was no room for more
		default:
			rest = append(rest, a)
		}
	}
	f.pending = rest
}

// told adds the blocks of an acknowledgement to those that were told before.
func (f *flow) told(p *Packet) []span {
	list := f.sacked[:0]
	for _, s := range f.sacked {
		if before(f.acked, s.to) && !f.within(blocks(p), s) {
			list = append(list, s)
		}
	}
	return append(list, blocks(p)...)
}

func blocks(p *Packet) (list []span) {
	for _, b := range p.SACK {
		list = append(list, span{from: b[0], to: b[1]})
	}
	return list
}

// maxBlocks of SACK fit beside the timestamps (RFC 2018, section 3): where
// there are so many, others may be left out.
const maxBlocks = 3

// passed notes that time goes on: what the acknowledgements of a moment did
// not cover was not kept. A real clock has no such moments.
func (f *flow) passed(now time.Duration) {
	if !f.heard || now <= f.when || f.digest.Live {
		return
	}
	f.heard = false
	list := append(f.doubted, f.pending...)
	f.doubted, f.pending = nil, nil
	for _, a := range list {
		a.judged = true
		s, _ := f.takes(a.Packet)
		switch {
		case a.Is == Thrown: // as its protocol does
		case a.Is == Already && f.kind != bytes: // the acknowledgement of a copy may be left out
		case f.kind == cumulative:
		case f.kind == bytes && !before(f.acked, s.to): // it was kept: see now
		case f.kind == bytes && before(f.acked, s.from) && (f.blocks == 0 || f.blocks >= maxBlocks):
			a.Is = Unsaid
			f.doubted = append(f.doubted, a)
		default:
			f.undo(a)
			a.Is, a.Missing = NotKept, nil
		}
	}
}

// finish judges what TCP never spoke of: nothing is known of that.
func (f *flow) finish() {
	for _, a := range append(f.doubted, f.pending...) {
		if f.kind == bytes {
			a.Is, a.unheard = Unsaid, true
		}
		a.judged = true
	}
}

// read takes what the application reads apart by the arrivals that made it
// possible.
func (f *flow) read(e *trace.Event) (reads []*Read) {
	part := func(by *Arrival, n int, text string, end bool) {
		reads = append(reads, &Read{At: e.At, Connection: e.Connection, Direction: e.Direction,
			By: by, Length: n, Text: text, End: end, Marked: e.Marked})
	}
	if e.Kind == trace.End {
		var by *Arrival
		for _, v := range f.advances {
			if v.end {
				by = v.by
			}
		}
		part(by, 0, "", true)
		return reads
	}
	text, left := e.Text, e.Length
	cut := func(n int) string {
		s := text[:min(n, len(text))]
		text = text[len(s):]
		return s
	}
	if f.kind == datagrams && len(f.waiting) > 0 {
		w := &f.waiting[0]
		part(w.by, left, text, false)
		if w.left -= left; w.left <= 0 {
			f.waiting = f.waiting[1:]
		}
		return reads
	}
	for _, v := range f.advances {
		if left > 0 && v.upto > f.reads {
			n := int(min(v.upto-f.reads, int64(left)))
			part(v.by, n, cut(n), false)
			f.reads, left = f.reads+int64(n), left-n
		}
	}
	if left > 0 {
		part(nil, left, text, false)
		f.reads += int64(left)
	}
	return reads
}

// acks counts the acknowledgements that repeat the one before.
type acks struct {
	began  bool
	ack    uint32
	window int
	times  int
}

// repeat says for how many times an acknowledgement repeats the one before.
// That is one that says nothing new while data are under way: the same number,
// and the same window or a SACK (RFC 5681, section 2, and RFC 6675, section 2).
// A new window alone is no repetition.
func (c *acks) repeat(p *Packet, data *flow) int {
	if !p.HasAck || data.kind == selective || p.Kind.Has(trace.RST) {
		return 0
	}
	again := c.began && p.Ack == c.ack && p.Length == 0 && (p.Kind == trace.ACK ||
		p.Kind == trace.Ack) &&
		(p.Window == c.window || len(p.SACK) > 0)
	if p.Kind == trace.ACK {
		again = again && before(p.Ack, data.max)
	}
	if again {
		c.times++
	} else if p.Ack != c.ack {
		c.times = 0
	}
	c.began, c.ack, c.window = true, p.Ack, p.Window
	if !again {
		return 0
	}
	return c.times
}
