package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/sockets/docs/exercises/check"
)

// clone makes a student's clone with the answers as they are handed out.
func clone(t *testing.T, path ...string) string {
	t.Helper()
	dir := filepath.Join(path...)
	write(t, "module "+module+"\n", dir, "go.mod")
	for _, e := range exercises {
		write(t, stub(t, e), dir, e.answer())
	}
	return dir
}

func stub(t *testing.T, e exercise) string {
	text, err := e.handedOut()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func solution(t *testing.T, e exercise) string {
	return read(t, filepath.Join(repository, e.solution(), check.Answer))
}

// solve puts solutions in the place of stubs.
func solve(t *testing.T, clone string, chosen ...exercise) {
	for _, e := range chosen {
		write(t, solution(t, e), clone, e.answer())
	}
}

// A fate is what a student has done with a clone, and the marks that it should
// have in the columns "solved" and "shout".
type fate struct {
	name  string
	does  func(t *testing.T, class, name string)
	marks string
}

const shoutFile = "01-echo/exercises/shout/answer.go"

// answer is the fate of a student whose answer to shout is this.
func answer(text string) func(t *testing.T, class, name string) {
	return func(t *testing.T, class, name string) {
		write(t, text, clone(t, class, name), shoutFile)
	}
}

// instead puts something else than a file in the place of the answer.
func instead(put func(place string) error) func(t *testing.T, class, name string) {
	return func(t *testing.T, class, name string) {
		place := filepath.Join(clone(t, class, name), filepath.FromSlash(shoutFile))
		must(t, os.Remove(place))
		must(t, put(place))
	}
}

// must leaves a fate out that this system can't make.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Skip("this system can't make it: ", err)
	}
}

const wrong = "package shout\nimport \"net\"\nfunc Serve(net.Conn) error { return nil }\n"

