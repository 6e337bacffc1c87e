package main

import (
	"sync"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/queue"
)

// maxPending bounds the packets under way, and so the memory.
const maxPending = 100_000

// A schedule calls functions at their time, one after the other, those due
// together in the order in which they were given.
type schedule struct {
	now     func() time.Duration
	mu      sync.Mutex
	pending queue.Queue[func()]
	wake    chan struct{}
	stop    chan struct{}
	done    chan struct{}
}

func newSchedule(now func() time.Duration) *schedule {
	s := &schedule{now: now, wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	go s.run()
	return s
}

// at schedules call. It returns false, and call is never called, if too many
// calls are pending.
func (s *schedule) at(at time.Duration, call func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending.Len() >= maxPending {
		return false
	}
	next, waiting := s.pending.Next()
	s.pending.Push(at, call)
	if !waiting || at < next { // it is the next: wait for less
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	return true
}

func (s *schedule) run() {
	defer close(s.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait := time.Hour
		s.mu.Lock()
		for s.pending.Len() > 0 {
			at, _ := s.pending.Next()
			if wait = at - s.now(); wait > 0 {
				break
			}
			call := s.pending.Pop()
			s.mu.Unlock()
			call()
			s.mu.Lock()
			wait = time.Hour
		}
		s.mu.Unlock()
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-s.wake:
		case <-s.stop:
			return
		}
	}
}

// close ends the schedule. What is pending is not called any more.
func (s *schedule) close() {
	close(s.stop)
	<-s.done
}
