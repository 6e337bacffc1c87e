package bench

import (
	"fmt"
	"slices"
	"time"
)

// goBack is go-back-N, and with a window of 1 stop-and-wait: the reference
// where there is no network, and no packet but its number.
type goBack struct {
	last, window int
	rto          time.Duration
	base, next   int             // under way: from base to before next
	deadlines    []time.Duration // by number
}

func (g *goBack) Send(now time.Duration) (number int, ok bool) {
	if g.base < g.next && now >= g.deadlines[g.base] {
		g.next = g.base
	}
	if g.next > g.last || g.next >= g.base+g.window {
		return 0, false
	}
	number = g.next
	g.next++
	g.deadlines[number] = now + g.rto
	return number, true
}

func (g *goBack) Ack(now time.Duration, number int) { g.base = max(g.base, number+1) }
func (g *goBack) Deadline() (time.Duration, bool)   { return g.deadlines[g.base], g.base < g.next }

// A Difference is where two senders go apart.
type Difference struct{ Expected, Came, Symptom string }

// Lockstep calls a learner's sender and the reference with the same
// acknowledgements and times, and tells where they first differ. Each step is
// drawn: draw gives a number from 0 to n-1. Unlike the simulation it may come
// late to a deadline, and asks for the deadline at any time. As in the
// simulation, all that can be sent is sent before the next acknowledgement
// comes, and only what was sent is acknowledged.
func (p Protocol) Lockstep(draw func(n int) int, did func(format string, args ...any)) *Difference {
	var drawn []int
	others := false
	d := p.lockstep(func(n int) int {
		drawn = append(drawn, draw(n))
		return drawn[len(drawn)-1]
	}, did, func(now time.Duration) {
		did("another sender began")
		p.another(now)
		others = true
	})
	if d == nil || !others {
		return d
	}
	// Would it have gone wrong alone? Then the other sender has nothing to do with it.
	again := func(int) (n int) {
		if len(drawn) > 0 {
			n, drawn = drawn[0], drawn[1:]
		}
		return n
	}
	alone := p.lockstep(again, func(string, ...any) {}, func(time.Duration) {})
	if alone != nil {
		return alone
	}
	d.Symptom = "two senders at the same time disturb each other: what do they share?"
	return d
}

// lockstep is one run; another has another sender send at the same time.
func (p Protocol) lockstep(draw func(n int) int, did func(format string, args ...any),
	another func(now time.Duration)) *Difference {
	l := p.pair(did)
	if d := l.deadline(); d != nil {
		return d
	}
	l.now = time.Duration(draw(50)) * p.RTO / 100
	for range draw(12 + 4*p.last()) {
		if draw(20) == 19 { // another sender at the same time
			another(l.now)
		}
		if d := l.send(); d != nil {
			return d
		}
		if l.base > p.last() {
			break
		}
		switch at, waits := l.reference.Deadline(); {
		case waits && draw(3) == 2:
			late := time.Duration(draw(2)*draw(100)) * p.RTO / 100
			l.now = max(l.now, at) + late
			did("%s: the timer has run out", Millis(l.now))
		case draw(4) == 3:
			l.now += time.Duration(draw(100)) * p.RTO / 100
			did("%s: nothing has come", Millis(l.now))
		default:
			l.now += time.Duration(draw(20)) * p.RTO / 100
			if p.Name == "selective-acks" {
				l.selective(draw)
				break
			}
			n := l.ack(draw)
			did("%s: acknowledgement %d came", Millis(l.now), n)
			l.take(n)
		}
	}
	return l.send()
}

// pair makes the learner's sender and the reference.
func (p Protocol) pair(did func(format string, args ...any)) *lockstep {
	var reference Sender = &goBack{last: p.last(), window: max(1, p.Window), rto: p.RTO, base: 1,
		next:      1,
		deadlines: make([]time.Duration, p.last()+2)}
	var mine Sender
	switch p.Name {
	case "fast-retransmit":
		reference = newFast(p.last(), p.Window, p.RTO)
		mine = p.Sender()
	case "selective-acks":
		reference = &sackHost{newScoreboard(p.last(), p.Window, p.RTO)}
		mine = &sackHost{p.Sack()}
	default:
		mine = p.Sender()
	}
	return &lockstep{Protocol: p, mine: mine, receiver: newSelective(), reference: reference,
		did: did, sent: map[int]time.Duration{}}
}

