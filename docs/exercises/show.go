package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	"example.com/sockets/docs/exercises/check"
)

const nothingLeft = "There is nothing left to do here. Well done."

// listAll shows the state of each exercise, and what to do next.
func listAll(out io.Writer, root string, results []result) {
	var next *result
	chapter, done := "", 0
	for i, r := range results {
		if r.chapter != chapter {
			chapter = r.chapter
			fmt.Fprintf(out, "%s\n", chapter)
		}
		text := string(r.state)
		switch r.state {
		case solved:
			done++
		case notYet:
			text = fmt.Sprintf("%s %d/%d", text, r.verdict.Passed, r.verdict.Total)
		case noBuild:
			text = "compile error"
		}
		fmt.Fprintf(out, "  %-14s %2d min  %-40s  %s\n", r.name, r.minutes, r.aim, text)
		if r.state == noAnswer {
			fmt.Fprintf(out, "  %14s %s\n", "", r.lacks)
		}
		if next == nil && r.state != solved {
			next = &results[i]
		}
	}
	fmt.Fprintf(out, "\nSolved: %d of %d\n", done, len(results))
	if next == nil {
		fmt.Fprintln(out, nothingLeft)
		return
	}
	fmt.Fprintf(out,
		"Next: %s. The task is in %s;\nwrite your answer into %s, and check it:\n  go run "+
			"./docs/exercises %s\n",
		next.name, shown(root, path.Join(next.folder(), "README.md")), shown(root, next.answer()),
		next.name)
}

// introduce shows how far the learner is, and the next exercise.
func introduce(out io.Writer, root string) (next exercise, ok bool) {
	p, done := readProgress(root), 0
	for _, e := range exercises {
		if _, known := p.knows(root, e); known {
			done++
		} else if !ok {
			next, ok = e, true
		}
	}
	fmt.Fprintf(out, "Solved: %d of %d (all of them: -list)\n", done, len(exercises))
	if !ok {
		fmt.Fprintln(out, nothingLeft)
		return next, false
	}
	fmt.Fprintf(out, "Next:   %s, %d min: %s\n", next.name, next.minutes, next.aim)
	fmt.Fprintf(out, "Task:   %s\nAnswer: %s\n", shown(root, path.Join(next.folder(), "README.md")),
		shown(root, next.answer()))
	return next, true
}

// missing says why there is no answer, and how to get one.
func (r result) missing() error {
	var u *unreadable
	back := "Bring the stub back: go run ./docs/exercises -reset " + r.name
	if errors.As(r.lacks, &u) && u.name != r.answer() {
		back = "Bring it back: git checkout -- " + r.folder() +
			"\n(or unpack the ZIP once more, and copy that folder)"
	}
	return fmt.Errorf("cannot check %s:\n%w\n%s", r.name, r.lacks, back)
}

// place is a line of an answer, as the check and the compiler name it.
var place = regexp.MustCompile(`(^|[\s(])(?:[\w./-]+/)?` + regexp.QuoteMeta(check.Answer) +
	`:(\d+)`)

// clickable names the lines of the answer so that a terminal can open them.
func (r result) clickable(root, text string) string {
	return place.ReplaceAllString(text, "${1}"+strings.ReplaceAll(shown(root, r.answer()), "$",
		"$$")+":${2}")
}

// raceReport is what the race detector prints of a race, up to its end.
var raceReport = regexp.MustCompile(`(?s)WARNING: DATA RACE\n.*?\n==================`)

