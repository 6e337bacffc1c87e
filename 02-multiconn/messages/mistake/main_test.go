package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every run tells the same story, since the page shows it.
func TestSameStoryEachTime(t *testing.T) {
	const want = `Write "pay Ann 10"
Write "pay Bob 20"
    Read "pay Ann 10pay Bob 20"
Write "pay Eve 10"
    Read "pay Eve 10"
Write "00"
    Read "00"
`
	for run1 := range 100 {
		var out strings.Builder
		err := run(&out)
		if diff := cmp.Diff(want, out.String()); err != nil || diff != "" {
			t.Fatalf("run %d: error %v (-want +got):\n%s", run1+1, err, diff)
		}
	}
}
