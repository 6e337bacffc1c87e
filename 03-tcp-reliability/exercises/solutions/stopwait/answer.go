// Package stopwait is a solution.
package stopwait

import "time"

// A Sender sends the packets 1 to last by stop-and-wait: one packet, then its
// acknowledgement, then the next packet. It has no clock: the time since the
// start is passed in.
type Sender struct {
	last int
	rto  time.Duration

	// The sender is in one of two states: packet number is to be sent for
	// the first time, or it is under way and its acknowledgement awaited.
	number   int
	waiting  bool
	deadline time.Duration // while waiting
}

// New makes a sender. A packet that is not acknowledged in the time rto
// (retransmission timeout) is sent again.
func New(last int, rto time.Duration) *Sender {
	return &Sender{last: last, rto: rto, number: 1}
}

// Send names the packet to send now, false for none. It is called again and
// again until it says false.
func (s *Sender) Send(now time.Duration) (number int, ok bool) {
	if s.number > s.last {
		return 0, false // the last is acknowledged
	}
	if s.waiting && now < s.deadline {
		return 0, false
	}
	// The first transmission, or the next: the timer starts with each of
	// them, because a retransmission can be lost, too.
	s.waiting = true
	s.deadline = now + s.rto
	return s.number, true
}

// Ack takes an acknowledgement that has come from the network. The network
// may be late, and it may bring the same one twice.
func (s *Sender) Ack(now time.Duration, number int) {
	// When a packet was sent twice because its acknowledgement was late,
	// then a second one follows, while the next packet is under way. It
	// tells nothing about that one.
	if number != s.number || !s.waiting {
		return
	}
	s.number++
	s.waiting = false
}

// Deadline says when to call Send although no acknowledgement has come, false
// for never.
func (s *Sender) Deadline() (at time.Duration, ok bool) {
	return s.deadline, s.waiting
}
