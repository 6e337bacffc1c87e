//go:build check

package gobackn_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
	"example.com/sockets/03-tcp-reliability/exercises/bench"
	. "example.com/sockets/03-tcp-reliability/exercises/gobackn"
	"example.com/sockets/docs/exercises/check"
)

// A setting is what New gets.
type setting struct {
	last, window int
	rto          time.Duration
}

// usual is that of the try command.
var usual = setting{last: bench.Last, window: 4, rto: 200 * time.Millisecond}

func TestCheck(t *testing.T) {
	over := func(flags string) func(*check.Story) {
		return func(s *check.Story) { usual.compare(s, flags) }
	}
	cases := []check.Case{
		{Name: "no-loss", Holds: []int{1}, Do: over("-loss 0")},
		{Name: "packet-lost", Holds: []int{3}, Do: over("-drop data:3")},
		{Name: "first-lost", Holds: []int{2, 3}, Do: over("-drop data:1")},
		{Name: "acknowledgements-lost", Holds: []int{2}, Do: over("-drop down:1-3")},
		{Name: "a-window-of-them-lost", Holds: []int{2, 3}, Do: over("-drop down:1-4")},
		{Name: "lost-again-and-again", Holds: []int{3}, Do: over("-drop up:3-12")},
		{Name: "late-acknowledgements", Holds: []int{2, 4}, Do: over("-loss 0 -delay 150ms")},
		{Name: "end-lost", Holds: []int{3}, Do: over("-drop up:9,down:9")},
		{Name: "overtaken-acknowledgements", Holds: []int{2},
			Do: over("-reorder 0.3 -jitter 3ms -only down -seed 6")},
		{Name: "duplicates", Holds: []int{2}, Do: over("-duplicate 1")},
	}
	for seed := range 8 {
		cases = append(cases, check.Case{Name: fmt.Sprintf("bad-network-%d", seed+1),
			Holds: []int{1, 2, 3, 4},
			Do: over(fmt.Sprintf("-loss 0.2 -duplicate 0.2 -reorder 0.2 -jitter 5ms -seed %d",
				seed+1))})
	}
	cases = append(cases,
		check.Case{Name: "nothing-to-send", Holds: []int{6, 8}, Do: nothingToSend},
		check.Case{Name: "many-packets", Holds: []int{1, 8}, Do: manyPackets},
		check.Case{Name: "step-by-step", Holds: []int{1, 2, 3, 4, 5, 6, 7, 8}, Do: stepByStep},
		check.Case{Name: "other-settings", Holds: []int{1, 2, 3, 7, 8}, Do: otherSettings})
	check.Run(t, cases)
}

func (p setting) protocol() bench.Protocol {
	return bench.Protocol{Name: "go-back-n", Last: p.last, Window: p.window, RTO: p.rto,
		Sender: func() bench.Sender { return New(p.last, p.window, p.rto) },
		Other:  func() bench.Sender { return New(p.last+3, p.window+2, 2*p.rto) }}
}

func (p setting) String() string {
	return fmt.Sprintf("packets 1 to %d with a window of %d and a timeout of %v", p.last, p.window,
		p.rto)
}

// compare runs the sender over a network with these flags.
func (p setting) compare(s *check.Story, flags string) {
	if p == usual {
		s.Did("sent %v, as in:\ngo run ./03-tcp-reliability/exercises/gobackn/try %s", p, flags)
	} else {
		s.Did("sent %v over a network with %s", p, flags)
	}
	c := p.protocol().Compare(bench.Conditions(flags))
	if !c.Same {
		s.Picture(c.Picture())
		expected, came := c.Told()
		s.Fail(expected, came, p.symptom(c))
	}
}

// draw makes a setting.
func draw(d *check.Draw) setting {
	return setting{last: d.Between(1, 20), window: d.Between(1, 12),
		rto: time.Duration(d.Between(1, 40)) * 25 * time.Millisecond}
}

// manyPackets sends more packets than a small number can count.
func manyPackets(s *check.Story) {
	p := usual
	p.last = 70_000
	p.protocol().Smooth(s, p)
	p.last, p.window = 12_000, 5000
	p.protocol().Smooth(s, p)
}

// nothingToSend has a sender without packets.
func nothingToSend(s *check.Story) {
	p := usual
	p.last = 0
	s.Did("made a sender of no packets: New's last is 0")
	sender := p.protocol().Sender()
	if n, ok := sender.Send(0); ok {
		s.Fail("Send says false", fmt.Sprintf("packet %d", n),
			"there is nothing to send, and your sender sends something")
	}
	if at, ok := sender.Deadline(); ok {
		s.Fail("Deadline says false", at.String(),
			"no packet is under way, and Deadline says that one is")
	}
}