// fates is a class.
func fates(t *testing.T) []fate {
	shout := pick(t, "shout")
	right := solution(t, shout)
	// deed is a right answer that does something before.
	deed := func(imports, code string) func(*testing.T, string, string) {
		return answer(strings.Replace(right, "import (", "import (\n"+imports, 1) +
			"\nfunc init() {\n" + code + "\n}\n")
	}
	list := []fate{
		{"builds-not", answer(strange["does not compile"].answer), "0; does not compile"},
		{"ends-in-init", answer(strange["ends the program"].answer), "0; the start"},
		{"panics-in-init", answer(strange["panics in init"].answer), "0; the start"},
		{"forges", answer(strange["writes a verdict"].answer), "0; the start"},
		{"seeks-the-key", answer(strange["looks for the key"].answer), "0; the start"},
		{"own-tests", func(t *testing.T, class, name string) {
			dir := clone(t, class, name)
			write(t, wrong, dir, shoutFile)
			write(t,
				"package shout\nimport (\"os\"; \"testing\")\nfunc TestMain(*testing.M) { "+
					"os.Exit(0) }\n", dir, shout.folder(), "own_test.go")
			write(t, "package shout\nimport \"testing\"\nfunc TestCheck(*testing.T) {}\n", dir,
				shout.folder(), "check_test.go")
			write(t, "package check\n", dir, "docs", "exercises", "check", "check.go")
		}, "0; 1/16: one-word"},
		{"windows-line-ends", answer(strings.ReplaceAll(stub(t, shout), "\n", "\r\n")),
			"0; not begun"},
		{"two-files", func(t *testing.T, class, name string) {
			serve, capitals, _ := strings.Cut(right, "// shout makes")
			dir := clone(t, class, name)
			write(t, serve, dir, shoutFile)
			write(t, "package shout\n\n// shout makes"+capitals, dir, shout.folder(), "capitals.go")
		}, "1; solved"},
		{"two-packages", func(t *testing.T, class, name string) {
			dir := clone(t, class, name)
			serve, capitals, _ := strings.Cut(right, "// shout makes")
			here := module + "/" + shout.folder() + "/letters/"
			write(t, strings.Replace(strings.Replace(serve, "import (",
				"import (\n\""+here+"capital\"", 1), "shout(", "capital.Of(", 1), dir, shoutFile)
			write(t, "package capital\n\n// shout makes"+strings.Replace(capitals, "func shout(",
				"func Of(", 1), dir, shout.folder(), "letters", "capital", "capital.go")
			write(t, "package capital\nfunc init() { panic(\"a test's\") }\n", dir, shout.folder(),
				"letters", "capital", "x_test.go")
		}, "1; solved"},
		{"package-builds-not", func(t *testing.T, class, name string) {
			dir := clone(t, class, name)
			write(t, strings.Replace(right, "import (",
				"import (\n_ \""+module+"/"+shout.folder()+"/more\"", 1), dir, shoutFile)
			write(t, "package more\nvar x int = nothing\n", dir, shout.folder(), "more", "more.go")
		}, "0; does not compile"},
		{"package-borrows", func(t *testing.T, class, name string) {
			dir := clone(t, class, name)
			write(t, "package shout\nimport (\"net\"; s \""+module+"/"+shout.folder()+"/more\")\n"+
				"func Serve(conn net.Conn) error { return s.Serve(conn) }\n", dir, shoutFile)
			write(t, "package more\nimport (\"net\"; s \""+module+"/"+shout.solution()+"\")\n"+
				"func Serve(conn net.Conn) error { return s.Serve(conn) }\n", dir, shout.folder(),
				"more", "more.go")
		}, "0; not their own: imports 01-echo/exercises/solutions/shout"},
		// a changed one makes no difference
		{"package-of-ours", func(t *testing.T, class, name string) {
			dir := clone(t, class, name)
			solve(t, dir, shout)
			write(t, "package main\nnonsense\n", dir, shout.folder(), "try", "main.go")
		}, "1; solved"},
		{"deep", func(t *testing.T, class, name string) {
			solve(t, clone(t, class, name, "home work", "sockets-main"), shout)
		}, "1; solved"},
		{"no-go.mod", func(t *testing.T, class, name string) {
			dir := clone(t, class, name)
			solve(t, dir, shout)
			must(t, os.Remove(filepath.Join(dir, "go.mod")))
		}, "1; solved"},
		{"nothing", func(t *testing.T, class, name string) { write(t, "nothing here", class, name, "notes.txt") }, "0; no clone"},
		{"packed.zip", func(t *testing.T, class, name string) { write(t, "PK", class, name) },
			"0; not unpacked"},
		{"answer-gone", instead(func(string) error { return nil }), "0; answer.go is missing"},
		{"answer-a-folder", instead(func(place string) error { return os.Mkdir(place, 0o700) }),
			"0; answer.go is a folder, and no file"},
		{"answer-a-pipe", instead(namedPipe), "0; answer.go is a named pipe, and no file"},
		{"answer-a-device", instead(func(place string) error { return os.Symlink("/dev/zero", place) }),
			"0; answer.go is a link, and no file"},
		{"answer-elsewhere", instead(func(place string) error { return os.Symlink("../../../../two-files/"+shoutFile, place) }),
			"0; answer.go is a link, and no file"},
		{"answer-huge", instead(func(place string) error {
			return errors.Join(os.WriteFile(place, nil, 0o600), os.Truncate(place, 1<<36))
		}), "0; answer.go is larger than 1024 KiB"},
		{"chapter-gone", func(t *testing.T, class, name string) {
			must(t, os.Rename(filepath.Join(clone(t, class, name), "01-echo"),
				filepath.Join(class, name, "echo")))
		}, "0; 01-echo is missing"},
		{"chapter-elsewhere", func(t *testing.T, class, name string) {
			dir := clone(t, class, name)
			must(t, os.Rename(filepath.Join(dir, "01-echo"), filepath.Join(dir, "echo")))
			must(t, os.Symlink("../two-files/01-echo", filepath.Join(dir, "01-echo")))
		}, "0; 01-echo is a link, and no folder"},
		{"linked", func(t *testing.T, class, name string) {
			solve(t, clone(t, class, ".elsewhere"), shout)
			must(t, os.Symlink(".elsewhere", filepath.Join(class, name)))
		}, "1; solved"},
		{"link-to-the-class", func(t *testing.T, class, name string) {
			must(t, os.Symlink(".", filepath.Join(class, name)))
		}, "0; no clone"},
		{"link-to-nowhere", func(t *testing.T, class, name string) {
			must(t, os.Symlink("nowhere", filepath.Join(class, name)))
		}, "0; no clone"},
		{"pipe", func(t *testing.T, class, name string) { must(t, namedPipe(filepath.Join(class, name))) }, "0; no clone"},
		{"=1+1", answer(right), "1; solved"},
		{"borrows", answer("package shout\nimport (\"net\"; s \"" + module + "/" +
			shout.solution() + "\")\n" +
			"func Serve(conn net.Conn) error { return s.Serve(conn) }\n"),
			"0; not their own: imports 01-echo/exercises/solutions/shout"},
		{"reaches-around", deed("_ \"unsafe\"\n", ""), "0; not their own: imports unsafe"},
		{"changes-the-clone", deed("\"os\"\n\"path/filepath\"\n\"runtime\"\n", `
	_, here, _, _ := runtime.Caller(0)
	for _, dir := range []string{".", filepath.Dir(here), "../shout"} {
		os.WriteFile(filepath.Join(dir, "changed.txt"), []byte("changed"), 0o600)
	}`), "1; solved"},
		{"leaves-a-child", deed("\"os\"\n\"os/exec\"\n", childCode), "1; solved"},
	}
	if runtime.GOOS != "windows" { // where no file can have such a name
		list = append(list, fate{"\tcmd|'calc'!A0", answer(right), "1; solved"},
			fate{"\rcr\nlf,\"quote\"", answer(right), "1; solved"})
	}
	if canWall() {
		list = append(list,
			fate{"ends-its-parent", deed("\"os\"\n\"syscall\"\n",
				"syscall.Kill(os.Getppid(), syscall.SIGKILL)"), "1; solved"},
			fate{"hides-a-child", deed("\"os\"\n\"os/exec\"\n\"syscall\"\n", hiddenChildCode),
				"1; solved"})
	}
	if os.Getenv("CI") == "" { // a program is linked for each of these, which takes a while
		return slices.DeleteFunc(list, func(f fate) bool {
			return slices.Contains([]string{"builds-not", "ends-in-init", "package-builds-not",
				"package-borrows", "package-of-ours", "panics-in-init", "two-files", "no-go.mod",
				"linked",
				"reaches-around", "=1+1", "\rcr\nlf,\"quote\""}, f.name)
		})
	}
	return append(list,
		fate{"all", func(t *testing.T, class, name string) { solve(t, clone(t, class, name), exercises...) },
			fmt.Sprint(len(exercises), "; solved")},
		fate{"mixed", func(t *testing.T, class, name string) {
			dir := clone(t, class, name)
			solve(t, dir, shout, pick(t, "reassemble"))
			serial, lines := pick(t, "serial"), pick(t, "lines")
			write(t, strings.Replace(solution(t, serial), "n-first < size", "n-first > size", 1),
				dir, serial.answer())
			write(t, "package lines\n\nnonsense\n", dir, lines.answer())
		}, "2; solved"},
		fate{"goes-round", answer(strange["goes round for ever"].answer), "0; 0/16: one-word"},
		fate{"waits", answer(strange["waits for good"].answer), "0; 0/16: one-word"},
		fate{"waits-in-init", answer(strange["waits in init"].answer), "0; the start"},
		fate{"takes-memory", answer(strange["takes memory without end"].answer),
			"0; 0/16: one-word"})
}

