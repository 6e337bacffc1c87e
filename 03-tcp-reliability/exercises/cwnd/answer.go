// Package cwnd is an exercise: README.md has the task.
package cwnd

// A Window says how many packets may be under way: TCP's congestion window,
// counted in packets (RFC 5681, section 3.1).
type Window struct {
	// TODO: what must it remember?
}

// New makes a window of initial packets. Below threshold packets it grows by
// slow start.
func New(initial, threshold int) *Window {
	return &Window{}
}

// Size is how many packets may be under way now.
func (w *Window) Size() int {
	// TODO: write this.
	return 0
}

// Acked tells that an acknowledgement has come that says something new. It
// stands for so many packets.
func (w *Window) Acked(packets int) {
	// TODO: write this.
}

// Lost tells that packet number was lost, as three duplicate acknowledgements
// have shown. The last packet that was sent is highest, and inFlight packets are
// under way.
func (w *Window) Lost(number, highest, inFlight int) {
	// TODO: write this.
}

// TimedOut tells that the timer has run out for the oldest packet, with inFlight
// packets under way. again says that it had for this packet before.
func (w *Window) TimedOut(inFlight int, again bool) {
	// TODO: write this.
}
