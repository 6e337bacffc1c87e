// Package echo tests the programs of chapter 1 from outside: as processes,
// with the lines and exit statuses that a reader sees, each client with each
// server.
package echo

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
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
	for _, name := range []string{"server", "client", "berkeley/server", "berkeley/client",
		"smallest/server", "smallest/client", "udp/server", "udp/client"} {
		exe := filepath.Join(dir, strings.ReplaceAll(name, "/", "-")+".exe")
		overlay, err := withAddress(dir, name)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		out, err := exec.Command("go", "build", "-overlay", overlay, "-o", exe,
			"./"+name).CombinedOutput()
		if err != nil {
			fmt.Fprintf(os.Stderr, "building %s: %v\n%s", name, err, out)
			return 1
		}
		programs[name] = exe
	}
	return m.Run()
}

// withAddress lets a smallest program take its address from the environment,
// since tests that run at the same time can't share one port. It returns the
// overlay with which to build the program; all others are built as they are.
func withAddress(dir, name string) (overlay string, err error) {
	replace := map[string]string{}
	if strings.HasPrefix(name, "smallest/") {
		file, err := filepath.Abs(filepath.Join(filepath.FromSlash(name), "main.go"))
		if err != nil {
			return "", err
		}
		source, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		const address = `"127.0.0.1:65432"`
		if strings.Count(string(source), address) != 1 {
			return "", fmt.Errorf("%s does not have the address %s once", file, address)
		}
		changed := filepath.Join(dir, strings.ReplaceAll(name, "/", "-")+".go")
		replace[file] = changed
		source = []byte(strings.Replace(string(source), address, `os.Getenv("ECHO_ADDR")`, 1))
		if err := os.WriteFile(changed, source, 0o600); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o600)
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
	if strings.HasPrefix(name, "smallest/") {
		for i, arg := range args[:max(0, len(args)-1)] {
			if arg == "-addr" {
				cmd.Env = append(os.Environ(), "ECHO_ADDR="+args[i+1])
			}
		}
	}
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
	for _, serverName := range append(servers, "smallest/server") {
		for _, clientName := range append(clients, "smallest/client") {
			t.Run(clientName+" to "+serverName, func(t *testing.T) {
				t.Parallel()
				messages := []string{"Hello, world", "", "x", "Grüße, 世界",
					strings.Repeat("long ", 5000)}
				if strings.HasPrefix(serverName, "smallest/") {
					messages = []string{"Hello, world", "x", "Grüße, 世界"} // of one Read
				}
				if strings.HasPrefix(clientName, "smallest/") {
					messages = messages[:1] // it has no other
				}
				var addr string
				for i, message := range messages {
					// which serves one client
					if i == 0 || strings.HasPrefix(serverName, "smallest/") {
						_, addr = startServer(t, serverName)
					}
					args := []string{"-addr", addr, "-message", message}
					want := fmt.Sprintf("Received %q\n", message)
					if strings.HasSuffix(clientName, ".py") {
						host, port, _ := net.SplitHostPort(addr)
						args = []string{host, port, message}
						want = fmt.Sprintf("Received %s\n", message)
					}
					cmd := command(t, clientName, args...)
					cmd.Env = append(cmd.Environ(), "PYTHONIOENCODING=utf-8")
					got := runToEnd(t, cmd)
					if diff := cmp.Diff(result{want, "", 0}, got); diff != "" {
						t.Errorf("%.60s (-want +got):\n%s", cmd, diff)
					}
				}
			})
		}
	}
}

// What the smallest programs leave out, and the page shows.
func TestSmallestLeaveOut(t *testing.T) {
	t.Run("a server after one Read", func(t *testing.T) {
		_, addr := startServer(t, "smallest/server")
		cmd := command(t, "client", "-addr", addr, "-message", "-")
		keyboard, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		client := start(t, cmd)
		io.WriteString(keyboard, "first\n")
		if got := client.line(t); got != "first" {
			t.Errorf("the echo is %q", got)
		}
		client.line(t) // the end of its output, though the input goes on
		cmd.Wait()
		want := addr + " hung up before it had everything; 6 bytes had come back\n"
		if got := client.stderr.String(); !strings.HasPrefix(got, want) {
			t.Errorf("the client says %q and not %q", got, want)
		}
	})
	t.Run("an error ends the server", func(t *testing.T) {
		server, addr := startServer(t, "smallest/server")
		got := runToEnd(t, command(t, "client", "-addr", addr, "-message", ""))
		if diff := cmp.Diff(result{"Received \"\"\n", "", 0}, got); diff != "" {
			t.Errorf("the client (-want +got):\n%s", diff)
		}
		server.line(t) // the end of its output
		server.cmd.Wait()
		if got := server.stderr.String(); got != "EOF\n" ||
			server.cmd.ProcessState.ExitCode() != 1 {
			t.Errorf("the server said %q, %s", got, server.cmd.ProcessState)
		}
	})
	t.Run("nobody listens", func(t *testing.T) {
		got := runToEnd(t, command(t, "smallest/client", "-addr", "127.0.0.1:1"))
		if got.Status != 1 || !strings.HasPrefix(got.Stderr, "dial tcp 127.0.0.1:1: ") ||
			got.Stdout != "" {
			t.Errorf("the client left behind %+v", got)
		}
	})
}

