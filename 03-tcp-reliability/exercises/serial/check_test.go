//go:build check

package serial_test

import (
	"fmt"
	"testing"

	. "example.com/sockets/03-tcp-reliability/exercises/serial"
	"example.com/sockets/docs/exercises/check"
)

const (
	half = 1 << 31
	last = 1<<32 - 1
)

func TestCheck(t *testing.T) {
	check.Run(t, []check.Case{
		{Name: "small-numbers", Holds: []int{1}, Do: func(s *check.Story) {
			before(s, 3, 5, true, "nothing comes before anything: is Before written?")
			before(s, 5, 3, false, "a later number comes before an earlier one")
		}},
		{Name: "itself", Holds: []int{2}, Do: func(s *check.Story) {
			for _, n := range []uint32{0, 7, half, last} {
				before(s, n, n, false, "no number comes before itself")
			}
		}},
		{Name: "the-wrap", Holds: []int{1}, Do: func(s *check.Story) {
			const symptom = "Before is right until the numbers wrap: 0 follows 4294967295"
			before(s, last, 0, true, symptom)
			before(s, 0, last, false, symptom)
			before(s, last-5, 5, true, symptom)
			before(s, 5, last-5, false, symptom)
		}},
		{Name: "far-apart", Holds: []int{1}, Do: func(s *check.Story) {
			const symptom = "Before is right only over short distances: up to 2^31-1 numbers lie " +
				"ahead"
			for _, n := range []uint32{0, 1, half - 1, half, half + 1, last} {
				before(s, n, n+half-1, true, symptom)
				before(s, n, n+half+1, false, symptom)
			}
		}},
		{Name: "opposite", Holds: []int{3}, Do: func(s *check.Story) {
			const symptom = "the two are exactly 2^31 apart: neither comes before the other"
			for _, n := range []uint32{0, 1, half, last} {
				before(s, n, n+half, false, symptom)
			}
		}},
		{Name: "window", Holds: []int{4, 5}, Do: func(s *check.Story) {
			in(s, 10, 10, 4, true,
				"the first number of the window is not in it: is InWindow written?")
			in(s, 13, 10, 4, true, "the last number of the window is not in it")
			in(s, 14, 10, 4, false, "one number beyond the window is in it: off by one")
			in(s, 9, 10, 4, false, "the number before the window is in it")
			in(s, 10, 10, 0, false, "a window of size 0 holds a number")
		}},
		{Name: "window-wraps", Holds: []int{4}, Do: func(s *check.Story) {
			const symptom = "InWindow is wrong when the window's end wraps"
			in(s, last, last-1, 4, true, symptom)
			in(s, 1, last-1, 4, true, symptom)
			in(s, 2, last-1, 4, false, symptom)
			in(s, last-2, last-1, 4, false, symptom)
		}},
		{Name: "large-window", Holds: []int{4}, Do: func(s *check.Story) {
			const symptom = "a window may hold half of all numbers, more, and all but one: InWindow " +
				"is wrong for a large size"
			for _, first := range []uint32{0, 7, half, last} {
				in(s, first, first, half, true, symptom)
				in(s, first+half-1, first, half, true, symptom)
				in(s, first+half, first, half, false, symptom)
				in(s, first+half, first, half+1, true, symptom)
				in(s, first+half+1, first, half+1, false, symptom)
				in(s, first+half+9, first, half+10, true, symptom)
				in(s, first+last-1, first, last, true, symptom)
				in(s, first+last, first, last, false, symptom)
			}
		}},
		{Name: "at-random", Holds: []int{1, 2, 3, 4, 5}, Do: func(s *check.Story) {
			s.Random(5000, func(d *check.Draw) {
				a, b, size := d.Uint32(), d.Uint32(), d.Uint32()
				switch d.N(4) {
				case 1:
					b = a + uint32(d.N(5)) - 2
				case 2:
					b = a + size + uint32(d.N(5)) - 2
				}
				ahead := (uint64(b) + 1<<32 - uint64(a)) % (1 << 32)
				before(s, a, b, ahead > 0 && ahead < half,
					"Before is wrong for these two: how far is it from the one forward to the "+
						"other?")
				in(s, b, a, size, ahead < uint64(size),
					"InWindow is wrong for these numbers: how far is it from first forward to n?")
			})
		}},
	})
}

func before(s *check.Story, a, b uint32, want bool, symptom string) {
	s.Did("called Before(%d, %d)", a, b)
	check.Want(s, want, Before(a, b), symptom)
}

func in(s *check.Story, n, first, size uint32, want bool, symptom string) {
	s.Did("called InWindow(%d, %d, %d)%s", n, first, size, numbers(first, size))
	check.Want(s, want, InWindow(n, first, size), symptom)
}

// numbers spells a small window out.
func numbers(first, size uint32) string {
	if size > 16 {
		return fmt.Sprintf(": the window is %d … %d", first, first+size-1)
	}
	text := ": the window is"
	for i := range size {
		text += fmt.Sprint(" ", first+i)
	}
	if size == 0 {
		text += " empty"
	}
	return text
}
