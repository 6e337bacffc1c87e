package main

// This file proves the checks, for every exercise: the stub compiles and fails
// for the reason that it should, the solution passes, and each planted wrong
// answer is rejected with a message that names the mistake's symptom.

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sockets/docs/exercises/check"
)

const repository = "../.."

// A mistake is a wrong answer: the solution with some lines in place of others.
type mistake struct {
	name  string
	says  string // is in the symptom
	edits [][2]string
}

// parseMistakes reads a mistakes.txt. Its format is on the page docs/exercises.md.
func parseMistakes(text string) (mistakes []mistake, err error) {
	var m *mistake
	var last byte
	for i, line := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		if name, ok := strings.CutPrefix(line, "== "); ok {
			mistakes = append(mistakes, mistake{name: name})
			m, last = &mistakes[len(mistakes)-1], 0
			continue
		}
		says, isSays := strings.CutPrefix(line, "says: ")
		switch {
		case m == nil || line == "":
			last = 0
		case isSays:
			m.says = says
		case line[0] == '-' || line[0] == '+':
			if last == 0 || last == '+' && line[0] == '-' {
				m.edits = append(m.edits, [2]string{})
			}
			last = line[0]
			edit := &m.edits[len(m.edits)-1]
			edit[strings.IndexByte("-+", last)] += line[1:] + "\n"
		default:
			return nil, fmt.Errorf("line %d: %q is no part of a mistake", i+1, line)
		}
	}
	return mistakes, nil
}

// plant makes the wrong answer.
func (m mistake) plant(solution string) (string, error) {
	for _, e := range m.edits {
		if n := strings.Count(solution, e[0]); e[0] == "" || n != 1 {
			return "", fmt.Errorf("these lines must stand in the solution once, not %d times:\n%s", n, e[0])
		}
		solution = strings.Replace(solution, e[0], e[1], 1)
	}
	return solution, nil
}

func read(t *testing.T, name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

// try checks a text as the answer of an exercise.
func try(t *testing.T, e exercise, answer string, race bool) result {
	t.Helper()
	root, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), check.Answer)
	if err := os.WriteFile(file, []byte(answer), 0o600); err != nil {
		t.Fatal(err)
	}
	j := job{root: root, exercises: []exercise{e}, race: race,
		overlay: map[string]string{filepath.Join(root, filepath.FromSlash(e.answer())): file}}
	found, err := j.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return found[e.name]
}

func TestExercises(t *testing.T) {
	if os.Getenv("CI") == "" {
		t.Skip("this takes minutes: set CI=true in the environment to prove every check")
	}
	for _, e := range exercises {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			proveExercise(t, e)
		})
	}
}

func proveExercise(t *testing.T, e exercise) {
	dir := filepath.Join(repository, filepath.FromSlash(e.solution()))
	solution := read(t, filepath.Join(dir, check.Answer))
	mistakes, err := parseMistakes(read(t, filepath.Join(dir, "mistakes.txt")))
	if err != nil {
		t.Fatal(err)
	}
	if r := try(t, e, solution, true); r.state != solved {
		t.Errorf("the solution is not accepted: %s\n%v%s", r.state, r.verdict, strings.Join(r.build, "\n"))
	}
	planted := 0
	for _, m := range mistakes {
		answer := read(t, filepath.Join(repository, filepath.FromSlash(e.answer())))
		if m.name == "The stub" {
			if got := fingerprint([]byte(answer)); got != e.stub {
				t.Errorf("the stub has the fingerprint %q, and table.go says %q", got, e.stub)
			}
		} else if answer, err = m.plant(solution); err != nil {
			t.Errorf("mistake %q: %v", m.name, err)
			continue
		} else {
			planted++
		}
		r := try(t, e, answer, false)
		if r.state != notYet || m.says == "" || !strings.Contains(r.verdict.Symptom, m.says) {
			t.Errorf("mistake %q should be told by %q, and it is: %s\n%v%s",
				m.name, m.says, r.state, r.verdict, strings.Join(r.build, "\n"))
		}
		if strings.Contains(r.verdict.Symptom, "panicked") && m.name == "The stub" {
			t.Errorf("the stub panics: it should fail for the reason that it is not written")
		}
	}
	if len(mistakes) == 0 || mistakes[0].name != "The stub" || planted < 3 {
		t.Errorf("mistakes.txt needs the stub first, and three mistakes or more: it has %d", planted)
	}
	hints := hintBlock.FindAllString(read(t, filepath.Join(repository, filepath.FromSlash(e.folder()), "README.md")), -1)
	if len(hints) < 2 {
		t.Errorf("%s/README.md has %d hints: a learner needs two or more", e.folder(), len(hints))
	}
}
