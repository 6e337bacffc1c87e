// Package rto is an exercise: README.md has the task.
package rto

import "time"

// The bounds of the timeout.
const (
	Initial = time.Second            // before the first round trip is known
	Floor   = 200 * time.Millisecond // never less
	Cap     = 60 * time.Second       // never more
)

// An Estimator learns from round trips how long to wait for an
// acknowledgement (RFC 6298). Its zero value is ready.
type Estimator struct {
	// TODO: what must it remember?
}

// Sample takes the round trip of a packet. times is how often the packet had
// been sent when its acknowledgement came.
func (e *Estimator) Sample(roundTrip time.Duration, times int) {
	// TODO: write this.
}

// Expired says that the timer has run out.
func (e *Estimator) Expired() {
	// TODO: write this.
}

// RTO is how long to wait for the next acknowledgement.
func (e *Estimator) RTO() time.Duration {
	// TODO: write this.
	return 0
}
