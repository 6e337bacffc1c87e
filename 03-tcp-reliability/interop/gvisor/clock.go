package gvisor

import (
	"container/heap"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// start keeps the stack's clock away from zero, which TCP reads as "never".
const start = time.Hour

// A clock is the stack's only idea of time. It stands still until advance
// moves it, and its timers run inside advance, one after the other: those
// due earlier first, those due together in the order they were set.
// The stack's goroutines set and stop timers too, hence the mutex.
type clock struct {
	mu     sync.Mutex
	now    time.Duration
	set    uint64 // timers set so far, to order those due together
	timers timerHeap
}

// A timer calls f at a time, once.
type timer struct {
	clock *clock
	at    time.Duration
	order uint64
	index int // in the heap, or -1
	f     func()
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Unix(0, 0).Add(start + c.now)
}

func (c *clock) NowMonotonic() tcpip.MonotonicTime {
	c.mu.Lock()
	defer c.mu.Unlock()
	return tcpip.MonotonicTime{}.Add(start + c.now)
}

func (c *clock) AfterFunc(d time.Duration, f func()) tcpip.Timer {
	t := &timer{clock: c, index: -1, f: f}
	t.Reset(d)
	return t
}

func (t *timer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	if t.index < 0 {
		return false
	}
	heap.Remove(&t.clock.timers, t.index)
	return true
}

func (t *timer) Reset(d time.Duration) {
	c := t.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.index >= 0 {
		heap.Remove(&c.timers, t.index)
	}
	c.set++
	t.at, t.order = c.now+max(d, 0), c.set
	heap.Push(&c.timers, t)
}

// next says when the earliest timer is due.
func (c *clock) next() (time.Duration, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.timers) == 0 {
		return 0, false
	}
	return c.timers[0].at, true
}

// advance moves the clock to now. Each timer due on the way runs at its own
// time, and settled is called after it, before the next one runs.
func (c *clock) advance(now time.Duration, settled func()) {
	for {
		c.mu.Lock()
		if len(c.timers) == 0 || c.timers[0].at > now {
			c.now = max(c.now, now)
			c.mu.Unlock()
			return
		}
		t := heap.Pop(&c.timers).(*timer)
		c.now = max(c.now, t.at)
		c.mu.Unlock()
		t.f()
		settled()
	}
}

// timerHeap is container/heap's interface: the earliest timer is first.
type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }

func (h timerHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].order < h[j].order
}

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	t.index = len(*h)
	*h = append(*h, t)
}

func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.index = -1
	return t
}
