// Package messages tests the programs of this folder from outside: as
// processes, with the lines and exit statuses that a reader sees, and with
// their like in Python.
package messages

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var programs = map[string]string{} // folder to executable

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "messages")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"server", "client", "mistake"} {
		exe := filepath.Join(dir, name+".exe")
		out, err := exec.Command("go", "build", "-o", exe, "./"+name).CombinedOutput()
		if err != nil {
			fmt.Fprintf(os.Stderr, "building %s: %v\n%s", name, err, out)
			return 1
		}
		programs[name] = exe
	}
	return m.Run()
}

// command makes the command for a program of ours, or of testdata where the
// name ends in .py.
func command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	exe := programs[name]
	if strings.HasSuffix(name, ".py") {
		python, err := exec.LookPath("python3")
		if err != nil && os.Getenv("CI") != "" {
			t.Fatal("this machine has no python3, and continuous integration installs it")
		} else if err != nil {
			t.Skip("this machine has no python3")
		}
		exe, args = python, append([]string{filepath.Join("..", "testdata", name)}, args...)
	}
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Env = append(os.Environ(), "PYTHONIOENCODING=utf-8")
	cmd.WaitDelay = time.Minute
	return cmd
}

// A process runs in the background, and its lines can be waited for.
type process struct {
	cmd   *exec.Cmd
	lines chan string
}

// line waits for the next line of standard output, or "" at its end.
func (p *process) line(t *testing.T) string {
	t.Helper()
	select {
	case line := <-p.lines:
		return line
	case <-time.After(time.Minute):
		t.Fatalf("%s printed no further line", p.cmd)
		return ""
	}
}

var listening = regexp.MustCompile(`^Listening on (127\.0\.0\.1:\d+)$`)

// startServer starts a server on a free port and returns its address.
func startServer(t *testing.T, name string, flags ...string) (*process, string) {
	t.Helper()
	args := append([]string{"-addr", "127.0.0.1:0"}, flags...)
	if strings.HasSuffix(name, ".py") {
		args = []string{"127.0.0.1", "0"}
	}
	p := &process{command(t, name, args...), make(chan string, 1000)}
	p.cmd.Stderr = os.Stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.cmd.Process.Kill(); p.cmd.Wait() })
	go func() {
		scanner := bufio.NewScanner(stdout)
		for scanner.Scan() {
			p.lines <- scanner.Text()
		}
		close(p.lines)
	}()
	line := p.line(t)
	m := listening.FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("the first line of %s is %q", name, line)
	}
	return p, m[1]
}

// result is what a program that has ended leaves behind.
type result struct {
	Stdout, Stderr string
	Status         int
}

func runToEnd(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		t.Fatalf("%s: %v", cmd, err)
	}
	// Python ends a line as the system does.
	text := strings.ReplaceAll(stdout.String(), "\r\n", "\n")
	return result{text, stderr.String(), cmd.ProcessState.ExitCode()}
}

