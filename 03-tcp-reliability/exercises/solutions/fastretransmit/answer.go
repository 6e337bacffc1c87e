// Package fastretransmit is a solution.
package fastretransmit

import "time"

// A Sender keeps up to a window of packets under way, and sends a lost one
// again as soon as the acknowledgements tell of it. It has no clock: the time
// since the start is passed in.
type Sender struct {
	last, window int
	rto          time.Duration

	base, next int             // under way: from base to before next
	deadlines  []time.Duration // by number: rto after the last transmission

	duplicates int  // acknowledgements since the last that said something new
	again      bool // send base again now
}

// New makes a sender. A window is a number of packets; rto (retransmission
// timeout) is how long the oldest of them waits for its acknowledgement, when
// nothing else tells that it was lost.
func New(last, window int, rto time.Duration) *Sender {
	return &Sender{last: last, window: window, rto: rto,
		base: 1, next: 1, deadlines: make([]time.Duration, last+2)}
}

// Send names the packet to send now, false for none. It is called again and
// again until it says false.
func (s *Sender) Send(now time.Duration) (number int, ok bool) {
	late := s.base < s.next && now >= s.deadlines[s.base]
	switch {
	case s.again || late:
		// The oldest alone: the receiver has kept those after it.
		s.again = false
		number = s.base
	case s.next <= s.last && s.next < s.base+s.window:
		number = s.next
		s.next++
	default:
		return 0, false
	}
	s.deadlines[number] = now + s.rto
	return number, true
}

// Ack takes an acknowledgement that has come from the network. It stands for
// all packets up to this number.
func (s *Sender) Ack(now time.Duration, number int) {
	if number >= s.base {
		s.base = number + 1
		s.duplicates = 0
		s.again = false
		return
	}
	if number < s.base-1 || s.base == s.next {
		return // late: it tells nothing
	}
	// A packet beyond the oldest has arrived. One or two such may have
	// overtaken it; after three it is taken for lost. With the fourth it has
	// been sent again already.
	s.duplicates++
	if s.duplicates == 3 {
		s.again = true
	}
}

// Deadline says when to call Send although no acknowledgement has come, false
// for never.
func (s *Sender) Deadline() (at time.Duration, ok bool) {
	return s.deadlines[s.base], s.base < s.next
}
