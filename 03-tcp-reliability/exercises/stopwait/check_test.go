//go:build check

package stopwait_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
	"example.com/sockets/03-tcp-reliability/exercises/bench"
	. "example.com/sockets/03-tcp-reliability/exercises/stopwait"
	"example.com/sockets/docs/exercises/check"
)

// A setting is what New gets.
type setting struct {
	last int
	rto  time.Duration
}

// usual is that of the try command.
var usual = setting{last: bench.Last, rto: 200 * time.Millisecond}

func TestCheck(t *testing.T) {
	over := func(flags string) func(*check.Story) {
		return func(s *check.Story) { usual.compare(s, flags) }
	}
	cases := []check.Case{
		{Name: "no-loss", Holds: []int{1}, Do: over("-loss 0")},
		{Name: "packet-lost", Holds: []int{2}, Do: over("-drop data:3")},
		{Name: "lost-again-and-again", Holds: []int{2}, Do: over("-drop up:3-6")},
		{Name: "acknowledgement-lost", Holds: []int{2, 3}, Do: over("-drop down:3")},
		{Name: "late-acknowledgements", Holds: []int{3}, Do: over("-loss 0 -delay 150ms")},
		{Name: "end-lost", Holds: []int{2}, Do: over("-drop up:9,down:9")},
		{Name: "duplicates", Holds: []int{3}, Do: over("-duplicate 1")},
	}
	for seed := range 8 {
		cases = append(cases, check.Case{Name: fmt.Sprintf("bad-network-%d", seed+1),
			Holds: []int{1, 2, 3, 4},
			Do: over(fmt.Sprintf("-loss 0.3 -duplicate 0.2 -reorder 0.2 -jitter 5ms -seed %d",
				seed+1))})
	}
	cases = append(cases,
		check.Case{Name: "nothing-to-send", Holds: []int{5, 7}, Do: nothingToSend},
		check.Case{Name: "many-packets", Holds: []int{1, 7}, Do: manyPackets},
		check.Case{Name: "step-by-step", Holds: []int{1, 2, 3, 4, 5, 6, 7}, Do: stepByStep},
		check.Case{Name: "other-settings", Holds: []int{1, 2, 3, 6, 7}, Do: otherSettings})
	check.Run(t, cases)
}

func (p setting) protocol() bench.Protocol {
	return bench.Protocol{Name: "stop-and-wait", Last: p.last, RTO: p.rto,
		Sender: func() bench.Sender { return New(p.last, p.rto) },
		Other:  func() bench.Sender { return New(p.last+3, 2*p.rto) }}
}

func (p setting) String() string {
	return fmt.Sprintf("packets 1 to %d with a timeout of %v", p.last, p.rto)
}

// compare runs the sender over a network with these flags.
func (p setting) compare(s *check.Story, flags string) {
	if p == usual {
		s.Did("sent %v, as in:\ngo run ./03-tcp-reliability/exercises/stopwait/try %s", p, flags)
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
	return setting{last: d.Between(1, 20), rto: time.Duration(d.Between(1,
		40)) * 25 * time.Millisecond}
}

// manyPackets sends more packets than a small number can count.
func manyPackets(s *check.Story) {
	p := usual
	p.last = 70_000
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
	rto := p.rto
	var n, times, ack int // the packet sent last, how often, and the latest acknowledgement
	var sent, acked time.Duration
	for _, e := range c.Before() {
		switch {
		case e.Kind == trace.Sent && e.Direction == network.Up:
			if int(e.Packet.Seq) != n {
				n, times = int(e.Packet.Seq), 0
			}
			times++
			sent = e.At
		case e.Kind == trace.Arrived && e.Direction == network.Down:
			ack, acked = int(e.Packet.Ack), e.At
		}
	}
	want, got := c.Want, c.Got
	early := got.Up && (!want.Up || got.At <= want.At)
	switch {
	case got.None() && c.Yours.Err != nil && strings.Contains(c.Yours.Err.Error(), "cut off"):
		return fmt.Sprintf("your sender %v", strings.TrimPrefix(c.Yours.Err.Error(), "client: "))
	case n == 0 && !got.Up:
		return "nothing was sent: does Send ever say true?"
	case early && got.Number > n && ack > 0 && ack < n && got.At == acked:
		return fmt.Sprintf("your sender takes the acknowledgement of packet %d for that of "+
			"packet %d", ack, n)
	case early && got.Number > n && ack < n:
		return fmt.Sprintf("your sender sends packet %d although packet %d is not acknowledged",
			got.Number, n)
	case early && got.Number == n && ack < n:
		return fmt.Sprintf("your sender sends packet %d again %s after its last transmission, "+
			"not %s: the timer must start at each transmission",
			n, bench.Millis(got.At-sent), bench.Millis(rto))
	case early && got.Number <= n:
		return fmt.Sprintf("your sender sends packet %d again although packet %d is acknowledged",
			got.Number, ack)
	case early:
		return fmt.Sprintf("your sender sends packet %d, and it is the turn of packet %d",
			got.Number, n+1)
	case want.Up && !want.Again:
		return fmt.Sprintf("packet %d is acknowledged, and packet %d does not follow", n, n+1)
	case want.Again && got.Up && got.Number == n:
		return fmt.Sprintf("your sender sends packet %d again %s after its last transmission, "+
			"not %s: too late",
			n, bench.Millis(got.At-sent), bench.Millis(rto))
	case want.Again && times > 1:
		return fmt.Sprintf("packet %d was sent %d times and never acknowledged, and now it is "+
			"not sent again: a retransmission can be lost, too", n, times)
	case want.Again && !got.None():
		return fmt.Sprintf("packet %d has no acknowledgement %s after its last transmission, and "+
			"it is not sent again then", n, bench.Millis(rto))
	case want.Again:
		return fmt.Sprintf("packet %d is never acknowledged, and it is not sent again", n)
	}
	return "your sender does not do what stop-and-wait does"
}
