//go:build check

package reassemble_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	. "example.com/sockets/03-tcp-reliability/exercises/reassemble"
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
	return &lab{s: s, r: New(first, window), first: first, window: window,
		here: make([]bool, len(text))}
}

// insert hands in text[from:to], and draws it.
func (l *lab) insert(from, to int, symptom string) {
	seq := l.first + uint32(from)
	l.s.Did("inserted %q at %d", text[from:to], seq)
	l.rows = append(l.rows, fmt.Sprintf("  arrived  %s%s", strings.Repeat(" ", from),
		text[from:to]))
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
	l.s.Picture("  stream   " + text + "\n  window   " + strings.Repeat(" ", l.read) +
		strings.Repeat("-", min(l.window, len(text)-l.read)) + "\n" + strings.Join(l.rows, "\n"))
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
		if strings.Contains(got, "!") {
			symptom = "other bytes were read than arrived: the segment was lent, and its bytes " +
				"are the caller's again after Insert"
		} else if len(got) == len(want) {
			symptom = "as many bytes were read as arrived, but other ones"
		} else if len(got) > len(want) && strings.HasPrefix(got, want) {
			symptom = "bytes were read that never arrived, or lie beyond the window"
		}
		l.s.Fail(fmt.Sprintf("%q", want), fmt.Sprintf("%q", got), symptom)
	}
	l.read += len(want)
	l.draw()
	if again := string(l.r.Read()); again != "" {
		l.s.Fail(`""`, fmt.Sprintf("%q", again),
			"the same bytes were read again, or bytes that never arrived")
	}
	l.ack("the acknowledgement changed when the bytes were read")
}

