//go:build check

package fastretransmit_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
	"example.com/sockets/03-tcp-reliability/exercises/bench"
	. "example.com/sockets/03-tcp-reliability/exercises/fastretransmit"
	"example.com/sockets/docs/exercises/check"
)

// A setting is what New gets.
type setting struct {
	last, window int
	rto          time.Duration
}

// usual is that of the try command.
var usual = setting{last: bench.Last, window: 8, rto: 200 * time.Millisecond}

func TestCheck(t *testing.T) {
	over := func(flags string) func(*check.Story) {
		return func(s *check.Story) { usual.compare(s, flags) }
	}
	cases := []check.Case{
		{Name: "two-senders", Holds: []int{10}, Do: func(s *check.Story) {
			s.Bubble(func() { usual.protocol().Together(s) })
		}},
		{Name: "no-clock", Holds: []int{9}, Do: func(s *check.Story) {
			s.Bubble(func() { usual.protocol().NoClock(s) })
		}},
		{Name: "no-loss", Holds: []int{1}, Do: over("-loss 0")},
		{Name: "packet-lost", Holds: []int{4}, Do: over("-drop data:3")},
		{Name: "many-duplicates", Holds: []int{4}, Do: over("-drop data:3 -rate 1Mbit")},
		{Name: "first-lost", Holds: []int{3, 4}, Do: over("-drop data:1 -rate 1Mbit")},
		{Name: "two-duplicates", Holds: []int{3, 6}, Do: over("-drop data:7")},
		{Name: "sent-again-and-lost", Holds: []int{5, 6}, Do: over("-drop data:2,up:9-10")},
		{Name: "two-lost", Holds: []int{5}, Do: over("-drop data:2,data:4 -rate 1Mbit")},
		{Name: "acknowledgements-lost", Holds: []int{2}, Do: over("-drop down:1-7")},
		{Name: "late-acknowledgements", Holds: []int{2, 6}, Do: over("-loss 0 -delay 150ms")},
		{Name: "overtaken", Holds: []int{3, 4}, Do: over("-reorder 0.3 -seed 6")},
		{Name: "duplicates-around-a-timeout", Holds: []int{3, 4, 5, 6}, Do: aroundTimeout},
		{Name: "late-duplicates", Holds: []int{2, 3, 6}, Do: lateDuplicates},
	}
	for seed := range 8 {
		cases = append(cases, check.Case{Name: fmt.Sprintf("bad-network-%d", seed+1),
			Holds: []int{1, 2, 3, 4, 5, 6, 7},
			Do: over(fmt.Sprintf("-loss 0.2 -duplicate 0.2 -reorder 0.2 -jitter 5ms -seed %d",
				seed+1))})
	}
	cases = append(cases,
		check.Case{Name: "nothing-to-send", Holds: []int{8, 10}, Do: nothingToSend},
		check.Case{Name: "many-packets", Holds: []int{1, 10}, Do: manyPackets},
		check.Case{Name: "step-by-step", Holds: []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
			Do: stepByStep},
		check.Case{Name: "other-settings", Holds: []int{1, 2, 3, 4, 7, 10}, Do: otherSettings})
	check.Run(t, cases)
}

func (p setting) protocol() bench.Protocol {
	return bench.Protocol{Name: "fast-retransmit", Last: p.last, Window: p.window, RTO: p.rto,
		Sender: func() bench.Sender { return New(p.last, p.window, p.rto) }}
}

func (p setting) String() string {
	return fmt.Sprintf("packets 1 to %d with a window of %d and a timeout of %v", p.last, p.window,
		p.rto)
}

