package multiconn

// The programs on two hosts. Two network namespaces stand for two computers:
// each has interfaces, addresses, routes and ports of its own. A veth pair is
// the cable between them.

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"example.com/sockets/02-multiconn/internal/servertest"
	"github.com/google/go-cmp/cmp"
)

// A host is the name of a network namespace.
type host string

func TestTwoHosts(t *testing.T) {
	servertest.OpenSources(t, sources...)
	serverHost, clientHost := joinTwoHosts(t)
	exchanges := []struct {
		name            string
		listen          string // what the server gets as -addr
		says            string // the host in its line "Listening on"
		dial            string // the host that the client connects to
		client          string // the address that the server must see
		conns, messages int
	}{
		{"on the interface's address", "10.65.0.1:0", "10.65.0.1", "10.65.0.1", "10.65.0.2", 2, 2},
		{"on all addresses", ":0", "[::]", "10.65.0.1", "10.65.0.2", 2, 2},
		{"on all addresses, by IPv6", ":0", "[::]", "[fd65::1]", "[fd65::2]", 2, 2},
		{"on the interface's IPv6 address", "[fd65::1]:0", "[fd65::1]", "[fd65::1]", "[fd65::2]", 2,
			2},
		{"15 connections with 20 messages", "10.65.0.1:0", "10.65.0.1", "10.65.0.1", "10.65.0.2",
			15, 20},
	}
	for _, x := range exchanges {
		t.Run(x.name, func(t *testing.T) {
			server := serverHost.start(t, "server", "-addr", x.listen)
			addr := x.dial + ":" + port(t, server, x.says)

			client := clientHost.start(t, "client", "-addr", addr,
				"-conns", strconv.Itoa(x.conns), "-messages", strconv.Itoa(x.messages))
			clientLines := rest(t, client, 0)
			bytes := checkClient(t, clientLines, addr, x.conns, x.messages)

			serverLines := until(t, server, "Closing connection to ", x.conns)
			server.Signal(t, os.Interrupt)
			checkServer(t, serverLines, x.client, x.conns, x.messages)
			stopped := fmt.Sprintf("Stopped; connections served: %d, bytes echoed: %d", x.conns,
				bytes)
			if diff := cmp.Diff([]string{stopped}, rest(t, server, 0)); diff != "" {
				t.Errorf("what the server says after Ctrl-C (- expected, + got):\n%s", diff)
			}
		})
	}

	t.Run("a server on loopback is not there for others", func(t *testing.T) {
		server := serverHost.start(t, "server", "-addr", "127.0.0.1:0")
		port := port(t, server, "127.0.0.1")
		for _, addr := range []string{"10.65.0.1:" + port, "127.0.0.1:" + port} {
			client := clientHost.start(t, "client", "-addr", addr, "-conns", "1", "-messages", "1")
			rest(t, client, 1, addr, "connection refused")
		}
		// It does run: on its own host, a client finds it.
		client := serverHost.start(t, "client", "-addr", "127.0.0.1:"+port, "-conns", "1",
			"-messages", "1")
		rest(t, client, 0)
	})

	t.Run("the cable is pulled and put back", func(t *testing.T) {
		server := serverHost.start(t, "server", "-addr", "10.65.0.1:0")
		addr := "10.65.0.1:" + port(t, server, "10.65.0.1")
		// A stopped server can't answer yet, while its kernel accepts the
		// connection and takes the message. So the echo finds no cable.
		server.Signal(t, syscall.SIGSTOP)
		client := clientHost.start(t, "client", "-addr", addr, "-conns", "1", "-messages", "3")
		clientLines := until(t, client, "Sending ", 1)
		ip(t, "-n", string(serverHost), "link", "set", "eth0", "down")
		server.Signal(t, syscall.SIGCONT)
		serverLines := until(t, server, "Echoing ", 1)
		ip(t, "-n", string(serverHost), "link", "set", "eth0", "up")

		// TCP sends again what was lost, and neither program notices.
		clientLines = append(clientLines, rest(t, client, 0)...)
		checkClient(t, clientLines, addr, 1, 3)
		serverLines = append(serverLines, until(t, server, "Closing connection to ", 1)...)
		checkServer(t, serverLines, "10.65.0.2", 1, 3)
	})

	t.Run("without a cable", func(t *testing.T) {
		server := serverHost.start(t, "server", "-addr", "10.65.0.1:0")
		addr := "10.65.0.1:" + port(t, server, "10.65.0.1")
		ip(t, "-n", string(clientHost), "link", "set", "eth0", "down")
		client := clientHost.start(t, "client", "-addr", addr, "-conns", "1", "-messages", "1")
		rest(t, client, 1, addr, "network is unreachable")
	})
}

