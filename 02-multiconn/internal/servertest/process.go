package servertest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

var programs string // the folder of those that Build has built

// Build builds the programs of the working directory's subfolders, runs the
// tests, and returns the exit status.
func Build(m *testing.M, folders ...string) int {
	dir, err := os.MkdirTemp("", "programs")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	byParent := map[string][]string{} // two programs may have one name
	for _, folder := range folders {
		parent := filepath.Join(dir, filepath.Dir(folder))
		byParent[parent] = append(byParent[parent], "./"+folder)
	}
	for parent, packages := range byParent {
		args := append([]string{"build", "-o", parent + string(filepath.Separator)}, packages...)
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building %s: %v\n%s", packages, err, out)
			return 1
		}
	}
	programs = dir
	return m.Run()
}

// Program returns the executable that Build made of a folder.
func Program(folder string) string {
	name := filepath.Join(programs, filepath.FromSlash(folder))
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return name
}

// Command makes the command for a program that Build has built.
func Command(t testing.TB, folder string, args ...string) *exec.Cmd {
	t.Helper()
	if folder == "eventloop" && runtime.GOOS == "windows" {
		t.Skip("the event loop is for Linux, macOS and the BSDs")
	}
	cmd := exec.CommandContext(t.Context(), Program(folder), args...)
	cmd.WaitDelay = patience
	return cmd
}

// OpenSources opens the files of the patterns. Go caches a test's result by
// the files that it opens: so it runs again when a program has changed.
func OpenSources(t testing.TB, patterns ...string) {
	t.Helper()
	for _, pattern := range patterns {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("no sources match %s, error %v", pattern, err)
		}
		for _, name := range names {
			if _, err := os.ReadFile(name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A Process runs in the background.
type Process struct {
	Cmd    *exec.Cmd
	Lines  Lines // of standard output
	Errors Lines // of standard error
}

// StartProcess starts cmd. When the test ends it is killed.
func StartProcess(t testing.TB, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{cmd, NewLines(), NewLines()}
	pass := func(r io.Reader, lines Lines) {
		for scanner := bufio.NewScanner(r); scanner.Scan(); {
			lines <- scanner.Text()
		}
		close(lines)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go pass(stdout, p.Lines)
	go pass(stderr, p.Errors)
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Process.Wait() })
	return p
}

var listening = regexp.MustCompile(`^Listening on (127\.0\.0\.1:\d+)$`)

// Listening waits for a server's first line, and returns its address.
func (p *Process) Listening(t testing.TB) string {
	t.Helper()
	first := p.Lines.Next(t)
	m := listening.FindStringSubmatch(first)
	if m == nil {
		t.Fatalf("the first line of %s is %q", p.Cmd, first)
	}
	return m[1]
}

// StartServer starts a server on a free port and returns its address.
func StartServer(t testing.TB, folder string, flags ...string) (*Process, string) {
	t.Helper()
	p := StartProcess(t, Command(t, folder, append([]string{"-addr", "127.0.0.1:0"}, flags...)...))
	return p, p.Listening(t)
}

// Signal presses Ctrl-C or sends another signal.
func (p *Process) Signal(t testing.TB, sig os.Signal) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("a test can't press Ctrl-C for one process on Windows")
	}
	if err := p.Cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// End waits for the end of the process and returns its exit status, or -1
// where a signal killed it. Lines and Errors keep what it printed.
func (p *Process) End(t testing.TB) int {
	t.Helper()
	defer time.AfterFunc(patience, func() {
		t.Errorf("%s does not end", p.Cmd)
		p.Cmd.Process.Kill()
	}).Stop()
	state, err := p.Cmd.Process.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return state.ExitCode()
}

// A Result is what a program that has ended leaves behind.
type Result struct {
	Stdout, Stderr string
	Status         int
}

// Run runs cmd to its end.
func Run(t testing.TB, cmd *exec.Cmd) Result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &stdout
	}
	cmd.Stderr = &stderr
	err := cmd.Run()
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		t.Fatalf("%s: %v", cmd, err)
	}
	// Python ends a line as the system does.
	text := strings.ReplaceAll(stdout.String(), "\r\n", "\n")
	return Result{text, stderr.String(), cmd.ProcessState.ExitCode()}
}

// TooWide returns the lines of text that do not fit 80 columns. Package flag
// sets its texts behind four spaces and a tab, at column 8.
func TooWide(text string) (lines []string) {
	for line := range strings.Lines(text) {
		line = strings.ReplaceAll(strings.TrimSuffix(line, "\n"), "    \t", "        ")
		if len([]rune(line)) > 80 {
			lines = append(lines, line)
		}
	}
	return lines
}
