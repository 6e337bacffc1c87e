package main

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// subBuckets is the number of buckets between one power of two and the next.
const subBuckets = 128

// A histogram counts durations in buckets, in 57 KiB whatever their number.
// The buckets are log-linear: up to 256 ns each value has its own, and from
// there on each doubling is cut into 128 of the same width. So a bucket's
// values differ by less than 1/128, that is 0.8 %. The zero value is empty;
// many goroutines may add at once.
type histogram struct {
	buckets [(64 - 7) * subBuckets]atomic.Int64
}

func (h *histogram) add(d time.Duration) { h.buckets[bucket(d)].Add(1) }

// bucket returns the index of the bucket for d. What is below 0 counts as 0.
func bucket(d time.Duration) int {
	v := uint64(max(d, 0))
	// Drop the low bits that only distinguish values of the same bucket.
	drop := max(bits.Len64(v)-8, 0)
	return drop*subBuckets + int(v>>drop)
}

// highest returns the largest duration that falls into bucket i.
func highest(i int) time.Duration {
	drop := max(i/subBuckets-1, 0)
	return time.Duration(uint64(i-drop*subBuckets+1)<<drop - 1)
}

// count returns how many durations were added.
func (h *histogram) count() (n int64) {
	for i := range h.buckets {
		n += h.buckets[i].Load()
	}
	return n
}

// quantile returns the duration that a share q of all, from 0 to 1, does not
// exceed: 0.5 is the median. It is never below the exact value (the one of
// rank q·count, rounded up) and less than 1/128 above it. With nothing added it is 0.
func (h *histogram) quantile(q float64) time.Duration {
	rank := max(int64(math.Ceil(q*float64(h.count()))), 1)
	for i := range h.buckets {
		rank -= h.buckets[i].Load()
		if rank <= 0 {
			return highest(i)
		}
	}
	return 0
}
