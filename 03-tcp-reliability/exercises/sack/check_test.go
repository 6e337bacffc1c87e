//go:build check

package sack_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
	"example.com/sockets/03-tcp-reliability/exercises/bench"
	. "example.com/sockets/03-tcp-reliability/exercises/sack"
	"example.com/sockets/docs/exercises/check"
)

// A setting is what New gets.
type setting struct {
	last, window int
	rto          time.Duration
}

// usual is that of the try command.
var usual = setting{last: 20, window: 10, rto: 200 * time.Millisecond}

func TestCheck(t *testing.T) {
	over := func(name string, holds []int, flags string) check.Case {
		return check.Case{Name: name, Holds: holds,
			Do: func(s *check.Story) { usual.compare(s, flags) }}
	}
	check.Run(t, []check.Case{
		{Name: "two-senders", Holds: []int{11}, Do: func(s *check.Story) {
			s.Bubble(func() { usual.protocol().Together(s) })
		}},
		{Name: "no-clock", Holds: []int{10}, Do: func(s *check.Story) {
			s.Bubble(func() { usual.protocol().NoClock(s) })
		}},
		over("no-loss", []int{1, 2, 8}, "-loss 0"),
		over("packet-lost", []int{3, 4}, "-drop data:3"),
		over("two-lost", []int{4, 7}, "-drop data:2,data:4 -rate 1Mbit"),
		over("four-lost", []int{3, 4}, "-drop data:2,data:4,data:6,data:8 -rate 1Mbit"),
		over("side-by-side", []int{4}, "-drop data:2-4"),
		over("first-lost", []int{4}, "-drop data:1 -rate 1Mbit"),
		over("overtaken", []int{4}, "-reorder 0.3 -seed 6"),
		over("too-few-beyond", []int{6}, "-drop data:18"),
		over("sent-again-and-lost", []int{5, 6}, "-drop data:2,up:11-12"),
		over("acknowledgements-lost", []int{2, 3}, "-drop data:2,down:2-6"),
		over("late-acknowledgements", []int{2, 6}, "-loss 0 -delay 150ms"),
		{Name: "nothing-to-send", Holds: []int{9, 11}, Do: nothingToSend},
		{Name: "many-packets", Holds: []int{1, 11}, Do: manyPackets},
		{Name: "step-by-step", Holds: []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
			Do: func(s *check.Story) {
				s.Random(600, func(d *check.Draw) {
					p := draw(d)
					if d.OneIn(8) { // a long one
						p.last += d.N(300)
						p.window += d.N(60)
						p.rto *= time.Duration(1 + d.N(10_000))
					}
					s.Did("made a sender of %v", p)
					if d := p.protocol().Lockstep(d.N, s.Did); d != nil {
						s.Fail(d.Expected, d.Came, d.Symptom)
					}
				})
			}},
		{Name: "other-settings", Holds: []int{1, 2, 3, 4, 5, 6, 7, 11}, Do: func(s *check.Story) {
			s.Random(60, func(d *check.Draw) {
				draw(d).compare(s,
					fmt.Sprintf("-seed %d -loss 0.%d -duplicate 0.%d -reorder 0.%d -jitter %dms "+
						"-delay %dms",
						d.N(1000), d.N(3), d.N(3), d.N(3), d.N(9), 10+d.N(9)*10))
			})
		}},
		{Name: "a-late-one-tells-more", Holds: []int{2, 3, 4, 11}, Do: lateOne},
	})
}

func draw(d *check.Draw) setting {
	return setting{last: d.Between(1, 30), window: d.Between(1, 15),
		rto: time.Duration(d.Between(1, 40)) * 25 * time.Millisecond}
}

func (p setting) protocol() bench.Protocol {
	return bench.Protocol{Name: "selective-acks", Last: p.last, Window: p.window, RTO: p.rto,
		Sack: func() bench.SackSender { return New(p.last, p.window, p.rto) }}
}

func (p setting) String() string {
	return fmt.Sprintf("packets 1 to %d with a window of %d and a timeout of %v", p.last, p.window,
		p.rto)
}

// manyPackets sends more packets than a small number can count.
func manyPackets(s *check.Story) {
	p := usual
	p.last = 1000
	p.protocol().Smooth(s, p)
}

// nothingToSend has a sender without packets.
func nothingToSend(s *check.Story) {
	s.Did("made a sender of no packets: New's last is 0")
	sender := New(0, 5, time.Second)
	if n, ok := sender.Send(0); ok {
		s.Fail("Send says false", fmt.Sprintf("packet %d", n),
			"there is nothing to send, and your sender sends something")
	}
	if at, ok := sender.Deadline(); ok {
		s.Fail("Deadline says false", at.String(),
			"no packet is under way, and Deadline says that one is")
	}
}

