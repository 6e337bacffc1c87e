package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
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
	noAnswer state = "no answer" // no file that can be read
)

// A result is what a check found.
type result struct {
	exercise
	state   state
	verdict check.Verdict
	build   []string // what the compiler said
	printed string   // by the answer, and by the race detector
	lacks   error    // why there is no answer

	// For marks.
	borrowed []string // what the answer imports, and should not
	doubts   []string
	seed     string
}

// A job is a check of some exercises, in two steps: one call of "go test -c"
// compiles the answers with their checks, and each program then runs by itself.
type job struct {
	root      string
	exercises []exercise
	overlay   map[string]string // which file stands for which; "" for none
	// the folder of the files in the overlay, if they are of another clone
	taken   string
	only    string // a single case, or ""
	race    bool
	noRaces string // why the race detector was asked for, and is not at work
	foreign bool   // the answers are another person's
	sockets bool   // no second copy with connections in memory
}

// slots bounds how many programs run at once. Those that fail mostly wait.
var slots = make(chan struct{}, 2*runtime.NumCPU())

// The bounds of a compilation and of a program. Within them check.Run has its
// own, which are much closer, and tell what happened.
var (
	maxBuild = 5 * time.Minute
	maxRun   = 70 * time.Second // a test makes it shorter
)

var errLate = errors.New("the program did not end by itself")

// checkAnswers checks the answers of a clone with the checks of this
// repository. An untouched stub is run only if force is set.
func checkAnswers(ctx context.Context, clone string, chosen []exercise, j job,
	force bool) ([]result, error) {
	results := make([]result, len(chosen))
	j.overlay = map[string]string{}
	if j.foreign = clone != j.root; j.foreign {
		dir, err := os.MkdirTemp("", "answers")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		j.taken = dir
	}
	for i, e := range chosen {
		results[i] = result{exercise: e, state: notBegun}
		begun, err := e.begun(clone)
		if _, lost := readFile(j.root, path.Join(e.folder(), "check_test.go")); err == nil &&
			lost != nil && (begun || force) {
			if j.foreign {
				return nil, fmt.Errorf("this clone is not whole: %w", lost)
			}
			err = lost
		}
		if err != nil {
			results[i].state, results[i].lacks = noAnswer, err
			continue
		}
		if !begun && !force {
			continue
		}
		if j.foreign {
			if err := j.take(&results[i], clone); err != nil {
				results[i].state, results[i].lacks = noAnswer, err
				continue
			}
		}
		j.exercises = append(j.exercises, e)
	}
	found, err := j.run(ctx)
	if err != nil {
		return nil, err
	}
	for i := range results {
		r := &results[i]
		if f, ok := found[r.name]; ok {
			f.borrowed, f.doubts, f.seed = r.borrowed, r.doubts, r.seed
			*r = f
		}
	}
	return results, nil
}

// take copies the Go files of an exercise's folder in a clone, and puts them in
// the place of ours, but for the tests: whatever a student changed in those makes
// no difference. The same is true of the folders below that we have, too.
func (j job) take(r *result, clone string) error {
	files, err := r.goFiles(clone)
	if err != nil {
		return err
	}
	ours := filepath.Join(j.root, filepath.FromSlash(r.folder()))
	names, err := folderNames(ours)
	if err != nil {
		return err
	}
	for _, name := range names {
		if path.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go") {
			j.overlay[filepath.Join(ours, name)] = "" // unless the clone has one
		}
	}
	if r.name == "predict" {
		r.seed = seed(files)
	}
	own := r.foldersBelow(clone, ours)
	below, err := r.filesBelow(clone, own)
	if err != nil {
		return err
	}
	maps.Copy(files, below)
	copies := filepath.Join(j.taken, filepath.FromSlash(r.folder()))
	for name, text := range files {
		file := filepath.Join(copies, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return err
		}
		j.overlay[filepath.Join(ours, filepath.FromSlash(name))] = file
	}
	r.borrowed, r.doubts = r.exercise.borrowed(j.root, files, own), doubts(files)
	return nil
}

