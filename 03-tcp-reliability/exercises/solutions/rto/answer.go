// Package rto is a solution.
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
	measured bool
	srtt     time.Duration // the smoothed round trip
	rttvar   time.Duration // how much it varies
	backoff  int           // how often the timeout is doubled
}

// Sample takes the round trip of a packet. times is how often the packet had
// been sent when its acknowledgement came.
func (e *Estimator) Sample(roundTrip time.Duration, times int) {
	// Karn's rule: nobody knows which of two transmissions was acknowledged.
	if times > 1 {
		return
	}
	if !e.measured {
		// The first one: RFC 6298, section 2.2.
		e.measured = true
		e.srtt, e.rttvar = roundTrip, roundTrip/2
	} else {
		// RTTVAR first, since it needs the old SRTT: section 2.3.
		difference := (e.srtt - roundTrip).Abs()
		e.rttvar = (3*e.rttvar + difference) / 4
		e.srtt = (7*e.srtt + roundTrip) / 8
	}
	e.backoff = 0 // the network answers again
}

// Expired says that the timer has run out.
func (e *Estimator) Expired() {
	e.backoff++ // section 5.5: wait twice as long
}

// RTO is how long to wait for the next acknowledgement.
func (e *Estimator) RTO() time.Duration {
	rto := Initial
	if e.measured {
		rto = max(e.srtt+4*e.rttvar, Floor)
	}
	for range e.backoff {
		rto = min(2*rto, Cap) // bounded at each step, so it can't overflow
	}
	return min(rto, Cap)
}
