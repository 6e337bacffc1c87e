package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/arq"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// A Sender has the packets 1, 2, 3 … up to Last to send, and says which is
// sent when. The time is that since the start; it is passed in.
type Sender interface {
	// Send names the packet to send now, false for none. It is called
	// again until it says false.
	Send(now time.Duration) (number int, ok bool)
	// Ack takes an acknowledgement from the network.
	Ack(now time.Duration, number int)
	// Deadline says when to call Send although no acknowledgement has
	// come, false for never.
	Deadline() (at time.Duration, ok bool)
}

// A Receiver takes packets from the network. It answers with the numbers of
// the packets to acknowledge, and the words that the application gets now.
type Receiver interface {
	Receive(number int, word string) (acks []int, words []string)
}

// sender makes a host of a Sender.
type sender struct {
	Sender
	protocol arq.Protocol
	last     int      // the number of the last packet
	words    []string // of packet n at n-1
	closed   bool
	err      error

	now    time.Duration
	why    trace.Reason // a packet that is sent again now is
	reason trace.Reason // why, if not for a timeout: a learner's doesn't say
	idle   bool         // Send had nothing

	// With oneByOne all that can be sent is sent before the next
	// acknowledgement is handed over, also of those that came at one moment.
	oneByOne bool
	acks     []ack
	numbers  map[int]int // of the first transmission of each packet
	sent     int
}

func newSender(p arq.Protocol, s Sender, last int) *sender {
	return &sender{Sender: s, protocol: p, last: last, numbers: map[int]int{}, now: -1,
		reason: "unknown"}
}

func (s *sender) Write(now time.Duration, p []byte) int {
	s.words = append(s.words, string(p))
	return len(p)
}

func (s *sender) Close(now time.Duration) { s.closed = true }

func (s *sender) Receive(now time.Duration, b []byte) {
	p, err := arq.Decode(b)
	if err != nil || s.err != nil {
		return
	}
	a := decodeAck(p)
	if s.acks = append(s.acks, a); !s.oneByOne {
		s.take(now)
	}
}

// take hands the first acknowledgement over that waits.
func (s *sender) take(now time.Duration) {
	a := s.acks[0]
	s.acks = s.acks[1:]
	if selective, ok := s.Sender.(*sackHost); ok {
		selective.SackSender.Ack(now, a.number, a.blocks)
		return
	}
	s.Ack(now, a.number)
}

// An ack is an acknowledgement. Its blocks, if it has any, are the first and
// the last of packets that have come.
type ack struct {
	number int
	blocks [][2]int
}

// encode makes a packet of it. Those of package arq have no room for blocks:
// here such an acknowledgement travels as the payload of a packet.
func (a ack) encode(protocol arq.Protocol) trace.Packet {
	p := arq.Packet{Protocol: protocol, Type: arq.Ack, Transfer: transfer, Ack: first +
		uint32(a.number)}
	h := trace.Header{Kind: trace.Ack, Ack: uint32(a.number), HasAck: true}
	if len(a.blocks) > 0 {
		p.Type, p.Ack = arq.Data, 0
		p.Payload = binary.BigEndian.AppendUint32(nil, uint32(a.number))
	}
	for _, b := range a.blocks {
		p.Payload = binary.BigEndian.AppendUint32(p.Payload, uint32(b[0]))
		p.Payload = binary.BigEndian.AppendUint32(p.Payload, uint32(b[1]))
		h.SACK = append(h.SACK, [2]uint32{uint32(b[0]), uint32(b[1]) + 1})
	}
	return trace.Packet{Bytes: arq.Encode(p), Header: h}
}

func decodeAck(p arq.Packet) ack {
	if p.Type != arq.Data {
		return ack{number: int(p.Ack - first)}
	}
	number := func(at int) int { return int(binary.BigEndian.Uint32(p.Payload[at:])) }
	a := ack{number: number(0)}
	for at := 4; at < len(p.Payload); at += 8 {
		a.blocks = append(a.blocks, [2]int{number(at), number(at + 4)})
	}
	return a
}

// first is the sequence number before that of packet 1.
const first = transfer & (1<<32 - 1)

