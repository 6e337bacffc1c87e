//go:build check

package rto

import (
	"testing"
	"time"

	"example.com/sockets/docs/exercises/check"
)

const ms = time.Millisecond

func TestCheck(t *testing.T) {
	check.Run(t, []check.Case{
		{Name: "start", Do: func(s *check.Story) {
			var e Estimator
			rto(s, &e, Initial, "before the first round trip is known, the timeout is Initial")
		}},
		{Name: "first", Do: func(s *check.Story) {
			var e Estimator
			sample(s, &e, 100*ms, 1)
			rto(s, &e, 300*ms, "the first round trip R is special: SRTT = R, RTTVAR = R/2")
		}},
		{Name: "second", Do: func(s *check.Story) {
			const symptom = "after the second round trip it is off: RTTVAR takes the difference to the old SRTT, without its sign; then SRTT is smoothed"
			// RTTVAR is 3/4 of 50 and 1/4 of 40, SRTT 7/8 of 100 and 1/8 of R.
			for _, c := range []struct{ second, srtt time.Duration }{
				{140 * ms, 105 * ms},
				{60 * ms, 95 * ms},
			} {
				var e Estimator
				s.Did("took a new Estimator")
				sample(s, &e, 100*ms, 1)
				sample(s, &e, c.second, 1)
				rto(s, &e, c.srtt+4*47500*time.Microsecond, symptom)
			}
		}},
		{Name: "doubling", Do: func(s *check.Story) {
			var e Estimator
			sample(s, &e, 100*ms, 1)
			for _, want := range []time.Duration{600 * ms, 1200 * ms, 2400 * ms} {
				expired(s, &e)
				rto(s, &e, want, "the timeout must be twice as long after a timeout, and again after the next")
			}
			sample(s, &e, 100*ms, 1)
			rto(s, &e, 100*ms+4*37500*time.Microsecond, "the timeout is still doubled after a new round trip")
		}},
		{Name: "karn", Do: func(s *check.Story) {
			var e Estimator
			sample(s, &e, 100*ms, 1)
			expired(s, &e)
			sample(s, &e, 900*ms, 2)
			rto(s, &e, 600*ms, "a packet that was sent twice was measured, or ended the doubling: Karn's rule takes nothing from it")
		}},
		{Name: "doubling-at-first", Do: func(s *check.Story) {
			var e Estimator
			expired(s, &e)
			rto(s, &e, 2*time.Second, "the timeout must be twice as long after a timeout, also before the first round trip")
		}},
		{Name: "floor", Do: func(s *check.Story) {
			var e Estimator
			sample(s, &e, 10*ms, 1)
			rto(s, &e, Floor, "the timeout is below the floor")
			expired(s, &e)
			rto(s, &e, 2*Floor, "the floor counts before the doubling, not after it")
		}},
		{Name: "cap", Do: func(s *check.Story) {
			var e Estimator
			s.Did("let the timer run out 100 times")
			for range 100 {
				e.Expired()
			}
			rto(s, &e, Cap, "the timeout is above the cap (or has overflowed)")
		}},
		{Name: "steady", Do: func(s *check.Story) {
			var e Estimator
			s.Did("took 200 round trips of 400ms")
			for range 200 {
				e.Sample(400*ms, 1)
			}
			if got := e.RTO(); got < 400*ms || got > 401*ms {
				s.Fail("about 400ms", got.String(), "with steady round trips the variation goes to nothing, and the timeout to the round trip")
			}
		}},
	})
}

func sample(s *check.Story, e *Estimator, roundTrip time.Duration, times int) {
	s.Did("took a round trip of %v, of a packet sent %d time(s)", roundTrip, times)
	e.Sample(roundTrip, times)
}

func expired(s *check.Story, e *Estimator) {
	s.Did("let the timer run out")
	e.Expired()
}

// rto allows for a microsecond of rounding.
func rto(s *check.Story, e *Estimator, want time.Duration, symptom string) {
	s.Did("asked for the RTO")
	if got := e.RTO(); (got - want).Abs() > time.Microsecond {
		s.Fail(want.String(), got.String(), symptom)
	}
}
