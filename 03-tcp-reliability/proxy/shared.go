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
	mu    sync.Mutex
	net   *network.Network
}

func newSharedNetwork(c network.Conditions) *sharedNetwork {
	return &sharedNetwork{start: time.Now(), net: network.New(c)}
}

// now is the time since the start.
func (n *sharedNetwork) now() time.Duration { return time.Since(n.start) }

// send decides a packet's fate, and says when; see network.Send.
func (n *sharedNetwork) send(d network.Direction, size, data int) (network.Fate, time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.now()
	return n.net.Send(now, d, size, data), now
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
