// Package reassemble is a solution.
package reassemble

// A Reassembler puts the bytes of segments back in order.
type Reassembler struct {
	next  uint32 // the first byte that was not read
	bytes []byte // bytes[i] is byte next+i of the stream …
	here  []bool // … if it has arrived
}

// New makes a Reassembler whose first byte has the sequence number first. It
// keeps at most window bytes.
func New(first uint32, window int) *Reassembler {
	return &Reassembler{next: first, bytes: make([]byte, window), here: make([]bool, window)}
}

// Insert takes a segment: data, whose first byte has the sequence number seq.
func (r *Reassembler) Insert(seq uint32, data []byte) {
	// Byte by byte, overlaps need no thought: what has arrived twice is written
	// once. A real stack keeps ranges instead, which is faster.
	for i, b := range data {
		// How far is it beyond next? The subtraction wraps as the numbers do,
		// and what lies before next is then far beyond the window.
		at := seq + uint32(i) - r.next
		if at < uint32(len(r.bytes)) && !r.here[at] {
			r.bytes[at], r.here[at] = b, true
		}
	}
}

// inOrder is how many bytes from next on have arrived.
func (r *Reassembler) inOrder() int {
	n := 0
	for n < len(r.here) && r.here[n] {
		n++
	}
	return n
}

// Ack is the sequence number of the first byte that is missing.
func (r *Reassembler) Ack() uint32 { return r.next + uint32(r.inOrder()) }

// Read returns the bytes that are in order and were not read before.
func (r *Reassembler) Read() []byte {
	n := r.inOrder()
	data := append([]byte(nil), r.bytes[:n]...) // a copy: ours moves on
	copy(r.bytes, r.bytes[n:])
	copy(r.here, r.here[n:])
	clear(r.here[len(r.here)-n:])
	r.next += uint32(n)
	return data
}