// tell shows the outcome of one exercise.
func (r result) tell(out io.Writer, j job, answers string) {
	switch {
	case r.state == noBuild:
		fmt.Fprintf(out, "%s does not compile:\n", r.name)
		for _, line := range r.problems() {
			fmt.Fprintf(out, "  %s\n", check.Printable(r.clickable(j.root, line)))
		}
		fmt.Fprintf(out, "Mend that, and check again: go run ./docs/exercises %s\n", r.name)
	case r.state == solved && j.only != "":
		fmt.Fprintf(out, "%s/%s: passed\nNow all of them: go run ./docs/exercises %s\n", r.name,
			j.only, r.name)
	case r.state == solved:
		fmt.Fprintf(out, "%s: solved, %d of %d cases passed\n", r.name, r.verdict.Passed,
			r.verdict.Total)
		if answers == j.root {
			r.compare(out, j.root)
		}
	default:
		if report := raceReport.FindString(r.printed); report != "" {
			fmt.Fprintf(out, "%s\n", check.Printable(report))
		}
		v := r.verdict
		for _, text := range []*string{&v.Expected, &v.Came, &v.Symptom} {
			*text = r.clickable(j.root, *text)
		}
		fmt.Fprintf(out, "%s: not yet. %v\n", r.name, v)
		if r.verdict.Case != check.Start && r.verdict.Case != afterLast {
			fmt.Fprintf(out, "This case again: go run ./docs/exercises %s/%s\n", r.name,
				r.verdict.Case)
		} else {
			fmt.Fprintf(out, "Check it again:  go run ./docs/exercises %s\n", r.name)
		}
		fmt.Fprintf(out, "A hint:          go run ./docs/exercises -hint 1 %s\n", r.name)
	}
	if r.state == solved && j.race {
		fmt.Fprintln(out, "The race detector was at work, and has found nothing.")
	}
	if r.state != noBuild {
		fmt.Fprint(out, notLookedFor(j.noRaces))
	}
}

// notLookedFor says that there was no race detector, and why; "" if there was.
func notLookedFor(why string) string {
	if why == "" {
		return ""
	}
	return "Races were not looked for: " + why + "\n"
}

// A record is a result in JSON.
type record struct {
	Exercise string   `json:"exercise"`
	Chapter  string   `json:"chapter"`
	State    state    `json:"state"`
	Answer   string   `json:"answer"` // the file
	Passed   int      `json:"passed"`
	Total    int      `json:"total"`
	Case     string   `json:"case,omitempty"`
	Failed   []string `json:"failed,omitempty"`
	Done     []string `json:"done,omitempty"`
	Expected string   `json:"expected,omitempty"`
	Came     string   `json:"came,omitempty"`
	Symptom  string   `json:"symptom,omitempty"`
	Picture  string   `json:"picture,omitempty"`
	Compiler []string `json:"compiler,omitempty"`
	Lacks    string   `json:"lacks,omitempty"`
	Races    bool     `json:"races_looked_for"`
	Borrowed []string `json:"borrowed,omitempty"`
	Doubts   []string `json:"doubts,omitempty"`
	Seed     string   `json:"seed,omitempty"`
}

func (r result) record(root string) record {
	v := r.verdict
	rec := record{Exercise: r.name, Chapter: r.chapter, State: r.state,
		Answer: shown(root, r.answer()),
		Passed: v.Passed, Total: v.Total, Case: v.Case, Failed: v.Failed, Done: v.Done,
		Expected: v.Expected, Came: v.Came,
		Symptom: r.clickable(root, v.Symptom), Picture: v.Picture, Races: v.Races,
		Borrowed: r.borrowed, Doubts: r.doubts, Seed: r.seed}
	for _, line := range r.build {
		rec.Compiler = append(rec.Compiler, r.clickable(root, line))
	}
	if r.lacks != nil {
		rec.Lacks = r.lacks.Error()
	}
	return rec
}

// writeJSON writes each result on a line of its own.
func writeJSON(out io.Writer, root string, results []result) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	for _, r := range results {
		if err := e.Encode(r.record(root)); err != nil {
			return err
		}
	}
	return nil
}

// A hint stands on the exercise's page behind a summary that opens it.
var hintBlock = regexp.MustCompile(`(?s)<details>\s*<summary>Hint \d+</summary>\s*(.*?)\s*</details>`)

// hint shows one hint of an exercise.
func hint(out io.Writer, root string, e exercise, number int) error {
	text, err := readFile(root, path.Join(e.folder(), "README.md"))
	if err != nil {
		return fmt.Errorf("cannot read the hints of %s:\n%w", e.name, err)
	}
	hints := hintBlock.FindAllStringSubmatch(strings.ReplaceAll(string(text), "\r\n", "\n"), -1)
	if number > len(hints) {
		return fmt.Errorf("%s has %d hints\nAfter the last there is a solution: %s/answer.go",
			e.name, len(hints), e.solution())
	}
	fmt.Fprintf(out, "Hint %d of %d for %s:\n\n%s\n", number, len(hints), e.name,
		hints[number-1][1])
	if number < len(hints) {
		fmt.Fprintf(out, "\nThe next one: go run ./docs/exercises -hint %d %s\n", number+1, e.name)
	}
	return nil
}
