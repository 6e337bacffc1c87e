//go:build check

package predict_test

import (
	"fmt"
	"testing"

	. "example.com/sockets/03-tcp-reliability/exercises/predict"
	"example.com/sockets/03-tcp-reliability/exercises/predict/questions"
	"example.com/sockets/docs/exercises/check"
)

func TestCheck(t *testing.T) {
	cases := []check.Case{{Name: "the-seed", Holds: []int{1}, Do: func(s *check.Story) {
		s.Did("looked at the seed: %d", Seed)
		if Seed > 999 {
			s.Fail("a seed from 0 to 999", fmt.Sprint(Seed),
				"from 1000 on anyone can see the answers: take such a seed to practise alone")
		}
	}}}
	for i, q := range questions.For(Seed) {
		cases = append(cases, check.Case{Name: fmt.Sprint("question-", i+1), Holds: []int{1, 2, 3},
			Do: func(s *check.Story) {
				s.Did("asked, for seed %d: %s", Seed, q.Text)
				s.Picture(q.Picture)
				switch {
				case i >= len(Answers) || Answers[i] == "":
					s.Fail("an answer", "none", "this question is not answered yet")
				case !q.Right(Answers[i]):
					s.Fail("another answer", fmt.Sprintf("%q", Answers[i]), q.Symptom(Answers[i]))
				}
			}})
	}
	check.Run(t, cases)
}
