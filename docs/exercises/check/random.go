package check

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"
)

// A Draw is random input. It remembers what was drawn, so that the same can be
// drawn again, and less of it.
type Draw struct {
	random *rand.Rand // nil when what is remembered is drawn again
	drawn  []int
	at     int
}

// N is a number from 0 to n-1. When an input is made smaller the numbers
// become smaller, so 0 should stand for the simplest.
func (d *Draw) N(n int) int {
	if n <= 1 {
		return 0
	}
	v := 0
	switch {
	case d.random != nil:
		v = d.random.IntN(n)
		d.drawn = append(d.drawn, v)
	case d.at < len(d.drawn):
		v = min(d.drawn[d.at], n-1)
		d.drawn[d.at] = v
	}
	d.at++
	return v
}

// Spent says that what is drawn again is at its end: from there on all is 0.
func (d *Draw) Spent() bool { return d.random == nil && d.at >= len(d.drawn) }

// Between is a number from low to high.
func (d *Draw) Between(low, high int) int { return low + d.N(high-low+1) }

// OneIn is true once in n times.
func (d *Draw) OneIn(n int) bool { return d.N(n) == n-1 }

// Uint32 is any number, and often one near 0, near the half or near the wrap.
func (d *Draw) Uint32() uint32 {
	edge := []uint32{0, 1<<32 - 1, 1 << 31, 1 << 16}[d.N(4)]
	if d.OneIn(2) {
		return edge + uint32(d.N(1<<16))<<16 + uint32(d.N(1<<16))
	}
	return edge + uint32(d.N(9)) - 4
}

// Size is a number from 0 to most: often a small one, sometimes a large one.
func (d *Draw) Size(most int) int {
	switch d.N(4) {
	case 0, 1:
		return d.N(min(most, 8) + 1)
	case 2:
		return d.N(min(most, 300) + 1)
	}
	return d.N(most + 1)
}

// Bytes are n of them: all values occur, and 0, line ends and pieces of letters
// with more than one byte occur often.
func (d *Draw) Bytes(n int) []byte {
	b := make([]byte, n)
	start, step := d.N(256), d.N(256) // of a long one, two draws are enough
	for i := range b {
		b[i] = byte(start + i*step + i>>8)
	}
	if n > 0 {
		for range min(n, 12) {
			const often = "a\x00\n\r\xc3\xa9\xff\x80 z"
			if v := d.N(len(often) + 1); v > 0 {
				b[d.N(n)] = often[v-1]
			}
		}
	}
	return b
}

// Random tells body to try the answer on n inputs that it draws. The first on
// which it fails is made smaller as long as it fails, and that story is told.
func (s *Story) Random(n int, body func(d *Draw)) {
	began := s.left.Load()
	for seed := 1; seed <= n && (seed <= n/4 || !s.spent(began, 3)); seed++ {
		d := &Draw{random: rand.New(rand.NewPCG(uint64(seed), 0))}
		v := s.attempt(seed, d, body)
		if v == nil {
			continue
		}
		s.mu.Lock()
		s.found = v
		s.mu.Unlock()
		v = s.shrink(seed, d.drawn, v, body)
		v.Done = append(v.Done, fmt.Sprintf("(the smallest found of a random input, seed %d)",
			seed))
		s.set(func(now *Verdict) { *now = *v })
		runtime.Goexit()
	}
	s.Anew()
}

// attempt runs body once. It gives the verdict if that fails, and no verdict is
// left in the story.
func (s *Story) attempt(seed int, d *Draw, body func(d *Draw)) *Verdict {
	s.mu.Lock()
	before, wasQuiet := s.verdict, s.quiet
	before.Done, before.Picture = nil, ""
	s.verdict, s.quiet = before, true
	s.verdict.Done = []string{fmt.Sprintf("tried random input, seed %d", seed)}
	s.mu.Unlock()
	if now := time.Now(); !wasQuiet && now.Sub(s.written).Abs() > 200*time.Millisecond {
		s.verdict.write()
		s.written = now
	}
	s.Anew()
	done := make(chan bool)
	go func() {
		defer close(done)
		s.guard(func() { body(d) })
	}()
	<-done
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.verdict
	s.verdict, s.quiet = before, wasQuiet
	if v.Symptom == "" {
		return nil
	}
	return &v
}

// shrink looks for less that fails, too: without a part of what was drawn, and
// with smaller numbers.
func (s *Story) shrink(seed int, drawn []int, v *Verdict, body func(d *Draw)) *Verdict {
	began, tries := s.left.Load(), 0
	fails := func(less []int) bool {
		if tries++; tries > 1000 || s.spent(began, 5) {
			return false
		}
		d := &Draw{drawn: append([]int(nil), less...)}
		smaller := s.attempt(seed, d, body)
		if smaller == nil {
			return false
		}
		drawn, v = d.drawn[:min(d.at, len(d.drawn))], smaller
		s.mu.Lock()
		s.found = v
		s.mu.Unlock()
		return true
	}
	for progress := true; progress; {
		progress = false
		for size := len(drawn) / 2; size > 0; size /= 2 {
			for at := 0; at+size <= len(drawn); {
				if fails(append(append([]int(nil), drawn[:at]...), drawn[at+size:]...)) {
					progress = true
				} else {
					at += size
				}
			}
		}
		for i := 0; i < len(drawn); i++ {
			for _, less := range []int{0, drawn[i] / 2, drawn[i] - 1} {
				if i >= len(drawn) || less < 0 || less >= drawn[i] {
					continue
				}
				try := append([]int(nil), drawn...)
				try[i] = less
				if fails(try) {
					progress = true
					break
				}
			}
		}
	}
	return v
}