// childCode leaves this very program behind. It holds the standard output of
// its parent.
const childCode = `
	if os.Getenv("EXERCISE_CHILD") != "" {
		select {}
	}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "EXERCISE_CHILD=yes")
	child.Stdout = os.Stdout
	child.Start()`

// hiddenChildCode leaves one behind that neither its group, its folder nor its
// environment gives away.
const hiddenChildCode = `
	if os.Getenv("EXERCISE_CHILD") != "" {
		select {}
	}
	child := exec.Command(os.Args[0])
	child.Env, child.Dir = []string{"EXERCISE_CHILD=yes"}, "/"
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	child.Start()`

// Each student has another fate, and gets a row with the right marks.
func TestMark(t *testing.T) {
	t.Parallel() // while the one waits, another compiles
	root, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	class := t.TempDir()
	want := map[string]string{}
	for _, f := range fates(t) {
		t.Run("make "+plain(f.name), func(t *testing.T) {
			f.does(t, class, f.name)
			want[plain(f.name)] = f.marks
		})
	}
	write(t, "a list of the class", class, "class.txt")
	before := tree(class)

	var out, report bytes.Buffer
	began := time.Now()
	m := marking{root: root, folder: class, chosen: exercises}
	if err := mark(t.Context(), &out, &report, m); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d students marked in %v\n%s", len(want), time.Since(began), report.String())
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	marks := map[string]string{}
	for _, r := range rows[1:] {
		of := func(name string) string { return r[slices.Index(rows[0], name)] }
		marks[r[0]] = r[1] + "; " + of("shout")
		for i, e := range exercises {
			if r[0] == "all" && of(e.name) != "solved" {
				t.Errorf("who has solved all has not solved %s, exercise %d: %s", e.name, i+1, of(e.name))
			}
		}
		if r[0] == "mixed" {
			mixed := []string{of("reassemble"), of("lines"), of("halfclose"), of("serial")}
			if diff := cmp.Diff([]string{"solved", "does not compile", "not begun", "5/9: window"},
				mixed); diff != "" {
				t.Errorf("a student who has solved some has other marks (- expected, + marked):\n%s", diff)
			}
		}
		if strings.ContainsAny(r[0][:1], "=+-@") || strings.ContainsAny(r[0], "\t\r\n") {
			t.Errorf("the name %q may be taken for a formula, or for two lines", r[0])
		}
	}
	if diff := cmp.Diff(want, marks); diff != "" {
		t.Errorf("the marks are not those expected (- expected, + marked):\n%s", diff)
	}
	if diff := cmp.Diff(before, tree(class)); diff != "" {
		t.Errorf("the clones have changed:\n%s", diff)
	}
	for _, part := range []string{"class.txt", "the start (", "your code writes its own verdict"} {
		if !strings.Contains(report.String(), part) {
			t.Errorf("the report lacks %q:\n%s", part, report.String())
		}
	}
	if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(pick(t, "shout").folder()),
		"changed.txt")); err == nil {
		t.Error("an answer could write into the folder of the exercise")
	}
	environments, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, name := range environments {
		if text, _ := os.ReadFile(name); bytes.Contains(text, []byte("EXERCISE_CHILD=yes")) {
			t.Errorf("a process that an answer has started still runs: %s", name)
		}
	}
}

