package tcp

import "time"

// The retransmission timeout (RTO) is how long to wait for an acknowledgement: RFC 6298, as in arq.
const (
	initialRTO = time.Second            // section 2.1
	leastRTO   = 200 * time.Millisecond // as Linux has it; section 2.4 would have a second
	mostRTO    = 60 * time.Second       // section 2.5 allows no less; Linux has 120 s
)

// An rto is the estimate of the round trip, and what follows from it.
type rto struct {
	now          time.Duration // the RTO
	least, most  time.Duration
	sampled      time.Duration // the newest round trip measured
	srtt, rttvar time.Duration // smoothed, and its variation
}

// sample takes a measured round trip (sections 2.2 and 2.3). It also ends the doubling.
func (t *rto) sample(r time.Duration) {
	r = max(r, 1)
	if t.srtt == 0 {
		t.srtt, t.rttvar = r, r/2
	} else {
		t.rttvar = (3*t.rttvar + (t.srtt - r).Abs()) / 4
		t.srtt = (7*t.srtt + r) / 8
	}
	t.sampled = r
	t.now = min(max(t.srtt+4*t.rttvar, t.least), t.most)
}

// double follows a timeout (section 5.5). The doubled RTO stays until there is a new sample: if the
// round trip has become longer than the RTO, then only a patient timer ever gets one.
func (t *rto) double() { t.now = min(2*t.now, t.most) }

// A timer is when to act. A connection has one for all that can't be forgotten: repetitions, window
// probes, the end of TIME-WAIT. What it means follows from the state (output.go, setTimer).
type timer struct {
	on       bool
	set, due time.Duration
}
