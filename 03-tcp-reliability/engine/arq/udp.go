package arq

import (
	"time"

	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// A UDPSender has no protocol at all. Each Write becomes a datagram and is
// forgotten; one of more than MaxPayload bytes becomes several. The packets
// have the header of the others, so that they can be told apart in a trace
// and so that damage is noticed, as UDP's own checksum would (RFC 768).
// Nobody looks at the numbers.
type UDPSender struct {
	transfer uint64
	wait     []string // written and not yet sent
	number   int      // of packets sent
	closed   bool
	packet   []byte
}

// udpBuffer is how many datagrams wait at most at either end.
const udpBuffer = 1024

// NewUDPSender makes the sending end.
func NewUDPSender(transfer uint64) *UDPSender {
	return &UDPSender{transfer: transfer}
}

// Write takes what fits of p, and returns how much.
func (s *UDPSender) Write(now time.Duration, p []byte) int {
	taken := 0
	for taken < len(p) && !s.closed && len(s.wait) < udpBuffer {
		piece := p[taken:min(taken+MaxPayload, len(p))]
		s.wait = append(s.wait, string(piece))
		taken += len(piece)
	}
	return taken
}

// Send gives the packet to send now, if there is one. Its bytes are good
// until the next call.
func (s *UDPSender) Send(now time.Duration) (trace.Packet, bool) {
	if len(s.wait) == 0 {
		return trace.Packet{}, false
	}
	payload := s.wait[0]
	s.wait = s.wait[1:]
	s.number++
	s.packet = encode(s.packet, Packet{Protocol: UDP, Type: Data,
		Transfer: s.transfer,
		Seq:      uint32(s.transfer) + uint32(s.number)}, payload)
	return trace.Packet{Bytes: s.packet, Header: trace.Header{
		Kind:   trace.Data,
		Seq:    uint32(s.number),
		Length: len(payload),
		Text:   trace.Cut(payload),
		Data:   s.number,
		Line:   trace.Here(0),
	}}, true
}

// Close says that no more bytes come. The receiver does not learn it.
func (s *UDPSender) Close(now time.Duration) { s.closed = true }

// Receive takes nothing: nobody answers.
func (s *UDPSender) Receive(now time.Duration, packet []byte) {}

// Deadline is never: nothing is repeated.
func (s *UDPSender) Deadline() (time.Duration, bool) { return 0, false }

// Read gives nothing: bytes travel one way.
func (s *UDPSender) Read(now time.Duration, p []byte) (int, error) {
	return 0, nil
}

// Done says whether everything was sent. Whether it arrived nobody knows.
func (s *UDPSender) Done() (bool, error) {
	return s.closed && len(s.wait) == 0, nil
}

// A UDPReceiver hands over the datagrams as they arrive: out of order, some
// twice, some never.
type UDPReceiver struct {
	transfer uint64
	wait     [][]byte // arrived and not yet read
	read     int      // datagrams that were read
	dropped  int      // that arrived when too many waited
}

// NewUDPReceiver makes the receiving end.
func NewUDPReceiver(transfer uint64) *UDPReceiver {
	return &UDPReceiver{transfer: transfer}
}

// Receive takes a packet from the network. When too many wait for the
// application it is lost.
func (r *UDPReceiver) Receive(now time.Duration, packet []byte) {
	p, err := Decode(packet)
	switch {
	case err != nil || p.Protocol != UDP || p.Type != Data || p.Transfer != r.transfer:
	case len(r.wait) == udpBuffer:
		r.dropped++
	default:
		r.wait = append(r.wait, append([]byte(nil), p.Payload...))
	}
}

// Read moves one datagram to p. If the datagram is longer, the next Read
// returns the rest; a real UDP socket would drop it.
func (r *UDPReceiver) Read(now time.Duration, p []byte) (int, error) {
	if len(r.wait) == 0 {
		return 0, nil
	}
	n := copy(p, r.wait[0])
	if r.wait[0] = r.wait[0][n:]; len(r.wait[0]) == 0 {
		r.wait = r.wait[1:]
		r.read++
	}
	return n, nil
}

// Send gives nothing: nobody answers.
func (r *UDPReceiver) Send(now time.Duration) (trace.Packet, bool) {
	return trace.Packet{}, false
}

// Deadline is never: nothing is repeated.
func (r *UDPReceiver) Deadline() (time.Duration, bool) { return 0, false }

// Write takes nothing: bytes travel one way.
func (r *UDPReceiver) Write(now time.Duration, p []byte) int { return 0 }

// Close does nothing: bytes travel one way.
func (r *UDPReceiver) Close(now time.Duration) {}

// Done is true when nothing waits to be read: more may come or not, a
// receiver without a protocol can't know.
func (r *UDPReceiver) Done() (bool, error) { return len(r.wait) == 0, nil }
