// Package sack is a solution.
package sack

import "time"

// A Sender keeps up to a window of packets under way, and a scoreboard of what
// has come. So it sends again what is missing, and nothing else. It has no
// clock: the time since the start is passed in.
type Sender struct {
	last, window int
	rto          time.Duration

	base, next int // under way: from base to before next
	board      []packet
}

// A packet is a row of the scoreboard.
type packet struct {
	here     bool          // a block has told that it has come
	times    int           // how often it was sent
	deadline time.Duration // rto after the last transmission
}

// New makes a sender. A window is a number of packets; rto (retransmission
// timeout) is how long the oldest of them waits for its acknowledgement, when
// nothing else tells that it was lost.
func New(last, window int, rto time.Duration) *Sender {
	return &Sender{last: last, window: window, rto: rto,
		base: 1, next: 1, board: make([]packet, last+2)}
}

// Send names the packet to send now, false for none. It is called again and
// again until it says false.
func (s *Sender) Send(now time.Duration) (number int, ok bool) {
	late := s.base < s.next && now >= s.board[s.base].deadline
	switch lost := s.lost(); {
	case late:
		number = s.base
	case lost > 0:
		number = lost // what is missing comes before what is new
	case s.next <= s.last && s.next < s.base+s.window:
		number = s.next
		s.next++
	default:
		return 0, false
	}
	s.board[number].times++
	s.board[number].deadline = now + s.rto
	return number, true
}

// lost is the first packet that is missing although three beyond it have come,
// 0 for none. Fewer may only have overtaken it. When it was sent again, what has
// come beyond it tells nothing about that transmission: its timer is left.
func (s *Sender) lost() int {
	found, beyond := 0, 0
	for n := s.next - 1; n >= s.base; n-- {
		switch p := s.board[n]; {
		case p.here:
			beyond++
		case beyond >= 3 && p.times == 1:
			found = n
		}
	}
	return found
}

// Ack takes an acknowledgement that has come from the network. It stands for
// all packets up to number, and for those in the blocks: each is the first and
// the last of packets that have come, beyond number.
func (s *Sender) Ack(now time.Duration, number int, blocks [][2]int) {
	if number >= s.base {
		s.base = number + 1
	}
	// There is room for a few blocks only, so what is told once is kept. A late
	// acknowledgement is still true: what has come stays there.
	for _, b := range blocks {
		for n := b[0]; n <= b[1]; n++ {
			s.board[n].here = true
		}
	}
}

// Deadline says when to call Send although no acknowledgement has come, false
// for never.
func (s *Sender) Deadline() (at time.Duration, ok bool) {
	return s.board[s.base].deadline, s.base < s.next
}
