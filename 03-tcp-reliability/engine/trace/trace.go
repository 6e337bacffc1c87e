// Package trace is the list of what happened in a run: the model that every
// view is drawn from. It draws nothing itself, and imports only the network's
// names for directions and losses, so that protocols may use it.
package trace

import (
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
)

// Kind says what happened.
type Kind int

const (
	Wrote     Kind = iota // the client's application, Length bytes
	Closed                // no more bytes come from the host
	Sent                  // a packet, by the host
	Lost                  // a packet, by the network: Loss says how
	Arrived               // a packet, or its second copy
	Discarded             // a packet that arrived damaged
	Dropped               // a packet that arrived whole, by a host whose buffer was full
	Read                  // the server's application, Length bytes
	End                   // the application read the end of the bytes
	Noted                 // the host tells of its state: Note
	Changed               // the host's state after an event: State
	Finished              // the host has done its part
	Failed                // the host has given up: Text says why
)

var kinds = [...]string{"wrote", "closed", "sent", "lost", "arrived",
	"discarded", "dropped", "read", "end", "noted", "state", "finished", "failed"}

func (k Kind) String() string { return kinds[k] }

// An Event is one thing that happened. Packets and bytes that go up come from
// the client. For what a host does by itself, up stands for the client and
// down for the server.
type Event struct {
	At         time.Duration // since the start of the run
	Kind       Kind
	Connection int // of several; 0 where there is only one
	Direction  network.Direction
	Number     int // of the packet in its direction: 1, 2, 3 …; else 0
	Copy       int // of the packet: 1, or 2 for a duplicate; 0 when sent
	Packet     *Header
	Bytes      []byte // of the packet, as sent or as they arrived
	Loss       network.Loss

	Length int    // bytes that an application wrote or read
	Text   string // of these at most TextSize, or why a host failed
	Note   Note
	State  *State

	Queue [2]int // packets that wait for the link, by direction; see -rate

	Marked bool // the ladder points at it
}

// A Trace is the list of what happened, in order.
type Trace struct {
	Protocol string // udp, stop-and-wait, go-back-n, selective-repeat or tcp
	States   bool   // wanted: a Changed event whenever an end's state has changed
	Events   []Event
}

// Add appends an event.
func (t *Trace) Add(e Event) { t.Events = append(t.Events, e) }

// TextSize is how many bytes of a payload a trace keeps.
const TextSize = 64

// Cut is the part of a payload that a trace keeps.
func Cut[T string | []byte](payload T) string {
	return string(payload[:min(TextSize, len(payload))])
}
