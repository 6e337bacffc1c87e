//go:build check

package cwnd_test

import (
	"fmt"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/exercises/bench"
	. "example.com/sockets/03-tcp-reliability/exercises/cwnd"
	"example.com/sockets/docs/exercises/check"
)

// A desk has a Window and tells what is done with it.
type desk struct {
	s *check.Story
	w *Window
}

func start(s *check.Story, initial, threshold int) desk {
	s.Did("made a window of %d packets, with a threshold of %d", initial, threshold)
	return desk{s, New(initial, threshold)}
}

func (d desk) acked(times, packets int) {
	d.s.Did("%d time(s) an acknowledgement of %d packet(s) came", times, packets)
	for range times {
		d.w.Acked(packets)
	}
}

func (d desk) lost(number, highest, inFlight int) {
	d.s.Did("packet %d was lost; %d is the last that was sent, and %d are under way", number,
		highest, inFlight)
	d.w.Lost(number, highest, inFlight)
}

func (d desk) timedOut(inFlight int, again bool) {
	d.s.Did("the timer ran out, for the same packet as before: %v; %d are under way", again,
		inFlight)
	d.w.TimedOut(inFlight, again)
}

func (d desk) size(want int, symptom string) {
	d.s.Did("asked for the size")
	check.Want(d.s, want, d.w.Size(), symptom)
}