func (s *sender) Send(now time.Duration) (trace.Packet, bool) {
	if !s.closed || s.err != nil {
		return trace.Packet{}, false
	}
	if at, ok := s.Sender.Deadline(); now != s.now {
		s.now, s.why = now, s.reason
		if ok && at <= now {
			s.why = "timeout"
		}
	}
	n, ok := s.Sender.Send(now)
	for ; !ok && len(s.acks) > 0; n, ok = s.Sender.Send(now) {
		s.take(now)
	}
	s.idle = !ok
	switch {
	case !ok:
		if at, ok := s.Sender.Deadline(); ok && at <= now {
			s.err = fmt.Errorf("is cut off: Deadline says %s, which is over, and Send has "+
				"nothing to send", Millis(at))
		}
		return trace.Packet{}, false
	case n < 1 || n > s.last:
		s.err = fmt.Errorf("is cut off: it sends packet %d, and there are 1 to %d", n, s.last)
		return trace.Packet{}, false
	case s.sent >= maxPackets && s.sent >= 20*s.last:
		s.err = fmt.Errorf("is cut off: it has sent %d packets, and goes on", s.sent)
		return trace.Packet{}, false
	}
	s.sent++
	p := arq.Packet{Protocol: s.protocol, Type: arq.Fin, Transfer: transfer, Seq: first + uint32(n)}
	c := trace.Header{Seq: uint32(n)}
	if n < s.last {
		p.Type, p.Payload = arq.Data, []byte(s.words[n-1])
		c.Text, c.Length = s.words[n-1], len(s.words[n-1])
	}
	c.Kind = trace.PacketKind(p.Type.String())
	if s.numbers[n] == 0 {
		s.numbers[n] = s.sent
		if n < s.last {
			c.Data = n
		}
	} else {
		c.Retransmits, c.Why = s.numbers[n], s.why
		if s.why == "timeout" {
			s.why = "go-back" // what follows at once
		}
	}
	return trace.Packet{Bytes: arq.Encode(p), Header: c}, true
}

// Done takes a sender that has nothing to send and no deadline for finished.
// If it is not, the receiver misses something, and that ends the run.
func (s *sender) Done() (bool, error) {
	_, waits := s.Sender.Deadline()
	return s.err != nil || s.closed && s.idle && !waits, s.err
}

func (s *sender) Read(now time.Duration, p []byte) (int, error) { return 0, nil }
func (s *sender) Notes() []trace.Note                           { return nil }

// receiver makes a host of a Receiver.
type receiver struct {
	Receiver
	protocol arq.Protocol
	bytes    []byte // for the application
	acks     []ack
	ended    bool
	told     bool // the application knows
	err      error
}

func newReceiver(p arq.Protocol, r Receiver) *receiver {
	return &receiver{Receiver: r, protocol: p}
}

func (r *receiver) Receive(now time.Duration, b []byte) {
	p, err := arq.Decode(b)
	if err != nil {
		return // damaged: as if it had been lost
	}
	word := string(p.Payload)
	if p.Type == arq.Fin {
		word = End
	}
	acks, words := r.Receiver.Receive(int(p.Seq-first), word)
	for _, n := range acks {
		a := ack{number: n}
		if selective, ok := r.Receiver.(*selective); ok {
			a.blocks = selective.blocks()
		}
		r.acks = append(r.acks, a)
	}
	for _, w := range words {
		if w == End {
			r.ended = true
			break
		}
		r.bytes = append(r.bytes, w...)
	}
	if len(r.acks) > maxPackets || len(r.bytes) > 1000*len(Message) {
		r.acks, r.bytes = nil, nil
		r.err = errors.New("is cut off: it acknowledges and delivers without end")
	}
}

func (r *receiver) Send(now time.Duration) (trace.Packet, bool) {
	if len(r.acks) == 0 {
		return trace.Packet{}, false
	}
	a := r.acks[0]
	r.acks = r.acks[1:]
	return a.encode(r.protocol), true
}

func (r *receiver) Read(now time.Duration, p []byte) (int, error) {
	n := copy(p, r.bytes)
	r.bytes = r.bytes[n:]
	if n == 0 && r.ended {
		r.told = true
		return 0, io.EOF
	}
	return n, nil
}

func (r *receiver) Done() (bool, error)                   { return r.told || r.err != nil, r.err }
func (r *receiver) Deadline() (time.Duration, bool)       { return 0, false }
func (r *receiver) Write(now time.Duration, p []byte) int { return 0 }
func (r *receiver) Close(now time.Duration)               {}
func (r *receiver) Notes() []trace.Note                   { return nil }
