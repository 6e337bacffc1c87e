// Package multiconn tests the programs of chapter 2 from outside: as
// processes, with the lines and exit statuses that a reader sees.
package multiconn

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/sockets/02-multiconn/internal/servertest"
	"example.com/sockets/02-multiconn/messages/message"
	"github.com/google/go-cmp/cmp"
)

// commands are the programs of the chapter.
var commands = []string{"server", "client", "eventloop", "load", "neverreads",
	"messages/server", "messages/client", "messages/mistake"}

func TestMain(m *testing.M) {
	os.Exit(servertest.Build(m, commands...))
}

var sources = []string{"*/*.go", "messages/*/*.go", "internal/*/*.go"}

// servers are the programs that keep the same contract, each in its own way.
var servers = []string{"server", "eventloop"}

// The client's messages come back from each server, and the server's last
// line counts them.
func TestClientAndServers(t *testing.T) {
	servertest.OpenSources(t, sources...)
	for _, name := range servers {
		t.Run(name, func(t *testing.T) {
			server, addr := servertest.StartServer(t, name)
			got := servertest.Run(t, servertest.Command(t, "client", "-addr", addr, "-conns", "200",
				"-messages", "3"))
			got.Stdout = regexp.MustCompile(`time: \S+`).ReplaceAllString(got.Stdout, "time: T")
			want := servertest.Result{Stdout: "200 of 200 connections are open; sending 3 " +
				"messages on each\n" +
				"Connections: 200, messages echoed: 600, errors: 0, time: T\n"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error("the client (-want +got):\n" + diff)
			}
			server.Signal(t, os.Interrupt)
			if status := server.End(t); status != 0 {
				t.Errorf("on Ctrl-C the server ended with status %d", status)
			}
			counts := map[string]int{}
			last := ""
			for text := range server.Lines {
				last = text
				counts[strings.Fields(text)[0]]++
			}
			if diff := cmp.Diff(map[string]int{"Accepted": 200, "Echoing": 600, "Closing": 200,
				"Stopped;": 1}, counts); diff != "" {
				t.Error("how many of the server's lines begin with these words (-want +got):\n" +
					diff)
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
	servertest.OpenSources(t, sources...)
	for _, name := range append(slices.Clone(servers), "messages/server") {
		t.Run(name, func(t *testing.T) {
			request, reply := "hello", "hello"
			if name == "messages/server" {
				request = frame(t, "text/plain", request)
				reply = frame(t, "binary/first-bytes", "First 10 bytes of request: hello")
			}
			limited := servertest.Command(t, name, "-addr", "127.0.0.1:0", "-quiet")
			sh, err := exec.LookPath("sh")
			if err != nil {
				t.Skip("this machine has no sh")
			}
			// exec, so that the signal goes to the server and not to sh.
			limited.Args = []string{"sh", "-c", "ulimit -n 30; exec " + limited.Path +
				" -addr 127.0.0.1:0 -quiet"}
			limited.Path = sh
			server := servertest.StartProcess(t, limited)
			addr := server.Listening(t)
			conns := make([]net.Conn, 40)
			for i := range conns {
				conn, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(time.Minute))
				conns[i] = conn
			}
			trouble := server.Errors.Next(t)
			if !strings.HasPrefix(trouble, "cannot accept a client on "+addr+": ") ||
				!strings.Contains(trouble, "too many open files") {
				t.Errorf("out of file descriptors, the server says %q", trouble)
			}
			server.Errors.Expect(t, "new clients wait in the backlog until connections close")
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
			server.Signal(t, os.Interrupt)
			if status := server.End(t); status != 0 {
				t.Errorf("on Ctrl-C the server ended with status %d", status)
			}
			for more := range server.Errors {
				t.Errorf("the server says %q besides", more)
			}
		})
	}
}

// frame returns a message as it goes over the wire.
func frame(t *testing.T, kind, content string) string {
	var b bytes.Buffer
	err := message.Write(&b, message.Message{Type: kind, Encoding: "binary",
		Content: []byte(content)})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// -h says what a program is for, how it is called, and each flag with its unit.
func TestHelp(t *testing.T) {
	servertest.OpenSources(t, sources...)
	for _, name := range commands {
		got := servertest.Run(t, servertest.Command(t, name, "-h"))
		lines := strings.Split(got.Stdout, "\n")
		if got.Status != 0 || got.Stderr != "" || len(lines) < 4 ||
			!strings.HasSuffix(lines[0], ".") ||
			!strings.HasPrefix(lines[2], "    go run ./02-multiconn/"+name) {
			t.Errorf("%s -h: status %d, errors %q, output\n%s", name, got.Status, got.Stderr,
				got.Stdout)
		}
		if wide := servertest.TooWide(got.Stdout); wide != nil {
			t.Errorf("%s -h is wider than 80 columns:\n%s", name, strings.Join(wide, "\n"))
		}
		if strings.Contains(got.Stdout, "-addr") && !strings.Contains(got.Stdout, "no host means") {
			t.Errorf("%s -h does not say what an address without a host means:\n%s", name,
				got.Stdout)
		}
	}
}

// What goes wrong is said in two lines, what happened and what to try: with
// status 2 where the command line is wrong, and 1 where the program failed.
func TestWrongCommands(t *testing.T) {
	servertest.OpenSources(t, sources...)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	const help = "-h shows the flags\n"
	for _, test := range []struct {
		command string
		status  int
		stderr  string // how it begins
		try     string // its second line ends with this
	}{
		{"client -conns 0", 2, "invalid value 0 for flag -conns: must be from 1 to 65535\n", help},
		{"client -conns many", 2, "invalid value \"many\" for flag -conns: not a whole number\n",
			help},
		{"client -timeout 5", 2, "invalid value \"5\" for flag -timeout: not a duration\n",
			"write a number and its unit, such as 500ms, 10s or 2m; " + help},
		{"client 127.0.0.1", 2, "unexpected argument \"127.0.0.1\": settings are given as flags\n",
			help},
		{"client -addr 127.0.0.1:0", 2,
			"invalid value \"127.0.0.1:0\" for flag -addr: port 0 is for servers alone\n",
			"give the port in the server's line \"Listening on\"; " + help},
		{"client -addr :", 2, "invalid value \":\" for flag -addr: port 0 is for servers alone\n",
			help},
		{"load -size 0", 2, "invalid value 0 for flag -size: ", help},
		{"load -addr ::1", 2,
			"invalid value \"::1\" for flag -addr: an IPv6 address stands in brackets\n",
			"write [::1]:65432; " + help},
		{"server -addr 65432", 2, "invalid value \"65432\" for flag -addr: the host is missing\n",
			"write 127.0.0.1:65432; " + help},
		{"server -addr ::1:65432", 2,
			"invalid value \"::1:65432\" for flag -addr: an IPv6 address stands in brackets\n",
			"write [::1]:65432; " + help},
		{"server -max-conns -1", 2,
			"invalid value -1 for flag -max-conns: must be from 1 to 1000000\n", help},
		{"server -no-such-flag", 2, "flag provided but not defined: -no-such-flag\n", help},
		{"server -addr " + taken.Addr().String(), 1, "cannot listen on " + taken.Addr().String() +
			": ",
			"another program has this port: stop it, or pick a free one: -addr 127.0.0.1:0\n"},
		{"eventloop -grace -1s", 2, "invalid value -1s for flag -grace: must be 0 or more\n", help},
		{"eventloop -addr " + taken.Addr().String(), 1, "cannot listen on " +
			taken.Addr().String() + ": ",
			"another program has this port: stop it, or pick a free one: -addr 127.0.0.1:0\n"},
		{"neverreads -addr localhost", 2,
			"invalid value \"localhost\" for flag -addr: the port is missing\n",
			"write localhost:65432; " + help},
		// tcpmux: nobody listens
		{"neverreads -addr 127.0.0.1:1", 1, "cannot connect to 127.0.0.1:1: ",
			"is the server running? start it first: go run ./02-multiconn/server\n"},
		{"messages/mistake 65432", 2, "unexpected argument \"65432\"", help},
		{"messages/server -idle-timeout -1s", 2,
			"invalid value -1s for flag -idle-timeout: must be 0 or more\n", help},
		{"messages/client", 2, "expected an action and a text, and got 0 arguments\n",
			"an example: search morpheus; " + help},
		{"messages/client search a b", 2, "expected an action and a text, and got 3 arguments\n",
			help},
		{"messages/client dance morpheus", 2,
			"unknown action \"dance\": the actions are search and binary\n", help},
		{"messages/client search \xff", 2, "cannot search for \"\\xff\": it is not valid UTF-8\n",
			help},
		{"messages/client -timeout -1s search x", 2,
			"invalid value -1s for flag -timeout: must be more than 0\n", help},
		{"messages/client -addr 127.0.0.1:1 search x", 1, "cannot connect to 127.0.0.1:1: ",
			"is the server running? start it first: go run ./02-multiconn/messages/server\n"},
	} {
		t.Run(test.command, func(t *testing.T) {
			if runtime.GOOS == "windows" && strings.Contains(test.command, "\xff") {
				t.Skip("arguments are UTF-16 on Windows")
			}
			words := strings.Fields(test.command)
			got := servertest.Run(t, servertest.Command(t, words[0], words[1:]...))
			if got.Status != test.status || got.Stdout != "" ||
				!strings.HasPrefix(got.Stderr, test.stderr) ||
				!strings.HasSuffix(got.Stderr, test.try) || strings.Count(got.Stderr, "\n") != 2 {
				t.Errorf("status %d, output %q, errors\n%s\nwant status %d and two lines that "+
					"begin\n%s\nand end\n%s",
					got.Status, got.Stdout, got.Stderr, test.status, test.stderr, test.try)
			}
			if wide := servertest.TooWide(got.Stderr); wide != nil {
				t.Errorf("wider than 80 columns:\n%s", strings.Join(wide, "\n"))
			}
		})
	}
}

// A client that Ctrl-C ends before it is done says so, without an error, and
// its exit status is 1.
func TestStopClients(t *testing.T) {
	servertest.OpenSources(t, sources...)
	for _, test := range []struct{ command, last string }{
		{"client -conns 1 -messages 1", "Stopped; messages echoed: 0"},
		{"load -conns 1 -for 1h -quiet", "Stopped before the 1h0m0s were over"},
		{"messages/client search x", "Stopped before the reply had come"},
	} {
		for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
			t.Run(test.command+" "+sig.String(), func(t *testing.T) {
				came := make(chan bool, 1)
				addr := servertest.Serve(t, "no such code", func(conn *net.TCPConn) {
					io.ReadFull(conn, make([]byte, 1))
					came <- true // it is in the middle
					servertest.Silence(conn)
				})
				words := strings.Fields(test.command)
				client := servertest.StartProcess(t, servertest.Command(t, words[0],
					append([]string{"-addr", addr, "-timeout", "1h"}, words[1:]...)...))
				<-came
				client.Signal(t, sig)
				last := ""
				for line := range client.Lines {
					last = line
				}
				for line := range client.Errors {
					t.Errorf("it says %q on standard error", line)
				}
				if status := client.End(t); status != 1 || last != test.last {
					t.Errorf("status %d, last line %q", status, last)
				}
			})
		}
	}
}

// A server that waits for a client to read says so, and ends with the second
// Ctrl-C at once.
func TestSecondInterrupt(t *testing.T) {
	servertest.OpenSources(t, sources...)
	for _, name := range servers {
		t.Run(name, func(t *testing.T) {
			server, addr := servertest.StartServer(t, name, "-quiet", "-grace", "1h")
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			servertest.Fill(t, conn.(*net.TCPConn))
			server.Signal(t, os.Interrupt)
			server.Lines.Expect(t,
				"Stopping; waiting for clients: 1, for 1h0m0s at most; Ctrl-C again ends at once")
			server.Signal(t, os.Interrupt)
			server.Errors.Expect(t, "Ended at once")
			if status := server.End(t); status != 1 {
				t.Errorf("ended before its time, the server has status %d", status)
			}
		})
	}
}

// What can't be printed is said, and is not taken for success.
func TestOutputFails(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no /dev/full")
	}
	defer full.Close()
	servertest.OpenSources(t, sources...)
	addr := servertest.Serve(t, "no such code", servertest.Echo)
	for _, command := range []string{"client -addr " + addr, "load -for 10ms -conns 1 -addr " +
		addr,
		"messages/mistake", "client -h"} {
		words := strings.Fields(command)
		cmd := servertest.Command(t, words[0], words[1:]...)
		cmd.Stdout = full
		got := servertest.Run(t, cmd)
		want := servertest.Result{Status: 1,
			Stderr: "cannot write to standard output: no space left on device\n" +
				"is the disk full, or has the program that reads it ended?\n"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s > /dev/full (-want +got):\n%s", command, diff)
		}
	}
}

// A server that listens on a name says which address it took.
func TestListenOnName(t *testing.T) {
	servertest.OpenSources(t, sources...)
	for _, name := range append(slices.Clone(servers), "messages/server") {
		t.Run(name, func(t *testing.T) {
			server := servertest.StartProcess(t,
				servertest.Command(t, name, "-addr", "localhost:0"))
			host, _, err := net.SplitHostPort(strings.TrimPrefix(server.Lines.Next(t),
				"Listening on "))
			if err != nil {
				t.Fatal(err)
			}
			server.Lines.Expect(t, "Of the addresses of localhost this server has "+host+" alone")
		})
	}
}
