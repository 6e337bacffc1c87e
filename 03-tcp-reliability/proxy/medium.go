package main

import (
	"sync"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// A medium is the lossy network with whoever watches it: all connections share
// one. It numbers the packets, decides what becomes of each, and tells.
type medium struct {
	net *sharedNetwork

	mu      sync.Mutex // guards what follows
	watch   *watcher
	numbers [2]int // packets so far
	data    int    // first transmissions of payload that go up
}

// send puts a packet of a connection on the network. sending is called with
// what becomes of it before anybody is told.
func (m *medium) send(l *link, d network.Direction, b []byte, h *trace.Header) (network.Fate, time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if d == network.Up && h.Data > 0 {
		m.data++
		h.Data = m.data
	}
	fate, now := m.net.send(d, len(b), h.Data)
	m.numbers[d]++
	lost := fate.Lost != network.NotLost
	l.count(d, h, lost)
	if h.Retransmits > 0 {
		h.Retransmits, h.Previous = l.numbers[d].of(h.Retransmits), l.numbers[d].of(h.Previous)
	}
	l.numbers[d].add(fate.Number)
	if h.Cause > 0 {
		h.Cause = l.heard[d]
	}
	if m.watch.watching() {
		e := trace.Event{At: now, Kind: trace.Sent, Connection: l.id, Direction: d,
			Number: fate.Number, Packet: h, Bytes: b}
		m.watch.add(&e, lost)
		if lost {
			e.Kind, e.Loss = trace.Lost, fate.Lost
			m.watch.add(&e, false)
		}
	}
	return fate, now
}

// tell tells of something that is no sending.
func (m *medium) tell(e *trace.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.watch.watching() {
		e.At = m.net.now()
		m.watch.add(e, false)
	}
}

// A numbering turns an end's own count of its packets into the network's, which
// counts those of all connections. An end names only packets that are not yet
// acknowledged, so the latest will do.
type numbering struct {
	latest []int
	count  int
}

const mostNumbers = 1 << 12 // more than a full window of the largest buffer has

func (n *numbering) add(number int) {
	if len(n.latest) < mostNumbers {
		n.latest = append(n.latest, number)
	} else {
		n.latest[n.count%mostNumbers] = number
	}
	n.count++
}

// of is the network's number of the end's k-th packet, or 0 if it is forgotten.
func (n *numbering) of(k int) int {
	if k < 1 || k > n.count || k <= n.count-mostNumbers {
		return 0
	}
	return n.latest[(k-1)%mostNumbers]
}
