//go:build check

package reassemble

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"example.com/sockets/docs/exercises/check"
)

const text = "abcdefghijklmnopqrstuvwxyz"

// A lab has a Reassembler and knows what it must have.
type lab struct {
	s      *check.Story
	r      *Reassembler
	first  uint32
	window int
	here   []bool // by position in the stream
	read   int    // bytes
	rows   []string
}

func start(s *check.Story, first uint32, window int) *lab {
	s.Anew()
	s.Did("made a Reassembler that begins with byte %d and has a window of %d", first, window)
	return &lab{s: s, r: New(first, window), first: first, window: window, here: make([]bool, len(text))}
}

// insert hands in text[from:to], and draws it.
func (l *lab) insert(from, to int, symptom string) {
	seq := l.first + uint32(from)
	l.s.Did("inserted %q at %d", text[from:to], seq)
	l.rows = append(l.rows, fmt.Sprintf("  arrived  %s%s", strings.Repeat(" ", from), text[from:to]))
	l.draw()
	data := []byte(text[from:to])
	l.r.Insert(seq, data)
	for i := range data {
		data[i] = '!' // the bytes were lent
	}
	for i := from; i < to; i++ {
		if i >= l.read && i < l.read+l.window {
			l.here[i] = true
		}
	}
	l.ack(symptom)
}

func (l *lab) draw() {
	l.s.Picture("  stream   " + text + "\n  window   " + strings.Repeat(" ", l.read) + strings.Repeat("-", min(l.window, len(text)-l.read)) + "\n" + strings.Join(l.rows, "\n"))
}

func (l *lab) inOrder() int {
	n := l.read
	for n < len(l.here) && l.here[n] {
		n++
	}
	return n
}

func (l *lab) ack(symptom string) {
	want := l.first + uint32(l.inOrder())
	if got := l.r.Ack(); got != want {
		if int32(got-want) > 0 {
			symptom = "it acknowledged what did not arrive, or lies beyond the window"
		}
		l.s.Fail(fmt.Sprint("Ack ", want), fmt.Sprint("Ack ", got), symptom)
	}
}

func (l *lab) reads(symptom string) {
	want := text[l.read:l.inOrder()]
	l.s.Did("called Read")
	got := string(l.r.Read())
	if got != want {
		if len(got) > len(want) && strings.HasPrefix(got, want) {
			symptom = "bytes were read that never arrived, or lie beyond the window"
		}
		l.s.Fail(fmt.Sprintf("%q", want), fmt.Sprintf("%q", got), symptom)
	}
	l.read += len(want)
	l.draw()
	if again := string(l.r.Read()); again != "" {
		l.s.Fail(`""`, fmt.Sprintf("%q", again), "the same bytes were read again, or bytes that never arrived")
	}
	l.ack("the acknowledgement changed when the bytes were read")
}

func TestCheck(t *testing.T) {
	check.Run(t, []check.Case{
		{Name: "in-order", Do: func(s *check.Story) {
			l := start(s, 0, 10)
			l.insert(0, 3, "nothing was read or acknowledged of what came in order: is it written?")
			l.reads("nothing was read of what came in order")
			l.insert(3, 6, "what comes next in order is not acknowledged")
			l.reads("what comes next in order is not read")
		}},
		{Name: "a-gap", Do: func(s *check.Story) {
			l := start(s, 1000, 10)
			l.insert(3, 6, "an acknowledgement must stay while the first byte is missing")
			l.reads("bytes were read across a gap")
			l.insert(0, 3, "when the gap is filled, what came early counts")
			l.reads("when the gap is filled, what came early is read too")
		}},
		{Name: "duplicates", Do: func(s *check.Story) {
			l := start(s, 0, 10)
			const symptom = "a duplicate changes nothing"
			l.insert(0, 3, symptom)
			l.insert(0, 3, symptom)
			l.reads(symptom)
			l.insert(0, 3, symptom)
			l.insert(4, 6, symptom)
			l.insert(4, 6, symptom)
			l.insert(3, 4, symptom)
			l.reads(symptom)
		}},
		{Name: "overlaps", Do: func(s *check.Story) {
			const symptom = "an overlap: the new part of a segment counts, though a part of it is old"
			l := start(s, 0, 12)
			l.insert(0, 4, symptom)
			l.reads(symptom)
			l.insert(2, 6, symptom)
			l.insert(8, 10, symptom)
			l.insert(5, 11, symptom)
			l.reads(symptom)
		}},
		{Name: "window", Do: func(s *check.Story) {
			l := start(s, 0, 5)
			l.insert(6, 8, "what lies beyond the window is refused")
			l.insert(0, 6, "of a segment, the part that fits into the window counts")
			l.reads("of a segment, the part that fits into the window counts")
			l.insert(5, 6, "it kept what lies beyond the window: memory is bounded by refusing that")
			l.reads("the window moves on when bytes are read")
		}},
		{Name: "wrap", Do: func(s *check.Story) {
			const symptom = "it goes wrong when the numbers wrap: 0 follows 4294967295"
			l := start(s, 1<<32-4, 12)
			l.insert(6, 9, symptom)
			l.insert(2, 7, symptom)
			l.insert(0, 3, symptom)
			l.reads(symptom)
			l.insert(0, 10, symptom)
			l.reads(symptom)
		}},
		{Name: "every-order", Do: func(s *check.Story) {
			// Five segments, two of which overlap, in all 120 orders.
			parts := [][2]int{{0, 2}, {2, 5}, {4, 7}, {7, 8}, {8, 12}}
			permute(len(parts), func(order []int) {
				l := start(s, 1<<32-6, 12)
				for _, i := range order {
					l.insert(parts[i][0], parts[i][1], "in this order of arrival it goes wrong")
				}
				l.reads("in this order of arrival it goes wrong")
			})
		}},
		{Name: "at-random", Do: func(s *check.Story) {
			for seed := range uint64(60) {
				r := rand.New(rand.NewPCG(seed, 0))
				l := start(s, r.Uint32(), 1+r.IntN(12))
				for range 40 {
					from := max(0, min(len(text)-1, l.read-3+r.IntN(10)))
					l.insert(from, min(len(text), from+1+r.IntN(5)), "segments at random, and this one goes wrong")
					if r.IntN(3) == 0 {
						l.reads("segments at random, and this Read goes wrong")
					}
				}
			}
		}},
	})
}

// permute calls f with every order of 0 to n-1.
func permute(n int, f func(order []int)) {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	var step func(k int)
	step = func(k int) {
		if k == n {
			f(order)
			return
		}
		for i := k; i < n; i++ {
			order[k], order[i] = order[i], order[k]
			step(k + 1)
			order[k], order[i] = order[i], order[k]
		}
	}
	step(0)
}