func TestUDP(t *testing.T) {
	server, addr := startServer(t, "udp/server")
	got := runToEnd(t, command(t, "udp/client", "-addr", addr, "-times", "2"))
	if diff := cmp.Diff(result{strings.Repeat("Received \"Hello, world\"\n", 2), "", 0},
		got); diff != "" {
		t.Errorf("the client (-want +got):\n%s", diff)
	}
	received := regexp.MustCompile(`^Received 12 bytes from 127\.0\.0\.1:\d+$`)
	for range 2 {
		if got := server.line(t); !received.MatchString(got) {
			t.Errorf("the server printed %q", got)
		}
	}
	if status := server.signal(t, os.Interrupt); status != 0 {
		t.Errorf("the exit status after Ctrl-C is %d", status)
	}
	if got, want := server.line(t),
		"Stopped; datagrams received: 2, bytes echoed: 24"; got != want {
		t.Errorf("the last line is %q and not %q", got, want)
	}
}

// A port of TCP and one of UDP are two, though they have one number.
func TestPortsApart(t *testing.T) {
	_, addr := startServer(t, "server")
	p := start(t, command(t, "udp/server", "-addr", addr))
	if got := p.line(t); got != "Listening on "+addr {
		t.Skip("another program has the UDP port")
	}
	for _, name := range []string{"client", "udp/client"} {
		got := runToEnd(t, command(t, name, "-addr", addr))
		if diff := cmp.Diff(result{"Received \"Hello, world\"\n", "", 0}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
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
						len(message), len(got.Stdout), got.Stdout == string(message), got.Status,
						got.Stderr)
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
			want := addr + " hung up before it had everything; 6 bytes had come back\n" +
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
			if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 1 {
				t.Errorf("the client ended with %v; its exchange was not finished", err)
			}
			if diff := cmp.Diff("Stopped after 6 bytes had come back\n",
				client.stderr.String()); diff != "" {
				t.Errorf("the client's last words (-want +got):\n%s", diff)
			}
		})
	}
}

// Ctrl-C while a client waits for an echo that never comes, before it has
// printed anything.
func TestStopUDPClient(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a test can't press Ctrl-C for one process on Windows")
	}
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	client := start(t, command(t, "udp/client", "-addr", silent.LocalAddr().String(), "-timeout",
		"1m"))
	silent.SetReadDeadline(time.Now().Add(time.Minute)) // a safety net
	if _, _, err := silent.ReadFrom(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	client.cmd.Process.Signal(os.Interrupt)
	client.line(t) // the end of its output
	if err := client.cmd.Wait(); client.cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("the client ended with %v", err)
	}
	if diff := cmp.Diff("Stopped after 0 of 1 datagrams had come back\n",
		client.stderr.String()); diff != "" {
		t.Errorf("the client's last words (-want +got):\n%s", diff)
	}
}

// The second Ctrl-C ends a client that waits for its own output, which nobody
// reads: there the first one can't wake it.
func TestSecondCtrlC(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a test can't press Ctrl-C for one process on Windows")
	}
	_, addr := startServer(t, "server", "-idle-timeout", "10m")
	cmd := command(t, "client", "-addr", addr, "-message", "-")
	cmd.Stdin = zeros{} // without an end
	screen, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(screen, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		cmd.Process.Wait()
		close(ended)
	}()
	// Whether the first one has been heard is not to be seen: press on.
	for deadline := time.Now().Add(20 * time.Second); ; runtime.Gosched() {
		select {
		case <-ended:
			return
		default:
		}
		if time.Now().After(deadline) {
			cmd.Process.Kill()
			t.Fatal("Ctrl-C does not end the client")
		}
		cmd.Process.Signal(os.Interrupt)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// Output that can't be written is said, and is not blamed on the network.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no /dev/full:", err)
	}
	defer full.Close()
	want := "cannot write the output: write /dev/stdout: no space left on device\n" +
		"is the disk full, or has the program that reads the output ended?\n"
	for _, name := range []string{"server", "berkeley/server", "udp/server",
		"client", "client -message -", "berkeley/client", "berkeley/client -message -",
		"udp/client"} {
		t.Run(name, func(t *testing.T) {
			addr := "127.0.0.1:0"
			words := strings.Fields(name)
			if words[0] == "udp/client" {
				_, addr = startServer(t, "udp/server")
			} else if strings.HasSuffix(words[0], "client") {
				_, addr = startServer(t, "server")
			}
			cmd := command(t, words[0], append([]string{"-addr", addr}, words[1:]...)...)
			var stderr bytes.Buffer
			cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader("hello"), full, &stderr
			cmd.Run()
			if diff := cmp.Diff(want, stderr.String()); diff != "" ||
				cmd.ProcessState.ExitCode() != 1 {
				t.Errorf("%s (-want +got):\n%s", cmd.ProcessState, diff)
			}
		})
	}
}