// run checks the exercises of the job, by their names.
func (j job) run(ctx context.Context) (map[string]result, error) {
	found := map[string]result{}
	if len(j.exercises) == 0 {
		return found, nil
	}
	dir, err := os.MkdirTemp("", "check")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	problems, said, err := j.compile(ctx, dir)
	if err != nil {
		return nil, err
	}
	// A second copy that does not compile is no fault of the answer: it may pass
	// its connections to a package of its own, say.
	again := j
	again.exercises, again.sockets = nil, true
	for _, e := range j.exercises {
		pkg := path.Join(module, e.folder())
		if problems[path.Join(pkg, memory)] != nil && problems[pkg] == nil {
			again.exercises = append(again.exercises, e)
		}
		delete(problems, path.Join(pkg, memory))
	}
	if again.exercises != nil {
		more, _, err := again.compile(ctx, dir)
		if err != nil {
			return nil, err
		}
		maps.Copy(problems, more)
	}
	var mu sync.Mutex
	var running sync.WaitGroup
	var trouble error
	for _, e := range j.exercises {
		program := filepath.Join(dir, e.name+".test"+exe)
		if _, err := os.Stat(program); err != nil {
			lines := problems[path.Join(module, e.folder())]
			for _, pkg := range slices.Sorted(maps.Keys(problems)) {
				// Packages of the answer's own, and that of the check.
				if in, ok := strings.CutPrefix(pkg, path.Join(module, e.folder())); ok &&
					(in == "_test" || in != "" && in[0] == '/') {
					lines = append(lines, problems[pkg]...)
				}
			}
			if len(lines) == 0 {
				return nil, fmt.Errorf("cannot check %s: go test says: %s", e.name,
					cmp.Or(strings.TrimSpace(said), "nothing"))
			}
			lines = append(j.notPart(e), lines...)
			mu.Lock()
			found[e.name] = result{exercise: e, state: noBuild, build: lines}
			mu.Unlock()
			continue
		}
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			r, err := j.try(ctx, e, program)
			mu.Lock()
			defer mu.Unlock()
			found[e.name] = r
			trouble = errors.Join(trouble, err)
		})
	}
	running.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return found, trouble
}

// notPart says why answer.go is no part of its package, if it is none: the
// compiler then complains of what it does not find, in files that are not the
// learner's.
func (j job) notPart(e exercise) []string {
	file := filepath.Join(j.root, filepath.FromSlash(e.answer()))
	file = cmp.Or(j.overlay[file], file)
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly)
	if err == nil && f.Name.Name != e.name {
		return []string{fmt.Sprintf("%s:1: this is package %s, and must be package %s",
			check.Answer, f.Name.Name, e.name)}
	}
	b := build.Default
	b.BuildTags = []string{"check"}
	if in, err := b.MatchFile(filepath.Split(file)); err == nil && !in {
		return []string{check.Answer + ":1: a line //go:build leaves this file out"}
	}
	return nil
}

// exe is the end of a program's name on this system.
var exe = map[bool]string{true: ".exe"}[runtime.GOOS == "windows"]

// importsCheck is a file that is compiled with each answer. A package is
// initialized after those that it imports: so check has read its key, and no
// line of the answer has run. The checks themselves are packages of their own, in
// which no name of an answer is taken.
const importsCheck = "package %s\n\nimport _ \"%s/docs/exercises/check\"\n"

