// Package cwnd is a solution.
package cwnd

// A Window says how many packets may be under way: TCP's congestion window,
// counted in packets (RFC 5681, section 3.1).
type Window struct {
	size      int
	threshold int // below it, slow start
	acked     int // packets since the last step of congestion avoidance
	halved    int // the last packet sent when a loss has halved the window
}

// New makes a window of initial packets. Below threshold packets it grows by
// slow start.
func New(initial, threshold int) *Window {
	return &Window{size: initial, threshold: threshold}
}

// Size is how many packets may be under way now.
func (w *Window) Size() int { return w.size }

// Acked tells that an acknowledgement has come that says something new. It
// stands for so many packets.
func (w *Window) Acked(packets int) {
	if w.size < w.threshold {
		// Slow start: one more for each acknowledgement, so twice as many
		// after a round trip.
		w.size++
		return
	}
	// Congestion avoidance: one more for each window that was acknowledged,
	// so one more after a round trip.
	w.acked += packets
	if w.acked >= w.size {
		w.acked -= w.size
		w.size++
	}
}

// Lost tells that packet number was lost, as three duplicate acknowledgements
// have shown. The last packet that was sent is highest, and inFlight packets are
// under way.
func (w *Window) Lost(number, highest, inFlight int) {
	// It was sent before the window was halved: the same crowd in the same
	// queue has lost it, and that has been answered.
	if number <= w.halved {
		return
	}
	w.halved = highest
	w.halve(inFlight)
	w.size = w.threshold
}

// TimedOut tells that the timer has run out for the oldest packet, with inFlight
// packets under way. again says that it had for this packet before.
func (w *Window) TimedOut(inFlight int, again bool) {
	if !again {
		w.halve(inFlight)
	}
	// Nothing comes back any more: begin again with a single packet.
	w.size, w.acked = 1, 0
}

// halve takes half of what was under way for what the network can carry.
func (w *Window) halve(inFlight int) {
	w.threshold = max(inFlight/2, 2)
	w.acked = 0
}
