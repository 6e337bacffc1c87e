package main

// The command as a learner calls it: in a process of its own, in a repository
// that holds what these tests need of this one.

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"example.com/sockets/docs/exercises/check"
)

// asCommand has this test program be the command itself.
const asCommand = "EXERCISES_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// learnersClone is a repository with all stubs, and the checks of these exercises.
func learnersClone(t *testing.T, checked ...exercise) string {
	t.Helper()
	root := clone(t, t.TempDir())
	folders := []string{"docs/exercises/check"}
	for _, e := range checked {
		folders = append(folders, e.folder(), e.solution())
	}
	files := []string{"go.mod", "go.sum"}
	for _, folder := range folders {
		names, err := folderNames(filepath.Join(repository, filepath.FromSlash(folder)))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			stub := name == check.Answer && !strings.Contains(folder, "/solutions/")
			if ext := path.Ext(name); (ext == ".go" || ext == ".md") && !stub {
				files = append(files, path.Join(folder, name))
			}
		}
	}
	for _, name := range files {
		write(t, read(t, filepath.Join(repository, filepath.FromSlash(name))), root, name)
	}
	return root
}

// A running command, and what it has printed.
type commandRun struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string // both outputs, each piece as it comes
	said  string
	seen  int // up to where says has looked
}

func (c *commandRun) Write(p []byte) (int, error) {
	c.lines <- string(p)
	return len(p), nil
}

// call starts the command in a folder.
func call(t *testing.T, dir string, args ...string) *commandRun {
	t.Helper()
	c := &commandRun{t: t, lines: make(chan string, 1000)}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	c.cmd = exec.CommandContext(ctx, os.Args[0], args...)
	c.cmd.Dir = dir
	c.cmd.Env = append(os.Environ(), asCommand+"=yes")
	c.cmd.Stdout, c.cmd.Stderr = c, c
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		c.cmd.Wait()
		close(c.lines)
	}()
	return c
}

// says waits until the command prints each of these, one after the other.
func (c *commandRun) says(parts ...string) {
	c.t.Helper()
	for _, part := range parts {
		for !strings.Contains(c.said[c.seen:], part) {
			more, ok := <-c.lines
			if !ok {
				c.t.Fatalf("the command has ended, and did not say %q after this:\n%s\nbut:\n%s",
					part, c.said[:c.seen], c.said[c.seen:])
			}
			c.said += more
		}
		c.seen += strings.Index(c.said[c.seen:], part) + len(part)
	}
}

// ends waits for the end, and gives the exit status.
func (c *commandRun) ends() int {
	for more := range c.lines {
		c.said += more
	}
	return c.cmd.ProcessState.ExitCode()
}

// -watch checks a saved answer again, goes on to the next exercise, and ends
// with Ctrl-C.
func TestWatch(t *testing.T) {
	t.Parallel()
	first, second := exercises[0], exercises[1]
	root := learnersClone(t, first, second)
	const waits = "Waiting for a change; Ctrl-C ends this."
	c := call(t, root, "-watch")
	c.says(first.name+": not yet. ", waits)

	write(t, strings.Replace(solution(t, first), "'z'", "'y'", 1), root, first.answer())
	c.says(first.name+": not yet. ", waits)
	if strings.Contains(c.said, "solved, ") {
		t.Errorf("solved too early:\n%s", c.said)
	}

	write(t, "package "+first.name+"\n\nnonsense\n", root, first.answer())
	c.says(first.name+" does not compile", first.answer()+":3:", waits)

	solve(t, root, first)
	c.says(first.name+": solved, ", "Next:   "+second.name, waits)

	solve(t, root, second) // another answer is saved, and takes its place
	c.says(second.name+": solved, ", "Solved: 2 of ", waits)

	must(t, os.Remove(filepath.Join(root, filepath.FromSlash(second.answer()))))
	c.says("answer.go is missing", "-reset "+second.name, waits)

	if runtime.GOOS == "windows" {
		return // one process can't press another's Ctrl-C there
	}
	if err := c.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if status := c.ends(); status != 0 || !strings.HasSuffix(c.said,
		"Stopped; no answer was changed\n") {
		t.Errorf("Ctrl-C: exit status %d, expected 0, and a last line\n%s", status, c.said[c.seen:])
	}
}

// listen opens a port to which an answer can say that it is running.
func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func accept(t *testing.T, l net.Listener) {
	t.Helper()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
}

// An answer that is saved while it is checked is checked from the start.
func TestWatchWhileChecking(t *testing.T) {
	t.Parallel()
	first := exercises[0]
	root := learnersClone(t, first)
	begun := listen(t)
	write(t, `package shout
import "net"
func Serve(conn net.Conn) error {
	net.Dial("tcp", "`+begun.Addr().String()+`")
	select {}
}`, root, first.answer())
	c := call(t, root, "-watch", first.name)
	accept(t, begun) // the check is under way
	solve(t, root, first)
	c.says(first.name + ": solved, ")
	if strings.Contains(c.said, "not yet") {
		t.Errorf("the answer that was replaced was told, too:\n%s", c.said)
	}
	c.cmd.Process.Kill()
	c.ends()
}

