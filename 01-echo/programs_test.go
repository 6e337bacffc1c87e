// Package echo tests the programs of chapter 1 from outside: as processes,
// with the lines and exit statuses that a reader sees, each client with each
// server.
package echo

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
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

var programs = map[string]string{} // folder below 01-echo to executable

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "echo")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"server", "client", "berkeley/server", "berkeley/client"} {
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
		exe, args = python, append([]string{filepath.Join("testdata", name)}, args...)
	}
	if strings.HasPrefix(name, "berkeley/") && runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		t.Skip("the classic calls are for Linux and macOS")
	}
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.WaitDelay = time.Minute
	return cmd
}

// A process runs in the background, and its lines can be waited for.
type process struct {
	cmd    *exec.Cmd
	lines  chan string
	stderr bytes.Buffer
}

func start(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, lines: make(chan string, 1000)}
	cmd.Stderr = &p.stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		scanner := bufio.NewScanner(stdout)
		for scanner.Scan() {
			p.lines <- scanner.Text()
		}
		close(p.lines)
	}()
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return p
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
	p := start(t, command(t, name, args...))
	line := p.line(t)
	m := listening.FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("the first line of %s is %q", name, line)
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

var (
	servers = []string{"server", "berkeley/server", "echo_server.py"}
	clients = []string{"client", "berkeley/client", "echo_client.py"}
)

