package questions

import (
	"fmt"
	"strings"
	"testing"
)

// The questions of every seed have an answer that can be given, and does not
// stand in the picture; and neighbours get different ones.
func TestManySeeds(t *testing.T) {
	distinct := map[string]bool{}
	for seed := range uint64(200) {
		questions := For(seed)
		if len(questions) != Number {
			t.Fatalf("seed %d: %d questions, expected %d", seed, len(questions), Number)
		}
		all := ""
		for i, q := range questions {
			all += q.Text + q.Answer
			if !q.Right(" "+strings.ToUpper(q.Answer)+"\n") || q.Right("") || q.Answer == "" ||
				q.Explain == "" {
				t.Errorf("seed %d, question %d: the answer %q is not taken as it should be", seed,
					i+1, q.Answer)
			}
			for wrong := range q.hints {
				if wrong == q.Answer {
					t.Errorf("seed %d, question %d: the answer %q has the hint of a wrong one",
						seed, i+1, wrong)
				}
			}
			if i == 4 && (strings.Contains(q.Picture, "again: timeout") ||
				strings.Contains(q.Picture, "again: go-back")) {
				t.Errorf("seed %d, question %d: the cause stands in the picture:\n%s", seed, i+1,
					q.Picture)
			}
			for line := range strings.Lines(q.Picture) {
				if n := len([]rune(line)); n > 101 {
					t.Errorf("seed %d, question %d: a line of %d columns", seed, i+1, n)
				}
			}
		}
		distinct[all] = true
		if seed > 0 && all == fmt.Sprint(For(seed-1)) {
			t.Errorf("seeds %d and %d have the same questions", seed-1, seed)
		}
	}
	if len(distinct) < 190 {
		t.Errorf("200 seeds give only %d different sets of questions", len(distinct))
	}
}

func TestSameSeed(t *testing.T) {
	for i, q := range For(7) {
		if again := For(7)[i]; again.Picture != q.Picture || again.Answer != q.Answer {
			t.Errorf("question %d of seed 7 is another one the second time", i+1)
		}
	}
}
