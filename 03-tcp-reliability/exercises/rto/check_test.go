//go:build check

package rto_test

import (
	"math"
	"testing"
	"time"

	. "example.com/sockets/03-tcp-reliability/exercises/rto"
	"example.com/sockets/docs/exercises/check"
)

const ms = time.Millisecond

func TestCheck(t *testing.T) {
	check.Run(t, []check.Case{
		{Name: "start", Holds: []int{1}, Do: func(s *check.Story) {
			var e Estimator
			rto(s, &e, Initial, "before the first round trip is known, the timeout is Initial")
		}},
		{Name: "two-estimators", Holds: []int{8}, Do: func(s *check.Story) {
			var e, other Estimator
			sample(s, &e, 100*ms, 1)
			expired(s, &e)
			s.Did("took another Estimator")
			rto(s, &other, Initial, "another estimator knows what the first one was told: what do "+
				"they share? A variable of the package is everybody's")
		}},
		{Name: "first", Holds: []int{2}, Do: func(s *check.Story) {
			var e Estimator
			sample(s, &e, 100*ms, 1)
			s.Did("asked for the RTO")
			switch got := e.RTO(); got {
			case Initial:
				s.Fail("300ms", got.String(), "after the first round trip the timeout is still "+
					"that of the start, or is one second at least: the floor is 200 ms here")
			case 600 * ms:
				s.Fail("300ms", got.String(), "the floor is for the timeout, not for a round "+
					"trip: SRTT is R, also below the floor")
			}
			rto(s, &e, 300*ms, "the first round trip R is special: SRTT = R, RTTVAR = R/2")
		}},
		{Name: "exact", Holds: []int{2, 4}, Do: func(s *check.Story) {
			var e Estimator
			sample(s, &e, 123_456*time.Microsecond, 1)
			rto(s, &e, 3*123_456*time.Microsecond,
				"the timeout is rounded: up to a microsecond is fine, and this is more")
		}},
		{Name: "second", Holds: []int{3}, Do: func(s *check.Story) {
			const symptom = "after the second round trip it is off: RTTVAR takes the difference " +
				"to the old SRTT, without its sign; then SRTT is smoothed"
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
		{Name: "third", Holds: []int{3}, Do: func(s *check.Story) {
			var e Estimator
			sample(s, &e, 100*ms, 1)
			sample(s, &e, 180*ms, 1)
			sample(s, &e, 180*ms, 1)
			// RTTVAR is 50, then 57.5, then 3/4 of that and 1/4 of 70; SRTT is 100, 110, 118.75.
			rto(s, &e, 361_250*time.Microsecond, "after the third round trip it is off: RTTVAR "+
				"takes the difference between the round trip and the smoothed one, SRTT, and not "+
				"the one before")
		}},
		{Name: "doubling", Holds: []int{5, 7}, Do: func(s *check.Story) {
			var e Estimator
			sample(s, &e, 100*ms, 1)
			for _, want := range []time.Duration{600 * ms, 1200 * ms, 2400 * ms} {
				expired(s, &e)
				rto(s, &e, want,
					"the timeout must be twice as long after a timeout, and again after the next")
			}
			sample(s, &e, 100*ms, 1)
			rto(s, &e, 100*ms+4*37500*time.Microsecond,
				"the timeout is still doubled after a new round trip")
		}},
		{Name: "steady", Holds: []int{3, 4}, Do: func(s *check.Story) {
			var e Estimator
			s.Did("took 60 round trips of 300 ms")
			for range 60 {
				e.Sample(300*ms, 1)
			}
			rto(s, &e, 300*ms,
				"when all round trips are the same, RTTVAR goes to zero, and nothing is added to it")
		}},
		{Name: "karn", Holds: []int{6}, Do: func(s *check.Story) {
			var e Estimator
			sample(s, &e, 100*ms, 1)
			expired(s, &e)
			sample(s, &e, 900*ms, 2)
			rto(s, &e, 600*ms,
				"a packet that was sent twice was measured, or ended the doubling: Karn's rule "+
					"takes nothing from it")
			for _, times := range []int{3, 4, 20} {
				sample(s, &e, 900*ms, times)
				rto(s, &e, 600*ms,
					"a packet that was sent more than once was measured, or ended the doubling: "+
						"Karn's rule takes nothing from it")
			}
		}},
		{Name: "doubling-at-first", Holds: []int{5}, Do: func(s *check.Story) {
			var e Estimator
			expired(s, &e)
			rto(s, &e, 2*time.Second,
				"the timeout must be twice as long after a timeout, also before the first round "+
					"trip")
		}},
		{Name: "floor", Holds: []int{4, 5}, Do: func(s *check.Story) {
			var e Estimator
			sample(s, &e, 10*ms, 1)
			s.Did("asked for the RTO")
			if got := e.RTO(); got > Floor {
				s.Fail(Floor.String(), got.String(), "a short round trip is measured as it is: the "+
					"floor is for the timeout alone")
			}
			rto(s, &e, Floor, "the timeout is below the floor")
			expired(s, &e)
			rto(s, &e, 2*Floor, "the floor counts before the doubling, not after it")
		}},
		{Name: "cap", Holds: []int{5}, Do: func(s *check.Story) {
			var e Estimator
			s.Did("let the timer run out 100 times")
			for range 100 {
				e.Expired()
			}
			s.Did("asked for the RTO")
			if got := e.RTO(); got >= Initial && got < Cap {
				s.Fail(Cap.String(), got.String(), "each time that the timer runs out doubles the "+
					"timeout, also when nobody asks for it in between, until the cap")
			}
			rto(s, &e, Cap, "the timeout is above the cap (or has overflowed)")
			var short Estimator
			sample(s, &short, ms, 1)
			for range 20 {
				expired(s, &short)
			}
			rto(s, &short, Cap,
				"however often the timer runs out it doubles, until the cap: that is not reached")
		}},
		{Name: "karn-at-first", Holds: []int{1, 6}, Do: func(s *check.Story) {
			var e Estimator
			expired(s, &e)
			sample(s, &e, 5*time.Second, 2)
			rto(s, &e, 2*Initial,
				"the first packet was sent twice, and was measured: Karn's rule takes nothing "+
					"from it")
			sample(s, &e, 100*ms, 1)
			rto(s, &e, 300*ms,
				"the first round trip that is measured is special: SRTT = R, RTTVAR = R/2")
		}},
		{Name: "long-round-trips", Holds: []int{5}, Do: func(s *check.Story) {
			var e Estimator
			sample(s, &e, 50*time.Second, 1)
			rto(s, &e, Cap,
				"the timeout is above the cap, and no timer has run out: the cap is for what was "+
					"measured, too")
			sample(s, &e, 10*ms, 1)
			expired(s, &e)
			rto(s, &e, Cap, "the timeout is above the cap")
		}},
		{Name: "after-a-long-one", Holds: []int{2, 3, 5}, Do: func(s *check.Story) {
			for _, long := range []time.Duration{100 * time.Second, 24 * time.Hour} {
				var e Estimator
				var want reference
				s.Did("took a new Estimator")
				sample(s, &e, long, 1)
				want.sample(long, 1)
				rto(s, &e, Cap, "the timeout is not the cap after a very long round trip: does a "+
					"number overflow?")
				s.Did("took round trips of 100ms until the timeout must be below the cap")
				for want.rto() >= Cap-time.Second {
					e.Sample(100*ms, 1)
					want.sample(100*ms, 1)
				}
				s.Did("asked for the RTO")
				if got := e.RTO(); (got - want.rto()).Abs() > 100*time.Microsecond {
					s.Fail(want.rto().String(), got.String(), "a long round trip is measured as it "+
						"is: the cap is for the timeout alone, and no number may overflow")
				}
			}
		}},
		{Name: "given-bounds", Holds: []int{1, 4, 5}, Do: func(s *check.Story) {
			check.Want(s, time.Second, Initial, "Initial is given: leave it as it is")
			check.Want(s, 200*ms, Floor, "Floor is given: leave it as it is")
			check.Want(s, 60*time.Second, Cap, "Cap is given: leave it as it is")
		}},
		{Name: "at-random", Holds: []int{1, 2, 3, 4, 5, 6, 7, 8}, Do: func(s *check.Story) {
			s.Random(500, func(d *check.Draw) {
				var mine [2]Estimator
				theirs := [2]reference{}
				for range d.N(20) {
					i := d.N(2)
					s.Did("estimator %d:", i+1)
					switch e := &mine[i]; d.N(4) {
					case 0, 1:
						unit := []time.Duration{ms, 100 * ms, time.Microsecond, time.Second}[d.N(4)]
						r := unit * time.Duration(d.Between(1, 99))
						times := max(1, d.N(6)-2)
						sample(s, e, r, times)
						theirs[i].sample(r, times)
					case 2:
						expired(s, e)
						theirs[i].doublings++
					case 3:
						s.Did("asked for the RTO")
						e.RTO()
					}
					got, want := mine[i].RTO(), theirs[i].rto()
					if (got - want).Abs() > 20*time.Microsecond+want/1_000_000 {
						s.Fail(want.String(), got.String(),
							"the timeout is another than that of RFC 6298 with this floor and cap")
					}
				}
			})
		}},
		{Name: "steady", Holds: []int{3, 4}, Do: func(s *check.Story) {
			var e Estimator
			s.Did("took 200 round trips of 400ms")
			for range 200 {
				e.Sample(400*ms, 1)
			}
			if got := e.RTO(); got < 400*ms || got > 401*ms {
				s.Fail("about 400ms", got.String(),
					"with steady round trips the variation goes to nothing, and the timeout to "+
						"the round trip")
			}
		}},
	})
}

// A reference estimates with real numbers, in seconds.
type reference struct {
	measured     bool
	srtt, rttvar float64
	doublings    int
}

func (r *reference) sample(roundTrip time.Duration, times int) {
	if times > 1 {
		return
	}
	seconds := roundTrip.Seconds()
	if !r.measured {
		r.measured, r.srtt, r.rttvar = true, seconds, seconds/2
	} else {
		r.rttvar = 0.75*r.rttvar + 0.25*math.Abs(r.srtt-seconds)
		r.srtt = 0.875*r.srtt + 0.125*seconds
	}
	r.doublings = 0
}

func (r *reference) rto() time.Duration {
	seconds := 1.0
	if r.measured {
		seconds = max(r.srtt+4*r.rttvar, 0.2)
	}
	return time.Duration(min(seconds*math.Pow(2, float64(r.doublings)), 60) * 1e9)
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