// Go caches a test's result by the files that the test opens. Opening the
// programs' sources makes these tests run again when a program changes.
func openSources(t *testing.T) {
	t.Helper()
	for _, pattern := range []string{"*/*.go", "../testdata/message_*.py"} {
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

// Go and Python, each with each.
func TestEachClientWithEachServer(t *testing.T) {
	openSources(t)
	// What the server finds for a search, and what it makes of a binary.
	finds := map[string]func(string) string{
		"server": func(value string) string {
			if value == "morpheus" {
				return "The god of dreams. 💤"
			}
			return fmt.Sprintf("Nothing found for %.40q.", value)
		},
		"message_server.py": func(value string) string { return "Python looks for " + value },
	}
	for serverName, find := range finds {
		for _, clientName := range []string{"client", "message_client.py"} {
			t.Run(clientName+" to "+serverName, func(t *testing.T) {
				_, addr := startServer(t, serverName)
				for _, test := range []struct{ action, value, want string }{
					{"search", "morpheus", find("morpheus")},
					{"search", "Grüße, 世界 \"<&>\"", find("Grüße, 世界 \"<&>\"")},
					{"search", "", find("")},
					{"search", strings.Repeat("long ", 5000), find(strings.Repeat("long ", 5000))},
					{"binary", "😃", "First 10 bytes of request: binary😃"},
					{"binary", strings.Repeat("x", 25_000), "First 10 bytes of request: binaryxxxx"},
				} {
					args := []string{"-addr", addr, test.action, test.value}
					want := fmt.Sprintf("Received %q\n", test.want)
					if strings.HasSuffix(clientName, ".py") {
						host, port, _ := net.SplitHostPort(addr)
						args = []string{host, port, test.action, test.value}
						want = fmt.Sprintf("Received %s\n", test.want)
					}
					got := runToEnd(t, command(t, clientName, args...))
					if diff := cmp.Diff(result{want, "", 0}, got); diff != "" {
						t.Errorf("%s %.20q (-want +got):\n%s", test.action, test.value, diff)
					}
				}
			})
		}
	}
}

// The lines that the documentation relies on, and the end by Ctrl-C.
func TestServerLines(t *testing.T) {
	openSources(t)
	if runtime.GOOS == "windows" {
		t.Skip("a test can't press Ctrl-C for one process on Windows")
	}
	for flag, sig := range map[string]os.Signal{"-quiet=false": os.Interrupt, "-quiet": syscall.SIGTERM} {
		t.Run(flag, func(t *testing.T) {
			p, addr := startServer(t, "server", flag)
			runToEnd(t, command(t, "client", "-addr", addr, "binary", "!"))
			if flag != "-quiet" {
				line := p.line(t)
				client, ok := strings.CutPrefix(line, "Accepted connection from ")
				if !ok {
					t.Errorf("the second line is %q", line)
				}
				for _, want := range []string{
					"Request \"binary!\" from " + client,
					"Closing connection to " + client,
				} {
					if got := p.line(t); got != want {
						t.Errorf("the server printed %q and not %q", got, want)
					}
				}
			}
			if err := p.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if got, want := p.line(t), "Stopped; connections served: 1, requests answered: 1"; got != want {
				t.Errorf("the last line is %q and not %q", got, want)
			}
			if err := p.cmd.Wait(); err != nil {
				t.Errorf("after %v the server ended with %v", sig, err)
			}
		})
	}
}

// What goes wrong is one clear line on standard error, and an exit status.
func TestWrongCommands(t *testing.T) {
	openSources(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, test := range []struct {
		command string
		status  int
		stderr  string // how it begins
		advice  string // how it ends, or ""
	}{
		{"server -idle-timeout 0s", 2, `invalid value 0s for flag -idle-timeout: must be `, ""},
		{"server -addr localhost", 2, `invalid value "localhost" for flag -addr: address localhost: missing port`, ""},
		{"server -port 80", 2, `flag provided but not defined: -port`, ""},
		{"server 65432", 2, `unexpected argument "65432": settings are given as flags`, ""},
		{"server -addr " + taken.Addr().String(), 1, `cannot listen on `,
			"; another program has this port: stop it, or take a free port with -addr 127.0.0.1:0\n"},
		{"client", 2, `expected an action and a text, such as: search morpheus; got []`, ""},
		{"client search", 2, `expected an action and a text, such as: search morpheus; got ["search"]`, ""},
		{"client search a b", 2, `expected an action and a text`, ""},
		{"client dance morpheus", 2, `unknown action "dance": the actions are search and binary`, ""},
		{"client search \xff", 2, `cannot search for "\xff": it is not valid UTF-8`, ""},
		{"client -addr 127.0.0.1:99999 search x", 2, `invalid value "127.0.0.1:99999" for flag -addr: `, ""},
		{"client -timeout -1s search x", 2, `invalid value -1s for flag -timeout: must be more than 0`, ""},
		// Port 1, tcpmux: nobody listens there.
		{"client -addr 127.0.0.1:1 search x", 1, "cannot connect to 127.0.0.1:1: ",
			"; is the server running? start it first: go run ./02-multiconn/messages/server\n"},
	} {
		t.Run(test.command, func(t *testing.T) {
			if runtime.GOOS == "windows" && strings.Contains(test.command, "\xff") {
				t.Skip("arguments are UTF-16 on Windows")
			}
			words := strings.Fields(test.command)
			got := runToEnd(t, command(t, words[0], words[1:]...))
			if got.Status != test.status || got.Stdout != "" || !strings.HasPrefix(got.Stderr, test.stderr) || !strings.HasSuffix(got.Stderr, test.advice) {
				t.Errorf("status %d, output %q, errors %q; want status %d and errors that begin %q and end %q",
					got.Status, got.Stdout, got.Stderr, test.status, test.stderr, test.advice)
			}
			usage := strings.Contains(got.Stderr, "Usage of")
			if usage != (test.status == 2) || !usage && strings.Count(got.Stderr, "\n") != 1 {
				t.Errorf("wrong usage shows the flags, a failure is one line; came:\n%s", got.Stderr)
			}
		})
	}
}
