package main

import (
	"bytes"
	"encoding/csv"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
func Serve(conn net.Conn) error { return nil }`, notYet, "os.Exit"},
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
				t.Errorf("state %q, expected %q\nsaid %q, expected in it %q", r.state, want.state, said, want.says)
			}
		})
	}
}

func write(t *testing.T, text string, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// clone makes a student's clone with the answers as they are handed out.
func clone(t *testing.T, path ...string) string {
	t.Helper()
	dir := filepath.Join(path...)
	write(t, "module "+module+"\n", dir, "go.mod")
	for _, e := range exercises {
		write(t, read(t, filepath.Join(repository, e.answer())), dir, e.answer())
	}
	return dir
}

// solve puts the solution in the place of the stub.
func solve(t *testing.T, clone string, e exercise) {
	write(t, read(t, filepath.Join(repository, e.solution(), check.Answer)), clone, e.answer())
}

// A class of ten: each student has another fate.
func TestMark(t *testing.T) {
	t.Parallel()
	class := t.TempDir()
	shout := pick(t, "shout")
	if begun, _ := shout.begun(repository); begun {
		t.Skip("this clone is a learner's: shout has been begun")
	}

	if os.Getenv("CI") != "" { // all solutions of all exercises take a while
		anna, ben := clone(t, class, "anna"), clone(t, class, "ben")
		for i, e := range exercises {
			solve(t, anna, e)
			if i%2 == 0 {
				solve(t, ben, e)
			}
		}
	}
	for name, fate := range map[string]string{
		"cleo": "does not compile", "dan": "goes round for ever", "eve": "waits for good",
		"finn": "ends the program", "gina": "takes memory without end"} {
		write(t, strange[fate].answer, clone(t, class, name), shout.answer())
	}

	// Hugo has a wrong answer, and tests and given files of his own.
	hugo := clone(t, class, "hugo")
	write(t, "package shout\nimport \"net\"\nfunc Serve(net.Conn) error { return nil }\n", hugo, shout.answer())
	write(t, "package shout\nimport (\"os\"; \"testing\")\nfunc TestMain(*testing.M) { os.Exit(0) }\n", hugo, shout.folder(), "own_test.go")
	write(t, "package shout\nimport \"testing\"\nfunc TestCheck(*testing.T) {}\n", hugo, shout.folder(), "check_test.go")
	write(t, "package check\n", hugo, "docs", "exercises", "check", "check.go")

	// Ida has touched nothing; her Windows has other line ends.
	ida := clone(t, class, "ida")
	stub := read(t, filepath.Join(repository, shout.answer()))
	write(t, strings.ReplaceAll(stub, "\n", "\r\n"), ida, shout.answer())

	// Jon's clone lies a folder deeper, and a part of his answer in a file of its own.
	jon := clone(t, class, "jon", "sockets")
	solve(t, jon, shout)
	text := read(t, filepath.Join(jon, shout.answer()))
	serve, capitals, _ := strings.Cut(text, "// shout makes")
	write(t, serve, jon, shout.answer())
	write(t, "package shout\n\n// shout makes"+capitals, jon, shout.folder(), "capitals.go")

	write(t, "nothing here", class, "kim", "notes.txt")
	write(t, "a list of the class", class, "class.txt")

	var out bytes.Buffer
	root, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	if err := mark(t.Context(), &out, root, class); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	marks := map[string]string{}
	for _, r := range rows[1:] {
		column := slices.Index(rows[0], "shout")
		marks[r[0]] = r[1] + "; shout: " + r[column]
	}
	want := map[string]string{
		"cleo": "0; shout: does not compile",
		"dan":  "0; shout: 0/13: one-word",
		"eve":  "0; shout: 0/13: one-word",
		"finn": "0; shout: 0/0: the start",
		"gina": "0; shout: 0/13: one-word",
		"hugo": "0; shout: 1/13: one-word",
		"ida":  "0; shout: not begun",
		"jon":  "1; shout: solved",
		"kim":  "0; shout: no clone",
	}
	if os.Getenv("CI") != "" {
		all, half := len(exercises), (len(exercises)+1)/2
		maps.Copy(want, map[string]string{
			"anna": strconv.Itoa(all) + "; shout: solved",
			"ben":  strconv.Itoa(half) + "; shout: solved",
		})
	}
	if diff := cmp.Diff(want, marks); diff != "" {
		t.Errorf("the marks are not those expected (- expected, + marked):\n%s", diff)
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
		row := "| [" + e.name + "](../" + e.folder() + "/README.md) | " + strconv.Itoa(e.minutes) + " min | "
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
		t.Errorf("there are %d folders with a README.md, and %d exercises in table.go", len(pages), len(exercises))
	}
}
