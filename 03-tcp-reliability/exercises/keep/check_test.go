//go:build check

package keep_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/exercises/bench"
	. "example.com/sockets/03-tcp-reliability/exercises/keep"
	"example.com/sockets/docs/exercises/check"
)

func TestCheck(t *testing.T) {
	over := func(flags string) func(*check.Story) {
		return func(s *check.Story) { compare(s, flags) }
	}
	cases := []check.Case{
		{Name: "no-loss", Holds: []int{1, 3}, Do: over("-loss 0")},
		{Name: "packet-lost", Holds: []int{2, 3}, Do: over("-drop data:3")},
		{Name: "three-lost", Holds: []int{2, 3}, Do: over("-drop data:1-3")},
		{Name: "acknowledgement-lost", Holds: []int{4}, Do: over("-drop down:2")},
		{Name: "comes-again-while-kept", Holds: []int{4}, Do: over("-duplicate 1 -drop data:2")},
		{Name: "end-comes-early", Holds: []int{5}, Do: over("-drop data:8")},
		{Name: "end-lost", Holds: []int{4, 5}, Do: over("-drop up:9,down:9")},
	}
	for seed := range 8 {
		cases = append(cases, check.Case{Name: fmt.Sprintf("bad-network-%d", seed+1),
			Holds: []int{1, 2, 3, 4, 5},
			Do: over(fmt.Sprintf("-loss 0.2 -duplicate 0.2 -reorder 0.3 -jitter 5ms -seed %d",
				seed+1))})
	}
	cases = append(cases, check.Case{Name: "far-ahead", Holds: []int{2}, Do: func(s *check.Story) {
		s.Did("gave your receiver the packets 5000 to 1, the last one first")
		j := &judge{Receiver: New(), next: 1, arrived: map[int]string{}}
		for number := 5000; number > 0 && j.symptom == ""; number-- {
			j.Receive(number, fmt.Sprint("word ", number))
		}
		if j.symptom != "" {
			s.Fail(j.expected, j.came, j.symptom)
		}
	}})
	cases = append(cases, check.Case{Name: "many-packets", Holds: []int{1}, Do: func(s *check.Story) {
		s.Did("gave your receiver 70000 packets, each second one before the first: 2, 1, 4, 3 …")
		j := &judge{Receiver: New(), next: 1, arrived: map[int]string{}}
		for number := 1; number < 70_000 && j.symptom == ""; number += 2 {
			j.Receive(number+1, "word ")
			j.Receive(number, "word ")
		}
		if j.symptom != "" {
			s.Fail(j.expected, j.came, j.symptom)
		}
	}})
	cases = append(cases, check.Case{Name: "packet-by-packet", Holds: []int{1, 2, 3, 4, 5, 6},
		Do: packetByPacket})
	check.Run(t, cases)
}

// packetByPacket gives packets in any order to two receivers, without a network.
func packetByPacket(s *check.Story) {
	s.Random(400, func(d *check.Draw) {
		var judges [2]*judge
		for i := range judges {
			judges[i] = &judge{Receiver: New(), next: 1, arrived: map[int]string{}}
		}
		last := d.Between(1, 4+d.N(2)*40)
		for range d.N(3 * last) {
			j := judges[d.N(2)]
			// Mostly one that is near; the words may be any, and empty.
			number := max(1, min(last, j.next-2+d.N(6)))
			if d.OneIn(4) {
				number = 1 + d.N(last)
			}
			// two neighbours have the same
			word := []string{"word", "", "two words ", "\x00"}[number/2%4]
			if number == last {
				word = bench.End
			}
			s.Did("gave receiver %d packet %d, %q", 1+slices.Index(judges[:], j), number, word)
			j.Receive(number, word)
			if j.symptom != "" {
				s.Fail(j.expected, j.came, j.symptom)
			}
		}
	})
}

// compare runs the receiver over a network with these flags.
func compare(s *check.Story, flags string) {
	s.Did("let a sender with a window of 4 packets send to your receiver, as in:\ngo run "+
		"./03-tcp-reliability/exercises/keep/try %s", flags)
	j := &judge{next: 1, arrived: map[int]string{}}
	c := bench.Protocol{Name: "selective-repeat", Window: 4, RTO: 200 * time.Millisecond,
		Receiver: func() bench.Receiver { j.Receiver = New(); return j }}.Compare(bench.Conditions(flags))
	if c.Same && j.symptom == "" {
		return
	}
	s.Picture(c.Picture())
	if j.symptom == "" {
		j.expected, j.came = c.Told()
		j.symptom = "your receiver does not do what a selective-repeat receiver does"
	}
	s.Did("gave Receive packet %d, %q", j.number, j.word)
	s.Fail(j.expected, j.came, j.symptom)
}