// joinTwoHosts makes two hosts on one cable: 10.65.0.1 and fd65::1 for the
// server, 10.65.0.2 and fd65::2 for the client. They are gone after the test.
func joinTwoHosts(t *testing.T) (serverHost, clientHost host) {
	t.Helper()
	cannot := t.Skip
	if os.Getenv("CI") != "" {
		cannot = t.Fatal // continuous integration must run this
	}
	if os.Geteuid() != 0 {
		cannot("only root may make network namespaces")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		cannot("this machine lacks the command ip (iproute2)")
	}
	// The process number keeps apart runs at the same time.
	serverHost = host(fmt.Sprintf("multiconn-%d-server", os.Getpid()))
	clientHost = host(fmt.Sprintf("multiconn-%d-client", os.Getpid()))
	for _, h := range []host{serverHost, clientHost} {
		if out, err := exec.Command("ip", "netns", "add", string(h)).CombinedOutput(); err != nil {
			cannot(fmt.Sprintf("this machine makes no network namespace: %s", out))
		}
		t.Cleanup(func() { ip(t, "netns", "delete", string(h)) })
	}
	ip(t, "link", "add", "eth0", "netns", string(serverHost),
		"type", "veth", "peer", "name", "eth0", "netns", string(clientHost))
	for i, h := range []host{serverHost, clientHost} {
		ip(t, "-n", string(h), "link", "set", "lo", "up")
		ip(t, "-n", string(h), "link", "set", "eth0", "up")
		ip(t, "-n", string(h), "address", "add", fmt.Sprintf("10.65.0.%d/24", i+1), "dev", "eth0")
		// nodad: the address can be used at once, without the search for
		// another host that has it (RFC 4862 section 5.4).
		ip(t, "-n", string(h), "address", "add", fmt.Sprintf("fd65::%d/64", i+1), "dev", "eth0",
			"nodad")
	}
	return serverHost, clientHost
}

