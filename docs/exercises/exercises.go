package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"example.com/sockets/docs/exercises/check"
)

const module = "example.com/sockets"

// An exercise is a folder CHAPTER/exercises/NAME with the task in README.md,
// the stub that the learner completes in answer.go, and its check. A solution
// is in CHAPTER/exercises/solutions/NAME.
type exercise struct {
	chapter string
	name    string
	minutes int
	aim     string
	stub    string // a fingerprint of answer.go as nobody has touched it
}

func (e exercise) folder() string   { return path.Join(e.chapter, "exercises", e.name) }
func (e exercise) answer() string   { return path.Join(e.folder(), check.Answer) }
func (e exercise) solution() string { return path.Join(e.chapter, "exercises", "solutions", e.name) }

// choose finds the exercises that a word on the command line names, and the
// single case if it names one.
func choose(what string) (chosen []exercise, only string, err error) {
	name, only, cut := strings.Cut(what, "/")
	for _, e := range exercises {
		if what == "" || name == e.name || what == e.chapter ||
			what == e.folder() || "./"+e.folder() == what ||
			what == path.Join(e.chapter, "exercises") {
			chosen = append(chosen, e)
		}
	}
	if len(chosen) == 0 {
		names := []string{}
		for _, e := range exercises {
			names = append(names, e.name, e.chapter)
		}
		said := fmt.Sprintf("there is no exercise or chapter %.40q", what)
		if near := nearest(name, names); near != "" {
			said += ": did you mean " + near + "?"
		}
		return nil, "", errors.New(said + "\nAll of them: go run ./docs/exercises -list")
	}
	if chosen[0].name != name {
		return chosen, "", nil
	}
	if cut && !caseName.MatchString(only) {
		return nil, "",
			fmt.Errorf("%s has no case %.40q\nAll its cases: go run ./docs/exercises %s", name,
				only, name)
	}
	return chosen, only, nil
}

var caseName = regexp.MustCompile(`^[a-z0-9-]+$`)

// nearest is the name that was probably meant, or "".
func nearest(word string, names []string) string {
	word = strings.ToLower(word)
	best, least := "", 3
	for _, name := range names {
		if d := distance(word, name); d < least && d < len(name)/2 {
			best, least = name, d
		}
	}
	return best
}

// distance is how many letters must be put in, left out, changed or swapped
// with their neighbour to make one word of another.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			rows[i][j] = min(change, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// fingerprint tells one text from another. Git may check a file out with the
// line ends of Windows, which change nothing.
func fingerprint(text []byte) string {
	sum := sha256.Sum256(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
	return fmt.Sprintf("%x", sum[:6])
}

// begun says whether the answer in a clone is another one than the stub. The
// error says why there is no answer that can be read.
func (e exercise) begun(clone string) (bool, error) {
	text, err := readFile(clone, e.answer())
	return err == nil && fingerprint(text) != e.stub, err
}
