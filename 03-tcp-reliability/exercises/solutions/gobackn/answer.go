// Package gobackn is a solution.
package gobackn

import "time"

// A Sender sends the packets 1 to last by go-back-N: up to a window of them
// is under way at once. It has no clock: the time since the start is passed
// in.
//
//	acknowledged | under way      | to be sent
//	-------------+----------------+-----------
//	             base             next
type Sender struct {
	last, window int
	rto          time.Duration

	base, next int
	deadlines  []time.Duration // by number: rto after the last transmission
}

// New makes a sender. A window is a number of packets; rto (retransmission
// timeout) is how long the oldest of them waits for its acknowledgement.
func New(last, window int, rto time.Duration) *Sender {
	return &Sender{last: last, window: window, rto: rto,
		base: 1, next: 1, deadlines: make([]time.Duration, last+2)}
}

// Send names the packet to send now, false for none. It is called again and
// again until it says false.
func (s *Sender) Send(now time.Duration) (number int, ok bool) {
	// The oldest packet's time is up. The receiver has kept nothing of what
	// came after it, so go back: nothing is under way any more.
	if s.base < s.next && now >= s.deadlines[s.base] {
		s.next = s.base
	}
	if s.next > s.last || s.next >= s.base+s.window {
		return 0, false
	}
	number = s.next
	s.next++
	s.deadlines[number] = now + s.rto
	return number, true
}

// Ack takes an acknowledgement that has come from the network. It stands for
// all packets up to this number.
func (s *Sender) Ack(now time.Duration, number int) {
	// One of an earlier packet says nothing new: it was late, or the receiver
	// has discarded a packet and said again which one it has.
	if number < s.base {
		return
	}
	s.base = number + 1
}

// Deadline says when to call Send although no acknowledgement has come, false
// for never.
func (s *Sender) Deadline() (at time.Duration, ok bool) {
	return s.deadlines[s.base], s.base < s.next
}
