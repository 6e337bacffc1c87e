package tcp

import "time"

// CUBIC (RFC 9438), to be read after Reno. Reno adds one segment for each round trip: after a loss
// on a long, fast path it needs minutes to be back. CUBIC's window is a function of the time since
// the loss. It comes back fast, lingers there, then looks for more ever faster:
//
//	W(t) = C (t - K)^3 + Wmax   (section 4.2, figure 1)
//
// All is in whole numbers, bytes and milliseconds: floating point might differ between processors,
// and a run must be the same on each.
type cubic struct {
	wmax   int           // the window before the last reduction
	prior  int           // the same, without fast convergence: cwnd_prior
	begun  time.Duration // of this time of growth, the epoch
	epoch  bool          // one has begun
	k      int64         // milliseconds from begun until W(t) is wmax again
	west   int64         // what Reno would have by now: W_est, in 1/1024 bytes
	remain int64         // bytes times bytes of growth too small to add
}

// begin starts the time of growth: K = cubic root of (Wmax - cwnd)/C (4.2).
func (q *cubic) begin(now time.Duration, cwnd, mss int) {
	q.epoch, q.begun, q.west, q.remain = true, now, int64(cwnd)<<10, 0
	q.wmax = max(q.wmax, cwnd)
	// C = 0.4 segments/s^3, so a segment of difference is 2.5e9 ms^3.
	q.k = cubicRoot(int64(q.wmax-cwnd) * 1_000_000_000 / int64(mss) * 5 / 2)
}

// at is W(t), in bytes.
func (q *cubic) at(t time.Duration, mss int) int {
	d := t.Milliseconds() - q.k
	d = min(max(d, -100_000), 100_000) // it would not fit 64 bits
	return q.wmax + int(d*d*d/1_000_000*int64(mss)*2/5/1000)
}

func (q *cubic) grow(now time.Duration, cwnd, mss, acked int, srtt time.Duration) int {
	if !q.epoch {
		q.begin(now, cwnd, mss)
	}
	t := now - q.begun

	// Reno's window, with a growth that matches the smaller reduction: alpha = 3(1-0.7)/(1+0.7) =
	// 9/17 of a segment, a whole one from the window before the loss on (section 4.3).
	more := int64(acked) << 10 * int64(mss) / int64(cwnd)
	if q.west>>10 < int64(q.prior) {
		more = more * 9 / 17
	}
	q.west += more
	if reno := int(q.west >> 10); q.at(t, mss) < reno {
		return max(cwnd, reno)
	}

	// Toward W one round trip later, at most half as much again (4.4, 4.5).
	target := min(max(q.at(t+srtt, mss), cwnd), cwnd*3/2)
	q.remain += int64(target-cwnd) * int64(min(acked, cwnd))
	grown := cwnd + int(q.remain/int64(cwnd))
	q.remain %= int64(cwnd)
	return grown
}

// reduce goes to 0.7 of the window (section 4.6). If the window did not even come back to where it
// was, others need room, and the next goal is lower: fast convergence (section 4.7).
func (q *cubic) reduce(flight int) int {
	q.prior = flight
	if flight < q.wmax {
		q.wmax = flight / 20 * 17
	} else {
		q.wmax = flight
	}
	q.epoch = false
	return flight / 10 * 7
}

// cubicRoot is the largest number whose third power is at most n.
func cubicRoot(n int64) int64 {
	var root int64
	for bit := int64(1) << 20; bit > 0; bit >>= 1 {
		if r := root + bit; r*r*r <= n {
			root = r
		}
	}
	return root
}
