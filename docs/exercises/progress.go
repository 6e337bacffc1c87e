package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
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

// remember keeps what is solved and forgets what is not. A failure to write
// it costs time, and nothing else.
func remember(root string, results []result) {
	p := readProgress(root)
	for _, r := range results {
		delete(p, r.name)
		if r.state == solved {
			p[r.name] = remembered{r.content(root), r.verdict.Total}
		}
	}
	text, err := json.MarshalIndent(p, "", "\t")
	if err != nil {
		return
	}
	file := filepath.Join(root, filepath.FromSlash(progressFile))
	if temp := fmt.Sprintf("%s.%d", file, os.Getpid()); os.WriteFile(temp, append(text, '\n'),
		0o600) == nil {
		if os.Rename(temp, file) != nil {
			os.Remove(temp)
		}
	}
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
