// Package keep is a solution.
package keep

// A Receiver keeps what comes out of order, until what is missing has come.
type Receiver struct {
	next int            // the next packet in order
	kept map[int]string // words beyond it, by packet
}

// New makes a receiver. The first packet in order has number 1.
func New() *Receiver {
	return &Receiver{next: 1, kept: map[int]string{}}
}

// Receive takes a packet from the network. It answers with the numbers of the
// packets to acknowledge, and the words that the application gets now.
func (r *Receiver) Receive(number int, word string) (acks []int, words []string) {
	// Also a packet that came before: its acknowledgement may have been lost,
	// and the sender goes on until it has one.
	acks = []int{number}
	if number < r.next {
		return acks, nil // but the application has the word
	}
	r.kept[number] = word // once, however often it comes
	for {
		word, ok := r.kept[r.next]
		if !ok {
			return acks, words // the next is missing
		}
		words = append(words, word)
		delete(r.kept, r.next)
		r.next++
	}
}
