package arq

import (
	"io"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// ReceiveBuffer is how many bytes a receiver keeps for an application that
// does not read. Packets that come when it is full are not acknowledged, as
// if they were lost: these protocols have no flow control. TCP has, its
// acknowledgements say how much room is left.
const ReceiveBuffer = 1 << 20

// Linger is how long a program should keep answering after the end, because
// the sender repeats its fin when the acknowledgement was lost. It is time
// for a repetition after the longest timeout, and another one.
const Linger = 2 * maxRTO

// maxAcks bounds the acknowledgements that wait for Send. More are dropped,
// as if the network had lost them.
const maxAcks = 64

// A receiver is what the three receivers share: the bytes on their way to
// the application, and the acknowledgements on theirs to the sender.
type receiver struct {
	protocol    Protocol
	transfer    uint64
	expected    uint32 // the next packet in order
	finReceived bool
	endRead     bool // the application has read io.EOF

	bytes []byte // for the application
	read  int    // how many of them it has
	acks  []ack
	out   []byte // the last acknowledgement

	// For the trace alone:
	heard     int   // packets received, good or bad
	unread    []int // where each packet ends that is not yet read, of all bytes
	delivered int   // bytes
	consumed  int   // bytes of these that are read
	dropped   int   // packets thrown away because the buffer was full
	thrown    int   // packets thrown away, these and all others
}

// An ack is an acknowledgement to be sent.
type ack struct {
	n     uint32     // the packet that it names
	cause int        // which arrival it answers
	line  trace.Line // where that was decided
}

func newReceiver(p Protocol, transfer uint64) receiver {
	return receiver{protocol: p, transfer: transfer,
		expected: first(transfer)}
}

// packet takes a packet apart. It is ok when it is one of this transfer.
func (r *receiver) packet(b []byte) (Packet, bool) {
	r.heard++
	p, err := Decode(b)
	return p, err == nil && p.Protocol == r.protocol && p.Type != Ack &&
		p.Transfer == r.transfer
}

// room says whether the application has read enough to take more.
func (r *receiver) room() bool {
	return len(r.bytes)-r.read < ReceiveBuffer
}

// discard throws a packet away.
func (r *receiver) discard() {
	r.thrown++
}

// drop throws a packet away for which there is no room.
func (r *receiver) drop() {
	r.thrown++
	r.dropped++
}

// deliver hands the expected packet to the application.
func (r *receiver) deliver(t Type, payload []byte) {
	r.expected++
	if r.finReceived {
		return // only a broken sender keeps sending after its fin
	}
	r.bytes = append(r.bytes, payload...)
	if r.finReceived = t == Fin; !r.finReceived {
		r.delivered += len(payload)
		r.unread = append(r.unread, r.delivered)
	}
}

// acknowledge queues an acknowledgement of packet n.
func (r *receiver) acknowledge(n uint32) {
	if len(r.acks) < maxAcks {
		r.acks = append(r.acks, ack{n, r.heard, trace.Here(1)})
	}
}

// Send gives the acknowledgement to send now, if there is one. Its bytes are
// good until the next call.
func (r *receiver) Send(now time.Duration) (trace.Packet, bool) {
	if len(r.acks) == 0 {
		return trace.Packet{}, false
	}
	a := r.acks[0]
	r.acks = append(r.acks[:0], r.acks[1:]...)
	r.out = encode(r.out, Packet{Protocol: r.protocol, Type: Ack,
		Transfer: r.transfer, Ack: a.n}, "")
	return trace.Packet{Bytes: r.out, Header: trace.Header{
		Kind: trace.Ack, Ack: a.n - uint32(r.transfer), HasAck: true,
		Cause: a.cause, Line: a.line,
	}}, true
}

// Deadline is never: a receiver only answers.
func (r *receiver) Deadline() (time.Duration, bool) { return 0, false }

// Write takes nothing: bytes travel one way.
func (r *receiver) Write(now time.Duration, p []byte) int { return 0 }

// Close does nothing: bytes travel one way.
func (r *receiver) Close(now time.Duration) {}

// Read moves received bytes to p: 0 and nil when there are none yet, io.EOF
// after the last.
func (r *receiver) Read(now time.Duration, p []byte) (int, error) {
	n := copy(p, r.bytes[r.read:])
	r.read += n
	r.consumed += n
	for len(r.unread) > 0 && r.unread[0] <= r.consumed {
		r.unread = r.unread[1:]
	}
	switch {
	case r.read < len(r.bytes):
		// Make room at the front once half of the buffer is free.
		if r.read >= ReceiveBuffer/2 {
			r.bytes = append(r.bytes[:0], r.bytes[r.read:]...)
			r.read = 0
		}
	case n == 0 && r.finReceived:
		r.endRead = true
		return 0, io.EOF
	default:
		r.bytes, r.read = r.bytes[:0], 0
	}
	return n, nil
}

// Done says whether the application has read everything and the end. The
// receiver still answers a repeated fin: see Linger.
func (r *receiver) Done() (bool, error) { return r.endRead, nil }
