package arq

import (
	"time"

	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// A StopAndWaitSender sends one packet, waits for its acknowledgement, and
// only then sends the next.
//
// Textbooks number the packets 0, 1, 0, 1 … (the alternating-bit protocol).
// That is enough on a line, where nothing overtakes. On a network a late
// duplicate of the last 0 but one would pass for the new 0, so each packet
// here has a number of its own.
type StopAndWaitSender struct{ sender }

// NewStopAndWaitSender makes the sending end of a transfer. The rto is fixed
// at this duration, or adapts to the round trip (RFC 6298) if it is 0.
func NewStopAndWaitSender(transfer uint64,
	rto time.Duration) *StopAndWaitSender {
	return &StopAndWaitSender{newSender(StopAndWait, transfer, 1, rto)}
}

// The sender is in one of two states: it waits for the application's next
// packet, or for the acknowledgement of the one that it has sent.
func (s *StopAndWaitSender) waiting() bool { return s.base != s.next }

// Receive takes a packet from the network. The acknowledgement awaited ends
// the wait; a late one of an earlier packet changes nothing.
func (s *StopAndWaitSender) Receive(now time.Duration, packet []byte) {
	n, ok := s.acknowledgement(packet)
	if ok && s.waiting() && n == s.base {
		s.measure(now, n)
		s.advance(n + 1)
	}
}

// Send gives the packet to send now, if there is one. Its bytes are good
// until the next call.
func (s *StopAndWaitSender) Send(now time.Duration) (trace.Packet, bool) {
	over, _ := s.Done()
	switch {
	case over:
		return trace.Packet{}, false
	case s.waiting() && s.expired(now, s.base):
		return s.transmit(now, s.base, timeout)
	case !s.waiting() && s.next != s.end:
		s.next++ // base, the only packet of the window, is under way now
		return s.transmit(now, s.base, "")
	}
	return trace.Packet{}, false
}

// Deadline is when the packet under way is to be repeated.
func (s *StopAndWaitSender) Deadline() (time.Duration, bool) {
	over, _ := s.Done()
	return s.slot(s.base).deadline, !over && s.waiting()
}

// A StopAndWaitReceiver takes the packets in order and acknowledges each.
type StopAndWaitReceiver struct{ receiver }

// NewStopAndWaitReceiver makes the receiving end of a transfer.
func NewStopAndWaitReceiver(transfer uint64) *StopAndWaitReceiver {
	return &StopAndWaitReceiver{newReceiver(StopAndWait, transfer)}
}

// Receive takes a packet from the network.
func (r *StopAndWaitReceiver) Receive(now time.Duration, packet []byte) {
	p, ok := r.packet(packet)
	switch {
	case !ok:
	case before(p.Seq, r.expected):
		// A duplicate: its acknowledgement was lost or came too late.
		r.discard()
		r.acknowledge(p.Seq)
	case p.Seq != r.expected:
		r.discard()
	case !r.room():
		r.drop()
	default:
		r.deliver(p.Type, p.Payload)
		r.acknowledge(p.Seq)
	}
}
