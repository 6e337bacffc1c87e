//go:build check

package predict_test

import (
	"fmt"
	"strings"
	"testing"

	. "example.com/sockets/03-tcp-reliability/exercises/predict"
	"example.com/sockets/03-tcp-reliability/exercises/predict/questions"
	"example.com/sockets/docs/exercises/check"
)

func TestCheck(t *testing.T) {
	const seed = int64(Seed)
	cases := []check.Case{{Name: "the-seed", Holds: []int{1}, Do: func(s *check.Story) {
		s.Did("looked at the seed: %d", seed)
		if seed > 999 {
			s.Fail("a seed from 0 to 999", fmt.Sprint(seed),
				"from 1000 on anyone can see the answers: take such a seed to practise alone")
		}
		if seed < 0 {
			s.Fail("a seed from 0 to 999", fmt.Sprint(seed), "the seed is less than 0")
		}
	}}}
	for i, q := range questions.For(uint64(max(0, seed))) {
		cases = append(cases, check.Case{Name: fmt.Sprint("question-", i+1), Holds: []int{1, 2, 3},
			Do: func(s *check.Story) {
				s.Did("asked, for seed %d: %s", seed, q.Text)
				s.Picture(q.Picture)
				switch {
				case i >= len(Answers) || strings.TrimSpace(Answers[i]) == "":
					s.Fail("an answer", "none", "this question is not answered yet")
				case !q.Right(Answers[i]):
					s.Fail("another answer", fmt.Sprintf("%q", Answers[i]), q.Symptom(Answers[i]))
				}
			}})
	}
	cases = append(cases, check.Case{Name: "no-more", Holds: []int{3}, Do: func(s *check.Story) {
		s.Did("looked for answers after those to the %d questions", questions.Number)
		for _, more := range Answers[min(len(Answers), questions.Number):] {
			if strings.TrimSpace(more) != "" {
				s.Fail(fmt.Sprint(questions.Number, " answers"), fmt.Sprint(len(Answers)),
					"there are more answers than questions: one answer for each, in their order")
			}
		}
	}})
	check.Run(t, cases)
}
