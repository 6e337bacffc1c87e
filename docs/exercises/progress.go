package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"example.com/sockets/docs/exercises/check"
)

// progressFile remembers what is solved, so that a list need not check it again.
// Git ignores it.
const progressFile = "docs/exercises/progress.json"

// A progress is by the name of an exercise. What is remembered counts as long as
// the answer and its check are the same, to the byte.
type progress map[string]remembered

type remembered struct {
	Content string // a fingerprint of the answer and its check
	Cases   int
}

// readProgress gives an empty progress where there is none that can be read.
func readProgress(root string) progress {
	p := progress{}
	if text, err := readFile(root, progressFile); err == nil {
		if json.Unmarshal(text, &p) != nil || p == nil {
			return progress{}
		}
	}
	return p
}

// knows gives what is remembered of an exercise that is solved.
func (p progress) knows(root string, e exercise) (result, bool) {
	known, ok := p[e.name]
	if !ok || known.Content != e.content(root) {
		return result{}, false
	}
	return result{exercise: e, state: solved,
		verdict: check.Verdict{Passed: known.Cases, Total: known.Cases}}, true
}

// remember keeps what is solved and forgets what is not. An error says that
// what is solved now will not be known the next time.
func remember(root string, results []result) error {
	p, news := readProgress(root), false
	for _, r := range results {
		delete(p, r.name)
		if r.state == solved {
			p[r.name] = remembered{r.content(root), r.verdict.Total}
			news = true
		}
	}
	text, err := json.MarshalIndent(p, "", "\t")
	if err != nil {
		return err
	}
	file := filepath.Join(root, filepath.FromSlash(progressFile))
	temp := fmt.Sprintf("%s.%d", file, os.Getpid())
	err = os.WriteFile(temp, append(text, '\n'), 0o600)
	if err == nil {
		err = os.Rename(temp, file)
	}
	if err != nil {
		os.Remove(temp)
	}
	if err != nil && news {
		var p *fs.PathError
		var l *os.LinkError
		if errors.As(err, &p) {
			err = p.Err
		} else if errors.As(err, &l) {
			err = l.Err
		}
		return fmt.Errorf("cannot remember what is solved:\ncannot write %s: %w", progressFile, err)
	}
	return nil
}

// content is a fingerprint of all that decides whether an answer is right: the
// Go files in the exercise's folder and below, and the package check.
func (e exercise) content(root string) string {
	sum := sha256.New()
	folders := []string{e.folder(), "docs/exercises/check"}
	for _, below := range e.foldersBelow(root, "") {
		folders = append(folders, path.Join(e.folder(), below))
	}
	for _, folder := range folders {
		names, _ := folderNames(filepath.Join(root, filepath.FromSlash(folder)))
		names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasSuffix(name, ".go") })
		for _, name := range names {
			text, err := readFile(root, path.Join(folder, name))
			fmt.Fprintf(sum, "%s %d %v\n%s", name, len(text), err, text)
		}
	}
	return fmt.Sprintf("%x", sum.Sum(nil)[:12])
}