// lateOne has an acknowledgement come late that tells what a newer one had no room for.
func lateOne(s *check.Story) {
	s.Did("made a sender of packets 1 to 20 with a window of 12, which sent 1 to 12")
	sender := New(20, 12, time.Second)
	for range 12 {
		sender.Send(0)
	}
	ack := func(number int, blocks ...[2]int) {
		s.Did("acknowledgement %d came, with blocks %v", number, blocks)
		sender.Ack(10*time.Millisecond, number, blocks)
		for i := range blocks {
			blocks[i] = [2]int{5, 9} // they were lent
		}
	}
	next := func(want int, symptom string) {
		s.Did("called Send")
		if n, ok := sender.Send(10 * time.Millisecond); !ok || n != want {
			s.Fail(fmt.Sprintf("packet %d", want), fmt.Sprintf("packet %d, %v", n, ok), symptom)
		}
	}
	ack(2, [2]int{8, 8}, [2]int{6, 6}, [2]int{4, 4})
	next(3, "three packets beyond packet 3 have come, it is lost, and it is not sent again at once")
	next(13, "the window has room for packet 13, and nothing else is known to be lost")
	next(14, "the window has room for packet 14, and nothing else is known to be lost")
	s.Did("an older one was overtaken")
	ack(0, [2]int{10, 12})
	const symptom = "a late acknowledgement is true, too: its blocks tell what the newer one had " +
		"no room for"
	next(5, symptom)
	next(7, symptom)
	next(9, symptom)
	if n, ok := sender.Send(10 * time.Millisecond); ok {
		s.Fail("Send says false", fmt.Sprintf("packet %d", n),
			"nothing else is lost, and the window is full")
	}
}

// compare runs the sender over a network with these flags.
func (p setting) compare(s *check.Story, flags string) {
	if p == usual {
		s.Did("sent %v, as in:\ngo run ./03-tcp-reliability/exercises/sack/try %s", p, flags)
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

// symptom says what the first difference looks like.
func (p setting) symptom(c *bench.Comparison) string {
	sent := map[int]time.Duration{} // when each packet was sent last
	here := map[int]bool{}          // what a block has told
	base, highest := 1, 0
	for _, e := range c.Before() {
		switch {
		case e.Kind == trace.Sent && e.Direction == network.Up:
			highest = max(highest, int(e.Packet.Seq))
			sent[int(e.Packet.Seq)] = e.At
		case e.Kind == trace.Arrived && e.Direction == network.Down:
			base = max(base, int(e.Packet.Ack)+1)
			for _, b := range e.Packet.SACK {
				for n := b[0]; n < b[1]; n++ {
					here[int(n)] = true
				}
			}
		}
	}
	beyond := func(number int) (count int) {
		for n := number + 1; n <= highest; n++ {
			if here[n] {
				count++
			}
		}
		return count
	}
	want, got := c.Want, c.Got
	early := got.Up && (!want.Up || got.At <= want.At)
	switch {
	case highest == 0 && !got.Up:
		return "nothing was sent: does Send ever say true?"
	case early && got.Again && got.Number < base:
		return fmt.Sprintf("your sender sends packet %d again although it is acknowledged: "+
			"acknowledgement %d has come", got.Number, base-1)
	case early && got.Again && here[got.Number]:
		return fmt.Sprintf("your sender sends packet %d again, and a block has told that it has "+
			"come", got.Number)
	case early && got.Number >= base+p.window:
		return fmt.Sprintf("your sender sends packet %d, and the window of %d ends before it: "+
			"packet %d is not acknowledged", got.Number, p.window, base)
	case want.Up && want.Again && beyond(want.Number) >= 3 && want.At < sent[base]+p.rto:
		return fmt.Sprintf("%d packets beyond packet %d have come, it is lost, and it is not "+
			"sent again at once", beyond(want.Number), want.Number)
	case early && got.Again && beyond(got.Number) < 3:
		return fmt.Sprintf("your sender sends packet %d again, and %d packets beyond it have "+
			"come: three tell that it is lost, fewer may have overtaken it", got.Number,
			beyond(got.Number))
	case early && got.Again:
		return fmt.Sprintf("your sender sends packet %d again %s after its last transmission: it "+
			"was sent again before, and what has come beyond it tells nothing of that", got.Number,
			bench.Millis(got.At-sent[got.Number]))
	case early && !want.Again:
		return fmt.Sprintf("your sender sends packet %d, and it is the turn of packet %d",
			got.Number, highest+1)
	case got.None() && c.Yours.Err != nil && strings.Contains(c.Yours.Err.Error(), "is cut off"):
		return "your sender " + strings.TrimPrefix(c.Yours.Err.Error(), "client: ")
	case want.Up && want.Again:
		return fmt.Sprintf("packet %d is not sent again when its timer runs out", want.Number)
	case want.Up:
		return fmt.Sprintf("the window of %d has room for packet %d, which does not follow",
			p.window, want.Number)
	}
	return "your sender does not do what selective acknowledgement does"
}
