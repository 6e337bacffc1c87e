package main

import (
	"container/heap"
	"sync"
	"time"
)

// maxPending bounds the packets under way, and so the memory.
const maxPending = 100_000

// A schedule calls functions at their time, one after the other, those due
// together in the order in which they were given.
type schedule struct {
	now     func() time.Duration
	mu      sync.Mutex
	pending pendings
	order   int
	wake    chan struct{}
	stop    chan struct{}
	done    chan struct{}
}

type pending struct {
	at    time.Duration
	order int
	call  func()
}

func newSchedule(now func() time.Duration) *schedule {
	s := &schedule{now: now, wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	go s.run()
	return s
}

// at has call called at a time. It is false, and call is never called,
// when too much is under way.
func (s *schedule) at(at time.Duration, call func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) >= maxPending {
		return false
	}
	s.order++
	heap.Push(&s.pending, pending{at, s.order, call})
	if s.pending[0].order == s.order { // it is the next: wait for less
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
		for len(s.pending) > 0 {
			if wait = s.pending[0].at - s.now(); wait > 0 {
				break
			}
			call := heap.Pop(&s.pending).(pending).call
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

type pendings []pending

func (p pendings) Len() int { return len(p) }
func (p pendings) Less(i, j int) bool {
	return p[i].at < p[j].at || p[i].at == p[j].at && p[i].order < p[j].order
}
func (p pendings) Swap(i, j int) { p[i], p[j] = p[j], p[i] }
func (p *pendings) Push(x any)   { *p = append(*p, x.(pending)) }
func (p *pendings) Pop() any {
	last := len(*p) - 1
	x := (*p)[last]
	(*p)[last].call = nil
	*p = (*p)[:last]
	return x
}
