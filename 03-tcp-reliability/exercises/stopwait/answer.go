// Package stopwait is an exercise: README.md has the task.
package stopwait

import "time"

// A Sender sends the packets 1 to last by stop-and-wait: one packet, then its
// acknowledgement, then the next packet. It has no clock: the time since the
// start is passed in.
type Sender struct {
	// TODO: what must a sender remember from one call to the next?
}

// New makes a sender. A packet that is not acknowledged in the time rto
// (retransmission timeout) is sent again.
func New(last int, rto time.Duration) *Sender {
	return &Sender{}
}

// Send names the packet to send now, false for none. It is called again and
// again until it says false.
func (s *Sender) Send(now time.Duration) (number int, ok bool) {
	// TODO: write this.
	return 0, false
}

// Ack takes an acknowledgement that has come from the network. The network
// may be late, and it may bring the same one twice.
func (s *Sender) Ack(now time.Duration, number int) {
	// TODO: write this.
}

// Deadline says when to call Send although no acknowledgement has come, false
// for never.
func (s *Sender) Deadline() (at time.Duration, ok bool) {
	// TODO: write this.
	return 0, false
}
