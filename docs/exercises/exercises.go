package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
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
	name, only, _ := strings.Cut(what, "/")
	for _, e := range exercises {
		if what == "" || name == e.name || what == e.chapter ||
			what == e.folder() || "./"+e.folder() == what || what == path.Join(e.chapter, "exercises") {
			chosen = append(chosen, e)
		}
	}
	if len(chosen) == 0 {
		return nil, "", fmt.Errorf("there is no exercise or chapter %q: go run ./docs/exercises lists them", what)
	}
	if chosen[0].name != name {
		only = ""
	}
	return chosen, only, nil
}

// fingerprint tells one text from another. Git may check a file out with the
// line ends of Windows, which change nothing.
func fingerprint(text []byte) string {
	sum := sha256.Sum256(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
	return fmt.Sprintf("%x", sum[:6])
}

// begun says whether the answer in a clone is another one than the stub.
func (e exercise) begun(clone string) (bool, error) {
	text, err := os.ReadFile(filepath.Join(clone, filepath.FromSlash(e.answer())))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil // the check will say what is missing
	}
	if err != nil {
		return false, err
	}
	return fingerprint(text) != e.stub, nil
}