func TestCheck(t *testing.T) {
	over := func(name string, holds []int, flags string) check.Case {
		return check.Case{Name: name, Holds: holds,
			Do: func(s *check.Story) { usual.compare(s, flags) }}
	}
	const (
		slow = "slow start: each acknowledgement makes the window one larger, as long as it " +
			"is below the threshold"
		avoidance = "congestion avoidance: the window becomes one larger when as many packets " +
			"were acknowledged as it is large"
		halved = "a loss makes the threshold half of what was under way, and at least 2, and " +
			"the window as large as that"
		once = "packets lost from one window halve it once: this one was sent before it was " +
			"halved"
	)
	check.Run(t, []check.Case{
		{Name: "initial", Holds: []int{1}, Do: func(s *check.Story) {
			start(s, 2, 8).size(2, "at first the window is as large as New was told")
			start(s, 10, 100).size(10, "at first the window is as large as New was told")
			start(s, 500, 100).size(500, "at first the window is as large as New was told: nobody "+
				"has asked for a bound")
			start(s, 100_000, 2).size(100_000, "at first the window is as large as New was told: "+
				"nobody has asked for a bound")
		}},
		{Name: "several-at-once", Holds: []int{7}, Do: several},
		{Name: "slow-start", Holds: []int{2}, Do: func(s *check.Story) {
			d := start(s, 2, 100)
			d.acked(1, 1)
			d.size(3, slow)
			d.acked(5, 1)
			d.size(8, slow)
			d.acked(1, 2)
			d.size(9,
				"an acknowledgement that stands for two packets makes the window one larger, not "+
					"two")
		}},
		{Name: "congestion-avoidance", Holds: []int{3}, Do: func(s *check.Story) {
			d := start(s, 4, 4)
			d.acked(3, 1)
			d.size(4, avoidance)
			d.acked(1, 1)
			d.size(5, avoidance)
			d.acked(4, 1)
			d.size(5, avoidance)
			d.acked(1, 1)
			d.size(6, avoidance)
			d.acked(3, 2)
			d.size(7,
				"congestion avoidance counts packets, not acknowledgements: one may stand for two")
			d.acked(2, 3)
			d.size(7, avoidance)
			d.acked(1, 3)
			d.size(8, avoidance)
			d.acked(2, 3)
			d.size(9, "what was acknowledged beyond a window counts for the next step")
		}},
		{Name: "much-at-once", Holds: []int{3}, Do: func(s *check.Story) {
			d := start(s, 2, 2)
			d.acked(1, 20)
			d.size(3, "one call of Acked makes the window larger by one at most")
			d.acked(1, 1)
			d.size(4, "what was acknowledged beyond a window counts for the next step")
		}},
		{Name: "across-the-threshold", Holds: []int{2, 3}, Do: func(s *check.Story) {
			d := start(s, 2, 4)
			d.acked(2, 1)
			d.size(4, slow)
			d.acked(3, 1)
			d.size(4,
				"at the threshold slow start is over, and congestion avoidance begins to count")
			d.acked(1, 1)
			d.size(5, avoidance)
			d = start(s, 3, 4)
			d.acked(1, 3)
			d.acked(3, 1)
			d.size(4, "what was acknowledged in slow start does not count in congestion avoidance")
		}},
		{Name: "without-a-bound", Holds: []int{2, 3}, Do: func(s *check.Story) {
			d := start(s, 1, 5000)
			d.acked(4999, 1)
			d.size(5000, slow)
			d.acked(4999, 1)
			d.size(5000, avoidance)
			d.acked(1, 1)
			d.size(5001, avoidance+": nobody has asked for a bound")
			d.lost(4000, 9000, 4900)
			d.size(2450, halved+": nobody has asked for a bound")
		}},
		{Name: "lost", Holds: []int{4}, Do: func(s *check.Story) {
			d := start(s, 20, 10)
			d.acked(1, 5)
			d.lost(30, 45, 16)
			d.size(8, halved)
			d.acked(7, 1)
			d.size(8, "what was acknowledged before the loss still counts, or slow start goes on")
			d.acked(1, 1)
			d.size(9, avoidance)
			d = start(s, 3, 10)
			d.lost(1, 3, 3)
			d.size(2, halved)
			d = start(s, 3, 10)
			d.lost(1, 9, 9)
			d.size(4, "half of 9 packets is 4, rounded down")
			d = start(s, 1, 10)
			d.lost(1, 9, 9)
			d.size(4, halved)
		}},
		{Name: "lost-together", Holds: []int{5}, Do: func(s *check.Story) {
			d := start(s, 20, 10)
			d.lost(30, 45, 16)
			d.size(8, halved)
			d.lost(33, 46, 14)
			d.size(8, once)
			d.lost(45, 47, 10)
			d.size(8, once)
			d.acked(7, 1)
			d.lost(44, 49, 14)
			d.acked(1, 1)
			d.size(9, "a packet lost from a window that was halved already changes nothing: what was "+
				"acknowledged before it counts on")
			d.lost(46, 50, 8)
			d.size(4,
				"a packet that was sent after the window was halved is a new loss, and halves it "+
					"again")
		}},
		{Name: "timed-out", Holds: []int{6}, Do: func(s *check.Story) {
			d := start(s, 20, 10)
			d.acked(1, 5)
			d.timedOut(16, false)
			d.size(1, "after a timeout the window is one packet")
			d.acked(7, 1)
			d.size(8, "after a timeout slow start begins again, up to half of what was under way")
			d.acked(7, 1)
			d.size(8, avoidance)
			d.acked(1, 1)
			d.size(9, avoidance)
		}},
		{Name: "timed-out-again", Holds: []int{6}, Do: func(s *check.Story) {
			d := start(s, 20, 10)
			d.timedOut(16, false)
			d.timedOut(1, true)
			d.size(1, "after a timeout the window is one packet")
			d.acked(7, 1)
			d.size(8,
				"the timer ran out for the same packet again: the threshold stays what it was "+
					"after the first time")
			d.acked(2, 1)
			d.timedOut(8, true)
			d.size(1, "after a timeout the window is one packet, also for the same packet again")
			d.acked(7, 1)
			d.size(8, "the timer ran out for the same packet again: the threshold stays what it was")
			d.acked(7, 1)
			d.size(8, "after a timeout what was acknowledged before is forgotten, also for the same "+
				"packet again; and the threshold stays what it was")
			d.acked(1, 1)
			d.size(9, avoidance)
		}},
		{Name: "lost-and-timed-out", Holds: []int{5, 6}, Do: func(s *check.Story) {
			d := start(s, 20, 10)
			d.timedOut(16, false)
			d.acked(3, 1)
			d.lost(20, 25, 6)
			d.size(3,
				"a timeout does not count as a halving by Lost: a loss after it halves the window")
			d.timedOut(5, false)
			d.lost(24, 26, 4)
			d.size(1, once)
		}},
		over("in-the-lab", []int{1, 2, 3}, "-loss 0"),
		over("in-the-lab-lost", []int{4}, "-drop data:12"),
		over("in-the-lab-two-lost", []int{4, 5}, "-drop data:12,data:15"),
		over("in-the-lab-timed-out", []int{6}, "-drop up:9-12"),
		over("in-the-lab-short-queue", []int{2, 3, 4, 5}, "-rate 1Mbit -queue 4"),
		{Name: "at-random", Holds: []int{1, 2, 3, 4, 5, 6, 7}, Do: atRandom},
		{Name: "in-the-lab-at-random", Holds: []int{2, 3, 4, 5, 6}, Do: func(s *check.Story) {
			s.Random(40, func(d *check.Draw) {
				p := setting{last: d.Between(1, 60), initial: d.Between(1, 10),
					threshold: d.Between(2, 20),
					rto:       time.Duration(d.Between(2, 40)) * 25 * time.Millisecond}
				p.compare(s, fmt.Sprintf("-seed %d -loss 0.%d -reorder 0.%d -rate %dMbit -queue %d",
					d.N(1000), d.N(2), d.N(3), d.Between(1, 5), d.Between(3, 12)))
			})
		}},
	})
}

