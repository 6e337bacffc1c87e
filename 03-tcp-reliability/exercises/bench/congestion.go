package bench

import "time"

// A Congestion says how many packets may be under way. It counts in packets
// what TCP counts in bytes (RFC 5681).
type Congestion interface {
	// Acked tells that an acknowledgement has come that stands for packets
	// that were not acknowledged before.
	Acked(packets int)
	// Lost tells that three duplicate acknowledgements have told of the loss
	// of packet number. The last packet sent is highest; inFlight were under way.
	Lost(number, highest, inFlight int)
	// TimedOut tells that the timer has run out for the oldest packet; again
	// says that it had for the same packet before.
	TimedOut(inFlight int, again bool)
	// Size is how many packets may be under way now.
	Size() int
}

// reno is the reference (RFC 5681, section 3.1; the recovery of RFC 6582 in its
// simplest form).
type reno struct {
	window, threshold int
	acked             int // packets since the last step of congestion avoidance
	recover           int // the highest packet sent when the window was halved
}

func newReno(initial, threshold int) *reno { return &reno{window: initial, threshold: threshold} }

func (r *reno) Acked(packets int) {
	if r.window < r.threshold {
		r.window++
		return
	}
	if r.acked += packets; r.acked >= r.window {
		r.acked -= r.window
		r.window++
	}
}

func (r *reno) Lost(number, highest, inFlight int) {
	if number <= r.recover {
		return
	}
	r.threshold = max(inFlight/2, 2)
	r.window, r.acked, r.recover = r.threshold, 0, highest
}

func (r *reno) TimedOut(inFlight int, again bool) {
	if !again {
		r.threshold = max(inFlight/2, 2)
	}
	r.window, r.acked = 1, 0
}

func (r *reno) Size() int { return r.window }

// paced is fast retransmit whose window is what a Congestion says.
type paced struct {
	fast
	congestion Congestion
	timedOut   int // the packet whose timer ran out last
}

func newPaced(last int, rto time.Duration, c Congestion) *paced {
	return &paced{fast: *newFast(last, 0, rto), congestion: c}
}

func (p *paced) Send(now time.Duration) (number int, ok bool) {
	if p.base < p.next && now >= p.deadlines[p.base] {
		p.congestion.TimedOut(p.next-p.base, p.timedOut == p.base)
		p.timedOut, p.again = p.base, true
	}
	p.window = p.congestion.Size()
	return p.fast.Send(now)
}

func (p *paced) Ack(now time.Duration, number int) {
	before, duplicates := p.base, p.duplicates
	p.fast.Ack(now, number)
	switch {
	case p.base > before:
		p.congestion.Acked(p.base - before)
	case p.duplicates == 3 && duplicates == 2:
		p.congestion.Lost(p.base, p.next-1, p.next-p.base)
	}
}

// NewReference makes the reference of a congestion window.
func NewReference(initial, threshold int) Congestion { return newReno(initial, threshold) }
