package arq

import "time"

const (
	initialRTO = time.Second // RFC 6298, section 2.1

	// Two departures from RFC 6298, so that a learner waits less: its
	// floor is a second (section 2.4), its cap at least a minute (2.5).
	minRTO = 200 * time.Millisecond
	maxRTO = 2 * time.Second
)

// A timer says how long to wait for an acknowledgement: the retransmission
// timeout (RTO) of RFC 6298, or always the same one.
type timer struct {
	rto          time.Duration
	fixed        bool
	srtt, rttvar time.Duration // smoothed round trip and its variation
	latest       time.Duration // the round trip measured last
	backedOff    time.Duration // when the RTO was last doubled
}

func newTimer(fixed time.Duration) timer {
	if fixed > 0 {
		return timer{rto: fixed, fixed: true}
	}
	return timer{rto: initialRTO}
}

// sample takes a measured round trip (RFC 6298, sections 2.2 and 2.3).
func (t *timer) sample(r time.Duration) {
	t.latest = r
	if t.srtt == 0 {
		t.srtt, t.rttvar = r, r/2
	} else {
		t.rttvar = (3*t.rttvar + (t.srtt - r).Abs()) / 4
		t.srtt = (7*t.srtt + r) / 8
	}
	if !t.fixed {
		t.rto = min(max(t.srtt+4*t.rttvar, minRTO), maxRTO)
	}
}

// expired doubles the RTO, because a packet sent at this time was not
// acknowledged within it (RFC 6298, section 5.5). Packets sent before the
// last doubling tell nothing about the new RTO: one loss in a full window
// doubles once. The doubled RTO stays until the next sample.
func (t *timer) expired(now, sent time.Duration) {
	if !t.fixed && sent >= t.backedOff {
		t.rto = min(2*t.rto, maxRTO)
		t.backedOff = now
	}
}