// several compares a window with itself, when it is alone and between others.
func several(s *check.Story) {
	between := func(other func()) (sizes string) {
		w := New(4, 4)
		for range 12 {
			other()
			w.Acked(1)
			sizes += fmt.Sprint(" ", w.Size())
		}
		return sizes
	}
	s.Did("made a window of 4 packets, with a threshold of 4; asked for its size after each of 12 " +
		"acknowledgements")
	alone := between(func() {})
	s.Did("did the same with another window, while a third one, of 9 packets, got acknowledgements, " +
		"losses and timeouts in between")
	third, n := New(9, 9), 0
	check.Want(s, alone, between(func() {
		switch n++; n % 4 {
		case 0:
			third.Lost(10*n, 10*n+9, 9)
		case 1:
			third.TimedOut(9, false)
		default:
			third.Acked(5)
		}
	}), "two windows disturb each other: what do they share? A variable of the package is "+
		"everybody's")
}

// atRandom calls two windows and the reference with the same.
func atRandom(s *check.Story) {
	s.Random(500, func(d *check.Draw) {
		var mine [2]desk
		var theirs [2]bench.Congestion
		var highest [2]int
		for i := range mine {
			initial, threshold := d.Between(1, 10), d.Between(2, 30)
			mine[i], theirs[i] = start(s, initial, threshold),
				bench.NewReference(initial, threshold)
			highest[i] = initial
		}
		for range d.N(30) {
			i := d.N(2)
			s.Did("window %d:", i+1)
			inFlight := 1 + d.N(40)
			highest[i] += d.N(10)
			switch d.N(8) {
			case 6:
				number := max(1, highest[i]-d.N(12))
				mine[i].lost(number, highest[i], inFlight)
				theirs[i].Lost(number, highest[i], inFlight)
			case 7:
				again := d.OneIn(2)
				mine[i].timedOut(inFlight, again)
				theirs[i].TimedOut(inFlight, again)
			default:
				times, packets := d.Between(1, 9), 1+d.N(3)*d.N(3)
				mine[i].acked(times, packets)
				for range times {
					theirs[i].Acked(packets)
				}
			}
			mine[i].w.Size()
			mine[i].size(theirs[i].Size(),
				"the window has another size than RFC 5681 gives it, counted in packets")
		}
	})
}

// A setting is what New gets, and the sender beside it.
type setting struct {
	last, initial, threshold int
	rto                      time.Duration
}

// usual is that of the try command.
var usual = setting{last: 40, initial: 2, threshold: 8, rto: 200 * time.Millisecond}

// compare runs a sender with the window over a network with these flags.
func (p setting) compare(s *check.Story, flags string) {
	s.Did("sent %d packets with a window that begins with %d packets, a threshold of %d and a "+
		"timeout of %v", p.last, p.initial, p.threshold, p.rto)
	if p == usual {
		s.Did("as in: go run ./03-tcp-reliability/exercises/cwnd/try %s", flags)
	} else {
		s.Did("over a network with %s", flags)
	}
	c := bench.Protocol{Name: "congestion-window", Last: p.last, Window: p.initial,
		Threshold: p.threshold, RTO: p.rto,
		Congestion: func() bench.Congestion { return New(p.initial, p.threshold) }}.Compare(bench.Conditions(flags))
	if c.Same {
		return
	}
	s.Picture(c.Picture())
	expected, came := c.Told()
	symptom := "the window has another size here than the reference's, or changes at another time"
	switch want, got := c.Want, c.Got; {
	case want.Up && !want.Again && (!got.Up || got.At > want.At):
		symptom = fmt.Sprintf("the window has room for packet %d, and yours has not: it is "+
			"smaller than the reference's", want.Number)
	case got.Up && !got.Again && (!want.Up || want.At > got.At):
		symptom = fmt.Sprintf("the window has no room for packet %d, and yours has: it is larger "+
			"than the reference's", got.Number)
	}
	s.Fail(expected, came, symptom)
}
