package bench

import (
	"fmt"
	"slices"
	"time"
)

// An actor calls a learner's sender in the same way each time, and writes down
// what it does. So a sender is compared with itself: if it differs, another one
// or the clock has disturbed it, whatever else is wrong with it.
type actor struct {
	Protocol
	sender Sender
	other  bool // its blocks are others
	said   []string
}

// acknowledged are the acknowledgements that come, one at each step but the first.
var acknowledged = []ack{{0, [][2]int{{3, 4}}}, {0, [][2]int{{3, 5}}}, {number: 1}, {number: 1},
	{number: 5}, {number: 6}}

func (p Protocol) actor(other bool) *actor {
	a := &actor{Protocol: p, other: other}
	if p.Sack != nil {
		a.sender = &sackHost{p.Sack()}
	} else {
		a.sender = p.Sender()
	}
	return a
}

// act takes step n: 0 to len(acknowledged).
func (a *actor) act(n int) {
	now := time.Duration(n) * time.Millisecond
	line := Millis(now) + ": "
	if n > 0 {
		number, blocks := acknowledged[n-1].number, slices.Clone(acknowledged[n-1].blocks)
		line += fmt.Sprintf("acknowledgement %d; ", number)
		if a.other && len(blocks) > 0 {
			blocks[0] = [2]int{6, 8}
		}
		if host, ok := a.sender.(*sackHost); ok {
			host.SackSender.Ack(now, number, blocks)
		} else {
			a.sender.Ack(now, number)
		}
	}
	line += fmt.Sprintf("packets %v; ", all(a.sender, now, a.last()+5))
	if at, ok := a.sender.Deadline(); ok {
		line += "the deadline is " + Millis(at)
	} else {
		line += "no deadline"
	}
	a.said = append(a.said, line)
}

// alone is what a sender does when there is no other.
func (p Protocol) alone() []string {
	a := p.actor(false)
	for n := range len(acknowledged) + 1 {
		a.act(n)
	}
	return a.said
}

// Together fails if senders that are used at the same time disturb each other. It
// must be called in a bubble of testing/synctest, so that no clock is at fault.
func (p Protocol) Together(s Story) {
	s.Did("called a sender alone, then another one in the same way between the calls of two more")
	want := p.alone()
	actors := []*actor{p.actor(false), p.actor(true), p.actor(true)}
	for n := range len(acknowledged) + 1 {
		for _, a := range slices.Backward(actors) {
			a.act(n)
		}
	}
	differ(s, want, actors[0].said, "two senders disturb each other: what do they share? A variable "+
		"of the package is everybody's")
}

// NoClock fails if a sender waits, or asks a clock. It must be called in a
// bubble of testing/synctest.
func (p Protocol) NoClock(s Story) {
	s.Did("called a sender, then another one in the same way, while an hour passed between its calls")
	began := time.Now()
	want := p.alone()
	if waited := time.Since(began); waited > 0 {
		s.Fail("an answer at once", fmt.Sprintf("one after %v", waited),
			"your sender waits: does it call time.Sleep? In the lab time goes on between the calls")
	}
	a := p.actor(false)
	for n := range len(acknowledged) + 1 {
		a.act(n)
		time.Sleep(time.Hour)
	}
	differ(s, want, a.said, "the lab's time is passed in, and your sender goes by another clock: does "+
		"it call time.Now or time.Since?")
}

func differ(s Story, want, got []string, symptom string) {
	for i := range want {
		if want[i] != got[i] {
			s.Fail(want[i], got[i], symptom)
		}
	}
}
