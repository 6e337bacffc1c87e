package main

// Hundreds of answers are tried here: solutions, planted mistakes, right
// alternatives, mutants. All of them are compiled into one program, each as a
// package of its own beside a copy of its check, and the program is run once
// for each.

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sockets/docs/exercises/check"
)

// A variant is a text in the place of an exercise's answer.
type variant struct {
	exercise
	what   string // "mistake", "mutant" and so on
	name   string
	answer string
	says   string // what the check must say of a mistake

	// What came of it.
	result
	printed string
	cases   string // if asked for
}

// places bounds how many variants run at once, in all tests together. Many of
// them wait for what never comes.
var places = make(chan bool, 3*runtime.NumCPU())

// program is where the generated packages are, in the overlay alone.
const program = "docs/exercises/variants"

// run checks all variants. What does not compile has the state noBuild.
func runVariants(t *testing.T, all []*variant, race bool) {
	t.Helper()
	root, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	overlay := map[string]string{}
	place := func(text string, parts ...string) {
		name := filepath.Join(dir, fmt.Sprintf("%d.go", len(overlay)))
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay[filepath.Join(append([]string{root, filepath.FromSlash(program)}, parts...)...)] = name
	}
	command := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = root
		return cmd
	}
	pkg := func(i int) string { return fmt.Sprintf("v%04d", i) }
	for i, v := range all {
		place(v.answer, pkg(i), check.Answer)
		// The check is made a part of the same package here, which halves the
		// time that the compiler takes.
		text := read(t, filepath.Join(repository, filepath.FromSlash(v.folder()), "check_test.go"))
		text = strings.Replace(text, "package "+v.exercise.name+"_test\n", "package "+v.exercise.name+"\n", 1)
		text = strings.Replace(text, "\t. \""+path.Join(module, v.folder())+"\"\n", "", 1)
		place(text, pkg(i), "check.go")
		if _, err := parser.ParseFile(token.NewFileSet(), "", v.answer, 0); err != nil {
			v.state, v.build = noBuild, []string{err.Error()}
		}
	}
	file := filepath.Join(dir, "overlay.json")
	save := func() {
		text, err := json.Marshal(map[string]any{"Replace": overlay})
		if err == nil {
			err = os.WriteFile(file, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	save()

	// First without the program, to find what does not compile.
	args := []string{"build", "-tags=check", "-overlay=" + file}
	if race {
		args = append(args, "-race")
	}
	for i, v := range all {
		if v.state != noBuild {
			args = append(args, "./"+path.Join(program, pkg(i)))
		}
	}
	said, _ := command(args...).CombinedOutput()
	current := -1
	for line := range strings.Lines(string(said)) {
		if m := packageHeader.FindStringSubmatch(line); m != nil {
			fmt.Sscan(m[1], &current)
			all[current].state = noBuild
		} else if current >= 0 {
			all[current].build = append(all[current].build, strings.TrimSpace(line))
		}
	}
	var main strings.Builder
	main.WriteString("package variants\nimport (\n\"os\"\n\"testing\"\n")
	for i, v := range all {
		if v.state != noBuild {
			fmt.Fprintf(&main, "%s %q\n", pkg(i), path.Join(module, program, pkg(i)))
		}
	}
	main.WriteString(")\nfunc TestCheck(t *testing.T) {\n all[os.Getenv(\"EXERCISE_VARIANT\")](t)\n}\nvar all = map[string]func(*testing.T){\n")
	for i, v := range all {
		if v.state != noBuild {
			fmt.Fprintf(&main, "%q: %s.TestCheck,\n", pkg(i), pkg(i))
		}
	}
	main.WriteString("}\n")
	place(main.String(), "all_test.go")
	save()
	binary := filepath.Join(dir, "variants.exe")
	args = []string{"test", "-c", "-vet=off", "-tags=check", "-overlay=" + file, "-o", binary}
	if race {
		args = append(args, "-race")
	}
	if said, err := command(append(args, "./"+program)...).CombinedOutput(); err != nil {
		t.Fatalf("the variants can't be put together: %v\n%s", err, said)
	}

	var running sync.WaitGroup
	for i, v := range all {
		if v.state == noBuild {
			continue
		}
		places <- true
		running.Go(func() {
			defer func() { <-places }()
			v.run(t.Context(), binary, pkg(i), root, filepath.Join(dir, pkg(i)))
		})
	}
	running.Wait()
}

var packageHeader = regexp.MustCompile(`^# ` + regexp.QuoteMeta(module+"/"+program) + `/v0*(\d+)`)

// run checks one variant, in a process of its own.
func (v *variant) run(ctx context.Context, binary, pkg, root, dir string) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := os.Mkdir(dir, 0o700); err != nil {
		v.printed = err.Error()
		return
	}
	cmd := exec.CommandContext(ctx, binary, "-test.run=^TestCheck$")
	cmd.Dir = filepath.Join(root, filepath.FromSlash(v.folder()))
	cmd.WaitDelay = time.Second
	cases := filepath.Join(dir, "cases")
	cmd.Env = append(os.Environ(), check.VerdictsVariable+"="+dir, "EXERCISE_VARIANT="+pkg, check.ListVariable+"="+cases)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	failed := cmd.Run() != nil
	v.printed = out.String()
	text, err := os.ReadFile(filepath.Join(dir, v.exercise.name+".json"))
	if err == nil {
		err = json.Unmarshal(text, &v.verdict)
	}
	switch {
	case err != nil, v.verdict.Case != "" && v.verdict.Symptom == "", v.verdict.Case == "" && failed:
		v.state, v.verdict = notYet, check.Crash(v.verdict, v.printed)
	case v.verdict.Case != "":
		v.state = notYet
	default:
		v.state = solved
	}
	text, _ = os.ReadFile(cases)
	v.cases = string(text)
}
