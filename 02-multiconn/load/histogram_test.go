package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Every quantile is the exact one, or at most 1/128 above it.
func TestQuantiles(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for name, draw := range map[string]func() time.Duration{
		"nanoseconds":    func() time.Duration { return time.Duration(random.IntN(300)) },
		"one value":      func() time.Duration { return time.Millisecond },
		"uniform":        func() time.Duration { return time.Duration(random.IntN(1e9)) },
		"a long tail":    func() time.Duration { return time.Duration(1e5 * math.Exp(2*random.NormFloat64())) },
		"of any size":    func() time.Duration { return time.Duration(random.Int64() >> random.IntN(63)) },
		"powers of two":  func() time.Duration { return 1 << random.IntN(63) },
		"all that fits":  func() time.Duration { return math.MaxInt64 },
		"nothing at all": func() time.Duration { return 0 },
	} {
		for _, n := range []int{1, 2, 100, 10_000} {
			var h histogram
			var all []time.Duration
			for range n {
				d := draw()
				all = append(all, d)
				h.add(d)
			}
			slices.Sort(all)
			if h.count() != int64(n) {
				t.Errorf("%s: added %d durations and counted %d", name, n, h.count())
			}
			for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 1} {
				exact := all[max(int(math.Ceil(q*float64(n))), 1)-1]
				got := h.quantile(q)
				if got < exact || float64(got-exact) > float64(exact)/128 {
					t.Errorf("%s: quantile %g of %d durations is %d ns; exactly it is %d ns",
						name, q, n, got, exact)
				}
			}
		}
	}
}

// Buckets do not overlap and leave nothing out.
func TestBuckets(t *testing.T) {
	for i := range len(histogram{}.buckets) {
		if bucket(highest(i)) != i {
			t.Fatalf("%d ns is the highest of bucket %d, but falls into %d", highest(i), i,
				bucket(highest(i)))
		}
		if d := highest(i); d < math.MaxInt64 && bucket(d+1) != i+1 {
			t.Fatalf("%d ns is too long for bucket %d, and falls into %d", d+1, i, bucket(d+1))
		} else if d == math.MaxInt64 {
			break // what follows is never used
		}
	}
	if bucket(-1) != 0 {
		t.Errorf("-1 ns, from a clock that was set back, falls into bucket %d", bucket(-1))
	}
}

func TestEmptyHistogram(t *testing.T) {
	if got := new(histogram).quantile(0.5); got != 0 {
		t.Errorf("the median of nothing is %s", got)
	}
}
