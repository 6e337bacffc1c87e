package tcp

import "example.com/sockets/03-tcp-reliability/engine/trace"

// What this end tells of what it sends and of its state. Nothing here decides anything.

// An outbox holds the packets for Send, and counts. It is a ring whose slots keep their memory.
type outbox struct {
	ring    []trace.Packet
	head, n int

	sent     int // packets
	data     int // of them first transmissions with payload
	again    int // of them repetitions
	timeouts int // and how often the timer ran out
	arrivals int // calls of Receive
	cause    int // the arrival that is being processed, or 0
}

// push gives the slot for one more packet.
func (o *outbox) push() *trace.Packet {
	if o.n == len(o.ring) {
		ring := make([]trace.Packet, max(4, 2*len(o.ring)))
		for i := range o.n {
			ring[i] = o.ring[(o.head+i)%len(o.ring)]
		}
		o.ring, o.head = ring, 0
	}
	p := &o.ring[(o.head+o.n)%len(o.ring)]
	o.n++
	return p
}

func (o *outbox) pop() (trace.Packet, bool) {
	if o.n == 0 {
		return trace.Packet{}, false
	}
	p := o.ring[o.head]
	o.head = (o.head + 1) % len(o.ring)
	o.n--
	return p, true
}

// tell puts a segment into the outbox, described. The x is nil if it has no numbers of its own.
func (c *Conn) tell(s *Segment, x *sent, why trace.Reason, line trace.Line) {
	p := c.out.push()
	p.Bytes = s.Encode(p.Bytes[:0])
	p.Header = trace.Header{}
	c.out.sent++
	switch {
	case x == nil:
	case x.original == 0:
		x.original, x.latest = c.out.sent, c.out.sent
		if len(s.Payload) > 0 {
			c.out.data++
			p.Data = c.out.data
		}
	default:
		c.out.again++
		p.Retransmits, p.Previous = x.original, x.latest
		x.latest = c.out.sent
	}
	if c.options.Trace {
		c.describe(&p.Header, s)
		p.Why, p.Line = why, line
	}
}

// describe says what a segment is. Its numbers are relative to each end's SYN.
func (c *Conn) describe(h *trace.Header, s *Segment) {
	h.Kind = kinds[s.Flags&^PSH]
	h.Cause = c.out.cause
	h.Seq = s.Seq - c.snd.iss
	h.Length, h.Text = len(s.Payload), trace.Cut(s.Payload)
	h.Window, h.HasWindow = int(s.Window), true
	if s.Flags&SYN == 0 {
		h.Window <<= c.rcv.shift
	}
	if h.HasAck = s.Flags&ACK != 0; h.HasAck {
		h.Ack = s.Ack - c.rcv.irs
	}
	for _, k := range s.SACK {
		h.SACK = append(h.SACK, [2]uint32{k.From - c.rcv.irs, k.To - c.rcv.irs})
	}
}

var kinds = map[Flags]trace.PacketKind{SYN: trace.SYN, SYN | ACK: trace.SYNACK, ACK: trace.ACK,
	FIN | ACK: trace.FINACK, RST: trace.RST, RST | ACK: trace.RSTACK}

// here is the line of code that called, or with skip 1, 2 … one further out: where it is decided.
func (c *Conn) here(skip int) trace.Line {
	if !c.options.Trace {
		return 0
	}
	return trace.Here(skip + 1)
}

// Notes tells what has changed since the last call: the congestion window and its threshold in
// segments, the smoothed round trip and the timeout in microseconds. Good until the next call.
func (c *Conn) Notes() []trace.Note {
	if c.state < established && c.rto.srtt == 0 {
		return nil // cwnd is not known before the handshake
	}
	g := &c.congestion
	notes := c.told.notes[:0]
	for i, v := range [...]int64{int64(g.cwnd / g.mss), int64(g.ssthresh / g.mss),
		c.rto.srtt.Microseconds(), c.rto.now.Microseconds()} {
		if v != c.told.values[i] && (i != 1 || g.ssthresh != noThreshold) {
			c.told.values[i] = v
			notes = append(notes, trace.Note{At: c.now, Name: noted[i][0], Value: v, Unit: noted[i][1]})
		}
	}
	return notes
}

var noted = [...][2]string{ // name and unit
	{"cwnd", "segments"}, {"ssthresh", "segments"}, {"srtt", "us"}, {"rto", "us"}}

// told is what Notes has told already.
type told struct {
	values [4]int64
	notes  [4]trace.Note
}
