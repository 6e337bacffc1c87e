package simulation

import (
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// An arrival is a packet under way.
type arrival struct {
	at        time.Duration
	order     int // in which the packets were sent
	direction network.Direction
	number    int
	copy      int
	damaged   bool
	carries   *trace.Header
	bytes     []byte
}

func (a *arrival) before(b *arrival) bool {
	return a.at < b.at || a.at == b.at && a.order < b.order
}

// A flight is the packets under way, as a heap: the next to arrive stands
// first, and of several at one time that which was sent first. Package
// container/heap would allocate memory for each packet.
type flight []arrival

func (f *flight) push(a arrival) {
	h := append(*f, a)
	i := len(h) - 1
	for i > 0 && a.before(&h[(i-1)/2]) {
		h[i] = h[(i-1)/2]
		i = (i - 1) / 2
	}
	h[i] = a
	*f = h
}

func (f *flight) pop() arrival {
	h := *f
	first, a := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	*f = h
	if len(h) == 0 {
		return first
	}

	// The last one sinks from the top to its place.
	i := 0
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1].before(&h[child]) {
			child++
		}
		if a.before(&h[child]) {
			break
		}
		h[i] = h[child]
		i = child
	}
	h[i] = a
	return first
}
