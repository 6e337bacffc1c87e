package multiconn

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/sockets/02-multiconn/internal/servertest"
	"github.com/google/go-cmp/cmp"
)

// python makes the command for a program of testdata.
func python(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal("this machine has no python3, and continuous integration installs it")
	} else if err != nil {
		t.Skip("this machine has no python3")
	}
	cmd := exec.CommandContext(t.Context(), python,
		append([]string{filepath.Join("testdata", name)}, args...)...)
	cmd.Env = append(os.Environ(), "PYTHONIOENCODING=utf-8")
	cmd.WaitDelay = time.Minute
	return cmd
}

// A request of the message servers, and what the client prints of the reply.
type exchange struct{ action, value, reply string }

// askGo and askPython send requests with a client each.
func askGo(t *testing.T, addr string, requests ...exchange) servertest.Result {
	var all servertest.Result
	for _, r := range requests {
		got := servertest.Run(t, servertest.Command(t, "messages/client", "-addr", addr, r.action,
			r.value))
		all.Stdout += got.Stdout
		all.Stderr += got.Stderr
		all.Status = max(all.Status, got.Status)
	}
	return all
}

func askPython(t *testing.T, addr string, requests ...exchange) servertest.Result {
	host, port, _ := net.SplitHostPort(addr)
	args := []string{host, port}
	for _, r := range requests {
		args = append(args, r.action, r.value)
	}
	return servertest.Run(t, python(t, "message_client.py", args...))
}

// Go and Python, each with each.
func TestEachClientWithEachServer(t *testing.T) {
	servertest.OpenSources(t, "messages/*/*.go", "internal/*/*.go", "testdata/message_*.py")
	servers := []struct {
		name  string
		start func(t *testing.T) string
		finds func(value string) string // what it finds for a search
	}{
		{"Go", func(t *testing.T) string {
			_, addr := servertest.StartServer(t, "messages/server")
			return addr
		}, func(value string) string {
			if value == "morpheus" {
				return "The god of dreams. 💤"
			}
			return fmt.Sprintf("Nothing found for %.40q.", value)
		}},
		{"Python", func(t *testing.T) string {
			return servertest.StartProcess(t,
				python(t, "message_server.py", "127.0.0.1", "0")).Listening(t)
		}, func(value string) string { return "Python looks for " + value }},
	}
	clients := []struct {
		name   string
		ask    func(*testing.T, string, ...exchange) servertest.Result
		prints string
	}{
		{"Go", askGo, "Received %q\n"},
		{"Python", askPython, "Received %s\n"},
	}
	for _, server := range servers {
		t.Run(server.name+"'s server", func(t *testing.T) {
			t.Parallel()
			addr := server.start(t)
			long := strings.Repeat("long ", 5000)
			for _, client := range clients {
				// Windows takes 32,767 characters on a command line: two lots.
				for _, requests := range [][]exchange{{
					{"search", "morpheus", server.finds("morpheus")},
					{"search", "Grüße, 世界 \"<&>\"", server.finds("Grüße, 世界 \"<&>\"")},
					{"search", "", server.finds("")},
					{"search", long, server.finds(long)},
				}, {
					{"binary", "😃", "First 10 bytes of request: binary😃"},
					{"binary", strings.Repeat("x", 25_000),
						"First 10 bytes of request: binaryxxxx"},
				}} {
					want := servertest.Result{}
					for _, r := range requests {
						want.Stdout += fmt.Sprintf(client.prints, r.reply)
					}
					if diff := cmp.Diff(want, client.ask(t, addr, requests...)); diff != "" {
						t.Errorf("%s's client (-want +got):\n%s", client.name, diff)
					}
				}
			}
		})
	}
}

// The lines that the documentation relies on.
func TestMessageServerLines(t *testing.T) {
	servertest.OpenSources(t, "messages/*/*.go", "internal/*/*.go")
	for _, flag := range []string{"-quiet=false", "-quiet"} {
		server, addr := servertest.StartServer(t, "messages/server", flag)
		askGo(t, addr, exchange{"binary", "!", ""})
		if flag != "-quiet" {
			line := server.Lines.Next(t)
			client, ok := strings.CutPrefix(line, "Accepted connection from ")
			if !ok {
				t.Errorf("the second line is %q", line)
			}
			server.Lines.Expect(t, "Request \"binary!\" from "+client)
			server.Lines.Expect(t, "Closing connection to "+client)
		}
		server.Signal(t, os.Interrupt)
		server.Lines.Expect(t, "Stopped; connections served: 1, requests answered: 1")
		if status := server.End(t); status != 0 {
			t.Errorf("on Ctrl-C the server ended with status %d", status)
		}
	}
}
