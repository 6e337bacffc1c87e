package bench

import (
	"slices"
	"time"
)

// A SackSender is a Sender whose acknowledgements also tell what has come beyond
// the first gap, as TCP's do (RFC 2018).
type SackSender interface {
	Send(now time.Duration) (number int, ok bool)
	// Ack takes an acknowledgement: of all packets up to number, and of those
	// in the blocks, each given by its first and its last packet.
	Ack(now time.Duration, number int, blocks [][2]int)
	Deadline() (at time.Duration, ok bool)
}

// A sackHost makes a Sender of one.
type sackHost struct{ SackSender }

// Ack is for a Sender without blocks.
func (s *sackHost) Ack(now time.Duration, number int) { s.SackSender.Ack(now, number, nil) }

// MaxBlocks is how many blocks an acknowledgement has at most. TCP's has room
// for three beside a time stamp.
const MaxBlocks = 3

// selective is the receiver. It keeps what comes early, and tells of it: first
// of the block with the packet that has just come (RFC 2018, section 4).
type selective struct {
	cumulative
	latest int
}

func newSelective() *selective {
	return &selective{cumulative: cumulative{next: 1, kept: map[int]string{}}}
}

func (s *selective) Receive(number int, word string) (acks []int, words []string) {
	s.latest = number
	return s.cumulative.Receive(number, word)
}

func (s *selective) blocks() (list [][2]int) {
	var newest [][2]int
	numbers := make([]int, 0, len(s.kept))
	for n := range s.kept {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	for i := 0; i < len(numbers); {
		k := i
		for k+1 < len(numbers) && numbers[k+1] == numbers[k]+1 {
			k++
		}
		block := [2]int{numbers[i], numbers[k]}
		if block[0] <= s.latest && s.latest <= block[1] {
			newest = append(newest, block)
		} else {
			list = append(list, block)
		}
		i = k + 1
	}
	list = append(newest, list...)
	return list[:min(len(list), MaxBlocks)]
}

// scoreboard is the reference of selective acknowledgement: what was lost is
// told by what has come after it (RFC 6675, section 4, IsLost). Who was sent
// again is not sent for that reason another time: its timer is left.
type scoreboard struct {
	last, window int
	rto          time.Duration
	base, next   int             // under way: from base to before next
	has          []bool          // by number: the receiver has it
	again        []bool          // it was sent more than once
	deadlines    []time.Duration // rto after the last transmission
}

func newScoreboard(last, window int, rto time.Duration) *scoreboard {
	return &scoreboard{last: last, window: window, rto: rto, base: 1, next: 1,
		has: make([]bool, last+2), again: make([]bool, last+2),
		deadlines: make([]time.Duration, last+2)}
}

// lost finds the first packet that is lost and was not sent again, or 0.
func (s *scoreboard) lost() int {
	above, found := 0, 0 // packets behind it that the receiver has
	for n := s.next - 1; n >= s.base; n-- {
		switch {
		case s.has[n]:
			above++
		case above >= 3 && !s.again[n]:
			found = n
		}
	}
	return found
}

func (s *scoreboard) Send(now time.Duration) (number int, ok bool) {
	switch n := s.lost(); {
	case s.base < s.next && now >= s.deadlines[s.base]:
		number = s.base
		s.again[number] = true
	case n > 0:
		number = n
		s.again[number] = true
	case s.next <= s.last && s.next < s.base+s.window:
		number = s.next
		s.next++
	default:
		return 0, false
	}
	s.deadlines[number] = now + s.rto
	return number, true
}

func (s *scoreboard) Ack(now time.Duration, number int, blocks [][2]int) {
	s.base = max(s.base, number+1)
	for _, b := range blocks {
		for n := b[0]; n <= b[1]; n++ {
			s.has[n] = true
		}
	}
}

func (s *scoreboard) Deadline() (time.Duration, bool) { return s.deadlines[s.base], s.base < s.next }
