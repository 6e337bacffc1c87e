package main

import (
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/sockets/docs/exercises/check"
)

// pick is the exercise of that name.
func pick(t *testing.T, name string) exercise {
	t.Helper()
	chosen, _, err := choose(name)
	if err != nil {
		t.Fatal(err)
	}
	return chosen[0]
}

// What else may become of an answer than right and wrong.
var strange = map[string]struct {
	answer string
	state  state
	says   string // in the symptom, or in what the compiler said
}{
	"does not compile": {`package shout
import "net"
func Serve(conn net.Conn) error {
	return nothing
}`, noBuild, "answer.go:4:9: undefined: nothing"},
	"is of another package": {"package main\nfunc main() {}\n", noBuild,
		"answer.go:1: this is package main, and must be package shout"},
	"is left out": {"//go:build never\n\npackage shout\n", noBuild,
		"answer.go:1: a line //go:build leaves this file out"},
	"goes round for ever": {`package shout
import "net"
func Serve(conn net.Conn) error {
	for n := 0; ; n++ {
		conn.LocalAddr()
	}
}`, notYet, "(answer.go:"},
	"waits for good": {`package shout
import "net"
func Serve(conn net.Conn) error {
	select {}
}`, notYet, "Serve waits although bytes have come"},
	"panics": {`package shout
import "net"
func Serve(conn net.Conn) error {
	var buf []byte
	buf[3] = 1
	return nil
}`, notYet, "your code panicked (answer.go:5)"},
	"ends the program": {`package shout
import ("net"; "os")
func init() { os.Exit(0) }
func Serve(conn net.Conn) error { return nil }`, notYet, "before the first case: does init, or what a variable"},
	"waits in init": {`package shout
import "net"
func init() { select {} }
func Serve(conn net.Conn) error { return nil }`, notYet, "the check can't begin (answer.go:3)"},
	"goes round for a variable": {`package shout
import "net"
var n = count()
func count() int {
	for i := 0; ; i++ {
		new(net.TCPConn).Close()
	}
}
func Serve(conn net.Conn) error { return nil }`, notYet, "the check can't begin (answer.go:"},
	"takes memory for a variable": {`package shout
import "net"
var kept = keep()
func keep() (kept [][]byte) {
	for {
		kept = append(kept, make([]byte, 1<<20))
	}
}
func Serve(conn net.Conn) error { return nil }`, notYet, "takes memory without end (answer.go:6)"},
	"panics in init": {`package shout
import "net"
func init() { panic("no") }
func Serve(conn net.Conn) error { return nil }`, notYet, "your code ended the whole program (answer.go:3)"},
	"closes standard output": {`package shout
import ("net"; "os")
func init() { os.Stdout.Close() }
func Serve(conn net.Conn) error { return nil }`, notYet, ""},
	"writes a verdict": {`package shout
import ("fmt"; "net"; "os"; "path/filepath")
func init() {
	const verdict = "{\"Passed\":12,\"Total\":12}"
	for _, dir := range []string{os.Getenv("EXERCISE_VERDICTS"), "."} {
		os.WriteFile(filepath.Join(dir, "shout.json"), []byte(verdict), 0o600)
	}
	fmt.Printf("\n\x1everdict 00 %s\nPASS\nok\n", verdict)
	os.Exit(0)
}
func Serve(conn net.Conn) error { return nil }`, notYet, "writes its own verdict"},
	"looks for the key": {`package shout
import ("crypto/hmac"; "crypto/sha256"; "fmt"; "io"; "net"; "os")
func init() {
	key, _ := io.ReadAll(os.Stdin)
	verdict := []byte("{\"Passed\":12,\"Total\":12}")
	for _, key := range [][]byte{key, []byte(os.Getenv("EXERCISE_KEY")), []byte("stdin")} {
		mac := hmac.New(sha256.New, key)
		mac.Write(verdict)
		fmt.Printf("\n\x1everdict %x %s\n", mac.Sum(nil), verdict)
	}
	os.Exit(0)
}
func Serve(conn net.Conn) error { return nil }`, notYet, "writes its own verdict"},
	"ends well after the last case": {`package shout
import ("net"; "os"; "os/exec"; "time")
func init() { time.AfterFunc(time.Millisecond, func() { os.Exit(0) }); exec.Command("go").Run() }
func Serve(conn net.Conn) error { return nil }`, notYet, ""},
	"takes memory without end": {`package shout
import "net"
var kept [][]byte
func Serve(conn net.Conn) error {
	for {
		kept = append(kept, make([]byte, 1<<20))
	}
}`, notYet, "takes memory without end (answer.go:6)"},
	"prints without end": {`package shout
import ("fmt"; "net")
func Serve(conn net.Conn) error {
	for {
		fmt.Println("here")
	}
}`, notYet, ""},
}

func TestStrangeAnswers(t *testing.T) {
	for name, want := range strange {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of it is waiting for the end of five seconds
			r := try(t, pick(t, "shout"), want.answer, false)
			said := r.verdict.Symptom + strings.Join(r.build, "\n")
			if r.state != want.state || !strings.Contains(said, want.says) {
				t.Errorf("state %q, expected %q\nsaid %q, expected in it %q", r.state, want.state,
					said, want.says)
			}
		})
	}
}

