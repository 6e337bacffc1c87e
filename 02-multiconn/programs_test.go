// Package multiconn tests the programs of chapter 2 from outside: as
// processes, with the lines and exit statuses that a reader sees.
package multiconn

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sockets/02-multiconn/messages/message"
	"github.com/google/go-cmp/cmp"
)

var programs = map[string]string{} // folder below 02-multiconn to executable

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "multiconn")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"server", "client", "eventloop", "neverreads", "messages/server", "messages/mistake"} {
		exe := filepath.Join(dir, strings.ReplaceAll(name, "/", "-")+".exe")
		out, err := exec.Command("go", "build", "-o", exe, "./"+name).CombinedOutput()
		if err != nil {
			fmt.Fprintf(os.Stderr, "building %s: %v\n%s", name, err, out)
			return 1
		}
		programs[name] = exe
	}
	return m.Run()
}

// command makes the command for a program of ours.
func command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	if name == "eventloop" && runtime.GOOS == "windows" {
		t.Skip("the event loop is for Linux, macOS and the BSDs")
	}
	cmd := exec.CommandContext(t.Context(), programs[name], args...)
	cmd.WaitDelay = time.Minute
	return cmd
}

// A process runs in the background, and its lines can be waited for.
type process struct {
	cmd    *exec.Cmd
	lines  chan string
	errors chan string // lines of standard error
}

func start(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, lines: make(chan string, 100000), errors: make(chan string, 1000)}
	pass := func(r io.Reader, lines chan string) {
		scanner := bufio.NewScanner(r)
		for scanner.Scan() {
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
	go pass(stdout, p.lines)
	go pass(stderr, p.errors)
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return p
}

// line waits for the next of the lines, or "" at their end.
func line(t *testing.T, lines chan string) string {
	t.Helper()
	select {
	case line := <-lines:
		return line
	case <-time.After(time.Minute):
		t.Fatal("no further line came")
		return ""
	}
}

var listening = regexp.MustCompile(`^Listening on (127\.0\.0\.1:\d+)$`)

// startServer starts a server on a free port and returns its address.
func startServer(t *testing.T, name string, flags ...string) (*process, string) {
	t.Helper()
	args := append([]string{"-addr", "127.0.0.1:0"}, flags...)
	p := start(t, command(t, name, args...))
	first := line(t, p.lines)
	m := listening.FindStringSubmatch(first)
	if m == nil {
		t.Fatalf("the first line of %s is %q", name, first)
	}
	return p, m[1]
}

// signal presses Ctrl-C or sends another signal, and returns the exit status.
func (p *process) signal(t *testing.T, sig os.Signal) int {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("a test can't press Ctrl-C for one process on Windows")
	}
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	return p.wait(t)
}

