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

// A Run is what Go needs to know.
type Run struct {
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
	Err          error         // nil: both hosts have finished
	Ended        time.Duration // when the run ended
	Read         int           // bytes that the server's application read
	LastRead     time.Duration // when it read the last of them
	Sent         [2]int        // packets, by direction
	Lost         [2]int        // of them
	Bytes        [2]int        // of the packets sent
	Retransmits  [2]int        // of the packets sent, those sent before
	PayloadBytes int           // taken from the client's application
}

// ErrStalled says that nothing could happen any more although a host had not
// finished. ErrLimit says that MaxTime or MaxSteps was over.
var (
	ErrStalled = errors.New("nothing can happen any more")
	ErrLimit   = errors.New("no end within the limit")
)

// never is later than every time.
const never = time.Duration(1<<63 - 1)

// Go runs the hosts until both have finished and no packet is under way, or
// one has failed, or the limits are reached. It always ends.
func (r *Run) Go() Result {
	l := loop{Run: r}
	l.hosts = [2]Host{r.Client, r.Server}
	l.output = r.Output
	if l.output == nil {
		l.output = io.Discard
	}
	l.buffer = make([]byte, 64<<10)
	if r.ReadRate > 0 {
		// A slow reader reads small pieces, ten a second or more.
		l.buffer = l.buffer[:min(1024, max(1, r.ReadRate/10))]
	}
	maxTime, maxSteps := r.MaxTime, r.MaxSteps
	if maxTime == 0 {
		maxTime = time.Hour
	}
	if maxSteps == 0 {
		maxSteps = 100_000_000
	}

	for range maxSteps {
		l.step()
		if l.over() {
			break
		}
		next := l.next()
		if next == never {
			l.result.Err = l.unfinished(ErrStalled)
			break
		}
		if next > maxTime {
			l.result.Err = l.unfinished(ErrLimit)
			break
		}
		l.now = max(l.now, next)
		l.steps++
	}
	if l.steps == maxSteps {
		l.result.Err = l.unfinished(ErrLimit)
	}
	l.result.Ended = l.now
	return l.result
}

// loop is the state of a run.
type loop struct {
	*Run
	now    time.Duration
	steps  int
	hosts  [2]Host // by the direction in which they send
	flying flight
	order  int
	free   [][]byte // buffers for packets

	write     int // the next of Writes
	written   int // bytes of it already taken
	nextWrite time.Duration
	closed    bool

	output   io.Writer
	buffer   []byte
	nextRead time.Duration
	eof      bool

	finished [2]bool
	result   Result
}

// step does all that is due now. What a host or an application can do next
// depends on the others, so it goes round until nothing moves.
func (l *loop) step() {
	for {
		for len(l.flying) > 0 && l.flying[0].at <= l.now {
			l.arrive(l.flying.pop())
		}
		l.applicationWrites()
		moved := l.applicationReads()
		moved = l.send(network.Up) || moved
		moved = l.send(network.Down) || moved
		if !moved {
			break
		}
	}
	for d, h := range l.hosts {
		for _, n := range h.Notes() {
			l.record(trace.Event{At: n.At, Kind: trace.Noted,
				Direction: network.Direction(d), Note: n})
		}
	}
}

func (l *loop) record(e trace.Event) {
	if l.Trace != nil {
		l.Trace.Add(e)
	}
}

// arrive hands a packet to the host at the other end.
func (l *loop) arrive(a arrival) {
	if l.Trace != nil {
		kind := trace.Arrived
		if a.damaged {
			kind = trace.Discarded // the checksum of every host sees it
		}
		l.record(trace.Event{At: l.now, Kind: kind, Direction: a.direction,
			Number: a.number, Copy: a.copy, Packet: a.carries,
			Bytes: append([]byte(nil), a.bytes...)})
	}
	l.hosts[1-a.direction].Receive(l.now, a.bytes)
	l.free = append(l.free, a.bytes)
}

// applicationWrites gives the client what is due and fits.
func (l *loop) applicationWrites() {
	for l.write < len(l.Writes) && l.now >= l.nextWrite {
		p := l.Writes[l.write][l.written:]
		n := l.Client.Write(l.now, p)
		if n > 0 {
			l.result.PayloadBytes += n
			l.record(trace.Event{At: l.now, Kind: trace.Wrote,
				Length: n, Text: l.text(p[:n])})
		}
		if n < len(p) {
			l.written += n
			return
		}
		l.write++
		l.written = 0
		l.nextWrite = l.now + l.Every
	}
	if l.write == len(l.Writes) && !l.closed {
		l.closed = true
		l.Client.Close(l.now)
		l.record(trace.Event{At: l.now, Kind: trace.Closed})
	}
}

