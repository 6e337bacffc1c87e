package queue

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Whatever goes in comes out by time, and by order where times are equal:
// beside a list that is sorted anew each time.
func TestQueue(t *testing.T) {
	type thing struct{ at, number int }
	r := rand.New(rand.NewPCG(1, 2))
	var q Queue[thing]
	var list []thing
	for i := range 20_000 {
		if r.IntN(2) == 0 || len(list) == 0 {
			v := thing{r.IntN(50), i}
			q.Push(time.Duration(v.at), v)
			list = append(list, v)
			slices.SortStableFunc(list, func(a, b thing) int { return a.at - b.at })
			continue
		}
		if at, ok := q.Next(); !ok || at != time.Duration(list[0].at) || q.Len() != len(list) {
			t.Fatalf("the next of %d is at %v, %v, and should be at %d", q.Len(), at, ok,
				list[0].at)
		}
		if got := q.Pop(); got != list[0] {
			t.Fatalf("got %v, want %v", got, list[0])
		}
		list = list[1:]
	}
	for q.Len() > 0 {
		q.Pop()
	}
	if _, ok := q.Next(); ok {
		t.Error("an empty queue has a next")
	}
}

func TestNoAllocation(t *testing.T) {
	var q Queue[[4]int]
	if n := testing.AllocsPerRun(1000, func() {
		q.Push(2, [4]int{})
		q.Push(1, [4]int{})
		q.Pop()
		q.Pop()
	}); n > 0 {
		t.Errorf("%v allocations for two in and two out", n)
	}
}