// A program that does not look at its own bounds is ended, and that is what is
// told.
func TestLate(t *testing.T) {
	root, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	shout, dir := pick(t, "shout"), t.TempDir()
	write(t, strange["waits in init"].answer, dir, "answer.go")
	j := job{root: root, exercises: []exercise{shout}, overlay: map[string]string{
		filepath.Join(root, filepath.FromSlash(shout.answer())): filepath.Join(dir, "answer.go")}}
	if problems, said, err := j.compile(t.Context(), dir); err != nil || len(problems) > 0 {
		t.Fatal(said, err)
	}
	usual := maxRun
	defer func() { maxRun = usual }()
	maxRun = time.Millisecond
	r, err := j.try(t.Context(), shout, filepath.Join(dir, shout.name+".test"+exe))
	if err != nil {
		t.Fatal(err)
	}
	if r.state != notYet || r.verdict.Case != check.Start ||
		!strings.Contains(r.verdict.Symptom, "keeps the whole program") {
		t.Errorf("the state is %s, and the verdict\n%v", r.state, r.verdict)
	}
}

// A check that is missing is no fault of the answer.
func TestCheckIsMissing(t *testing.T) {
	shout := pick(t, "shout")
	root := learnersClone(t, shout)
	must(t, os.Remove(filepath.Join(root, filepath.FromSlash(shout.folder()), "check_test.go")))
	results, err := checkAnswers(t.Context(), root, []exercise{shout}, job{root: root}, true)
	if err != nil {
		t.Fatal(err)
	}
	if r := results[0]; r.state != noAnswer || !strings.Contains(r.missing().Error(),
		"check_test.go is missing\nBring it back: git checkout -- 01-echo") {
		t.Errorf("state %s: %v\n%v", r.state, r.lacks, r.verdict)
	}
	class := t.TempDir()
	solve(t, clone(t, class, "ann"), shout)
	results, err = checkAnswers(t.Context(), filepath.Join(class, "ann"), []exercise{shout},
		job{root: root}, false)
	if err == nil || !strings.Contains(err.Error(), "this clone is not whole") {
		t.Errorf("an answer of somebody else: %v, %v", results, err)
	}
}

// Whatever an answer panics with, it can't change the terminal.
func TestVerdictIsPrintable(t *testing.T) {
	v := check.Verdict{Case: "a", Came: "panic: \x1b[2J\rsolved\a", Symptom: "é\tis\nfine"}
	if said := v.String(); strings.ContainsAny(said, "\x1b\r\a") || !strings.Contains(said,
		"é\tis") {
		t.Errorf("the verdict is told as %q", said)
	}
}

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		what  string
		count int
		only  string
		ok    bool
	}{
		{"", len(exercises), "", true},
		{"shout", 1, "", true},
		{"shout/the-end", 1, "the-end", true},
		{"./01-echo/exercises/shout", 1, "", true},
		{"whisper", 0, "", false},
	} {
		chosen, only, err := choose(c.what)
		if len(chosen) != c.count || only != c.only || (err == nil) != c.ok {
			t.Errorf("choose(%q) = %d exercises, case %q, error %v; expected %d, %q, ok %v",
				c.what, len(chosen), only, err, c.count, c.only, c.ok)
		}
	}
}

// The page for teachers and the program name the same exercises.
func TestPageListsExercises(t *testing.T) {
	page := read(t, filepath.Join(repository, "docs", "exercises.md"))
	for _, e := range exercises {
		row := "| [" + e.name + "](../" + e.folder() + "/README.md) | " + strconv.Itoa(e.minutes) +
			" min | "
		if !strings.Contains(page, row) {
			t.Errorf("docs/exercises.md has no row that begins with %q", row)
		}
	}
}

// Every folder with a task is in the table.
func TestTableIsComplete(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(repository, "*", "exercises", "*", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) != len(exercises) {
		t.Errorf("there are %d folders with a README.md, and %d exercises in table.go", len(pages),
			len(exercises))
	}
}

// An answer may use any name that its check uses, too.
func TestNamesAreFree(t *testing.T) {
	chosen := exercises
	if os.Getenv("CI") == "" {
		chosen = []exercise{pick(t, "shout"), pick(t, "frames")}
	}
	root, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	overlay := map[string]string{}
	args := []string{"build", "-tags=check", "-overlay=" + filepath.Join(dir, "overlay.json")}
	for _, e := range chosen {
		text := solution(t, e)
		known := map[string]bool{}
		for _, name := range declaredIn(t, text) {
			known[name] = true
		}
		checkText := read(t, filepath.Join(repository, e.folder(), "check_test.go"))
		for _, name := range declaredIn(t, checkText) {
			if !known[name] && !token.IsExported(name) {
				text += "\nfunc " + name + "() {}\n"
			}
		}
		// The compiler alone can tell: so the check is no test here, and nothing is linked.
		pkg := path.Join(program, "names", e.name)
		for place, text := range map[string]string{e.answer(): text,
			path.Join(pkg, "check.go"): checkText} {
			file := filepath.Join(dir, fmt.Sprint(len(overlay), ".go"))
			write(t, text, file)
			overlay[filepath.Join(root, filepath.FromSlash(place))] = file
		}
		args = append(args, "./"+pkg)
	}
	replace, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	write(t, string(replace), dir, "overlay.json")
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("answers with the names of their checks don't compile: %v\n%s", err, said)
	}
}

func declaredIn(t *testing.T, text string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "", text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	names := declared(f)
	for _, i := range f.Imports { // an import is of its file alone, but not beside such a name
		path, _ := strconv.Unquote(i.Path.Value)
		names = slices.DeleteFunc(names,
			func(name string) bool { return name == filepath.Base(path) })
	}
	return names
}