func TestCheck(t *testing.T) {
	check.Run(t, []check.Case{
		{Name: "in-order", Holds: []int{1, 4, 5}, Do: func(s *check.Story) {
			l := start(s, 0, 10)
			l.insert(0, 3, "nothing was read or acknowledged of what came in order: is it written?")
			l.reads("nothing was read of what came in order")
			l.insert(3, 6, "what comes next in order is not acknowledged")
			l.reads("what comes next in order is not read")
		}},
		{Name: "several-at-once", Holds: []int{1}, Do: several},
		{Name: "nobody-asks", Holds: []int{5}, Do: nobodyAsks},
		{Name: "a-gap", Holds: []int{2, 4, 5}, Do: func(s *check.Story) {
			l := start(s, 1000, 10)
			l.insert(3, 6, "an acknowledgement must stay while the first byte is missing")
			l.reads("bytes were read across a gap")
			l.insert(0, 3, "when the gap is filled, what came early counts")
			l.reads("when the gap is filled, what came early is read too")
		}},
		{Name: "duplicates", Holds: []int{2}, Do: func(s *check.Story) {
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
		{Name: "overlaps", Holds: []int{2}, Do: func(s *check.Story) {
			const symptom = "an overlap: the new part of a segment counts, though a part of it " +
				"is old"
			l := start(s, 0, 12)
			l.insert(0, 4, symptom)
			l.reads(symptom)
			l.insert(2, 6, symptom)
			l.insert(8, 10, symptom)
			l.insert(5, 11, symptom)
			l.reads(symptom)
		}},
		{Name: "window", Holds: []int{3, 5}, Do: func(s *check.Story) {
			l := start(s, 0, 5)
			l.insert(6, 8, "what lies beyond the window is refused")
			l.insert(0, 6, "of a segment, the part that fits into the window counts")
			l.reads("of a segment, the part that fits into the window counts")
			l.insert(5, 6,
				"it kept what lies beyond the window: memory is bounded by refusing that")
			l.reads("the window moves on when bytes are read")
		}},
		{Name: "wrap", Holds: []int{6}, Do: func(s *check.Story) {
			const symptom = "it goes wrong when the numbers wrap: 0 follows 4294967295"
			l := start(s, 1<<32-4, 12)
			l.insert(6, 9, symptom)
			l.insert(2, 7, symptom)
			l.insert(0, 3, symptom)
			l.reads(symptom)
			l.insert(0, 10, symptom)
			l.reads(symptom)
		}},
		{Name: "every-order", Holds: []int{2, 6}, Do: func(s *check.Story) {
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
		{Name: "a-few-at-random", Holds: []int{2, 3, 4, 5, 6}, Do: func(s *check.Story) {
			for seed := range uint64(30) {
				r := rand.New(rand.NewPCG(seed, 0))
				l := start(s, r.Uint32(), 1+r.IntN(12))
				for range 40 {
					from := max(0, min(len(text)-1, l.read-3+r.IntN(10)))
					l.insert(from, min(len(text), from+1+r.IntN(5)),
						"segments at random, and this one goes wrong")
					if r.IntN(3) == 0 {
						l.reads("segments at random, and this Read goes wrong")
					}
				}
			}
		}},
		{Name: "any-bytes", Holds: []int{2, 7}, Do: func(s *check.Story) {
			l := newLedger(s, 7, 20, []byte("\x00\x00a\x00b\xff\x00"))
			l.insert(4, 7)
			l.insert(0, 3)
			l.reads()
			l.insert(3, 4)
			l.reads()
		}},
		{Name: "the-callers", Holds: []int{7}, Do: theCallers},
		{Name: "far-away", Holds: []int{2, 3, 6}, Do: farAway},
		{Name: "at-random", Holds: []int{1, 2, 3, 4, 5, 6, 7}, Do: func(s *check.Story) {
			s.Random(400, func(d *check.Draw) {
				window := 1 + d.Size(5000)
				l := newLedger(s, d.Uint32(), window, d.Bytes(3*window))
				for range d.N(30) {
					if d.OneIn(8) { // another one at the same time
						New(d.Uint32(), window).Insert(0, []byte("another's"))
					}
					// Mostly near the first byte that is missing, or at the window's end.
					near := []int{l.read, l.inOrder(), l.read + window}[d.N(3)]
					from := max(0, min(len(l.stream), near+d.Size(window)-d.Size(window)))
					l.insert(from, min(len(l.stream), from+d.Size(window+5)))
					if d.OneIn(3) {
						l.reads()
					}
				}
				l.reads()
			})
		}},
		{Name: "large", Holds: []int{1, 2, 3, 5}, Do: func(s *check.Story) {
			stream := make([]byte, 300_000)
			for i := range stream {
				stream[i] = byte(i * i >> 8)
			}
			l := newLedger(s, 1<<32-100_000, 200_000, stream)
			l.insert(1, 250_000) // a segment for which 16 bits are too few
			l.insert(0, 1)
			l.reads()
			l.insert(200_000, 300_000)
			l.reads()
		}},
		{Name: "for-a-long-time", Holds: []int{8}, Do: longTime},
		{Name: "early-in-many-ways", Holds: []int{2, 8}, Do: manyWays},
	})
}

// several has two at once.
func several(s *check.Story) {
	const symptom = "two Reassemblers disturb each other: what do they share? A variable of the " +
		"package is everybody's"
	s.Did("made two Reassemblers, which begin with byte 0 and have a window of 10")
	one, two := New(0, 10), New(0, 10)
	insert := func(name string, r *Reassembler, data string) {
		s.Did("inserted %q at 0 into the %s, and asked both for Ack", data, name)
		r.Insert(0, []byte(data))
	}
	acks := func(want string) {
		check.Want(s, want, fmt.Sprintf("Ack %d and %d", one.Ack(), two.Ack()), symptom)
	}
	insert("first", one, "abc")
	acks("Ack 3 and 0")
	insert("second", two, "ABCDE")
	acks("Ack 3 and 5")
	s.Did("called Read of both")
	check.Want(s, "abc, ABCDE", string(one.Read())+", "+string(two.Read()), symptom)
}

// nobodyAsks has nobody call Ack before Read.
func nobodyAsks(s *check.Story) {
	s.Did("made a Reassembler that begins with byte 5, and has a window of 10; inserted %q at 8, "+
		"and %q at 5; did not call Ack; called Read", "def", "abc")
	r := New(5, 10)
	r.Insert(8, []byte("def"))
	r.Insert(5, []byte("abc"))
	check.Want(s, "abcdef", string(r.Read()), "Read does not find what is in order, if nobody has "+
		"called Ack before")
	s.Did("inserted %q at 11, called Read", "ghi")
	r.Insert(11, []byte("ghi"))
	check.Want(s, "ghi", string(r.Read()), "Read does not find what is in order, if nobody has "+
		"called Ack before")
}

// theCallers changes what Read has returned, and appends to it. Whether it then
// lies before what was not read yet depends on the window.
func theCallers(s *check.Story) {
	const symptom = "the caller has changed what Read had returned, or appended to it, and now bytes " +
		"are others that were not read yet: is their memory the caller's?"
	for window := 8; window <= 40; window++ {
		s.Anew()
		s.Did("made a Reassembler that begins with byte 0 and has a window of %d", window)
		r := New(0, window)
		insert := func(from, to int) {
			s.Did("inserted %q at %d", text[from:to], from)
			r.Insert(uint32(from), []byte(text[from:to]))
		}
		read := func(from, to int) {
			s.Did("called Read, changed what it returned, and appended to it")
			got := r.Read()
			check.Want(s, text[from:to], string(got), symptom)
			for i := range got {
				got[i] = '?'
			}
			_ = append(got, "????????"...)
		}
		for n := 0; n+8 < len(text); n += 8 {
			insert(n+4, n+8)
			insert(n, n+3)
			read(n, n+3)
			insert(n+3, n+4)
			read(n+3, n+8)
		}
	}
}

// farAway sends segments from all over the circle, which are old or far beyond.
func farAway(s *check.Story) {
	const first, window = 1000, 10
	s.Did("made a Reassembler that begins with byte %d and has a window of %d", first, window)
	r := New(first, window)
	try := func(seq uint32, data []byte) {
		s.Did("inserted %q at %d", data, seq)
		r.Insert(seq, data)
		check.Want(s, fmt.Sprint("Ack ", first), fmt.Sprint("Ack ", r.Ack()), "what lies far before the window, or far beyond it, or is "+
			"empty changes nothing: it was acknowledged")
		check.Want(s, "", string(r.Read()), "what lies far before the window, or far beyond it, or "+
			"is empty changes nothing: it was read")
	}
	for power := 5; power < 32; power++ {
		for _, off := range []uint32{0, 1<<32 - 1, 1} {
			s.Anew()
			try(first+1<<power+off, []byte("xyz"))
			try(first-1<<power+off, []byte("xyz"))
			try(first-1<<power+off, nil)
		}
	}
	s.Anew()
	for _, seq := range []uint32{first, first + 3, first + window} {
		try(seq, nil)
		try(seq, []byte{})
	}
	s.Did("inserted %q at %d, called Read", text[:window], first)
	r.Insert(first, []byte(text[:window]))
	check.Want(s, text[:window], string(r.Read()), "something was kept of what lies far before the "+
		"window, or far beyond it")
}

// A ledger has a Reassembler for any stream of bytes, and knows what it must
// have.
type ledger struct {
	s      *check.Story
	r      *Reassembler
	first  uint32
	window int
	stream []byte
	here   []bool
	read   int
	kept   [][]byte // what Read has returned
	copies []string // and what it was then
}

func newLedger(s *check.Story, first uint32, window int, stream []byte) *ledger {
	s.Did("made a Reassembler that begins with byte %d and has a window of %d", first, window)
	return &ledger{s: s, r: New(first, window), first: first, window: window, stream: stream,
		here: make([]bool, len(stream))}
}

func (l *ledger) inOrder() int {
	n := l.read
	for n < len(l.here) && l.here[n] {
		n++
	}
	return n
}

func (l *ledger) insert(from, to int) {
	seq := l.first + uint32(from)
	l.s.Did("inserted %d bytes at %d, %.30q (the first missing is %d, the window ends before %d)",
		to-from, seq, l.stream[from:to],
		l.first+uint32(l.inOrder()), l.first+uint32(l.read+l.window))
	data := append([]byte(nil), l.stream[from:to]...)
	l.r.Insert(seq, data)
	if string(data) != string(l.stream[from:to]) {
		l.s.Fail("the segment as it was", fmt.Sprintf("%.30q", data),
			"Insert has changed the bytes that were lent to it")
	}
	for i := range data {
		data[i] = '!'
	}
	for i := from; i < to; i++ {
		if i >= l.read && i < l.read+l.window {
			l.here[i] = true
		}
	}
	l.ack()
}

func (l *ledger) ack() {
	want := l.first + uint32(l.inOrder())
	if got := l.r.Ack(); got != want {
		symptom := "what has arrived in order is not acknowledged"
		if int32(got-want) > 0 {
			symptom = "it acknowledged what did not arrive, or lies beyond the window"
		}
		l.s.Fail(fmt.Sprint("Ack ", want), fmt.Sprint("Ack ", got), symptom)
	}
}

func (l *ledger) reads() {
	want := l.stream[l.read:l.inOrder()]
	l.s.Did("called Read")
	got := l.r.Read()
	expected, came := fmt.Sprintf("%.60q, %d bytes", want, len(want)),
		fmt.Sprintf("%.60q, %d bytes", got, len(got))
	switch {
	case string(got) == string(want):
	case len(got) == len(want) && strings.Contains(string(got), "!"):
		l.s.Fail(expected, came,
			"other bytes were read than arrived: the segment was lent, and its bytes are the "+
				"caller's again after Insert")
	case len(got) == len(want):
		l.s.Fail(expected, came, "as many bytes were read as arrived, but other ones")
	case len(got) > len(want):
		l.s.Fail(expected, came, "bytes were read that never arrived, or lie beyond the window")
	default:
		l.s.Fail(expected, came,
			"what came in order is not read, or not all of it: any byte may come, 0 too")
	}
	l.kept, l.copies = append(l.kept, got), append(l.copies, string(got))
	l.read += len(want)
	if again := l.r.Read(); len(again) > 0 {
		l.s.Fail(`""`, fmt.Sprintf("%.60q", again),
			"the same bytes were read again, or bytes that never arrived")
	}
	l.ack()
	for i := range l.kept {
		if string(l.kept[i]) != l.copies[i] {
			l.s.Fail(fmt.Sprintf("%.60q still", l.copies[i]), fmt.Sprintf("%.60q", l.kept[i]),
				"bytes that Read has returned were changed later: they are the caller's")
		}
	}
}

// longTime sends 1.5 million bytes in order, and as many that are refused.
func longTime(s *check.Story) {
	const window, size = 1000, 500
	s.Did("sent 1.5 MB, each segment of 500 bytes once beyond the window, its last 400 bytes early, " +
		"then all of it in order; and to another Reassembler an early one 3000 times; a window of " +
		"1000")
	before := inUse()
	r := New(1<<32-1000, window)
	early := New(0, window)
	for range 3000 {
		early.Insert(100, make([]byte, size)) // the same again and again
	}
	segment := make([]byte, size)
	for i := range uint32(3000) {
		seq := 1<<32 - 1000 + i*size
		r.Insert(seq+1_000_000, segment)
		r.Insert(seq+100, segment[:400])
		r.Insert(seq, segment)
		if got := len(r.Read()); got != size {
			s.Fail("500 bytes read", fmt.Sprint(got),
				"in a long stream what came in order is not read")
		}
	}
	if used := inUse() - before; used > 700_000 {
		s.Fail("about 1000 bytes kept", fmt.Sprintf("%.1f MB", float64(used)/1e6),
			"it keeps more than a window of bytes: what was read, or what was refused")
	}
	runtime.KeepAlive(r)
	runtime.KeepAlive(early)
}

// manyWays sends early segments that overlap, each with another first byte.
func manyWays(s *check.Story) {
	const window = 3000
	s.Did("sent the end of a window of %d bytes, beginning with its last byte, then with the one "+
		"before, and so on, but for the first byte", window)
	segment := make([]byte, window)
	before := inUse()
	r := New(0, window)
	for from := window - 1; from > 0; from-- {
		r.Insert(uint32(from), segment[from:])
	}
	if used := inUse() - before; used > 1<<20 {
		s.Fail("about 3000 bytes kept", fmt.Sprintf("%.1f MB", float64(used)/1e6),
			"early segments that overlap are kept whole: that is more than a window of bytes")
	}
	r.Insert(0, segment[:1])
	if got := len(r.Read()); got != window {
		s.Fail("3000 bytes read", fmt.Sprint(got), "when the gap is filled, what came early counts")
	}
	runtime.KeepAlive(r)
}

func inUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
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
