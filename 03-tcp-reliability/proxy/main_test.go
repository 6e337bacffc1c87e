package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestControl(t *testing.T) {
	t.Parallel()
	p := startProxy(t, echoServer(t), func(o *options) { o.control = "127.0.0.1:0" })
	_, rest, _ := strings.Cut(p.text(), "Conditions at ")
	url, _, _ := strings.Cut(rest, "\n")
	ask := func(method, body string, header map[string]string) (int, string) {
		r, err := http.NewRequest(method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		for k, v := range header {
			r.Header.Set(k, v)
			if k == "Host" {
				r.Host = v
			}
		}
		transport := &http.Transport{DisableKeepAlives: true}
		answer, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		b, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, strings.TrimSpace(string(b))
	}
	open := dial(t, p.addr)
	const off = `{"burst":0,"corrupt":0,"delay":"1ms","drop":"","duplicate":0,"jitter":"0s",` +
		`"loss":0,"only":"","queue":20,"rate":0,"reorder":0,"seed":1,"spare":""}`
	const local = "this address is for programs on this computer alone"
	const notJSON = "the body must be JSON, with the header Content-Type: application/json"
	for _, test := range []struct {
		method, body string
		header       map[string]string
		status       int
		answer       string
	}{
		{"GET", "", nil, 200, off},
		{"PATCH", `{"loss": 0.05, "drop": "up:100000"}`, nil, 200,
			strings.NewReplacer(`"loss":0`, `"loss":0.05`, `"drop":""`,
				`"drop":"up:100000"`).Replace(off)},
		{"PATCH", `{"loss": 2}`, nil, 400,
			`invalid value "2" for loss: must be a number from 0 to 1, such as 0.2`},
		{"PATCH", `{"lost": 0.1}`, nil, 400, `unknown condition "lost"`},
		{"PATCH", `{"seed": 2}`, nil, 400, "the seed can't be changed: the random streams go on"},
		{"PATCH", `hello`, nil, 400,
			"the body is no JSON object: invalid character 'h' looking for beginning of value"},
		{"PUT", `null`, nil, 400,
			"the body is no JSON object: null"},
		{"PUT", `{"loss": 0.1} {`, nil, 400,
			"the body is no JSON object: more follows it"},
		{"PUT", `{"delay": "1ms"}`, nil, 200, off},
		{"PUT", `{}`, map[string]string{"Content-Type": "text/plain"}, 415, notJSON},
		{"PUT", `{}`, map[string]string{"Origin": "http://example.com"}, 403, local},
		{"PUT", `{}`, map[string]string{"Host": "example.com"}, 403, local},
		{"DELETE", "", nil, 405, "Method Not Allowed"},
	} {
		status, answer := ask(test.method, test.body, test.header)
		if diff := cmp.Diff(test.answer, answer); status != test.status || diff != "" {
			t.Errorf("%s %s %v: status %d and not %d, answer (-want +got):\n%s",
				test.method, test.body, test.header, status, test.status, diff)
		}
	}
	if got, err := exchange(open, []byte("hello")); string(got) != "hello" {
		t.Errorf("the connection that was open: %q, error %v", got, err)
	}
}

// The first lines say what a run takes to be repeated.
func TestFirstLines(t *testing.T) {
	for flags, want := range map[string]string{
		"-loss 0.1": "over a network with -loss 0.1 -delay 10ms -seed 1\n",
		"-rto-min 70ms -mtu 600 -rack=false": "over a network with -delay 10ms -seed 1\n" +
			"between two ends of TCP with -mtu=600 -rack=false -rto-min=70ms\n",
	} {
		o, err := parse(strings.Fields(flags+" -listen 127.0.0.1:0"), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var out bytes.Buffer
		if err := o.run(ctx, &out, io.Discard, false); err != nil {
			t.Fatal(err)
		}
		_, got, _ := strings.Cut(out.String(), ", forwarding to 127.0.0.1:65432\n")
		got, _, _ = strings.Cut(got, "Stopped")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", flags, diff)
		}
	}
}

// What makes no sense has status 2, what fails at run time 1. What is wrong
// stands on one line, what to try on the next, and both fit a terminal.
func TestWrongCommands(t *testing.T) {
	t.Parallel()
	exe := proxyProgram(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for args, test := range map[string]struct {
		status int
		stderr string
	}{
		"-network sctp":                    {2, `invalid value "sctp" for flag -network`},
		"-listen 9000":                     {2, `invalid value "9000" for flag -listen`},
		"-target :65432":                   {2, `invalid value ":65432" for flag -target`},
		"-control 0.0.0.0:8475":            {2, "must be a loopback address"},
		"-loss 2":                          {2, `invalid value "2" for flag -loss`},
		"-view film":                       {2, `invalid value "film" for flag -view`},
		"-mtu 1":                           {2, "invalid value 1 for flag -mtu"},
		"-max-conns 0":                     {2, "invalid value 0 for flag -max-conns"},
		"-network udp -mtu 1000":           {2, "flag -mtu means nothing to -network udp"},
		"hello":                            {2, `unexpected argument "hello"`},
		"-pcap /no/such/folder/name":       {1, "cannot write the captures: "},
		"-rto-min 2s":                      {2, "invalid value 1s for flag -rto-max"},
		"-network udp -nagle":              {2, "flag -nagle means nothing to -network udp"},
		"-listen " + taken.Addr().String(): {1, "cannot listen on " + taken.Addr().String()},
	} {
		cmd := asProxy(exec.Command(exe, strings.Fields(args)...))
		out, _ := cmd.CombinedOutput()
		first, _, _ := strings.Cut(string(out), "\n")
		for line := range strings.Lines(string(out)) {
			if len(strings.TrimSuffix(line, "\n")) > 80 {
				t.Errorf("%s: a line of %d columns: %s", args, len(line)-1, line)
			}
		}
		if status := cmd.ProcessState.ExitCode(); status != test.status ||
			strings.Count(string(out), "\n") > 3 || !strings.Contains(string(out), test.stderr) {
			t.Errorf("%s: status %d and not %d, the first line is\n%s\nand not\n%s",
				args, status, test.status, first, test.stderr)
		}
	}
}