// stepByStep calls the sender and the reference alike, without a network.
func stepByStep(s *check.Story) {
	s.Random(400, func(d *check.Draw) {
		p := draw(d)
		if d.OneIn(8) { // a long one
			p.last += d.N(300)
			p.window += d.N(60)
			p.rto *= time.Duration(1 + d.N(1_000_000))
		}
		if d.OneIn(4) { // a short one, or one that is no round number
			p.rto = p.rto/time.Duration(1+d.N(1000)) + time.Duration(d.N(1_000_000))
		}
		s.Did("made a sender of %v", p)
		if d := p.protocol().Lockstep(d.N, s.Did); d != nil {
			s.Fail(d.Expected, d.Came, d.Symptom)
		}
	})
}

// otherSettings runs senders of all kinds over networks of all kinds.
func otherSettings(s *check.Story) {
	s.Random(60, func(d *check.Draw) {
		p := draw(d)
		flags := fmt.Sprintf("-seed %d -loss 0.%d -duplicate 0.%d -reorder 0.%d -jitter %dms "+
			"-delay %dms",
			d.N(1000), d.N(3), d.N(3), d.N(3), d.N(9), 10+d.N(9)*10)
		p.compare(s, flags)
	})
}

// symptom says what the first difference looks like.
func (p setting) symptom(c *bench.Comparison) string {
	window, rto := p.window, p.rto
	sent := map[int]time.Duration{} // when each packet was sent last
	base := 1                       // the oldest that is not acknowledged
	var highest int                 // of the packets sent
	var previous bench.Act          // the packet sent last
	var ack int                     // the latest acknowledgement
	var acked time.Duration         // when it came
	old := false                    // and it says nothing new
	for _, e := range c.Before() {
		switch {
		case e.Kind == trace.Sent && e.Direction == network.Up:
			previous = bench.Act{At: e.At, Number: int(e.Packet.Seq),
				Again: e.Packet.Retransmits > 0}
			highest = max(highest, previous.Number)
			sent[previous.Number] = e.At
		case e.Kind == trace.Arrived && e.Direction == network.Down:
			ack, acked = int(e.Packet.Ack), e.At
			old = ack < base
			base = max(base, ack+1)
		}
	}
	want, got := c.Want, c.Got
	early := got.Up && (!want.Up || got.At <= want.At)
	switch {
	case highest == 0 && !got.Up:
		return "nothing was sent: does Send ever say true?"
	// Both send at the same time, but not the same packet.
	case want.Up && want.Again && previous.Again && previous.At == want.At && !(early && got.Again):
		return fmt.Sprintf("your sender does not send packet %d again after packet %d: the "+
			"receiver has discarded it, because it keeps nothing that comes out of order",
			want.Number, previous.Number)
	case early && got.Number >= base+window && old && acked == got.At:
		return fmt.Sprintf("acknowledgement %d has come again and stands for nothing new, but "+
			"your sender takes it for a further packet: packet %d must wait",
			ack, got.Number)
	case early && got.Number >= base+window:
		return fmt.Sprintf("your sender has %d packets under way, and the window is %d: packet "+
			"%d must wait for an acknowledgement",
			got.Number-base+1, window, got.Number)
	case early && got.Again && got.Number < base:
		return fmt.Sprintf("your sender sends packet %d again although it is acknowledged: "+
			"acknowledgement %d has come", got.Number, base-1)
	case early && got.Again:
		return fmt.Sprintf("your sender sends packet %d again %s after its last transmission: "+
			"packet %d is the oldest, was last sent at %s, and has time until %s",
			got.Number, bench.Millis(got.At-sent[got.Number]), base, bench.Millis(sent[base]),
			bench.Millis(sent[base]+rto))
	case early:
		return fmt.Sprintf("your sender sends packet %d, and it is the turn of packet %d",
			got.Number, highest+1)
	case cutOff(c) != "":
		return "your sender " + cutOff(c)
	case want.Up && want.Again && got.Up:
		return fmt.Sprintf("packet %d, the oldest, was sent at %s; its timer runs out at %s, not "+
			"at %s",
			base, bench.Millis(sent[base]), bench.Millis(sent[base]+rto), bench.Millis(got.At))
	case want.Up && want.Again:
		return fmt.Sprintf("packet %d is never acknowledged, and it is not sent again", want.Number)
	case want.Up && ack > 0:
		return fmt.Sprintf("acknowledgement %d stands for all packets up to %d, so the window "+
			"has room for packet %d, which does not follow", base-1, base-1, want.Number)
	case want.Up:
		return fmt.Sprintf("the window of %d has room for packet %d, which does not follow", window,
			want.Number)
	}
	return "your sender does not do what go-back-N does"
}

// cutOff is why the bench has ended the run in place of the sender, or "".
func cutOff(c *bench.Comparison) string {
	if !c.Got.None() || c.Yours.Err == nil {
		return ""
	}
	_, why, found := strings.Cut(c.Yours.Err.Error(), "is cut off")
	if !found {
		return ""
	}
	return "is cut off" + why
}
