package tcp

import "time"

// Congestion control says how much may be in the network: the congestion window (cwnd) of RFC 5681,
// in bytes. There is one rule, and output keeps it (rare exceptions: recovery.urgent):
//
//	pipe + size <= cwnd
//
// From it follows what RFC 5681 and 6675 describe one by one: each segment that arrives, or is
// lost, makes room for another; the first two duplicate acknowledgements let new segments out
// (limited transmit, RFC 3042); after a timeout, it lets repetitions go.
type congestion struct {
	cwnd     int
	ssthresh int  // below it slow start, above it congestion avoidance
	mss      int  // SMSS: bytes in a full segment
	limited  bool // output had more to send, and cwnd forbade it
	avoid    avoidance
}

// An avoidance is a kind of congestion avoidance: Reno or CUBIC.
type avoidance interface {
	// grow gives the window after an acknowledgement of so many bytes.
	grow(now time.Duration, cwnd, mss, acked int, srtt time.Duration) int
	// reduce gives the threshold after a loss, with so much under way.
	reduce(flight int) int
}

const (
	initialWindow = 10      // segments, or less if they are large (RFC 6928, section 2)
	noThreshold   = 1 << 30 // "arbitrarily high" (RFC 5681, section 3.1)
)

// begin follows the handshake. If its SYN had to be repeated, the network is full already: then the
// first window is one segment (RFC 5681, section 3.1).
func (g *congestion) begin(mss int, repeated bool) {
	g.mss, g.ssthresh, g.cwnd = mss, noThreshold, min(initialWindow*mss, max(2*mss, 14600))
	if repeated {
		g.cwnd = mss
	}
}

// acked lets the window grow because so many bytes were acknowledged. If the application had no
// more to send, then this says nothing about how much the network would bear, and the window stays
// (RFC 7661, section 4.3, in short).
func (g *congestion) acked(now time.Duration, bytes int, srtt time.Duration) {
	switch {
	case !g.limited:
	case g.cwnd < g.ssthresh: // slow start (RFC 5681, section 3.1, (2))
		g.cwnd += min(bytes, g.mss)
	default:
		g.cwnd = g.avoid.grow(now, g.cwnd, g.mss, bytes, srtt)
	}
}

// reduce sets the threshold after a loss, with so many numbers under way (FlightSize). RFC 5681,
// section 3.1, (4): half of it, and at least two segments. What limited transmit let out doesn't
// count (section 3.2, step 2), and it is no part of cwnd.
func (g *congestion) reduce(flight int) {
	g.ssthresh = max(g.avoid.reduce(min(flight, g.cwnd)), 2*g.mss)
}

// reno is congestion avoidance by RFC 5681, section 3.1: one segment more for each window that was
// acknowledged, half the window after a loss.
type reno struct{ counted int }

func (r *reno) grow(_ time.Duration, cwnd, mss, acked int, _ time.Duration) int {
	if r.counted += acked; r.counted < cwnd {
		return cwnd
	}
	r.counted -= cwnd
	return cwnd + mss
}

func (r *reno) reduce(flight int) int {
	r.counted = 0
	return flight / 2
}
