package check

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// Bubble runs f where time is virtual: it jumps to the next deadline when
// nothing else can happen (testing/synctest). What f waits for and never comes
// is found at once, and an hour takes no time. Connections in a Bubble must be
// those of Link: a socket's waiting is the kernel's, which knows no such time.
func (s *Story) Bubble(f func()) {
	s.mu.Lock()
	outer := s.cleanups
	s.cleanups = nil
	s.mu.Unlock()
	good := false
	func() {
		defer func() {
			if cause := recover(); cause != nil && !good {
				stack := goroutines()
				s.set(func(v *Verdict) { v.waits(stack) })
			}
		}()
		synctest.Test(s.t, func(*testing.T) {
			done := make(chan bool)
			go func() {
				defer close(done)
				s.guard(f)
			}()
			<-done
			good = true // from here on, goroutines left behind are no matter
			s.cleanUp()
		})
	}()
	s.mu.Lock()
	s.cleanups = outer
	failed := s.verdict.Symptom != ""
	s.mu.Unlock()
	if failed {
		runtime.Goexit()
	}
}

// Settle returns when everything that can happen in the Bubble has happened,
// and all its goroutines wait: for each other, or for time to pass.
func Settle() { synctest.Wait() }

// Yield lets all others go on as far as they can, like Settle, and does not wait
// for them: it is for a place where the answer may hold a lock that they need.
func Yield() {
	// On one processor, those who are ready to run take turns.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for range 1000 {
		runtime.Gosched()
	}
}

// Pass lets d pass in a Bubble, and returns when all wait again. Somebody who
// looks again and again uses real time: when a tenth of the case's patience is
// gone for it, less than d has passed.
func (s *Story) Pass(d time.Duration) {
	began := s.left.Load()
	for step := time.Second; d > 0 && !s.spent(began, 10); step *= 2 {
		time.Sleep(min(d, step))
		synctest.Wait()
		d -= step
	}
}

func (v *Verdict) waits(stack string) {
	v.Expected, v.Came = "an end", "none: all that it waits for can't come any more"
	v.Symptom = "your code waits for good" + where(stack)
}
