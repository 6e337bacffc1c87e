package check

import (
	"testing"
	"time"
)

func TestCounts(t *testing.T) {
	const ms = time.Millisecond
	for what, c := range map[string]struct{ passed, used, want time.Duration }{
		"it waits":                        {20 * ms, 0, 20 * ms},
		"it waits, and is looked at late": {500 * ms, 2 * ms, 2 * every},
		"it runs alone":                   {20 * ms, 20 * ms, 20 * ms},
		"it runs on two processors":       {20 * ms, 40 * ms, 20 * ms},
		"it has half a processor":         {20 * ms, 10 * ms, 20 * ms},
		"it has a tenth of a processor":   {100 * ms, 10 * ms, 30 * ms},
		"it has a thirtieth":              {300 * ms, 10 * ms, 60 * ms},
	} {
		if got := counts(c.passed, c.used); got != c.want {
			t.Errorf("%s: of %v, %v count, and not %v", what, c.passed, got, c.want)
		}
	}
}