// tree is what is in a folder, links not followed.
func tree(dir string) (list []string) {
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil {
			list = append(list, path+" "+d.Type().String())
		}
		return err
	})
	return list
}

// Ctrl-C ends the marking of an answer that never ends, and what is marked is
// written.
func TestMarkStops(t *testing.T) {
	root, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	class := t.TempDir()
	write(t, "nothing", class, "a", "notes.txt")
	answer(strange["waits in init"].answer)(t, class, "b")
	ctx, cancel := context.WithCancel(t.Context())
	out := &firstWrite{then: cancel}
	m := marking{root: root, folder: class, chosen: exercises[:1]}
	if err := mark(ctx, out, &bytes.Buffer{}, m); err != context.Canceled {
		t.Errorf("the marking that was stopped says %v, expected %v", err, context.Canceled)
	}
	if !strings.Contains(out.String(), "a,0,1,no clone") {
		t.Errorf("the first row is lost: %q", out.String())
	}
}

type firstWrite struct {
	bytes.Buffer
	then func()
}

func (f *firstWrite) Write(p []byte) (int, error) {
	f.then()
	return f.Buffer.Write(p)
}

// The seed of predict is in the marks, and one for practice is told.
func TestMarkSeed(t *testing.T) {
	root, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	class, predict := t.TempDir(), pick(t, "predict")
	for name, seed := range map[string]string{"ann": "7", "bob": "1000 + 1"} {
		text := strings.Replace(stub(t, predict), "Seed = 1\n", "Seed = "+seed+"\n", 1)
		write(t, text, clone(t, class, name), predict.answer())
	}
	var out bytes.Buffer
	m := marking{root: root, folder: class, chosen: []exercise{predict}, json: true}
	if err := mark(t.Context(), &out, &bytes.Buffer{}, m); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for line := range bytes.Lines(out.Bytes()) {
		var row struct {
			Student, Seed string
			Remarks       []string
		}
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatal(err)
		}
		got[row.Student] = row.Seed + " " +
			strconv.FormatBool(strings.Contains(strings.Join(row.Remarks, ""), "practice"))
	}
	if diff := cmp.Diff(map[string]string{"ann": "7 false", "bob": "1001 true"}, got); diff != "" {
		t.Errorf("seeds and remarks (- expected, + marked):\n%s", diff)
	}
}

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		"anna": "anna", "Jörg Müller": "Jörg Müller", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1",
		"@a":  "'@a",
		"\ta": `'\ta`, "\r=a": `'\r=a`, "a\nb": `a\nb`, " =1": "' =1", "＝1": "'＝1", "\xff": `'\xff`,
		"\x1b[2J": `'\x1b[2J`, "": "",
	} {
		if got := plain(text); got != want {
			t.Errorf("plain(%q) = %q, expected %q", text, got, want)
		}
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
