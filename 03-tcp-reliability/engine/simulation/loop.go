package simulation

import (
	"fmt"
	"io"
	"reflect"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/queue"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// loop is the state of a run.
type loop struct {
	Config
	now    time.Duration
	hosts  [2]Host // by the direction in which they send
	flying queue.Queue[arrival]
	free   [][]byte // buffers for packets

	write     int // the next of Writes
	written   int // bytes of it already taken
	nextWrite time.Duration
	closed    bool

	buffer   []byte
	nextRead time.Duration
	eof      bool

	finished [2]bool
	result   Result

	// For the trace, by host:
	heard  [2][]int       // the numbers of the packets that it received
	states [2]trace.State // the latest
}

// An arrival is a packet under way.
type arrival struct {
	direction network.Direction
	number    int
	copy      int
	damaged   bool
	packet    *trace.Header
	bytes     []byte
}

// never is later than every time.
const never = time.Duration(1<<63 - 1)

// step does all that is due now. What a host or an application can do next
// depends on the others, so it goes round until nothing moves.
func (l *loop) step() {
	for moved := true; moved; {
		for at, ok := l.flying.Next(); ok && at <= l.now; at, ok = l.flying.Next() {
			l.arrive(l.flying.Pop())
		}
		l.applicationWrites()
		moved = l.applicationReads()
		moved = l.send(network.Up) || moved
		moved = l.send(network.Down) || moved
	}
	for d, h := range l.hosts {
		for _, n := range h.Notes() {
			l.record(trace.Event{At: n.At, Kind: trace.Noted,
				Direction: network.Direction(d), Note: n})
		}
	}
}

func (l *loop) record(e trace.Event) {
	if l.Trace == nil {
		return
	}
	for d := range e.Queue {
		e.Queue[d] = l.Network.Waiting(l.now, network.Direction(d))
	}
	l.Trace.Add(e)
}

// changed records the state of a host if the event before has changed it.
func (l *loop) changed(host network.Direction) {
	if l.Trace == nil || !l.Trace.States {
		return
	}
	h, ok := l.hosts[host].(stater)
	if !ok {
		return
	}
	if s := h.State(); !reflect.DeepEqual(s, l.states[host]) {
		l.states[host] = s
		l.record(trace.Event{At: l.now, Kind: trace.Changed, Direction: host, State: &s})
	}
}

// arrive hands a packet to the host at the other end.
func (l *loop) arrive(a arrival) {
	to := 1 - a.direction
	l.hosts[to].Receive(l.now, a.bytes)
	kind := trace.Arrived
	if h, ok := l.hosts[to].(dropper); ok && h.Dropped() > l.result.Dropped[to] {
		l.result.Dropped[to] = h.Dropped()
		kind = trace.Dropped
	}
	if a.damaged {
		kind = trace.Discarded // the checksum of every host sees it
	}
	if l.Trace != nil {
		l.heard[to] = append(l.heard[to], a.number)
		l.record(trace.Event{At: l.now, Kind: kind, Direction: a.direction,
			Number: a.number, Copy: a.copy, Packet: a.packet,
			Bytes: append([]byte(nil), a.bytes...)})
	}
	l.changed(to)
	l.free = append(l.free, a.bytes)
}

// applicationWrites gives the client what is due and fits.
func (l *loop) applicationWrites() {
	for l.write < len(l.Writes) && l.now >= l.nextWrite {
		p := l.Writes[l.write][l.written:]
		n := l.Client.Write(l.now, p)
		if n > 0 {
			l.record(trace.Event{At: l.now, Kind: trace.Wrote,
				Length: n, Text: l.text(p[:n])})
			l.changed(network.Up)
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
		l.close(network.Up)
	}
}

func (l *loop) close(host network.Direction) {
	l.hosts[host].Close(l.now)
	l.record(trace.Event{At: l.now, Kind: trace.Closed, Direction: host})
	l.changed(host)
}

// applicationReads takes what has arrived, and says whether there was any.
func (l *loop) applicationReads() (moved bool) {
	// The client's application wants no bytes. It reads because only who reads
	// learns of the peer's end: a TCP goes on from there.
	l.Client.Read(l.now, l.buffer[:0])
	for !l.eof && l.now >= l.nextRead {
		n, err := l.Server.Read(l.now, l.buffer)
		if n == 0 && err == nil {
			return moved
		}
		if n > 0 {
			moved = true
			l.Output.Write(l.buffer[:n])
			l.result.Read += n
			l.result.LastRead = l.now
			l.record(trace.Event{At: l.now, Kind: trace.Read,
				Length: n, Text: l.text(l.buffer[:n])})
			l.changed(network.Down)
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
			l.changed(network.Down)
			l.close(network.Down)
		}
	}
	return moved
}

// text is the part of p that the trace keeps.
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
			l.changed(d) // a sender that gives up has nothing to send
			return moved
		}
		moved = true
		fate := l.Network.Send(l.now, d, len(p.Bytes), p.Data)
		l.result.Sent[d]++
		if fate.Lost != network.NotLost {
			l.result.Lost[d]++
		}
		if p.Retransmits > 0 {
			l.result.Retransmits[d]++
		}
		packet := l.sent(d, p, fate)
		for i := range fate.N {
			c := fate.Copies[i]
			a := arrival{d, fate.Number, i + 1, false, packet, l.clone(p.Bytes)}
			a.damaged = c.Damage(a.bytes)
			l.flying.Push(c.At, a)
		}
	}
}

// sent records that a packet was sent, and whether the network loses it.
func (l *loop) sent(d network.Direction, p trace.Packet, fate network.Fate) *trace.Header {
	if l.Trace == nil {
		return nil
	}
	packet := p.Header
	if packet.Cause > 0 { // the host counts arrivals, the trace names packets
		packet.Cause = l.heard[d][packet.Cause-1]
	}
	e := trace.Event{At: l.now, Kind: trace.Sent, Direction: d, Number: fate.Number,
		Packet: &packet, Bytes: append([]byte(nil), p.Bytes...)}
	l.record(e)
	if e.Loss = fate.Lost; e.Loss != network.NotLost {
		e.Kind = trace.Lost
		l.record(e)
	}
	l.changed(d)
	return &packet
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
			l.result.Err = fmt.Errorf("%s: %w", [2]string{"client", "server"}[d], err)
			return true
		}
	}
	return l.finished[0] && l.finished[1] && l.flying.Len() == 0
}

// next is the time at which something is due again.
func (l *loop) next() time.Duration {
	next := never
	if at, ok := l.flying.Next(); ok {
		next = at
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