// compare runs the sender over a network with these flags.
func (p setting) compare(s *check.Story, flags string) {
	if p == usual {
		s.Did("sent %v, as in:\ngo run ./03-tcp-reliability/exercises/fastretransmit/try %s", p,
			flags)
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

// A hand calls a sender by hand, and looks at what it sends.
type hand struct {
	s      *check.Story
	sender bench.Sender
	now    time.Duration
}

// sends lets time pass, and expects these packets.
func (h *hand) sends(after time.Duration, symptom string, want ...int) {
	h.now += after
	var got []int
	for len(got) < 20 {
		n, ok := h.sender.Send(h.now)
		if !ok {
			break
		}
		got = append(got, n)
	}
	h.s.Did("%s: asked what to send", bench.Millis(h.now))
	if !slices.Equal(got, want) {
		h.s.Fail(fmt.Sprintf("packets %v", want), fmt.Sprintf("packets %v", got), symptom)
	}
}

func (h *hand) ack(number int) {
	h.now += ms
	h.s.Did("%s: acknowledgement %d came", bench.Millis(h.now), number)
	h.sender.Ack(h.now, number)
}

const ms = time.Millisecond

// aroundTimeout has two duplicates come before the timer runs out, and others after
// it.
func aroundTimeout(s *check.Story) {
	p := setting{last: 9, window: 8, rto: 200 * ms}
	s.Did("made a sender of %v", p)
	h := &hand{s: s, sender: p.protocol().Sender()}
	h.sends(0, "the window of 8 has room for eight packets", 1, 2, 3, 4, 5, 6, 7, 8)
	for range 2 {
		h.ack(0)
		h.sends(0, "two duplicates are too few: packet 1 may only have been overtaken")
	}
	h.sends(200*ms-h.now, "the timer of packet 1 has run out: it alone is sent again, whatever "+
		"the duplicates say", 1)
	h.ack(0)
	h.sends(0, "two duplicates came before the timer ran out, and the third came after it: packet "+
		"1 is sent again. Only an acknowledgement that says something new begins the count anew", 1)
	for i := range 6 {
		h.ack(0)
		h.sends(0, fmt.Sprintf("duplicate %d came, and a packet is sent: the third was the sign, "+
			"further ones change nothing", i+4))
	}
	h.ack(8)
	h.sends(0, "acknowledgement 8 says something new: packet 9 follows", 9)
}

// lateDuplicates has acknowledgements come late, again and again.
func lateDuplicates(s *check.Story) {
	p := setting{last: 9, window: 4, rto: 200 * ms}
	s.Did("made a sender of %v", p)
	h := &hand{s: s, sender: p.protocol().Sender()}
	h.sends(0, "the window of 4 has room for four packets", 1, 2, 3, 4)
	h.ack(3)
	h.sends(0, "acknowledgement 3 stands for three packets: three more follow", 5, 6, 7)
	for _, late := range []int{1, 2, 0, 2, 2, 2} {
		h.ack(late)
		h.sends(0, fmt.Sprintf("acknowledgement %d is lower than one before: it came late, is no "+
			"duplicate, and nothing is sent for it", late))
	}
	h.ack(3)
	h.ack(3)
	h.sends(0, "two duplicates are too few, and late acknowledgements are none")
	h.ack(3)
	h.sends(0, "with the third duplicate the oldest packet is sent again", 4)
}

// draw makes a setting.
func draw(d *check.Draw) setting {
	return setting{last: d.Between(1, 20), window: d.Between(1, 12),
		rto: time.Duration(d.Between(1, 40)) * 25 * time.Millisecond}
}

// manyPackets sends more packets than a small number can count.
func manyPackets(s *check.Story) {
	p := usual
	p.last = 1000
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
			p.rto *= time.Duration(1 + d.N(10_000))
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
	duplicates := 0                 // acknowledgements since the last that said something new
	for _, e := range c.Before() {
		switch {
		case e.Kind == trace.Sent && e.Direction == network.Up:
			highest = max(highest, int(e.Packet.Seq))
			sent[int(e.Packet.Seq)] = e.At
		case e.Kind == trace.Arrived && e.Direction == network.Down:
			switch ack := int(e.Packet.Ack); {
			case ack >= base:
				base, duplicates = ack+1, 0
			case ack == base-1 && base <= highest:
				duplicates++
			}
		}
	}
	want, got := c.Want, c.Got
	early := got.Up && (!want.Up || got.At <= want.At)
	switch {
	case highest == 0 && !got.Up:
		return "nothing was sent: does Send ever say true?"
	case early && got.Again && got.Number < base:
		return fmt.Sprintf("your sender sends packet %d again although it is acknowledged: "+
			"acknowledgement %d has come", got.Number, base-1)
	case early && got.Again && got.Number > base:
		return fmt.Sprintf("your sender sends packet %d again, which is not the oldest: the "+
			"receiver keeps what comes early, so packet %d alone is missing", got.Number, base)
	case want.Again && duplicates >= 3 && want.At < sent[base]+rto:
		return fmt.Sprintf("%d duplicate acknowledgements have come, and packet %d is not sent "+
			"again at once", duplicates, base)
	case early && got.Again && duplicates > 0 && duplicates < 3:
		return fmt.Sprintf("your sender sends packet %d again after %d duplicate "+
			"acknowledgements: it may only have been overtaken, wait for the third", base,
			duplicates)
	case early && got.Again && duplicates > 3:
		return fmt.Sprintf("your sender sends packet %d again for duplicate acknowledgement %d: "+
			"the third was the sign, and it has been sent again already", base, duplicates)
	case early && got.Again:
		return fmt.Sprintf("your sender sends packet %d again %s after its last transmission, "+
			"with %d duplicate acknowledgements: nothing tells that it was lost",
			base, bench.Millis(got.At-sent[base]), duplicates)
	case early && got.Number >= base+window:
		return fmt.Sprintf("your sender has %d packets under way, and the window is %d: packet "+
			"%d must wait", got.Number-base+1, window, got.Number)
	case early && !want.Again:
		return fmt.Sprintf("your sender sends packet %d, and it is the turn of packet %d",
			got.Number, highest+1)
	case cutOff(c) != "":
		return "your sender " + cutOff(c)
	case want.Again && got.Up && got.Again:
		return fmt.Sprintf("packet %d, the oldest, was last sent at %s; its timer runs out at "+
			"%s, not at %s",
			base, bench.Millis(sent[base]), bench.Millis(sent[base]+rto), bench.Millis(got.At))
	case want.Again:
		return fmt.Sprintf("packet %d has no acknowledgement, fewer than three duplicates have "+
			"come, and it is not sent again when its timer runs out", base)
	case want.Up:
		return fmt.Sprintf("the window of %d has room for packet %d, which does not follow", window,
			want.Number)
	}
	return "your sender does not do what fast retransmit does"
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
