package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
	"example.com/sockets/03-tcp-reliability/engine/views"
)

// A flow is what is counted and told of one link.
type flow struct {
	watch *watcher
	id    int
	begun time.Duration

	packets, lost [2]int
	again         map[trace.Reason]int // repetitions, by reason
	bytes         [2]int64             // that the programs got
	latest        time.Duration        // when a packet was last sent or arrived
	waited        time.Duration        // silences that a timer has ended
	silent        time.Duration        // latest, when a silence was told last

	names  [2]names  // by direction
	acked  [2]uint32 // what the other end has acknowledged
	heards [2]heards
}

func (f *flow) begin(watch *watcher, net *sharedNetwork) {
	f.watch, f.id, f.begun = watch, net.link(), net.now()
	f.latest, f.again = f.begun, map[trace.Reason]int{}
}

// sent counts and tells a packet that an end sends, and what the network does
// with it. It returns the packet's header as the trace has it, or nil.
func (f *flow) sent(now time.Duration, d network.Direction, p *trace.Packet,
	fate *network.Fate) *trace.Header {
	f.packets[d]++
	if p.Retransmits > 0 {
		f.again[p.Why]++
	}
	if p.Why == trace.Timeout || p.Why == trace.TailLossProbe {
		f.waited += now - f.latest
	}
	f.latest = now
	lost := fate.Lost != network.NotLost
	if lost {
		f.lost[d]++
	}
	if !f.watch.told() {
		return nil
	}
	h := p.Header
	h.Retransmits, h.Previous = f.names[d].number(h.Retransmits), f.names[d].number(h.Previous)
	h.Cause = f.heards[d].number(h.Cause)
	f.names[d].add(f.packets[d], fate.Number, &h)
	if f.watch.watching() {
		e := trace.Event{At: now, Kind: trace.Sent, Connection: f.id, Direction: d,
			Number: fate.Number, Packet: &h, Bytes: p.Bytes}
		f.watch.add(&e, lost)
		if e.Loss = fate.Lost; lost {
			e.Kind = trace.Lost
			f.watch.add(&e, false)
		}
	}
	return &h
}

// arrived tells that a packet has come to the other end.
func (f *flow) arrived(now time.Duration, a *arrival) {
	f.latest = now
	if a.header == nil {
		return
	}
	kind := trace.Arrived
	if a.damaged {
		kind = trace.Discarded // the checksum sees it
	} else if a.header.HasAck {
		acked := &f.acked[1-a.direction]
		if int32(a.header.Ack-*acked) > 0 { // else it was overtaken by a later one
			*acked = a.header.Ack
		}
	}
	if f.watch.watching() {
		f.watch.add(&trace.Event{At: now, Kind: kind, Connection: f.id, Direction: a.direction,
			Number: a.number, Copy: a.copy, Packet: a.header, Bytes: a.bytes}, false)
	}
}

// read tells of bytes that a program gets; none is the end. d is the direction
// in which they went.
func (f *flow) read(now time.Duration, d network.Direction, p []byte) {
	f.bytes[d] += int64(len(p))
	if !f.watch.watching() {
		return
	}
	e := trace.Event{At: now, Kind: trace.Read, Connection: f.id, Direction: d,
		Length: len(p), Text: trace.Cut(p)}
	if len(p) == 0 {
		e.Kind = trace.End
	}
	f.watch.add(&e, false)
}

// finished tells that the link is over, and why if it did not end well.
func (f *flow) finished(now time.Duration, reason error) {
	e := trace.Event{At: now, Kind: trace.Finished, Connection: f.id}
	text := fmt.Sprintf("Connection %d: %s", f.id, f.account(now))
	if reason != nil {
		e.Kind, e.Text = trace.Failed, cause(reason).Error()
		text += "  it ended early: " + e.Text + "\n"
	}
	f.watch.finished(&e, text)
}

// account says how the link goes, in lines of at most 80 columns.
func (f *flow) account(now time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b,
		"%d bytes up, %d down, in %v;\n  segments: %d up (%d lost), %d down (%d lost)\n",
		f.bytes[0], f.bytes[1], (now - f.begun).Round(time.Millisecond),
		f.packets[0], f.lost[0], f.packets[1], f.lost[1])
	again := 0
	for _, n := range f.again {
		again += n
	}
	if again > 0 {
		views.WriteWrapped(&b, fmt.Sprintf("  sent again: %d (%s)", again, views.Reasons(f.again)))
	}
	if waited := f.waited.Round(time.Millisecond); waited > 0 {
		fmt.Fprintf(&b, "  waited for timers: %v\n", waited)
	}
	return b.String()
}

// A Conn counts its own packets; in the trace they have the numbers that the
// network gives to the packets of all links.

// names are the numbers of the packets of one direction that may be sent again.
type names []name

type name struct {
	own, number int
	end         uint32 // what acknowledges the packet
}

func (n *names) add(own, number int, h *trace.Header) {
	end := h.Seq + uint32(h.Length)
	if h.Kind.Has(trace.SYN) || h.Kind.Has("FIN") {
		end++ // they take a number each
	}
	if end != h.Seq {
		*n = append(*n, name{own, number, end})
	}
}

// acknowledged forgets what will not be sent again.
func (n *names) acknowledged(ack uint32) {
	for len(*n) > 0 && int32(ack-(*n)[0].end) >= 0 {
		*n = (*n)[1:]
	}
}

// number is the network's number of a packet, or 0.
func (n names) number(own int) int {
	i, found := slices.BinarySearchFunc(n, own, func(x name, own int) int { return x.own - own })
	if !found {
		return 0
	}
	return n[i].number
}

// heards are the numbers of the packets that an end has received since it last
// had nothing to send: one of them made it send what it sends now.
type heards struct {
	before  int // how many came before those
	numbers []int
}

// heard notes a packet that is given to an end.
func (f *flow) heard(a *arrival) {
	h := &f.heards[1-a.direction]
	h.numbers = append(h.numbers, a.number)
}

// drained: an end has sent all that it had to send. Only now nothing that is
// acknowledged can still wait to be sent again.
func (f *flow) drained(d network.Direction) {
	f.names[d].acknowledged(f.acked[d])
	h := &f.heards[d]
	h.before += len(h.numbers)
	h.numbers = h.numbers[:0]
}

// number is the network's number of the end's arrival, counted from 1; or 0.
func (h *heards) number(arrival int) int {
	if arrival <= h.before {
		return 0
	}
	return h.numbers[arrival-h.before-1]
}
