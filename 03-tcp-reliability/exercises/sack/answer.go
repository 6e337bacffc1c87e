// Package sack is an exercise: README.md has the task.
package sack

import "time"

// A Sender keeps up to a window of packets under way, and a scoreboard of what
// has come. So it sends again what is missing, and nothing else. It has no
// clock: the time since the start is passed in.
type Sender struct {
	// TODO: what must a sender remember from one call to the next?
}

// New makes a sender. A window is a number of packets; rto (retransmission
// timeout) is how long the oldest of them waits for its acknowledgement, when
// nothing else tells that it was lost.
func New(last, window int, rto time.Duration) *Sender {
	return &Sender{}
}

// Send names the packet to send now, false for none. It is called again and
// again until it says false.
func (s *Sender) Send(now time.Duration) (number int, ok bool) {
	// TODO: write this.
	return 0, false
}

// Ack takes an acknowledgement that has come from the network. It stands for
// all packets up to number, and for those in the blocks: each is the first and
// the last of packets that have come, beyond number.
func (s *Sender) Ack(now time.Duration, number int, blocks [][2]int) {
	// TODO: write this.
}

// Deadline says when to call Send although no acknowledgement has come, false
// for never.
func (s *Sender) Deadline() (at time.Duration, ok bool) {
	// TODO: write this.
	return 0, false
}