// scribbled is what a judge writes into the acknowledgements that it gets: they are
// the caller's.
const scribbled = -1

// A judge watches the receiver's answers, and remembers the first wrong one.
type judge struct {
	*Receiver
	next    int            // in order
	arrived map[int]string // words, by packet

	gave struct { // the answer before, and what it was then
		acks, acksThen   []int
		words, wordsThen []string
	}

	number                  int // of the packet that was answered wrong
	word                    string
	expected, came, symptom string
}

func (j *judge) Receive(number int, word string) (acks []int, words []string) {
	mine, theirs := j.Receiver.Receive(number, word)
	acks, words = slices.Clone(mine), slices.Clone(theirs)
	if j.symptom != "" {
		return acks, words
	}
	_, again := j.arrived[number]
	j.arrived[number] = word
	first := j.next
	var due []string
	for {
		word, ok := j.arrived[j.next]
		if !ok {
			break
		}
		due = append(due, word)
		j.next++
	}
	before := j.gave
	if !slices.Equal(before.acks, before.acksThen) ||
		!slices.Equal(before.words, before.wordsThen) {
		j.number, j.word = number, word
		j.expected = fmt.Sprintf("acks %v, words %q, as they were returned before", before.acksThen,
			before.wordsThen)
		j.came = fmt.Sprintf("acks %v, words %.10q", before.acks, before.words)
		j.symptom = "your receiver has changed what it returned before: that is the caller's"
		return acks, words
	}
	for i := range mine {
		mine[i] = scribbled
	}
	j.gave.acks, j.gave.acksThen = mine, slices.Clone(mine)
	j.gave.words, j.gave.wordsThen = theirs, slices.Clone(theirs)
	if slices.Equal(acks, []int{number}) && slices.Equal(words, due) {
		return acks, words
	}

	j.number, j.word = number, word
	j.expected = fmt.Sprintf("acks %v, words %q", []int{number}, due)
	j.came = fmt.Sprintf("acks %v, words %.10q", acks, words)
	unheard := slices.IndexFunc(acks, func(n int) bool { _, ok := j.arrived[n]; return !ok })
	late := min(first+len(words), j.next-1) // what is due next of those kept
	switch {
	case slices.Contains(acks, scribbled):
		j.symptom = "what the caller has written into an earlier answer comes back: your receiver " +
			"hands out memory that it uses itself"
	case len(acks) == 0 && len(words) == 0 && len(j.arrived) == 1:
		j.symptom = "nothing is acknowledged, and nothing delivered"
	case unheard >= 0:
		j.symptom = fmt.Sprintf("your receiver acknowledges packet %d, which has not arrived: "+
			"the sender will not send it again", acks[unheard])
	case len(acks) == 0 && again:
		j.symptom = fmt.Sprintf("packet %d comes again, and it is not acknowledged again: when "+
			"its acknowledgement was lost, the sender sends it for ever", number)
	case len(acks) == 0:
		j.symptom = fmt.Sprintf("packet %d has arrived, and it is not acknowledged", number)
	case !slices.Contains(acks, number):
		j.symptom = fmt.Sprintf("your receiver acknowledges packet %d in place of packet %d: "+
			"here each acknowledgement stands for one packet", acks[0], number)
	case len(acks) > 1:
		j.symptom = fmt.Sprintf("your receiver sends %d acknowledgements for packet %d", len(acks),
			number)
	case len(due) == 0 && again:
		j.symptom = fmt.Sprintf("your receiver delivers %q a second time", words[0])
	case len(due) == 0:
		j.symptom = fmt.Sprintf("your receiver delivers %q although packet %d is missing: the "+
			"application would read out of order", words[0], first)
	case len(words) == 0:
		j.symptom = fmt.Sprintf("packet %d is the next in order, and it is not delivered", number)
	case len(words) < len(due) && slices.Equal(words, due[:len(words)]):
		j.symptom = fmt.Sprintf("the turn of packet %d has come, which arrived earlier, and it "+
			"is not delivered", late)
	default:
		j.symptom = "your receiver delivers other words than those whose turn it is"
	}
	return acks, words
}
