package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// list shows the state of each exercise, and what to do next.
func list(out io.Writer, results []result) {
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
			text = fmt.Sprintf("%s: %d of %d cases", text, r.verdict.Passed, r.verdict.Total)
		}
		fmt.Fprintf(out, "  %-14s %3d min  %-44s %s\n", r.name, r.minutes, r.aim, text)
		if next == nil && r.state != solved {
			next = &results[i]
		}
	}
	fmt.Fprintf(out, "\nSolved: %d of %d\n", done, len(results))
	if next == nil {
		fmt.Fprintln(out, "There is nothing left to do here. Well done.")
		return
	}
	fmt.Fprintf(out, "Next: %s. The task is in %s/README.md; write your answer into\n%s, and check it:\n  go run ./docs/exercises %s\n",
		next.name, next.folder(), next.answer(), next.name)
}

// tell shows the outcome of one exercise. It is true if that is solved.
func tell(out io.Writer, r result, only string) bool {
	switch {
	case r.state == noBuild:
		fmt.Fprintf(out, "%s does not compile:\n", r.name)
		for _, line := range r.problems() {
			fmt.Fprintf(out, "  %s\n", line)
		}
		fmt.Fprintf(out, "Mend that, and check again: go run ./docs/exercises %s\n", r.name)
	case r.state == solved && only != "":
		fmt.Fprintf(out, "%s/%s: passed. Now all of them: go run ./docs/exercises %s\n", r.name, only, r.name)
	case r.state == solved:
		fmt.Fprintf(out, "%s: solved, %d of %d cases passed\nCompare with a solution that explains itself: %s/answer.go\n",
			r.name, r.verdict.Passed, r.verdict.Total, r.solution())
	default:
		fmt.Fprintf(out, "%s: not yet. %v", r.name, r.verdict)
		fmt.Fprintf(out, "\nThis case again: go run ./docs/exercises %s/%s\nA hint:          go run ./docs/exercises -hint 1 %s\n",
			r.name, r.verdict.Case, r.name)
	}
	return r.state == solved
}

// A hint stands on the exercise's page behind a summary that opens it.
var hintBlock = regexp.MustCompile(`(?s)<details>\s*<summary>Hint \d+</summary>\s*(.*?)\s*</details>`)

// hint shows one hint of an exercise.
func hint(out io.Writer, root string, e exercise, number int) error {
	page := filepath.Join(root, filepath.FromSlash(e.folder()), "README.md")
	text, err := os.ReadFile(page)
	if err != nil {
		return fmt.Errorf("cannot read the hints of %s: %w", e.name, err)
	}
	hints := hintBlock.FindAllStringSubmatch(strings.ReplaceAll(string(text), "\r\n", "\n"), -1)
	if number > len(hints) {
		return fmt.Errorf("%s has %d hints; after the last there is a solution: %s/answer.go", e.name, len(hints), e.solution())
	}
	fmt.Fprintf(out, "Hint %d of %d:\n\n%s\n", number, len(hints), hints[number-1][1])
	if number < len(hints) {
		fmt.Fprintf(out, "\nThe next one: go run ./docs/exercises -hint %d %s\n", number+1, e.name)
	}
	return nil
}
