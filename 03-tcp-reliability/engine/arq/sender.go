package arq

import (
	"fmt"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// MaxRetransmissions is how many times a packet is retransmitted because its
// timer ran out, before the sender gives up.
const MaxRetransmissions = 20

// The reasons for a retransmission.
const (
	timeout = trace.Timeout
	goBack  = trace.GoBack // an earlier packet's timer ran out
)

// MaxWindow is the most packets that may be under way at once.
const MaxWindow = 1024

// sendBuffer is how many packets, at least, a sender takes from the
// application before the first is acknowledged.
const sendBuffer = 32

// A sender is what the three senders share: the packets between the
// application and the acknowledgement, and how one is sent.
//
//	 acknowledged | under way      | written      | free
//	--------------+----------------+--------------+------
//	              base             next           end
type sender struct {
	protocol   Protocol
	transfer   uint64
	window     uint32
	base       uint32
	next       uint32
	end        uint32
	slots      []slot // packet n stands in slots[n % len(slots)]
	closed     bool   // packet end-1 is the fin
	err        error
	finUnacked bool // over, although the fin was never acknowledged

	timer  timer
	packet []byte // the last one sent
	told   told

	// For the trace alone:
	changed  time.Duration // when there was last something to tell
	heard    int           // packets received, good or bad
	sent     int           // packets
	timeouts int           // that led to a retransmission
	again    int           // packets sent again
}

// A slot holds one packet.
type slot struct {
	payload  string
	typ      Type
	acked    bool          // selective repeat: though an earlier one is not
	sent     time.Duration // the last time
	deadline time.Duration // when to repeat it
	times    int           // how often it was sent
	timeouts int           // and how often because its timer ran out

	first, latest int // which of the packets sent carried it first, and last
	cause         int // the arrival that let it into the window; 0: none
}

func newSender(p Protocol, transfer uint64, window int,
	rto time.Duration) sender {
	if window < 1 || window > MaxWindow {
		panic(fmt.Sprintf("arq: window %d", window))
	}
	// A power of two divides 2^32: the slots follow the sequence numbers
	// when those wrap.
	size := sendBuffer
	for size < 2*window {
		size *= 2
	}
	n := first(transfer)
	return sender{protocol: p, transfer: transfer, window: uint32(window),
		base: n, next: n, end: n,
		slots: make([]slot, size), timer: newTimer(rto)}
}

func (s *sender) slot(n uint32) *slot {
	return &s.slots[n%uint32(len(s.slots))]
}

// Write takes what fits of p, and returns how much. Each Write travels in
// packets of its own, of at most MaxPayload bytes.
func (s *sender) Write(now time.Duration, p []byte) int {
	taken := 0
	for taken < len(p) && !s.closed && s.err == nil &&
		int(s.end-s.base) < len(s.slots)-1 { // one is left for the fin
		piece := p[taken:min(taken+MaxPayload, len(p))]
		*s.slot(s.end) = slot{payload: string(piece), typ: Data}
		s.end++
		taken += len(piece)
	}
	return taken
}

// Close says that no more bytes come: the fin packet follows them.
func (s *sender) Close(now time.Duration) {
	if !s.closed {
		s.closed = true
		*s.slot(s.end) = slot{typ: Fin}
		s.end++
	}
}

// Read gives nothing: bytes travel one way.
func (s *sender) Read(now time.Duration, p []byte) (int, error) {
	return 0, s.err
}

// Done says whether everything was acknowledged, or else why the sender
// gave up.
func (s *sender) Done() (bool, error) {
	return s.err != nil || s.finUnacked || s.closed && s.base == s.end, s.err
}

// acknowledgement takes a packet apart. It is ok when it acknowledges one
// that may be under way.
func (s *sender) acknowledgement(b []byte) (n uint32, ok bool) {
	s.heard++
	p, err := Decode(b)
	ok = err == nil && p.Protocol == s.protocol && p.Type == Ack &&
		p.Transfer == s.transfer && s.err == nil &&
		!before(p.Ack, s.base) && before(p.Ack, s.next)
	return p.Ack, ok
}

// advance moves the window: every packet before n is acknowledged. Packets
// that were written and did not fit may now be sent, because of this arrival.
func (s *sender) advance(n uint32) {
	for i := s.base + s.window; i != n+s.window && before(i, s.end); i++ {
		s.slot(i).cause = s.heard
	}
	s.base = n
}

// measure takes the round trip of packet n, which was acknowledged now. That
// of one sent more than once is not taken: nobody knows which transmission
// was acknowledged (Karn's algorithm; RFC 6298, section 3).
func (s *sender) measure(now time.Duration, n uint32) {
	if l := s.slot(n); l.times == 1 {
		s.timer.sample(now - l.sent)
		s.changed = now
	}
}

// expired says whether packet n has waited too long for its
// acknowledgement.
func (s *sender) expired(now time.Duration, n uint32) bool {
	return now >= s.slot(n).deadline
}

// transmit sends packet n, and starts its timer. For a retransmission why
// gives the reason.
func (s *sender) transmit(now time.Duration, n uint32, why trace.Reason) (
	trace.Packet, bool) {
	l := s.slot(n)
	if why == timeout {
		s.changed = now
		if l.timeouts == MaxRetransmissions {
			s.giveUp(n)
			return trace.Packet{}, false
		}
		l.timeouts++
		s.timeouts++
		s.timer.expired(now, l.sent)
	}
	l.sent, l.deadline = now, now+s.timer.rto
	l.times++
	s.sent++

	s.packet = encode(s.packet, Packet{Protocol: s.protocol, Type: l.typ,
		Transfer: s.transfer, Seq: n}, l.payload)
	p := trace.Packet{Bytes: s.packet, Header: trace.Header{
		Kind:   trace.PacketKind(l.typ.String()),
		Seq:    n - uint32(s.transfer),
		Length: len(l.payload),
		Text:   trace.Cut(l.payload),
		Line:   trace.Here(1),
	}}
	if l.times == 1 {
		l.first = s.sent
		p.Cause = l.cause
		if l.typ == Data {
			p.Data = int(n - uint32(s.transfer))
		}
	} else {
		p.Retransmits, p.Previous, p.Why = l.first, l.latest, why
		s.again++
	}
	l.latest = s.sent
	return p, true
}

// giveUp ends the transfer because packet n was never acknowledged.
//
// If that is the fin and everything before it was acknowledged, then all is
// well: the receiver has every byte. It may even have the fin, and only its
// last acknowledgement was lost, again and again. No protocol can do better.
// Whoever speaks last never knows whether the word arrived, and one more
// acknowledgement would only be another last word: the problem of the two
// generals, who can't agree on an attack by messengers that may be caught
// (Gray 1978, "Notes on data base operating systems").
func (s *sender) giveUp(n uint32) {
	if s.slot(n).typ == Fin && n == s.base {
		s.finUnacked = true
		return
	}
	s.err = fmt.Errorf("gave up: packet %d was repeated %d times and never "+
		"acknowledged", n-uint32(s.transfer), s.slot(n).timeouts)
}