// -h says what the program does, how it is called, and each flag.
func TestHelp(t *testing.T) {
	for name := range programs {
		if strings.HasPrefix(name, "smallest/") {
			continue // it has no flags
		}
		t.Run(name, func(t *testing.T) {
			got := runToEnd(t, command(t, name, "-h"))
			if got.Status != 0 || got.Stderr != "" ||
				!strings.HasPrefix(got.Stdout, "The echo ") ||
				!strings.Contains(got.Stdout, "\n\n    go run ./01-echo/"+name+" [flags]\n\n") {
				t.Errorf("the program left behind %+v", got)
			}
			for line := range strings.Lines(got.Stdout) {
				if width := len(strings.ReplaceAll(line, "\t", "    ")); width > 81 {
					t.Errorf("%d columns: %s", width-1, line)
				}
			}
		})
	}
}

// What goes wrong is said in two lines on standard error, what happened and
// what to try, and in the exit status.
func TestWrongCommands(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	const help = "-h shows the flags\n"
	for _, kind := range []string{"", "berkeley/", "udp/"} {
		start := "start it first: go run ./01-echo/" + kind + "server\n"
		for _, test := range []struct {
			command string
			status  int
			stderr  string // how it begins
			advice  string // how it ends
		}{
			{"server -idle-timeout 0s", 2,
				`invalid value "0s" for flag -idle-timeout: must be more than 0`, help},
			{"server -idle-timeout 5", 2,
				`invalid value "5" for flag -idle-timeout: write it as 500ms, 10s or 2m`, help},
			{"server -buffer 0", 2, `invalid value 0 for flag -buffer: must be from 1 to `, help},
			{"server -addr localhost", 2,
				`invalid value "localhost" for flag -addr: the port is missing`, help},
			{"server -port 80", 2, `flag provided but not defined: -port`, help},
			{"server 65432", 2, `unexpected argument "65432": settings are given as flags`, help},
			{"server -addr " + taken.Addr().String(), 1, `cannot `,
				"\nanother program has this port: stop it, or add -addr 127.0.0.1:0\n"},
			{"client -addr 127.0.0.1:99999", 2, `invalid value "127.0.0.1:99999" for flag -addr: `,
				help},
			{"client -addr 127.0.0.1:0", 2,
				`invalid value "127.0.0.1:0" for flag -addr: port 0 is for servers: `, help},
			{"client -timeout -1s", 2, `invalid value "-1s" for flag -timeout: must be more than 0`,
				help},
			{"client hello", 2, `unexpected argument "hello": settings are given as flags`, help},
			// Port 1, tcpmux: nobody listens there.
			{"client -addr 127.0.0.1:1", 1, "cannot ", "\nis the server running? " + start},
		} {
			t.Run(kind+test.command, func(t *testing.T) {
				switch words := strings.Fields(test.command); {
				case kind == "udp/" && (words[1] == "-idle-timeout" || test.status == 1 &&
					words[0] == "server"):
					t.Skip("not over UDP")
				case kind == "udp/" && test.status == 1 && runtime.GOOS == "windows":
					t.Skip("on Windows nobody says that nobody listens")
				case kind == "berkeley/" && words[1] == "-buffer":
					t.Skip("the classic server has no such flag")
				}
				words := strings.Fields(test.command)
				got := runToEnd(t, command(t, kind+words[0], words[1:]...))
				if got.Status != test.status || got.Stdout != "" ||
					!strings.HasPrefix(got.Stderr, test.stderr) ||
					!strings.HasSuffix(got.Stderr, test.advice) {
					t.Errorf("status %d, output %q, errors %q; want status %d and errors that "+
						"begin %q and end %q",
						got.Status, got.Stdout, got.Stderr, test.status, test.stderr, test.advice)
				}
				for line := range strings.Lines(got.Stderr) {
					if len(line) > 81 {
						t.Errorf("%d columns: %s", len(line)-1, line)
					}
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
		t.Errorf("client %d KB, server %d KB of memory: the limit is %d KB", clientMemory,
			serverMemory, limit)
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