// applicationReads takes what has arrived, and says whether there was any.
func (l *loop) applicationReads() (moved bool) {
	l.Client.Read(l.now, l.buffer[:0])
	for !l.eof && l.now >= l.nextRead {
		n, err := l.Server.Read(l.now, l.buffer)
		if n == 0 && err == nil {
			return moved
		}
		if n > 0 {
			moved = true
			l.output.Write(l.buffer[:n])
			l.result.Read += n
			l.result.LastRead = l.now
			l.record(trace.Event{At: l.now, Kind: trace.Read,
				Length: n, Text: l.text(l.buffer[:n])})
			if l.ReadRate > 0 {
				l.nextRead = l.now +
					time.Duration(n)*time.Second/time.Duration(l.ReadRate)
			}
		}
		if err != nil {
			l.eof = true
		}
		if err == io.EOF {
			moved = true
			l.record(trace.Event{At: l.now, Kind: trace.End})
			l.Server.Close(l.now)
			l.record(trace.Event{At: l.now, Kind: trace.Closed,
				Direction: network.Down})
		}
	}
	return moved
}

// text is at most 64 bytes of p, for the trace.
func (l *loop) text(p []byte) string {
	if l.Trace == nil {
		return ""
	}
	return trace.Cut(p)
}

// send puts all that a host has to send on the network.
func (l *loop) send(d network.Direction) (moved bool) {
	for {
		if l.Paced && l.now < l.Network.Free(d) {
			return moved
		}
		p, ok := l.hosts[d].Send(l.now)
		if !ok {
			return moved
		}
		moved = true
		fate := l.Network.Send(l.now, d, len(p.Bytes), p.Data)
		l.result.Sent[d]++
		l.result.Bytes[d] += len(p.Bytes)
		if p.Retransmits > 0 {
			l.result.Retransmits[d]++
		}
		if fate.Lost != network.NotLost {
			l.result.Lost[d]++
		}

		var carries *trace.Header
		if l.Trace != nil {
			c := p.Header
			carries = &c
			e := trace.Event{At: l.now, Kind: trace.Sent, Direction: d,
				Number: fate.Number, Packet: carries,
				Bytes: append([]byte(nil), p.Bytes...)}
			l.record(e)
			if e.Loss = fate.Lost; e.Loss != network.NotLost {
				e.Kind = trace.Lost
				l.record(e)
			}
		}
		for i := range fate.N {
			c := fate.Copies[i]
			l.order++
			a := arrival{at: c.At, order: l.order, direction: d,
				number: fate.Number, copy: i + 1, carries: carries,
				bytes: l.clone(p.Bytes)}
			if c.FlipBit >= 0 && c.FlipBit < 8*len(a.bytes) {
				a.bytes[c.FlipBit/8] ^= 0x80 >> (c.FlipBit % 8)
				a.damaged = true
			}
			l.flying.push(a)
		}
	}
}

// clone copies a packet to a buffer that was used before.
func (l *loop) clone(p []byte) []byte {
	var b []byte
	if last := len(l.free) - 1; last >= 0 {
		b, l.free = l.free[last], l.free[:last]
	}
	return append(b[:0], p...)
}

// over says whether the run has come to its end.
func (l *loop) over() bool {
	for d, h := range l.hosts {
		done, err := h.Done()
		// A UDP receiver may be done, but it never learns it.
		if done && !l.finished[d] && (d == 0 || l.eof || err != nil) {
			e := trace.Event{At: l.now, Kind: trace.Finished,
				Direction: network.Direction(d)}
			if err != nil {
				e.Kind, e.Text = trace.Failed, err.Error()
			}
			l.record(e)
		}
		l.finished[d] = done
		if err != nil {
			l.result.Err = fmt.Errorf("%s: %w", ends[d], err)
			return true
		}
	}
	return l.finished[0] && l.finished[1] && len(l.flying) == 0
}

var ends = [2]string{"client", "server"}

// unfinished says which host had not finished when the run was broken off.
func (l *loop) unfinished(why error) error {
	who := "the network still carries packets"
	switch l.finished {
	case [2]bool{false, false}:
		who = "client and server have not finished"
	case [2]bool{true, false}:
		who = "the server has not finished"
	case [2]bool{false, true}:
		who = "the client has not finished"
	}
	return fmt.Errorf("%w: %s at %v", why, who, l.now)
}

// next is the time at which something is due again.
func (l *loop) next() time.Duration {
	next := never
	if len(l.flying) > 0 {
		next = l.flying[0].at
	}
	for d, h := range l.hosts {
		if at, ok := h.Deadline(); ok && !l.finished[d] && (at > l.now || !l.Paced) {
			next = min(next, at)
		}
		if free := l.Network.Free(network.Direction(d)); l.Paced && free > l.now {
			next = min(next, free)
		}
	}
	if l.write < len(l.Writes) && l.nextWrite > l.now {
		next = min(next, l.nextWrite)
	}
	if !l.eof && l.nextRead > l.now {
		next = min(next, l.nextRead)
	}
	return next
}