// compile makes the programs in the folder dir. It gives the lines in which
// the compiler complains, by package, and all that was said.
func (j job) compile(ctx context.Context, dir string) (problems map[string][]string, said string,
	err error) {
	replace := maps.Clone(j.overlay)
	if replace == nil {
		replace = map[string]string{}
	}
	for _, e := range j.exercises {
		file := filepath.Join(dir, e.name+"_key.go")
		if err := os.WriteFile(file, []byte(fmt.Sprintf(importsCheck, e.name, module)),
			0o600); err != nil {
			return nil, "", err
		}
		folder := filepath.Join(j.root, filepath.FromSlash(e.folder()))
		replace[filepath.Join(folder, "check_key_test.go")] = file
		for name, text := range j.inMemoryFiles(e) {
			file := filepath.Join(dir, e.name+"_memory_"+name)
			if err := os.WriteFile(file, text, 0o600); err != nil {
				return nil, "", err
			}
			replace[filepath.Join(folder, memory, name)] = file
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, "", err
	}
	overlayFile := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlayFile, overlay, 0o600); err != nil {
		return nil, "", err
	}
	args := []string{"test", "-c", "-vet=off", "-tags=check", "-ldflags=-s -w", "-overlay=" +
		overlayFile,
		"-o", dir + string(filepath.Separator)}
	if j.race {
		args = append(args, "-race")
	}
	if j.foreign {
		args = append(args, "-trimpath") // where this clone is, is nobody's business
	}
	for _, e := range j.exercises {
		args = append(args, "./"+e.folder())
	}
	ctx, cancel := context.WithTimeout(ctx, maxBuild)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = j.root
	cmd.WaitDelay = time.Second
	cmd.Env = append(os.Environ(), "GOTMPDIR="+dir) // is deleted even if go is killed
	contain(cmd)                                    // with the compilers that it has started
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.Discard, &out
	if err := cmd.Start(); err != nil {
		return nil, "", fmt.Errorf("cannot run go test: %w\nIs Go installed, and on the PATH?", err)
	}
	cmd.Wait() // fails when an answer does not compile
	problems = map[string][]string{}
	pkg := ""
	for line := range strings.Lines(out.String()) {
		if name, ok := strings.CutPrefix(line, "# "); ok {
			pkg = strings.Fields(name + " ?")[0]
			continue
		}
		line = strings.TrimRight(line, "\r\n")
		if j.taken != "" {
			line = strings.ReplaceAll(line, j.taken+string(filepath.Separator), "")
		}
		problems[pkg] = append(problems[pkg], strings.TrimPrefix(filepath.ToSlash(line), "./"))
	}
	return problems, out.String(), nil
}

// try runs one program, in an empty folder of its own.
func (j job) try(ctx context.Context, e exercise, program string) (result, error) {
	r := result{exercise: e}
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return r, err
	}
	run := "^TestCheck$"
	if j.only != "" {
		run += "/^" + regexp.QuoteMeta(j.only) + "$"
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cmd := exec.CommandContext(ctx, program, "-test.run="+run, "-test.timeout=1m")
	cmd.Dir = dir
	cmd.WaitDelay = time.Second / 2 // what an answer has started may hold the pipe
	key := []byte(rand.Text())
	cmd.Stdin = bytes.NewReader(key)
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); name != "OLDPWD" &&
			!(j.foreign && (name == "HOME" || name == "USERPROFILE")) {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cases := filepath.Join(dir, "cases")
	cmd.Env = append(cmd.Env, check.KeyVariable+"=stdin", "PWD="+dir, "TMPDIR="+dir, "TMP="+dir,
		"TEMP="+dir)
	if j.only != "" {
		cmd.Env = append(cmd.Env, check.ListVariable+"="+cases)
	}
	if j.foreign {
		cmd.Env = append(cmd.Env, "HOME="+dir, "USERPROFILE="+dir)
	}
	out := &output{key: key}
	cmd.Stdout, cmd.Stderr = out, out
	contain(cmd)
	if j.foreign {
		wall(cmd)
	}
	if err := cmd.Start(); err != nil {
		return r, fmt.Errorf("cannot run the check of %s: %w", e.name, err)
	}
	end := contained(cmd)
	late := time.AfterFunc(maxRun, func() { cancel(errLate) })
	defer late.Stop()
	cmd.Wait() // its error may be about a child that holds the pipe
	passed := cmd.ProcessState != nil && cmd.ProcessState.Success()
	end()
	r.printed, r.verdict = out.text()
	if context.Cause(ctx) == errLate {
		r.late()
		return r, nil
	}
	list, _ := os.ReadFile(cases)
	return r.judge(passed, out, j.only, string(list))
}

