package main

import (
	"sync"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
)

// A sharedNetwork is the one network that all connections and paths share, on
// the real clock. Its methods may be called at any time by anybody.
type sharedNetwork struct {
	start time.Time

	mu      sync.Mutex // guards what follows
	net     *network.Network
	links   int    // of TCP, so far
	packets [2]int // so far, by direction: the number of the latest
	data    int    // of them the client's first transmissions of payload
}

func newSharedNetwork(c network.Conditions) *sharedNetwork {
	return &sharedNetwork{start: time.Now(), net: network.New(c)}
}

// now is the time since the start.
func (n *sharedNetwork) now() time.Duration { return time.Since(n.start) }

// link is the number of a link that begins: 1, 2, 3 …
func (n *sharedNetwork) link() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.links++
	return n.links
}

// send decides a packet's fate, and says when; see network.Send. A packet
// that carries a client's bytes for the first time is fresh: data says which
// of those it is.
func (n *sharedNetwork) send(d network.Direction, size int, fresh bool) (
	fate network.Fate, data int, now time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if fresh {
		n.data++
		data = n.data
	}
	now = n.now()
	fate = n.net.Send(now, d, size, data)
	n.packets[d] = fate.Number
	return fate, data, now
}

// set changes the conditions for the packets to come.
func (n *sharedNetwork) set(c network.Conditions) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.net.Set(c)
}

func (n *sharedNetwork) conditions() network.Conditions {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.net.Conditions()
}