// A Story is told of a sender: what was done with it, and how it failed.
type Story interface {
	Did(format string, args ...any)
	Fail(expected, came, symptom string)
}

// Smooth calls both, who have this setting, over a network that loses nothing:
// all that is sent is acknowledged, till the last. It is for more packets than
// chance would get through, or than a small number can count.
func (p Protocol) Smooth(s Story, setting fmt.Stringer) {
	s.Did("made a sender of %v", setting)
	l := p.pair(func(string, ...any) {})
	for d := l.deadline(); ; d = l.send() {
		if d != nil {
			s.Did("acknowledged packet after packet, up to %d", max(0, l.base-1))
			s.Fail(d.Expected, d.Came, d.Symptom)
			return
		}
		if l.base > p.last() {
			return
		}
		for n := max(l.base, 1); n <= l.highest; n++ {
			l.take(n)
		}
		l.now += p.RTO / 2
	}
}

// another makes a sender and has it send: the first must not notice.
func (p Protocol) another(now time.Duration) {
	switch {
	case p.Other != nil:
		all(p.Other(), now, p.last())
	case p.Sack != nil:
		all(&sackHost{p.Sack()}, now, p.last())
	default:
		all(p.Sender(), now, p.last())
	}
}

// A lockstep is a pair of senders that are called alike.
type lockstep struct {
	Protocol
	mine, reference Sender
	did             func(format string, args ...any)
	now             time.Duration
	sent            map[int]time.Duration // when each packet was sent last
	base            int                   // after the first acknowledgement
	highest         int                   // of the packets sent

	// Of selective acknowledgement: the receiver, the packets on their way to
	// it, and its acknowledgements on their way back.
	receiver *selective
	packets  []int
	acks     []ack
}

// selective lets a packet arrive, or an acknowledgement, or be lost. Mostly it
// is the first on its way.
func (l *lockstep) selective(draw func(n int) int) {
	pick := func(n int) int { return draw(2) * draw(2) * draw(n) }
	if len(l.packets) > 0 && (len(l.acks) == 0 || draw(2) == 1) {
		i := pick(len(l.packets))
		n := l.packets[i]
		l.packets = slices.Delete(l.packets, i, i+1)
		if draw(4) == 3 {
			l.did("%s: packet %d was lost", Millis(l.now), n)
			return
		}
		numbers, _ := l.receiver.Receive(n, "")
		l.acks = append(l.acks, ack{numbers[0], l.receiver.blocks()})
	}
	if len(l.acks) == 0 {
		return
	}
	i := pick(len(l.acks))
	a := l.acks[i]
	l.acks = slices.Delete(l.acks, i, i+1)
	if draw(6) == 5 {
		l.did("%s: an acknowledgement was lost", Millis(l.now))
		return
	}
	l.did("%s: acknowledgement %d came, with the blocks %v", Millis(l.now), a.number, a.blocks)
	l.base = max(l.base, a.number+1)
	for _, s := range []Sender{l.mine, l.reference} {
		s.(*sackHost).SackSender.Ack(l.now, a.number, slices.Clone(a.blocks))
	}
}

// take has acknowledgement n come to both.
func (l *lockstep) take(n int) {
	l.base = max(l.base, n+1)
	l.mine.Ack(l.now, n)
	l.reference.Ack(l.now, n)
}

// ack draws an acknowledgement that may come: of what was sent, and mostly of
// the oldest, or one more time of what is acknowledged already.
func (l *lockstep) ack(draw func(n int) int) int {
	base := max(l.base, 1)
	lowest := 0
	if l.Name == "stop-and-wait" {
		lowest = min(1, l.highest)
	}
	var n int
	switch draw(4) {
	case 0:
		n = base
	case 1:
		n = base - 1
	case 2:
		n = base + draw(max(1, l.highest-base+1))
	case 3:
		n = draw(l.highest + 1)
	}
	return max(lowest, min(n, l.highest))
}

func all(s Sender, now time.Duration, bound int) (numbers []int) {
	for len(numbers) <= bound {
		n, ok := s.Send(now)
		if !ok {
			break
		}
		numbers = append(numbers, n)
	}
	return numbers
}