// The exit status says whether the answer is right; a check that Ctrl-C ends has not said so.
func TestExitStatus(t *testing.T) {
	t.Parallel()
	shout := pick(t, "shout")
	root := learnersClone(t, shout)
	status := func(args ...string) int {
		c := call(t, root, args...)
		n := c.ends()
		for line := range strings.Lines(c.said) {
			if len([]rune(strings.TrimRight(line, "\n"))) > 80 {
				t.Errorf("%q prints a line of more than 80 columns:\n%s", args, line)
			}
		}
		return n
	}
	if got := status("shout"); got != 1 {
		t.Errorf("a stub: exit status %d, expected 1", got)
	}
	if got := status("whisper"); got != 2 {
		t.Errorf("a name that does not exist: exit status %d, expected 2", got)
	}
	solve(t, root, shout)
	for _, args := range [][]string{{"shout"}, {"shout/one-word"}, {"-list"}, {"-reset", "shout"},
		{"-reset", "shout"}, {"-h"}} {
		if got := status(args...); got != 0 {
			t.Errorf("%q: exit status %d, expected 0", args, got)
		}
	}
	if runtime.GOOS == "windows" {
		return
	}
	begun := listen(t)
	write(t, strings.Replace(strange["waits in init"].answer, "select {}",
		`net.Dial("tcp", "`+begun.Addr().String()+`"); select {}`, 1),
		root, shout.answer())
	c := call(t, root, "shout")
	accept(t, begun)
	c.cmd.Process.Signal(os.Interrupt)
	if status := c.ends(); status != 1 || !strings.Contains(c.said,
		"Stopped; no answer was changed\n") {
		t.Errorf("Ctrl-C in a check: exit status %d, expected 1\n%s", status, c.said)
	}
}

// Ctrl-C while it compiles leaves nothing behind.
func TestStoppedCompilation(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // one process can't press another's Ctrl-C there
	}
	shout := pick(t, "shout")
	root, temp := learnersClone(t, shout), t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("GOTMPDIR", "")
	c := call(t, root, "shout")
	compiling := func() bool {
		work, _ := filepath.Glob(filepath.Join(temp, "*", "go-build*"))
		return work != nil
	}
	if !check.Soon(time.Minute, compiling) {
		t.Fatal("nothing is compiled in the folder for temporary files")
	}
	c.cmd.Process.Signal(os.Interrupt)
	c.ends()
	if left, _ := filepath.Glob(filepath.Join(temp, "*")); left != nil {
		t.Errorf("files are left: %v", left)
	}
}

// The command finds out why there is no race detector.
func TestFindRaceDetector(t *testing.T) {
	if runtime.GOOS == "darwin" {
		t.Skip("the race detector needs no cgo there")
	}
	if why := findRaceDetector(); why != "" {
		t.Skip(why)
	}
	name, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ variable, value, why string }{
		{"CGO_ENABLED", "0", "it needs cgo, which is switched off (CGO_ENABLED=0)"},
		{"CC", "no-such-compiler -O2", "it needs a C compiler, and no-such-compiler is not there"},
		{"PATH", t.TempDir(), "it needs a C compiler, and "},
	} {
		t.Run(c.variable, func(t *testing.T) {
			if c.variable == "PATH" { // with go, and nothing else
				must(t, os.Symlink(name, filepath.Join(c.value, filepath.Base(name))))
			}
			t.Setenv(c.variable, c.value)
			if why := findRaceDetector(); !strings.HasPrefix(why, c.why) {
				t.Errorf("the race detector lacks %q, expected %q", why, c.why)
			}
		})
	}
}

// Where there is no race detector, what the command prints says so, and why.
func TestRacesNotLookedFor(t *testing.T) {
	detector := raceDetector
	t.Cleanup(func() { raceDetector = detector })
	raceDetector = func() string { return "it needs a compiler" }
	const want = "Races were not looked for: it needs a compiler\n"

	shout := pick(t, "shout")
	root, right := learnersClone(t, shout), solution(t, shout)
	class := t.TempDir()
	solve(t, clone(t, class, "anna"), shout)
	t.Chdir(root)
	for args, answer := range map[string]string{
		"-race shout":       right,
		"-race -list shout": right,
		"-race":             stub(t, shout), // the next one, which is not right
	} {
		write(t, answer, shout.answer())
		var o options
		var out bytes.Buffer
		if err := o.parse(strings.Fields(args)); err != nil {
			t.Fatal(err)
		}
		if _, err := o.run(t.Context(), &out); err != nil ||
			strings.Count(out.String(), want) != 1 {
			t.Errorf("%q: error %v, expected in it once %q:\n%s", args, err, want, out.String())
		}
	}

	var report bytes.Buffer
	m := marking{root: root, folder: class, chosen: []exercise{shout}}
	if err := mark(t.Context(), &bytes.Buffer{}, &report, m); err != nil ||
		strings.Count(report.String(), want) != 1 {
		t.Errorf("marks: error %v, expected in the report once %q:\n%s", err, want, report.String())
	}
}

// What a reset says fits a terminal, whichever exercise it is.
func TestResetFits(t *testing.T) {
	root := clone(t, t.TempDir())
	t.Chdir(root)
	for _, e := range exercises {
		var out bytes.Buffer
		for range 2 { // nothing to bring back, then an answer that is kept
			if err := reset(&out, root, e); err != nil {
				t.Fatal(err)
			}
			write(t, "package "+e.name+"\n", e.answer())
		}
		for line := range strings.Lines(out.String()) {
			if len(line) > 81 {
				t.Errorf("%s: a line of more than 80 columns:\n%s", e.name, line)
			}
		}
	}
}
