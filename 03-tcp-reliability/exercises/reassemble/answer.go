// Package reassemble is an exercise: README.md has the task.
package reassemble

// A Reassembler puts the bytes of segments back in order.
type Reassembler struct {
	// TODO: what must it remember?
}

// New makes a Reassembler whose first byte has the sequence number first. It
// keeps at most window bytes.
func New(first uint32, window int) *Reassembler {
	// TODO: write this.
	return &Reassembler{}
}

// Insert takes a segment: data, whose first byte has the sequence number seq.
func (r *Reassembler) Insert(seq uint32, data []byte) {
	// TODO: write this.
}

// Ack is the sequence number of the first byte that is missing.
func (r *Reassembler) Ack() uint32 {
	// TODO: write this.
	return 0
}

// Read returns the bytes that are in order and were not read before.
func (r *Reassembler) Read() []byte {
	// TODO: write this.
	return nil
}
