package bench

import "time"

// fast is the reference of fast retransmit (RFC 5681, section 3.2) without
// congestion control: with the third duplicate acknowledgement the oldest
// packet is sent again, before its timer runs out.
type fast struct {
	last       int
	window     int
	rto        time.Duration
	base, next int // under way: from base to before next
	duplicates int // since the last acknowledgement that said something new
	again      bool
	deadlines  []time.Duration
}

func newFast(last, window int, rto time.Duration) *fast {
	return &fast{last: last, window: window, rto: rto, base: 1, next: 1,
		deadlines: make([]time.Duration, last+2)}
}

func (f *fast) Send(now time.Duration) (number int, ok bool) {
	switch {
	case f.base < f.next && (f.again || now >= f.deadlines[f.base]):
		number, f.again = f.base, false
	case f.next <= f.last && f.next < f.base+f.window:
		number = f.next
		f.next++
	default:
		return 0, false
	}
	f.deadlines[number] = now + f.rto
	return number, true
}

func (f *fast) Ack(now time.Duration, number int) {
	switch {
	case number >= f.base:
		f.base, f.duplicates, f.again = number+1, 0, false
	case number == f.base-1 && f.base < f.next:
		f.duplicates++
		f.again = f.again || f.duplicates == 3
	}
}

func (f *fast) Deadline() (time.Duration, bool) { return f.deadlines[f.base], f.base < f.next }

// cumulative is its receiver. It keeps what comes early, as TCP's does, and
// acknowledges the last packet in order.
type cumulative struct {
	next int
	kept map[int]string
}

func (c *cumulative) Receive(number int, word string) (acks []int, words []string) {
	if number >= c.next {
		c.kept[number] = word
	}
	for word, ok := c.kept[c.next]; ok; word, ok = c.kept[c.next] {
		words = append(words, word)
		delete(c.kept, c.next)
		c.next++
	}
	return []int{c.next - 1}, words
}
