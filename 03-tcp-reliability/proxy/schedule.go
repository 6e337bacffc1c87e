package main

import (
	"sync"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/queue"
)

// maxPending bounds the datagrams under way, and so the memory.
const maxPending = 100_000

// A schedule calls functions at their time, one after the other, those due
// together in the order in which they were given.
type schedule struct {
	now  func() time.Duration
	wake chan struct{}
	stop chan struct{}
	done chan struct{}

	mu      sync.Mutex // guards pending
	pending queue.Queue[func()]
}

func newSchedule(now func() time.Duration) *schedule {
	s := &schedule{now: now, wake: make(chan struct{}, 1),
		stop: make(chan struct{}), done: make(chan struct{})}
	go s.run()
	return s
}

// at schedules a call. It returns false, and never calls, if too many are
// pending.
func (s *schedule) at(at time.Duration, call func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending.Len() >= maxPending {
		return false
	}
	first, ok := s.pending.Next()
	s.pending.Push(at, call)
	if !ok || at < first { // wait for less
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
		timer.Reset(s.callDue())
		select {
		case <-timer.C:
		case <-s.wake:
		case <-s.stop:
			return
		}
	}
}

// callDue calls what is due, and says how long to wait for the next.
func (s *schedule) callDue() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		at, ok := s.pending.Next()
		if !ok {
			return time.Hour
		}
		if wait := at - s.now(); wait > 0 {
			return wait
		}
		call := s.pending.Pop()
		s.mu.Unlock()
		call()
		s.mu.Lock()
	}
}

// close ends the schedule. What is pending is not called any more.
func (s *schedule) close() {
	close(s.stop)
	<-s.done
}
