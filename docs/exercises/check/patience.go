package check

import "time"

// A patience is the time that an answer has left. On a busy machine it lasts
// longer: a right answer gets the processor late there.
type patience struct {
	left, used time.Duration
	last       time.Time
}

// every is how often a patience is looked at.
const every = 20 * time.Millisecond

func newPatience(d time.Duration) *patience { return &patience{d, processorTime(), time.Now()} }

// look takes off what has counted since the last look, and gives what is left.
func (p *patience) look() time.Duration {
	now, used := time.Now(), processorTime()
	p.left -= counts(now.Sub(p.last), used-p.used)
	p.last, p.used = now, used
	return p.left
}

// counts is how much of a time is taken from the patience. A program that shares
// a processor with others gets a part of it: then three times that part counts.
// One that waits uses nothing, and neither does one that gets no processor at
// all; but who waits is looked at in time.
func counts(passed, used time.Duration) time.Duration {
	if used < passed/50 {
		return min(passed, 2*every)
	}
	return min(passed, max(3*used, passed/5))
}

// Again calls f up to n times, as long as this part of the case's patience
// lasts: 4 is a quarter.
func (s *Story) Again(n, part int, f func(i int)) {
	began := s.left.Load()
	for i := 0; i < n && !s.spent(began, part); i++ {
		f(i)
	}
}

// spent says whether a part of the patience is gone since so much was left.
func (s *Story) spent(began int64, part int) bool {
	return began-s.left.Load() > int64(Patience)/int64(part)
}

// After gives a channel that is closed when d has passed, as a patience counts
// it. It is for real time, and not for a Bubble.
func After(d time.Duration) <-chan struct{} {
	passed := make(chan struct{})
	go func() {
		defer close(passed)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for p := newPatience(d); p.look() > 0; {
			<-tick.C
		}
	}()
	return passed
}

// Soon asks again and again whether something that sends no word has happened,
// until it has or d has passed, as After counts it.
func Soon(d time.Duration, happened func() bool) bool {
	late := After(d)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !happened() {
		select {
		case <-tick.C:
		case <-late:
			return false
		}
	}
	return true
}
