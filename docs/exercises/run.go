package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"example.com/sockets/docs/exercises/check"
)

// A state is how far an answer is.
type state string

const (
	notBegun state = "not begun"
	solved   state = "solved"
	notYet   state = "not yet"
	noBuild  state = "does not compile"
)

// A result is what a check found.
type result struct {
	exercise
	state   state
	verdict check.Verdict
	build   []string // what the compiler said
}

// A job is one call of "go test" for the checks of some exercises.
type job struct {
	root      string
	exercises []exercise
	overlay   map[string]string // which file stands for which; "" for none
	only      string            // a single case, or ""
	race      bool
}

// checkAnswers checks the answers of a clone with the checks of this
// repository. An untouched stub is run only if force is set.
func checkAnswers(ctx context.Context, root, clone string, chosen []exercise, only string, force bool) ([]result, error) {
	j := job{root: root, only: only, overlay: map[string]string{}}
	results := make([]result, len(chosen))
	for i, e := range chosen {
		results[i] = result{exercise: e, state: notBegun}
		begun, err := e.begun(clone)
		if err != nil {
			return nil, err
		}
		if !begun && !force {
			continue
		}
		if clone != root {
			if err := e.replace(j.overlay, root, clone); err != nil {
				return nil, err
			}
		}
		j.exercises = append(j.exercises, e)
	}
	found, err := j.run(ctx)
	if err != nil {
		return nil, err
	}
	for i, r := range results {
		if f, ok := found[r.name]; ok {
			results[i] = f
		}
	}
	return results, nil
}

// replace puts the Go files of the exercise's folder in a clone in the place
// of ours, but for the tests and for the files that came with the exercise:
// whatever a student changed in those makes no difference.
func (e exercise) replace(overlay map[string]string, root, clone string) error {
	ours := filepath.Join(root, filepath.FromSlash(e.folder()))
	theirs := filepath.Join(clone, filepath.FromSlash(e.folder()))
	overlay[filepath.Join(ours, check.Answer)] = "" // unless the clone has one
	files, err := os.ReadDir(theirs)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, f := range files {
		name := f.Name()
		if !f.Type().IsRegular() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		place := filepath.Join(ours, name)
		if _, err := os.Stat(place); err == nil && name != check.Answer {
			continue
		}
		overlay[place] = filepath.Join(theirs, name)
	}
	return nil
}

// run checks the exercises of the job, by their names.
func (j job) run(ctx context.Context) (map[string]result, error) {
	found := map[string]result{}
	if len(j.exercises) == 0 {
		return found, nil
	}
	dir, err := os.MkdirTemp("", "verdicts")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)

	overlay, err := json.Marshal(map[string]any{"Replace": j.overlay})
	if err != nil {
		return nil, err
	}
	overlayFile := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlayFile, overlay, 0o600); err != nil {
		return nil, err
	}
	run := "^TestCheck$"
	if j.only != "" {
		run += "/^" + j.only + "$"
	}
	args := []string{"test", "-json", "-vet=off", "-count=1", "-tags=check", "-timeout=2m",
		"-overlay=" + overlayFile, "-run=" + run}
	if j.race {
		args = append(args, "-race")
	}
	for _, e := range j.exercises {
		args = append(args, "./"+e.folder())
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = j.root
	cmd.Env = append(os.Environ(), check.VerdictsVariable+"="+dir)
	cmd.WaitDelay = time.Second // what an answer has started may hold the pipe
	var trouble strings.Builder
	cmd.Stderr = &trouble
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot run go test: %w; is Go installed, and on the PATH?", err)
	}
	printed, build := collect(stdout)
	cmd.Wait() // fails when an answer does, which is no trouble of ours
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}

	for _, e := range j.exercises {
		name := path.Join(module, e.folder())
		r := result{exercise: e, build: build[name]}
		text, err := os.ReadFile(filepath.Join(dir, e.name+".json"))
		if err == nil {
			err = json.Unmarshal(text, &r.verdict)
		}
		switch v := r.verdict; {
		case err != nil && len(r.build) > 0:
			r.state = noBuild
		case err != nil && printed[name] == "":
			return nil, fmt.Errorf("cannot check %s: go test says: %s", e.name,
				cmp.Or(strings.TrimSpace(trouble.String()), "nothing"))
		case err != nil, v.Case != "" && v.Symptom == "":
			r.state, r.verdict = notYet, check.Crash(v, printed[name])
		case v.Case != "":
			r.state = notYet
		case v.Passed == 0:
			return nil, fmt.Errorf("%s has no case %q", e.name, j.only)
		default:
			r.state = solved
		}
		found[e.name] = r
	}
	return found, nil
}

// maxPrinted is how much of what an answer prints is kept, in bytes.
const maxPrinted = 1 << 20

// collect reads what "go test -json" reports: what each package printed, and
// what the compiler said of it.
func collect(stdout io.Reader) (printed map[string]string, build map[string][]string) {
	printed, build = map[string]string{}, map[string][]string{}
	said := map[string][]string{} // by the compiler, of a package and its test
	events := json.NewDecoder(stdout)
	for {
		var e struct{ Action, Package, ImportPath, Output, FailedBuild string }
		if events.Decode(&e) != nil {
			io.Copy(io.Discard, stdout) // go test waits until all is read
			return printed, build
		}
		switch {
		case e.Action == "build-output" && !strings.HasPrefix(e.Output, "#"):
			said[e.ImportPath] = append(said[e.ImportPath], strings.TrimRight(e.Output, "\r\n"))
		case e.FailedBuild != "":
			build[e.Package] = said[e.FailedBuild]
			if len(build[e.Package]) == 0 {
				build[e.Package] = []string{"it can't be built"}
			}
		case e.Action == "output" && len(printed[e.Package]) < maxPrinted:
			printed[e.Package] += e.Output
		}
	}
}

// problems are at most five of the compiler's lines.
func (r result) problems() []string {
	return r.build[:min(5, len(r.build))]
}
