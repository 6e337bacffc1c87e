package story_test

import (
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/story"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// A receiver that drops segments without a word, and says other things: what
// its acknowledgements tell counts, and nothing that might be guessed.
func TestAcknowledgementsCount(t *testing.T) {
	tr := &trace.Trace{Protocol: "tcp"}
	up, down := 0, 0
	data := func(at int, seq uint32, length, of int) {
		up++
		h := &trace.Header{Kind: trace.ACK, Seq: seq, Length: length, Ack: 1, HasAck: true,
			Retransmits: of}
		when := time.Duration(at) * time.Millisecond
		tr.Add(trace.Event{At: when, Kind: trace.Sent, Number: up, Packet: h})
		tr.Add(trace.Event{At: when + 10*time.Millisecond, Kind: trace.Arrived, Number: up, Copy: 1,
			Packet: h})
	}
	ack := func(at int, n uint32, window int, sack ...[2]uint32) {
		down++
		h := &trace.Header{Kind: trace.ACK, Ack: n, HasAck: true, Window: window, HasWindow: true,
			SACK: sack}
		tr.Add(trace.Event{At: time.Duration(at) * time.Millisecond, Kind: trace.Sent,
			Direction: network.Down, Number: down, Packet: h})
	}
	data(0, 1, 10, 0) // 1: taken
	ack(10, 11, 1000)
	data(20, 11, 10, 0) // 2: in order, and dropped without a word
	ack(30, 11, 1000)   // the 1st repeat
	ack(31, 11, 2000)   // a new window: none
	data(40, 21, 10, 0) // 3: kept
	ack(50, 11, 2000, [2]uint32{21, 31})
	data(60, 11, 10, 2) // 4: taken
	ack(70, 31, 2000)
	ack(71, 31, 2000) // nothing is under way: no repeat

	d := story.Of(tr)
	if got, want := verdicts(d), "1 taken, 2 not kept, 3 kept(), 4 taken"; got != want {
		t.Errorf("%s, and not %s", got, want)
	}
	var repeats []int
	for _, p := range d.Packets {
		if p.Direction == network.Down {
			repeats = append(repeats, p.Repeat)
		}
		if p.Needless {
			t.Errorf("packet %d is called needless", p.Number)
		}
	}
	for i, want := range []int{0, 1, 0, 2, 0, 0} {
		if repeats[i] != want {
			t.Errorf("acknowledgement %d is repeat %d, not %d", i+1, repeats[i], want)
		}
	}
}
