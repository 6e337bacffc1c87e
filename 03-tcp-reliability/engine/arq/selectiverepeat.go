package arq

import (
	"time"

	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// A SelectiveRepeatSender keeps up to a window of packets under way, each
// with a timer of its own, and repeats only those that are not acknowledged.
type SelectiveRepeatSender struct{ sender }

// NewSelectiveRepeatSender makes the sending end of a transfer, with a window
// of 1 to MaxWindow packets. The rto is fixed at this duration, or adapts to
// the round trip (RFC 6298) if it is 0.
func NewSelectiveRepeatSender(transfer uint64, window int,
	rto time.Duration) *SelectiveRepeatSender {
	return &SelectiveRepeatSender{
		newSender(SelectiveRepeat, transfer, window, rto)}
}

// Receive takes a packet from the network. An acknowledgement stands for one
// packet alone. The window moves on when the oldest is acknowledged.
func (s *SelectiveRepeatSender) Receive(now time.Duration, packet []byte) {
	n, ok := s.acknowledgement(packet)
	if !ok || s.slot(n).acked {
		return
	}
	s.measure(now, n)
	s.slot(n).acked = true
	base := s.base
	for base != s.next && s.slot(base).acked {
		base++
	}
	s.advance(base)
}

// Send gives the packet to send now, if there is one. Its bytes are good
// until the next call.
func (s *SelectiveRepeatSender) Send(now time.Duration) (
	trace.Packet, bool) {
	if over, _ := s.Done(); over {
		return trace.Packet{}, false
	}
	if n, ok := s.earliest(); ok && s.expired(now, n) {
		return s.transmit(now, n, timeout)
	}
	if s.next != s.end && s.next-s.base < s.window {
		s.next++
		return s.transmit(now, s.next-1, "")
	}
	return trace.Packet{}, false
}

// Deadline is when the next packet is to be repeated.
func (s *SelectiveRepeatSender) Deadline() (time.Duration, bool) {
	if over, _ := s.Done(); over {
		return 0, false
	}
	n, ok := s.earliest()
	return s.slot(n).deadline, ok
}

// earliest is the packet under way whose timer runs out first, the oldest of
// several.
func (s *SelectiveRepeatSender) earliest() (n uint32, ok bool) {
	for i := s.base; i != s.next; i++ {
		if l := s.slot(i); !l.acked &&
			(!ok || l.deadline < s.slot(n).deadline) {
			n, ok = i, true
		}
	}
	return n, ok
}

// A SelectiveRepeatReceiver keeps what comes out of order until the gap
// before it is filled, and acknowledges each packet.
type SelectiveRepeatReceiver struct {
	receiver
	kept map[uint32]kept // ahead of the expected one
}

type kept struct {
	typ     Type
	payload []byte
}

// NewSelectiveRepeatReceiver makes the receiving end of a transfer.
func NewSelectiveRepeatReceiver(transfer uint64) *SelectiveRepeatReceiver {
	return &SelectiveRepeatReceiver{
		newReceiver(SelectiveRepeat, transfer), map[uint32]kept{}}
}

// Receive takes a packet from the network.
func (r *SelectiveRepeatReceiver) Receive(now time.Duration,
	packet []byte) {
	p, ok := r.packet(packet)
	switch {
	case !ok:
		return
	case before(p.Seq, r.expected):
		// A duplicate: its acknowledgement was lost or came too late.
		r.discard()
		r.acknowledge(p.Seq)
		return
	case p.Seq-r.expected >= MaxWindow:
		r.discard()
		return
	case !r.room():
		r.drop()
		return
	case p.Seq == r.expected:
		r.deliver(p.Type, p.Payload)
	default:
		if _, twice := r.kept[p.Seq]; twice {
			r.discard()
		} else {
			r.kept[p.Seq] = kept{p.Type, append([]byte(nil), p.Payload...)}
		}
	}
	r.acknowledge(p.Seq)

	// What was kept may be next now.
	for len(r.kept) > 0 {
		k, ok := r.kept[r.expected]
		if !ok {
			break
		}
		delete(r.kept, r.expected)
		r.deliver(k.typ, k.payload)
	}
}