// Go caches a test's result by the files that the test opens. Opening the
// programs' sources makes these tests run again when a program changes.
func openSources(t *testing.T) {
	t.Helper()
	for _, pattern := range []string{"*/*.go", "*/*/*.go", "testdata/*.py"} {
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

func TestEachClientWithEachServer(t *testing.T) {
	openSources(t)
	for _, serverName := range servers {
		for _, clientName := range clients {
			t.Run(clientName+" to "+serverName, func(t *testing.T) {
				_, addr := startServer(t, serverName)
				for _, message := range []string{"Hello, world", "", "x", "Grüße, 世界", strings.Repeat("long ", 5000)} {
					args := []string{"-addr", addr, "-message", message}
					want := fmt.Sprintf("Received %q\n", message)
					if strings.HasSuffix(clientName, ".py") {
						host, port, _ := net.SplitHostPort(addr)
						args = []string{host, port, message}
						want = fmt.Sprintf("Received %s\n", message)
					}
					cmd := command(t, clientName, args...)
					cmd.Env = append(os.Environ(), "PYTHONIOENCODING=utf-8")
					got := runToEnd(t, cmd)
					if diff := cmp.Diff(result{want, "", 0}, got); diff != "" {
						t.Errorf("%.60s (-want +got):\n%s", cmd, diff)
					}
				}
			})
		}
	}
}

// Standard input comes back byte for byte, with nothing added.
func TestBinary(t *testing.T) {
	message := make([]byte, 100_000)
	for i := range message {
		message[i] = byte(rand.Uint32())
	}
	for _, serverName := range servers {
		for _, clientName := range clients[:2] {
			t.Run(clientName+" to "+serverName, func(t *testing.T) {
				_, addr := startServer(t, serverName)
				cmd := command(t, clientName, "-addr", addr, "-message", "-")
				cmd.Stdin = bytes.NewReader(message)
				got := runToEnd(t, cmd)
				if got.Stdout != string(message) || got.Stderr != "" || got.Status != 0 {
					t.Errorf("sent %d bytes, got %d back, the same: %t; status %d, errors %q",
						len(message), len(got.Stdout), got.Stdout == string(message), got.Status, got.Stderr)
				}
			})
		}
	}
}

// The lines that the documentation relies on.
func TestServerLines(t *testing.T) {
	for _, name := range servers[:2] {
		t.Run(name, func(t *testing.T) {
			p, addr := startServer(t, name)
			runToEnd(t, command(t, "client", "-addr", addr))
			connected := regexp.MustCompile(`^Connected by (127\.0\.0\.1:\d+)$`).FindStringSubmatch(p.line(t))
			if connected == nil {
				t.Fatal("the second line is not \"Connected by\"")
			}
			if got, want := p.line(t), "Closed "+connected[1]+" after 12 bytes"; got != want {
				t.Errorf("the server printed %q and not %q", got, want)
			}
			if status := p.signal(t, os.Interrupt); status != 0 {
				t.Errorf("the exit status after Ctrl-C is %d", status)
			}
			if got, want := p.line(t), "Stopped; clients served: 1, bytes echoed: 12"; got != want {
				t.Errorf("the last line is %q and not %q", got, want)
			}
		})
		t.Run(name+" -quiet", func(t *testing.T) {
			p, addr := startServer(t, name, "-quiet")
			runToEnd(t, command(t, "client", "-addr", addr))
			if status := p.signal(t, syscall.SIGTERM); status != 0 {
				t.Errorf("the exit status after SIGTERM is %d", status)
			}
			if got, want := p.line(t), "Stopped; clients served: 1, bytes echoed: 12"; got != want {
				t.Errorf("the line after the first is %q and not %q", got, want)
			}
		})
	}
}

// Ctrl-C at the server while a client is connected: the server ends at once
// and well, the client says so in one line, and the port is free again.
func TestStopServerInTheMiddle(t *testing.T) {
	for _, name := range servers[:2] {
		t.Run(name, func(t *testing.T) {
			p, addr := startServer(t, name)
			cmd := command(t, "client", "-addr", addr, "-message", "-")
			keyboard, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			client := start(t, cmd)
			io.WriteString(keyboard, "hello\n")
			if got := client.line(t); got != "hello" {
				t.Fatalf("the echo is %q", got)
			}
			if status := p.signal(t, os.Interrupt); status != 0 {
				t.Errorf("the server's exit status is %d", status)
			}
			client.line(t) // the end of its output
			if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 1 {
				t.Errorf("the client ended with %v", err)
			}
			want := addr + " closed the connection before it had everything (6 bytes had come back); " +
				"look at the server's terminal: was it stopped, or did its -idle-timeout pass?\n"
			if diff := cmp.Diff(want, client.stderr.String()); diff != "" {
				t.Errorf("the client's errors (-want +got):\n%s", diff)
			}
			again := start(t, command(t, name, "-addr", addr))
			if got := again.line(t); got != "Listening on "+addr {
				t.Errorf("started again on the same port, the server printed %q", got)
			}
		})
	}
}

func TestStopClientInTheMiddle(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a test can't press Ctrl-C for one process on Windows")
	}
	for _, name := range clients[:2] {
		t.Run(name, func(t *testing.T) {
			_, addr := startServer(t, "server")
			cmd := command(t, name, "-addr", addr, "-message", "-")
			keyboard, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			client := start(t, cmd)
			io.WriteString(keyboard, "hello\n")
			client.line(t)
			cmd.Process.Signal(os.Interrupt)
			client.line(t) // the end of its output
			if err := cmd.Wait(); err != nil {
				t.Errorf("the client ended with %v", err)
			}
			if got := client.stderr.String(); !strings.HasPrefix(got, "Stopped: ") || strings.Count(got, "\n") != 1 {
				t.Errorf("the client's last words are %q", got)
			}
		})
	}
}

// What goes wrong is one clear line on standard error, and an exit status.
func TestWrongCommands(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, kind := range []string{"", "berkeley/"} {
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
			{"server -addr " + taken.Addr().String(), 1, `cannot `,
				"; another program has this port: stop it, or take a free port with -addr 127.0.0.1:0\n"},
			{"client -addr 127.0.0.1:99999", 2, `invalid value "127.0.0.1:99999" for flag -addr: `, ""},
			{"client -timeout -1s", 2, `invalid value -1s for flag -timeout: must be more than 0`, ""},
			{"client hello", 2, `unexpected argument "hello": settings are given as flags`, ""},
			// Port 1, tcpmux: nobody listens there.
			{"client -addr 127.0.0.1:1", 1, "cannot connect to 127.0.0.1:1: ",
				"; is the server running? start it first: go run ./01-echo/" + kind + "server\n"},
		} {
			t.Run(kind+test.command, func(t *testing.T) {
				words := strings.Fields(test.command)
				got := runToEnd(t, command(t, kind+words[0], words[1:]...))
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
}

// A stream of any length goes through in little memory. Continuous
// integration sends 1 GiB.
func TestLongStream(t *testing.T) {
	if testing.Short() {
		t.Skip("the long stream is not sent with -short")
	}
	size := int64(64 << 20)
	if os.Getenv("CI") != "" {
		size = 1 << 30
	}
	const limit = 30 << 10 // kilobytes of memory, for client and server each
	server, addr := startServer(t, "server")
	client := command(t, "client", "-addr", addr, "-message", "-")
	sent := sha256.New()
	received := &sink{Hash: sha256.New(), want: size, all: make(chan struct{})}
	client.Stdout, client.Stderr = received, os.Stderr
	stdin, err := client.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(); err != nil {
		t.Fatal(err)
	}
	random := io.LimitReader(rand.NewChaCha8([32]byte{1}), size)
	if _, err := io.Copy(stdin, io.TeeReader(random, sent)); err != nil {
		t.Fatal(err)
	}
	// Both programs still run: the client waits for more input.
	select {
	case <-received.all:
	case <-time.After(time.Minute):
		t.Fatal("not everything came back")
	}
	clientMemory, known := mostMemory(t, client)
	serverMemory, _ := mostMemory(t, server.cmd)
	stdin.Close()
	if err := client.Wait(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sum(sent), sum(received)); diff != "" {
		t.Errorf("the SHA-256 of %d bytes (-sent +received):\n%s", size, diff)
	}
	if !known {
		t.Skip("how much memory a process used is known on Linux only")
	}
	t.Logf("%d bytes: client %d KB, server %d KB of memory", size, clientMemory, serverMemory)
	if clientMemory > limit || serverMemory > limit {
		t.Errorf("client %d KB, server %d KB of memory: the limit is %d KB", clientMemory, serverMemory, limit)
	}
}

// A sink takes in a stream, and tells when it has as much as it wants.
type sink struct {
	hash.Hash
	want int64
	all  chan struct{}
}

func (s *sink) Write(p []byte) (int, error) {
	s.want -= int64(len(p))
	if s.want == 0 {
		close(s.all)
	}
	return s.Hash.Write(p)
}

// mostMemory returns the most memory that a running process has held, in
// kilobytes: the field VmHWM of proc_pid_status(5). What wait4 reports is of
// no use, since it counts the test's own memory from before the exec.
func mostMemory(t *testing.T, cmd *exec.Cmd) (kilobytes int, known bool) {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0, false
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, field, _ := strings.Cut(string(status), "\nVmHWM:")
	if _, err := fmt.Sscan(field, &kilobytes); err != nil {
		t.Fatal(err)
	}
	return kilobytes, true
}

func sum(h hash.Hash) string { return fmt.Sprintf("%x", h.Sum(nil)) }
