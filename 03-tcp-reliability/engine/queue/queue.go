// Package queue has a priority queue by time, for simulations and schedules.
package queue

import "time"

// A Queue holds things until their time. The earliest comes out first, and of
// several at one time the one that was put in first. The zero value is empty.
// (Package container/heap would allocate memory for each.)
type Queue[T any] struct {
	heap  []item[T] // each before both of its children: 2i+1 and 2i+2
	order int       // of the next
}

type item[T any] struct {
	at    time.Duration
	order int
	value T
}

func (a *item[T]) before(b *item[T]) bool {
	return a.at < b.at || a.at == b.at && a.order < b.order
}

// Len is how many the queue holds.
func (q *Queue[T]) Len() int { return len(q.heap) }

// Next says when the first is due. It is false for an empty queue.
func (q *Queue[T]) Next() (at time.Duration, ok bool) {
	if len(q.heap) == 0 {
		return 0, false
	}
	return q.heap[0].at, true
}

// Push puts in a value that is due at this time.
func (q *Queue[T]) Push(at time.Duration, value T) {
	q.order++
	v := item[T]{at, q.order, value}
	q.heap = append(q.heap, v)
	i := len(q.heap) - 1
	for i > 0 && v.before(&q.heap[(i-1)/2]) { // it rises to its place
		q.heap[i] = q.heap[(i-1)/2]
		i = (i - 1) / 2
	}
	q.heap[i] = v
}

// Pop takes out the first. The queue must not be empty.
func (q *Queue[T]) Pop() T {
	first, n := q.heap[0].value, len(q.heap)-1
	last := q.heap[n]
	q.heap[n] = item[T]{} // lets go of what the value points to
	q.heap = q.heap[:n]
	if n == 0 {
		return first
	}
	i := 0
	for { // the last one sinks from the top to its place
		child := 2*i + 1
		if child+1 < n && q.heap[child+1].before(&q.heap[child]) {
			child++
		}
		if child >= n || last.before(&q.heap[child]) {
			break
		}
		q.heap[i] = q.heap[child]
		i = child
	}
	q.heap[i] = last
	return first
}