// ip runs the command ip, which must succeed.
func ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Errorf("ip %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// start starts a program of ours on the host.
func (h host) start(t *testing.T, program string, args ...string) *servertest.Process {
	t.Helper()
	words := append([]string{"netns", "exec", string(h), servertest.Program(program)}, args...)
	return servertest.StartProcess(t, exec.CommandContext(t.Context(), "ip", words...))
}

// port returns the port of the server's first line.
func port(t *testing.T, server *servertest.Process, listensOn string) string {
	t.Helper()
	line := server.Lines.Next(t)
	port, ok := strings.CutPrefix(line, "Listening on "+listensOn+":")
	if number, err := strconv.Atoi(port); !ok || err != nil || number == 0 {
		t.Fatalf("%s: the first line is %q, expected \"Listening on %s:\" and the port",
			server.Cmd, line, listensOn)
	}
	return port
}

// until returns the lines up to the nth that begins with prefix.
func until(t *testing.T, p *servertest.Process, prefix string, n int) (lines []string) {
	t.Helper()
	for n > 0 {
		line := p.Lines.Next(t)
		if line == "" {
			t.Fatalf("%s ended, with %d lines %q to come; it printed\n%s",
				p.Cmd, n, prefix, strings.Join(lines, "\n"))
		}
		lines = append(lines, line)
		if strings.HasPrefix(line, prefix) {
			n--
		}
	}
	return lines
}

// rest returns the lines up to the end of the program, which must end with
// status and say the words, if any, on standard error, in two lines.
func rest(t *testing.T, p *servertest.Process, status int, words ...string) (lines []string) {
	t.Helper()
	for line := range p.Lines {
		lines = append(lines, line)
	}
	var said []string
	for line := range p.Errors {
		said = append(said, line)
	}
	if got := p.End(t); got != status || len(said) != 2 && words != nil || len(said) != 0 &&
		words == nil {
		t.Errorf("%s ended with status %d, expected %d\n%s\nand said\n%s", p.Cmd, got, status,
			strings.Join(lines, "\n"), strings.Join(said, "\n"))
	}
	for _, word := range words {
		if !strings.Contains(strings.Join(said, "\n"), word) {
			t.Errorf("%s should say %q; it said\n%s", p.Cmd, word, strings.Join(said, "\n"))
		}
	}
	return lines
}

// What one connection did, by the lines of one program. Texts are joined: a
// stream has no borders, so that one line may tell of two messages.
type connectionStory struct {
	Begun, Closed  int
	Sent, Received string
}

var clientLine = regexp.MustCompile(`^(?:(Starting) connection (\d+) to (\S+)|(Closing) connection (\d+)|Sending (".*") to connection (\d+)|Received (".*") from connection (\d+))$`)

// checkClient checks the client's lines, and returns how many bytes came back.
func checkClient(t *testing.T, lines []string, addr string, conns, messages int) (bytes int) {
	t.Helper()
	var all string
	for i := range messages {
		all += fmt.Sprintf("Message %d from client.", i+1)
	}
	expected, got := map[string]connectionStory{}, map[string]connectionStory{}
	for i := range conns {
		expected[strconv.Itoa(i+1)] = connectionStory{1, 1, all, all}
	}
	for _, line := range lines {
		m := clientLine.FindStringSubmatch(line)
		if m == nil || m[1] != "" && m[3] != addr {
			t.Errorf("the client to %s should not print the line %q", addr, line)
			continue
		}
		number := m[2] + m[5] + m[7] + m[9]
		c := got[number]
		if m[1] != "" {
			c.Begun++
		}
		if m[4] != "" {
			c.Closed++
		}
		c.Sent += unquote(t, m[6])
		c.Received += unquote(t, m[8])
		bytes += len(unquote(t, m[8]))
		got[number] = c
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("what the client did, by connection (- expected, + got):\n%s", diff)
	}
	return bytes
}

var serverLine = regexp.MustCompile(`^(?:(Accepted) connection from (\S+)|(Closing) connection to (\S+)|Echoing (".*") to (\S+))$`)

// checkServer checks the server's lines: every connection came from client
// and sent the messages.
func checkServer(t *testing.T, lines []string, client string, conns, messages int) {
	t.Helper()
	var all string
	for i := range messages {
		all += fmt.Sprintf("Message %d from client.", i+1)
	}
	got := map[string]connectionStory{}
	for _, line := range lines {
		m := serverLine.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("the server should not print the line %q", line)
			continue
		}
		from := m[2] + m[4] + m[6]
		c := got[from]
		if m[1] != "" {
			c.Begun++
		}
		if m[3] != "" {
			c.Closed++
		}
		c.Sent += unquote(t, m[5])
		got[from] = c
	}
	if len(got) != conns {
		t.Errorf("the server saw %d connections, expected %d", len(got), conns)
	}
	for from, c := range got {
		if !strings.HasPrefix(from, client+":") {
			t.Errorf("the server saw a client at %s, expected one at %s", from, client)
		}
		if diff := cmp.Diff(connectionStory{Begun: 1, Closed: 1, Sent: all}, c); diff != "" {
			t.Errorf("what the server did for %s (- expected, + got):\n%s", from, diff)
		}
	}
}

// unquote returns the text that a line shows with %q, or "".
func unquote(t *testing.T, quoted string) string {
	t.Helper()
	if quoted == "" {
		return ""
	}
	text, err := strconv.Unquote(quoted)
	if err != nil {
		t.Errorf("the quoted text %s: %v", quoted, err)
	}
	return text
}
