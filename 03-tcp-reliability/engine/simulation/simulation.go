// Package simulation lets two hosts talk over a bad network in virtual time.
// Nothing in it waits, and the same run is the same every time.
package simulation

import (
	"errors"
	"fmt"
	"io"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// A Host is one end of a transfer. It has no socket, clock or goroutine that
// can be seen: the time, since the start of the run, is passed in and never
// goes back. What Send and Notes return is good until the next call.
type Host interface {
	// Receive takes a packet from the network. The bytes are lent.
	Receive(now time.Duration, packet []byte)
	// Send gives the next packet for the network, false when none.
	Send(now time.Duration) (trace.Packet, bool)
	// Deadline says when to call Send although nothing arrives.
	Deadline() (time.Duration, bool)
	// Write takes what fits of the application's bytes: 0 to len(p).
	Write(now time.Duration, p []byte) int
	// Close says that no more bytes come from this side.
	Close(now time.Duration)
	// Read gives the application its bytes: 0 and nil when there are
	// none yet, io.EOF after the last, another error after a failure.
	Read(now time.Duration, p []byte) (int, error)
	// Done says whether this side has finished, or else failed and why.
	Done() (bool, error)
	// Notes tells what changed in the host's state since the last call.
	Notes() []trace.Note
}

// What a host may have besides.
type (
	// A stater tells its state: what it knows now.
	stater interface{ State() trace.State }
	// A dropper counts the packets that arrived whole and were thrown away
	// because its buffer was full.
	dropper interface{ Dropped() int }
)

// A Config describes a run.
type Config struct {
	Client, Server Host
	Network        *network.Network

	// The client's application writes these, one every Every, and closes.
	Writes [][]byte
	Every  time.Duration

	// The server's application writes what it reads to Output. It reads
	// this many bytes a second, 0 for all that there is at once.
	Output   io.Writer
	ReadRate int

	// Paced hosts hand over a packet only when the link has sent the one
	// before. Then no packet waits, and a timer measures the network alone.
	Paced bool

	Trace    *trace.Trace  // records what happens, nil for nothing
	MaxTime  time.Duration // virtual, 0 for an hour
	MaxSteps int           // of the loop, 0 for 100 million
}

// A Result is how a run ended.
type Result struct {
	Err         error         // nil: both hosts have finished
	Limit       string        // which limit ended the run, as "an hour of virtual time"; or ""
	Ended       time.Duration // when the run ended
	Read        int           // bytes that the server's application read
	LastRead    time.Duration // when it read the last of them
	Sent        [2]int        // packets, by direction
	Lost        [2]int        // of them
	Retransmits [2]int        // of the packets sent, those sent before
	Dropped     [2]int        // arrived whole, and the host's buffer was full
}

// ErrStalled says that nothing could happen any more although a host had not
// finished. ErrLimit says that MaxTime or MaxSteps was reached.
var (
	ErrStalled = errors.New("nothing can happen any more")
	ErrLimit   = errors.New("no end within")
)

// Run runs the hosts until both have finished and no packet is under way, or
// one has failed, or a limit is reached. It always ends.
func Run(c Config) Result {
	if c.MaxTime == 0 {
		c.MaxTime = time.Hour
	}
	if c.MaxSteps == 0 {
		c.MaxSteps = 100_000_000
	}
	if c.Output == nil {
		c.Output = io.Discard
	}
	l := loop{Config: c, hosts: [2]Host{c.Client, c.Server}, buffer: make([]byte, 64<<10)}
	if c.ReadRate > 0 {
		// A slow reader reads small pieces, ten a second or more.
		l.buffer = l.buffer[:min(1024, max(1, c.ReadRate/10))]
	}

	for step := 1; ; step++ {
		l.step()
		if l.over() {
			break
		}
		next := l.next()
		if next == never {
			l.result.Err = fmt.Errorf("%w: %s at %v", ErrStalled, l.unfinished(), l.now)
			break
		}
		if next > c.MaxTime {
			l.now = c.MaxTime
			l.limit(inWords(c.MaxTime) + " of virtual time")
			break
		}
		if step == c.MaxSteps {
			l.limit(fmt.Sprint(c.MaxSteps, " steps"))
			break
		}
		l.now = max(l.now, next)
	}
	l.result.Ended = l.now
	return l.result
}

func inWords(d time.Duration) string {
	if d == time.Hour {
		return "an hour"
	}
	return d.String()
}

func (l *loop) limit(which string) {
	l.result.Limit = which
	l.result.Err = fmt.Errorf("%w %s: %s", ErrLimit, which, l.unfinished())
}

// unfinished says which host had not finished when the run was broken off.
func (l *loop) unfinished() string {
	switch l.finished {
	case [2]bool{false, false}:
		return "client and server have not finished"
	case [2]bool{true, false}:
		return "the server has not finished"
	case [2]bool{false, true}:
		return "the client has not finished"
	}
	return "the network still carries packets"
}