// send has both send all that they can.
func (l *lockstep) send() *Difference {
	bound := l.last() + 5
	want, got := all(l.reference, l.now, bound), all(l.mine, l.now, bound)
	if slices.Equal(want, got) {
		l.packets = append(l.packets, want...)
		for _, n := range want {
			l.sent[n], l.highest = l.now, max(l.highest, n)
		}
		if len(want) > 0 {
			l.did("%s: packets %v were sent", Millis(l.now), want)
		}
		return l.deadline()
	}
	d := &Difference{fmt.Sprintf("at %s: packets %s are sent", Millis(l.now), brief(want)), brief(got), ""}
	i := 0
	for i < len(want) && i < len(got) && want[i] == got[i] {
		i++
	}
	base := max(l.base, 1)
	window := fmt.Sprintf("a window of %d", max(1, l.Window))
	if len(got) > bound {
		d.Came = fmt.Sprintf("%v … without end", got[:min(len(got), 8)])
	}
	none := i < len(got) && (got[i] > l.last() || got[i] < 1)
	switch {
	case len(got) > bound && !none:
		d.Symptom = "Send goes on saying true: it must say false when nothing is due"
	case l.highest == 0 && len(got) == 0:
		d.Symptom = "nothing was sent: does Send ever say true?"
	case none:
		d.Symptom = fmt.Sprintf("your sender sends packet %d, and there are 1 to %d", got[i],
			l.last())
	case i < len(got) && got[i] < base:
		d.Symptom = fmt.Sprintf("your sender sends packet %d again although it is acknowledged",
			got[i])
	case i < len(got) && got[i] <= l.highest && i >= len(want):
		d.Symptom = fmt.Sprintf("your sender sends packet %d again, and nothing is due: packet "+
			"%d, the oldest, was last sent at %s and has time until %s",
			got[i], base, Millis(l.sent[base]), Millis(l.sent[base]+l.RTO))
	case i < len(got) && i >= len(want):
		d.Symptom = fmt.Sprintf("your sender sends packet %d, and %s from packet %d on is full",
			got[i], window, base)
	case want[i] <= l.highest && i < len(got) && got[i] > l.highest &&
		slices.Contains(got, want[i]):
		d.Symptom = fmt.Sprintf("packet %d is to be sent again, and your sender sends new "+
			"packets before it", want[i])
	case want[i] <= l.highest && l.Name == "selective-acks" && l.now < l.sent[base]+l.RTO:
		d.Symptom = fmt.Sprintf("three packets beyond packet %d have come, and it is not sent "+
			"again: it is lost", want[i])
	case want[i] <= l.highest && i >= len(got) && l.now >= l.sent[base]+l.RTO:
		d.Symptom = fmt.Sprintf("the timer of packet %d has run out, and packet %d is not sent "+
			"again", base, want[i])
	case want[i] <= l.highest && i >= len(got):
		d.Symptom = fmt.Sprintf("packet %d is not sent again, and it is time", want[i])
	case i >= len(got):
		d.Symptom = fmt.Sprintf("%s has room for packet %d, which does not follow", window, want[i])
	default:
		d.Symptom = fmt.Sprintf("your sender sends packet %d where it is the turn of packet %d",
			got[i], want[i])
	}
	return d
}

// deadline compares what both say of their timer.
func (l *lockstep) deadline() *Difference {
	want, waits := l.reference.Deadline()
	got, says := l.mine.Deadline()
	if waits == says && (!waits || want == got) {
		return nil
	}
	tell := func(at time.Duration, ok bool) string {
		if !ok {
			return "Deadline says false"
		}
		return "Deadline says " + exact(at)
	}
	d := &Difference{tell(want, waits), tell(got, says), ""}
	base := max(l.base, 1)
	switch {
	case !waits && l.highest == 0:
		d.Symptom = "no packet is under way before the first is sent, and Deadline says that one is"
	case !waits:
		d.Symptom = "everything is acknowledged, and Deadline says that a packet is under way"
	case !says:
		d.Symptom = fmt.Sprintf("packet %d is under way, and Deadline says that none is", base)
	default:
		d.Symptom = fmt.Sprintf("packet %d, the oldest, was last sent at %s: its timer runs out "+
			"%s later", base, exact(l.sent[base]), exact(l.RTO))
	}
	return d
}

// brief writes numbers, of many the first and the last.
func brief(numbers []int) string {
	if n := len(numbers); n > 40 {
		return fmt.Sprintf("%v … and %d more, the last is %d", numbers[:8], n-8, numbers[n-1])
	}
	return fmt.Sprint(numbers)
}

// exact writes a time as Millis does, if that loses nothing.
func exact(d time.Duration) string {
	if d%(100*time.Microsecond) == 0 {
		return Millis(d)
	}
	return d.String()
}