// late makes a verdict of a program that did not even look at its own bounds.
func (r *result) late() {
	v := &r.verdict
	v.Case = cmp.Or(v.Case, check.Start)
	v.Expected, v.Came = "an end", "none: the program was ended after "+maxRun.String()
	v.Symptom = "your code keeps the whole program from going on, and the check with it"
	r.state = notYet
}

// afterLast is the case of a program that ends badly although all cases passed.
const afterLast = "the end"

// judge finds the state. An answer is solved if the check says so, in a
// verdict that it has sealed, and the test has passed.
func (r result) judge(passed bool, out *output, only, cases string) (result, error) {
	switch v := r.verdict; {
	case !out.sealed && out.forged:
		r.state, r.verdict = notYet, check.Verdict{Case: check.Start,
			Expected: "a verdict of the check",
			Came:     "one that the check has not written",
			Symptom:  "your code writes its own verdict"}
	case out.sealed && v.Case == "" && !passed:
		v.Case = afterLast
		r.state, r.verdict = notYet, check.Crash(v, r.printed)
	case !out.sealed, v.Case != "" && v.Symptom == "":
		r.state, r.verdict = notYet, check.Crash(v, r.printed)
	case v.Case != "":
		r.state = notYet
	case v.Passed == 0:
		said := fmt.Sprintf("%s has no case %q", r.name, only)
		names := []string{}
		for line := range strings.Lines(cases) {
			names = append(names, strings.Fields(line + " ?")[0])
		}
		if near := nearest(only, names); near != "" {
			said += ": did you mean " + near + "?"
		}
		return r, errors.New(said + "\nAll its cases: go run ./docs/exercises " + r.name)
	default:
		r.state = solved
	}
	return r, nil
}

// maxPrinted is how much of what an answer prints is kept, in bytes.
const maxPrinted = 1 << 20

// output takes what a program prints, and finds the verdicts in it.
type output struct {
	key     []byte
	mu      sync.Mutex
	line    []byte // that has not come to its end
	kept    bytes.Buffer
	verdict check.Verdict // the last
	sealed  bool          // there was one
	forged  bool          // there was something that looks like one
}

func (o *output) Write(p []byte) (int, error) { o.add(p); return len(p), nil }

func (o *output) add(p []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for line := range bytes.Lines(p) {
		// A verdict is of some kilobytes; a line without end is none.
		if len(o.line) < 2*maxPrinted {
			o.line = append(o.line, line...)
		}
		if line[len(line)-1] == '\n' {
			o.endLine()
		}
	}
}

func (o *output) endLine() {
	v, ok, forged := check.Unseal(o.line, o.key)
	if ok {
		o.verdict, o.sealed = v, true
	} else if o.forged = o.forged || forged; o.kept.Len() < maxPrinted {
		o.kept.Write(o.line)
	}
	o.line = o.line[:0]
}

// text is what was printed, and the last verdict.
func (o *output) text() (string, check.Verdict) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.endLine()
	return o.kept.String(), o.verdict
}

// raceDetector says why there is no race detector here, or "".
var raceDetector = sync.OnceValue(findRaceDetector)

func findRaceDetector() string {
	said, err := exec.Command("go", "list", "-race", "errors").CombinedOutput()
	needsCgo := bytes.Contains(said, []byte("requires cgo"))
	if err != nil && !needsCgo {
		return strings.TrimSpace(string(said))
	}
	if err == nil && runtime.GOOS == "darwin" {
		return "" // it needs no C compiler there
	}
	// Without a compiler Go switches cgo off by itself: that is the first cause.
	cc, _ := exec.Command("go", "env", "CC").Output()
	words := strings.Fields(string(cc) + " cc")
	if _, missing := exec.LookPath(words[0]); missing != nil {
		return "it needs a C compiler, and " + words[0] + " is not there"
	}
	if err != nil {
		return "it needs cgo, which is switched off (CGO_ENABLED=0)"
	}
	return ""
}

// problems are at most five of the compiler's lines.
func (r result) problems() []string {
	return r.build[:min(5, len(r.build))]
}