// wait waits for the end of the process, with its last lines left in p.lines.
func (p *process) wait(t *testing.T) int {
	t.Helper()
	state, err := p.cmd.Process.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return state.ExitCode()
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
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// Go caches a test's result by the files that the test opens. Opening the
// programs' sources makes these tests run again when a program changes.
func openSources(t *testing.T) {
	t.Helper()
	names, err := filepath.Glob("*/*.go")
	if err != nil || len(names) == 0 {
		t.Fatalf("no sources found, error %v", err)
	}
	for _, name := range names {
		if _, err := os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
}

// servers are the programs that keep the same contract, each in its own way.
var servers = []string{"server", "eventloop"}

// The client's messages come back from each server, and the server's last
// line counts them.
func TestClientAndServers(t *testing.T) {
	openSources(t)
	for _, name := range servers {
		t.Run(name, func(t *testing.T) {
			server, addr := startServer(t, name)
			got := runToEnd(t, command(t, "client", "-addr", addr, "-conns", "200", "-messages", "3"))
			got.Stdout = regexp.MustCompile(`time: \S+`).ReplaceAllString(got.Stdout, "time: T")
			want := result{Stdout: "200 of 200 connections are open; sending 3 messages on each\n" +
				"Connections: 200, messages echoed: 600, errors: 0, time: T\n"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error("the client (-want +got):\n" + diff)
			}
			if status := server.signal(t, os.Interrupt); status != 0 {
				t.Errorf("on Ctrl-C the server ended with status %d", status)
			}
			counts := map[string]int{}
			last := ""
			for text := range server.lines {
				last = text
				counts[strings.Fields(text)[0]]++
			}
			if diff := cmp.Diff(map[string]int{"Accepted": 200, "Echoing": 600, "Closing": 200, "Stopped;": 1}, counts); diff != "" {
				t.Error("how many of the server's lines begin with these words (-want +got):\n" + diff)
			}
			if want := "Stopped; connections served: 200, bytes echoed: 13200"; last != want {
				t.Errorf("the server's last line is %q and not %q", last, want)
			}
		})
	}
}

// A server that may open few files serves as many clients as it can, says
// once what is wrong, keeps running, and serves the others when some leave.
func TestOutOfDescriptors(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no limit of this kind")
	}
	openSources(t)
	for _, name := range append(slices.Clone(servers), "messages/server") {
		t.Run(name, func(t *testing.T) {
			request, reply := "hello", "hello"
			if name == "messages/server" {
				request = frame(t, "text/plain", request)
				reply = frame(t, "binary/first-bytes", "First 10 bytes of request: hello")
			}
			limited := command(t, name, "-addr", "127.0.0.1:0", "-quiet")
			sh, err := exec.LookPath("sh")
			if err != nil {
				t.Skip("this machine has no sh")
			}
			// exec, so that the signal goes to the server and not to sh.
			limited.Args = []string{"sh", "-c", "ulimit -n 30; exec " + limited.Path + " -addr 127.0.0.1:0 -quiet"}
			limited.Path = sh
			server := start(t, limited)
			first := line(t, server.lines)
			m := listening.FindStringSubmatch(first)
			if m == nil {
				t.Fatalf("the first line is %q", first)
			}
			conns := make([]net.Conn, 40)
			for i := range conns {
				conn, err := net.Dial("tcp", m[1])
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(time.Minute))
				conns[i] = conn
			}
			trouble := line(t, server.errors)
			if !strings.HasPrefix(trouble, "cannot accept a client on "+m[1]+": ") || !strings.Contains(trouble, "too many open files") {
				t.Errorf("out of file descriptors, the server says %q", trouble)
			}
			// The kernel hands out clients in the order of their arrival.
			ask := func(conn net.Conn) {
				t.Helper()
				got := make([]byte, len(reply))
				conn.Write([]byte(request))
				if n, err := io.ReadFull(conn, got); err != nil || string(got) != reply {
					t.Fatalf("sent %q, got %q back, error: %v", request, got[:n], err)
				}
			}
			for _, conn := range conns[:10] {
				ask(conn)
				conn.Close()
			}
			for _, conn := range conns[10:20] {
				conn.Close()
			}
			for _, conn := range conns[20:] {
				ask(conn)
				conn.Close()
			}
			if status := server.signal(t, os.Interrupt); status != 0 {
				t.Errorf("on Ctrl-C the server ended with status %d", status)
			}
			for more := range server.errors {
				t.Errorf("the server says %q besides", more)
			}
		})
	}
}

// frame returns a message as it goes over the wire.
func frame(t *testing.T, kind, content string) string {
	var b bytes.Buffer
	err := message.Write(&b, message.Message{Type: kind, Encoding: "binary", Content: []byte(content)})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What does not make sense is an error with status 2 and the usage; what
// fails at run time is one line and status 1.
func TestWrongCommands(t *testing.T) {
	openSources(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, test := range []struct {
		program string
		args    []string
		stderr  string // its first line holds this
		status  int
	}{
		{"client", []string{"-conns", "0"}, "invalid value 0 for flag -conns", 2},
		{"client", []string{"-conns", "many"}, `invalid value "many" for flag -conns`, 2},
		{"client", []string{"127.0.0.1"}, `unexpected argument "127.0.0.1"`, 2},
		{"server", []string{"-addr", "65432"}, `invalid value "65432" for flag -addr`, 2},
		{"server", []string{"-max-conns", "-1"}, "invalid value -1 for flag -max-conns", 2},
		{"server", []string{"-no-such-flag"}, "flag provided but not defined: -no-such-flag", 2},
		{"neverreads", []string{"-addr", "65432"}, `invalid value "65432" for flag -addr`, 2},
		{"neverreads", []string{"-addr", "127.0.0.1:1"}, "cannot connect to 127.0.0.1:1: ", 1}, // port 1, tcpmux: nobody listens
		{"messages/mistake", []string{"65432"}, `unexpected argument "65432"`, 2},
		{"eventloop", []string{"-grace", "-1s"}, "invalid value -1s for flag -grace", 2},
		{"eventloop", []string{"-addr", taken.Addr().String()}, "cannot listen on " + taken.Addr().String(), 1},
		{"server", []string{"-addr", taken.Addr().String()}, "cannot listen on " + taken.Addr().String(), 1},
	} {
		got := runToEnd(t, command(t, test.program, test.args...))
		first, rest, _ := strings.Cut(got.Stderr, "\n")
		if got.Status != test.status || !strings.Contains(first, test.stderr) || got.Stdout != "" {
			t.Errorf("%s %q: status %d and not %d; it says %q, expected %q; output %q",
				test.program, test.args, got.Status, test.status, first, test.stderr, got.Stdout)
		}
		if test.status == 1 && rest != "" {
			t.Errorf("%s %q: there is more than one line: %q", test.program, test.args, rest)
		}
	}
}
