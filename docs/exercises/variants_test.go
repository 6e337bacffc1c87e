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
	"go/ast"
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
	only   string // the case that is tried, if not all
	race   bool   // for the race detector alone

	// What came of it.
	result
	printed string
	cases   string // if asked for
	used    time.Duration
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
		overlay[filepath.Join(append([]string{root, filepath.FromSlash(program)},
			parts...)...)] = name
	}
	command := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = root
		return cmd
	}
	pkg := func(i int) string { return fmt.Sprintf("v%04d", i) }
	compiled := map[string]string{} // the part of a variant that calls a check compiled once
	for i, v := range all {
		place(v.answer, pkg(i), check.Answer)
		call, known := compiled[v.exercise.name]
		if !known {
			var variables string
			if variables, call = callable(t, v.exercise); call != "" {
				place(variables, v.exercise.name, "variables.go")
				place(checkInside(t, v.exercise), v.exercise.name, "check.go")
			}
			compiled[v.exercise.name] = call
		}
		if call == "" {
			call = checkInside(t, v.exercise)
		}
		// The second copy, with connections in memory, is for the variables that
		// stand for it in the exercise's folder.
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(v.folder()), memory)); err == nil {
			if text, err := inMemory([]byte(v.answer)); err == nil {
				place(string(text), pkg(i), memory, check.Answer)
				call = withMemory(t, call, v.exercise, pkg(i))
			}
		}
		place(call, pkg(i), "check.go")
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
	var used [3]time.Duration // of processor time: to compile, to link, to run
	build := command(args...)
	said, _ := build.CombinedOutput()
	used[0] = cpu(build)
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
	main.WriteString(")\nfunc TestCheck(t *testing.T) {\n " +
		"all[os.Getenv(\"EXERCISE_VARIANT\")](t)\n}\nvar all = map[string]func(*testing.T){\n")
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
	link := command(append(args, "./"+program)...)
	if said, err := link.CombinedOutput(); err != nil {
		t.Fatalf("the variants can't be put together: %v\n%s", err, said)
	}

	used[1] = cpu(link)

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
	for _, v := range all {
		used[2] += v.used
	}
	t.Logf("%d variants: processor time to compile %v, to link %v, to run %v", len(all), used[0],
		used[1], used[2])
}

// cpu is the processor time of a process that has ended, with that of its children.
func cpu(cmd *exec.Cmd) time.Duration {
	if cmd.ProcessState == nil {
		return 0
	}
	return (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Round(time.Millisecond)
}

// checkInside is a check as a part of the package that it checks, which halves the
// time that the compiler takes.
func checkInside(t *testing.T, e exercise) string {
	text := read(t, filepath.Join(repository, filepath.FromSlash(e.folder()), "check_test.go"))
	text = strings.Replace(text, "package "+e.name+"_test\n", "package "+e.name+"\n", 1)
	return strings.Replace(text, "\t. \""+path.Join(module, e.folder())+"\"\n", "", 1)
}

// callable is for the exercises whose answers are functions and errors alone. Their
// check is compiled once, with variables in place of those; the file call sets them
// in a variant. An answer with types or constants has none: call is "".
func callable(t *testing.T, e exercise) (variables, call string) {
	text := stub(t, e)
	file, err := parser.ParseFile(token.NewFileSet(), "", text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var declared, set strings.Builder
	variable := func(name, kind string) {
		fmt.Fprintf(&declared, "var %s %s\n", name, kind)
		fmt.Fprintf(&set, "\ttheCheck.%s = %[1]s\n", name)
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv != nil || d.Type.TypeParams != nil {
				return "", ""
			}
			if d.Name.IsExported() { // its type is from the parentheses on
				variable(d.Name.Name, "func"+text[d.Type.Params.Pos()-1:d.Type.End()-1])
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.ImportSpec:
				case *ast.ValueSpec:
					for _, name := range s.Names {
						if d.Tok == token.CONST || !strings.HasPrefix(name.Name, "Err") {
							return "", ""
						}
						variable(name.Name, "error")
					}
				default:
					return "", ""
				}
			}
		}
	}
	var imports strings.Builder
	for _, i := range file.Imports {
		if strings.Contains(declared.String(), path.Base(strings.Trim(i.Path.Value, `"`))+".") {
			fmt.Fprintf(&imports, "import %s\n", i.Path.Value)
		}
	}
	return fmt.Sprintf("package %s\n%s%s", e.name, &imports, &declared),
		fmt.Sprintf("package %s\nimport \"testing\"\nimport theCheck %q\nfunc TestCheck(t "+
			"*testing.T) {\n%s\ttheCheck.TestCheck(t)\n}\n",
			e.name, path.Join(module, program, e.name), &set)
}

// withMemory has a call set the function of the answer's second copy, too.
func withMemory(t *testing.T, call string, e exercise, pkg string) string {
	t.Helper()
	name := memoryVariable.FindStringSubmatch(read(t, filepath.Join(repository, e.folder(), memory,
		check.Answer)))[1]
	call = strings.Replace(call, "import \"testing\"\n", fmt.Sprintf(
		"import \"testing\"\nimport here %q\nimport theirs %q\n",
		path.Join(module, program, pkg, memory), path.Join(module, e.folder(), memory)), 1)
	return strings.Replace(call, "\ttheCheck.TestCheck(t)",
		fmt.Sprintf("\ttheirs.%s = here.%[1]s\n\ttheCheck.TestCheck(t)", name), 1)
}

var memoryVariable = regexp.MustCompile(`(?m)^var (\w+) func`)

var packageHeader = regexp.MustCompile(`^# ` + regexp.QuoteMeta(module+"/"+program) + `/v0*(\d+)`)

// run checks one variant, in a process of its own.
func (v *variant) run(ctx context.Context, binary, pkg, root, dir string) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := os.Mkdir(dir, 0o700); err != nil {
		v.printed = err.Error()
		return
	}
	args := []string{"-test.run=^TestCheck$"}
	if v.only != "" {
		args[0] += "/^" + v.only + "$"
	}
	if v.what == "mistake" || v.what == "mutant" {
		args = append(args, "-test.failfast") // the first case that fails tells what it is
	}
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = filepath.Join(root, filepath.FromSlash(v.folder()))
	cmd.WaitDelay = time.Second
	cases := filepath.Join(dir, "cases")
	cmd.Env = append(os.Environ(), check.VerdictsVariable+"="+dir, "EXERCISE_VARIANT="+pkg,
		check.ListVariable+"="+cases)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Run() // its error may be that a busy machine was slow to pass on the output
	failed := cmd.ProcessState == nil || !cmd.ProcessState.Success()
	v.printed, v.used = out.String(), cpu(cmd)
	text, err := os.ReadFile(filepath.Join(dir, v.exercise.name+".json"))
	if err == nil {
		err = json.Unmarshal(text, &v.verdict)
	}
	switch {
	case err != nil, v.verdict.Case != "" && v.verdict.Symptom == "", v.verdict.Case == "" &&
		failed:
		v.state, v.verdict = notYet, check.Crash(v.verdict, v.printed)
	case v.verdict.Case != "":
		v.state = notYet
	default:
		v.state = solved
	}
	text, _ = os.ReadFile(cases)
	v.cases = string(text)
}
