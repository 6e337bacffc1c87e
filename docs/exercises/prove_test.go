package main

// This file proves the checks, for every exercise: the stub compiles and fails
// for the reason that it should, the solution passes, and each planted wrong
// answer is rejected with a message that names the mistake's symptom.

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sockets/docs/exercises/check"
)

const repository = "../.."

// A mistake is a wrong answer: the solution with some lines in place of others.
type mistake struct {
	name  string
	says  string // is in the symptom
	only  string // the case that must tell it, if not any
	race  bool   // only the race detector finds it without luck
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
		only, isCase := strings.CutPrefix(line, "case: ")
		switch {
		case m == nil || line == "":
			last = 0
		case isSays:
			m.says = says
		case m != nil && isCase:
			m.only = only
		case line == "with: -race":
			m.race = true
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
			return "", fmt.Errorf("these lines must stand in the solution once, not %d times:\n%s",
				n, e[0])
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

// whole is the text of an answer of which all is given, or "".
func (m mistake) whole() string {
	if len(m.edits) == 1 && m.edits[0][0] == "" {
		return m.edits[0][1]
	}
	return ""
}

// variants are all texts that the exercise's check is tried with: the stub, the
// solution, the mistakes, and the right alternatives.
func (e exercise) variants(t *testing.T) (all []*variant) {
	dir := filepath.Join(repository, filepath.FromSlash(e.solution()))
	solution := read(t, filepath.Join(dir, check.Answer))
	all = append(all, &variant{exercise: e, what: "solution", answer: solution})
	for _, what := range []string{"mistake", "right"} {
		file := map[string]string{"mistake": "mistakes.txt", "right": "right.txt"}[what]
		entries, err := parseMistakes(read(t, filepath.Join(dir, file)))
		if err != nil {
			t.Fatalf("%s of %s: %v", file, e.name, err)
		}
		for _, m := range entries {
			v := &variant{exercise: e, what: what, name: m.name, says: m.says, only: m.only,
				race: m.race}
			if m.name == "The stub" {
				v.what = "stub"
				v.answer = read(t, filepath.Join(repository, filepath.FromSlash(e.answer())))
			} else if v.answer = m.whole(); v.answer == "" {
				if v.answer, err = m.plant(solution); err != nil {
					t.Errorf("%s: %s %q: %v", e.name, what, m.name, err)
					continue
				}
			}
			all = append(all, v)
		}
	}
	return all
}

// The solution and the right alternatives are accepted; the stub and each
// mistake are rejected, with the sentence that names what happened.
func TestExercises(t *testing.T) {
	t.Parallel() // while the one waits, another compiles
	var all []*variant
	for _, e := range asked(t) {
		all = append(all, e.variants(t)...)
	}
	all = slices.DeleteFunc(sample(t, all), func(v *variant) bool { return v.race })
	runVariants(t, all, false)
	count := map[string]int{}
	for _, v := range all {
		count[v.exercise.name+" "+v.what]++
		switch v.what {
		case "solution", "right":
			if v.state != solved {
				t.Errorf("%s: a right answer (%s %s) is not accepted: %s\n%v%s\n%s",
					v.exercise.name, v.what, v.name, v.state, v.verdict,
					strings.Join(v.build, "\n"), v.printed)
			}
		default:
			v.checkTold(t)
			if strings.Contains(v.verdict.Symptom, "panicked") && v.what == "stub" {
				t.Errorf("%s: the stub panics: it should fail for the reason that it is not written", v.exercise.name)
			}
		}
	}
	for _, v := range all {
		if v.what == "solution" {
			v.checkSentences(t)
		}
	}
	for _, e := range asked(t) {
		stub := read(t, filepath.Join(repository, filepath.FromSlash(e.answer())))
		if got := fingerprint([]byte(stub)); got != e.stub {
			t.Errorf("%s: the stub has the fingerprint %q, and table.go says %q", e.name, got,
				e.stub)
		}
		if count[e.name+" stub"] != 1 || count[e.name+" mistake"] == 0 {
			t.Errorf("%s: mistakes.txt needs the stub first, and mistakes", e.name)
		}
		if count[e.name+" right"] < 2 {
			t.Errorf("%s: right.txt needs two right alternatives or more: it has %d", e.name,
				count[e.name+" right"])
		}
		hints := hintBlock.FindAllString(read(t,
			filepath.Join(repository, filepath.FromSlash(e.folder()), "README.md")), -1)
		if len(hints) < 2 {
			t.Errorf("%s/README.md has %d hints: a learner needs two or more", e.folder(),
				len(hints))
		}
	}
	if testing.Verbose() {
		for _, e := range asked(t) {
			t.Logf("%-15s %2d mistakes rejected, %d right alternatives accepted", e.name,
				count[e.name+" mistake"], count[e.name+" right"])
		}
	}
}

// checkTold looks whether a mistake is rejected with the sentence that names it.
func (v *variant) checkTold(t *testing.T) {
	t.Helper()
	if v.state != notYet || v.says == "" || !strings.Contains(v.verdict.Symptom, v.says) {
		t.Errorf("%s: mistake %q should be told by %q, and it is: %s\n%v%s", v.exercise.name, v.name,
			v.says, v.state, v.verdict, strings.Join(v.build, "\n"))
	}
}

// A sentence of a task has a number.
var sentence = regexp.MustCompile(`(?m)^(\d+)\. (.*)`)

// checkSentences finds the sentences of a task that no case holds the answer
// to. With -v it prints which cases hold which.
func (v *variant) checkSentences(t *testing.T) {
	held := map[string][]string{} // cases, by the number of the sentence
	for line := range strings.Lines(v.cases) {
		words := strings.Fields(line)
		if len(words) == 1 {
			t.Errorf("%s/%s holds no sentence of the task", v.exercise.name, words[0])
		}
		for _, number := range words[1:] {
			held[number] = append(held[number], words[0])
		}
	}
	_, task, _ := strings.Cut(read(t, filepath.Join(repository, filepath.FromSlash(v.folder()),
		"README.md")), "## The task")
	task, _, _ = strings.Cut(task, "## Hints")
	found := sentence.FindAllStringSubmatch(task, -1)
	if len(found) == 0 {
		t.Errorf("%s: the sentences of the task have no numbers", v.exercise.name)
	}
	for _, s := range found {
		if len(held[s[1]]) == 0 {
			t.Errorf("%s: no case holds sentence %s: %s", v.exercise.name, s[1], s[2])
		}
		if testing.Verbose() {
			t.Logf("%-14s %2s. %-50.50s %s", v.exercise.name, s[1], s[2], shorten(held[s[1]]))
		}
		delete(held, s[1])
	}
	for number, cases := range held {
		t.Errorf("%s: there is no sentence %s, which %v hold", v.exercise.name, number, cases)
	}
}

// shorten names at most four cases.
func shorten(cases []string) string {
	if len(cases) > 4 {
		return fmt.Sprintf("%s and %d more", strings.Join(cases[:3], ", "), len(cases)-3)
	}
	return strings.Join(cases, ", ")
}

// sample takes a part of the mistakes, another one each day. With CI, or with
// EXERCISES, it takes all.
func sample(t *testing.T, all []*variant) (chosen []*variant) {
	if os.Getenv("CI") != "" || os.Getenv("EXERCISES") != "" {
		return all
	}
	const parts = 6
	day := time.Now().YearDay()
	mistakes := 0
	for _, v := range all {
		if v.what == "mistake" {
			if mistakes++; (mistakes+day)%parts != 0 {
				continue
			}
		}
		chosen = append(chosen, v)
	}
	t.Logf("tried today: %d of %d mistakes; all of them with CI=true in the environment",
		mistakes/parts, mistakes)
	return chosen
}

// asked are the exercises to prove: all, or those of EXERCISES=shout,lines.
func asked(t *testing.T) []exercise {
	names := os.Getenv("EXERCISES")
	if names == "" {
		return exercises
	}
	var chosen []exercise
	for name := range strings.SplitSeq(names, ",") {
		chosen = append(chosen, pick(t, name))
	}
	return chosen
}

// The right alternatives are accepted under the race detector, too, where answers
// have connections or locks, and the mistakes that only it finds without luck are
// rejected. Elsewhere an answer is called by one goroutine, and
// has none. The solutions are those of the student "all" in TestMark.
func TestExercisesRace(t *testing.T) {
	t.Parallel() // while the one waits, another compiles
	if os.Getenv("CI") == "" {
		t.Skip("this compiles everything for the race detector: set CI=true in the environment " +
			"to have it run")
	}
	if why := raceDetector(); why != "" {
		t.Skip("races were not looked for: " + why)
	}
	var all []*variant
	for _, e := range asked(t) {
		text := solution(t, e)
		if !strings.Contains(text, "\"net\"") && !strings.Contains(text, "\"sync\"") {
			continue
		}
		for _, v := range e.variants(t) {
			if v.what == "right" || v.race {
				all = append(all, v)
			}
		}
	}
	runVariants(t, all, true)
	for _, v := range all {
		if v.race {
			v.checkTold(t)
		} else if v.state != solved {
			t.Errorf("%s: a right answer (%s %s) is not accepted under the race detector: "+
				"%s\n%v%s\n%s",
				v.exercise.name, v.what, v.name, v.state, v.verdict, strings.Join(v.build, "\n"),
				v.printed)
		}
	}
}
