package arq

import (
	"time"

	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// A GoBackNSender keeps up to a window of packets under way. When the oldest
// is not acknowledged in time it goes back and repeats all of them, because
// the receiver keeps nothing that comes out of order.
type GoBackNSender struct {
	sender
	again uint32 // the next packet to send: before next when gone back
}

// NewGoBackNSender makes the sending end of a transfer, with a window of 1 to
// MaxWindow packets. The rto is fixed at this duration, or adapts to the
// round trip (RFC 6298) if it is 0.
func NewGoBackNSender(transfer uint64, window int,
	rto time.Duration) *GoBackNSender {
	return &GoBackNSender{newSender(GoBackN, transfer, window, rto),
		first(transfer)}
}

// Receive takes a packet from the network. An acknowledgement is cumulative:
// it stands for every packet up to the one that it names.
func (s *GoBackNSender) Receive(now time.Duration, packet []byte) {
	n, ok := s.acknowledgement(packet)
	if !ok {
		return
	}
	s.measure(now, n)
	s.advance(n + 1)
	if before(s.again, s.base) {
		s.again = s.base
	}
}

// Send gives the packet to send now, if there is one. Its bytes are good
// until the next call.
func (s *GoBackNSender) Send(now time.Duration) (trace.Packet, bool) {
	if over, _ := s.Done(); over {
		return trace.Packet{}, false
	}

	// The oldest packet's time is up: go back to it.
	if s.base != s.again && s.expired(now, s.base) {
		p, ok := s.transmit(now, s.base, timeout)
		s.again = s.base + 1
		return p, ok
	}

	n := s.again
	switch {
	case before(n, s.next):
		s.again++
		return s.transmit(now, n, goBack)
	case n != s.end && n-s.base < s.window:
		s.again++
		s.next++
		return s.transmit(now, n, "")
	}
	return trace.Packet{}, false
}

// Deadline is when the oldest packet under way is to be repeated.
func (s *GoBackNSender) Deadline() (time.Duration, bool) {
	over, _ := s.Done()
	return s.slot(s.base).deadline, !over && s.base != s.again
}

// A GoBackNReceiver takes the packets in order, discards all others, and
// acknowledges the last that it took.
type GoBackNReceiver struct{ receiver }

// NewGoBackNReceiver makes the receiving end of a transfer.
func NewGoBackNReceiver(transfer uint64) *GoBackNReceiver {
	return &GoBackNReceiver{newReceiver(GoBackN, transfer)}
}

// Receive takes a packet from the network.
func (r *GoBackNReceiver) Receive(now time.Duration, packet []byte) {
	p, ok := r.packet(packet)
	if !ok {
		return
	}
	switch {
	case p.Seq != r.expected:
		r.discard()
	case !r.room():
		r.drop()
	default:
		r.deliver(p.Type, p.Payload)
	}
	// Ahead of the first packet this names number 0, which is none.
	r.acknowledge(r.expected - 1)
}
