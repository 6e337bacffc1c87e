package cli

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What is not understood is answered with how to write it.
func TestAddresses(t *testing.T) {
	for _, test := range []struct{ addr, server, client string }{ // the objections, or ""
		{"127.0.0.1:65432", "", ""},
		{"[::1]:65432", "", ""},
		{"localhost:http", "", ""},
		{":8080", "", ""},
		{"127.0.0.1:0", "",
			`port 0 is for servers: give the port of the server's line "Listening on"`},
		{"localhost", "the port is missing: write localhost:65432", "same"},
		{"localhost:", "the port is missing: write localhost:65432", "same"},
		{"[::1]", "the port is missing: write [::1]:65432", "same"},
		{"65432", "the host is missing: write 127.0.0.1:65432", "same"},
		{"::1:65432", "an IPv6 address stands in brackets: [::1]:65432", "same"},
		{"::1:80", "an IPv6 address stands in brackets: [::1]:80", "same"},
		{"fe80::1%eth0", "an IPv6 address stands in brackets: [fe80::1%eth0]:65432", "same"},
		{"127.0.0.1:99999", `"99999" is no port: ports are numbers up to 65535`, "same"},
		{"a:b:c", "write host:port, such as 127.0.0.1:65432", "same"},
		{":", "write host:port, such as 127.0.0.1:65432", "same"},
		{"", "write host:port, such as 127.0.0.1:65432", "same"},
	} {
		if test.client == "same" {
			test.client = test.server
		}
		got := []string{objection(new(ListenAddr).Set(test.addr)),
			objection(new(DialAddr).Set(test.addr))}
		if diff := cmp.Diff([]string{test.server, test.client}, got); diff != "" {
			t.Errorf("-addr %q, server and client (-want +got):\n%s", test.addr, diff)
		}
	}
}

func objection(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestDuration(t *testing.T) {
	for text, want := range map[string]string{
		"500ms": "", "2m": "", "1ns": "",
		"5":   "write it as 500ms, 10s or 2m",
		"0s":  "must be more than 0",
		"-1s": "must be more than 0",
	} {
		if got := objection(new(Duration).Set(text)); got != want {
			t.Errorf("duration %s: %q and not %q", text, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	for _, test := range []struct {
		args        string
		status      int
		out, errOut string // how they begin
	}{
		{"", -1, "", ""},
		{"-wait 5s -addr :1", -1, "", ""},
		{"-wait 5s -addr :1 -many 2", 2, "", "too many\n-h shows the flags\n"},
		{"-wait 5", 2, "",
			"invalid value \"5\" for flag -wait: write it as 500ms, 10s or 2m\n-h shows the flags\n"},
		{"-port 80", 2, "", "flag provided but not defined: -port\n-h shows the flags\n"},
		{"hello", 2, "",
			"unexpected argument \"hello\": settings are given as flags\n-h shows the flags\n"},
		{"-h", 0,
			"Does a thing.\n\n    go run ./01-echo/thing [flags]\n\n  -addr host:port\n    \tgo " +
				"to host:port (default :7)\n", ""},
	} {
		flags := flag.NewFlagSet("01-echo/thing", flag.ContinueOnError)
		addr, wait := ListenAddr(":7"), Duration(time.Second)
		flags.Var(&addr, "addr", "go to `host:port`")
		flags.Var(&wait, "wait", "wait this `duration`")
		many := flags.Int("many", 1, "how many")
		check := func() error {
			if *many > 1 {
				return errors.New("too many")
			}
			return nil
		}
		var out, errOut bytes.Buffer
		status := parse(flags, strings.Fields(test.args), "Does a thing.", check, &out, &errOut)
		if status != test.status || !strings.HasPrefix(out.String(), test.out) ||
			errOut.String() != test.errOut {
			t.Errorf("%q: status %d, output %q, errors %q; want status %d, %q and %q", test.args,
				status, out.String(), errOut.String(), test.status, test.out, test.errOut)
		}
	}
}

func TestReport(t *testing.T) {
	for _, test := range []struct{ what, try, want string }{
		{"it broke", "mend it", "it broke\nmend it\n"},
		{"it broke", "", "it broke\n"},
		{strings.Repeat("123456789 ", 9), "",
			strings.TrimSuffix(strings.Repeat("123456789 ", 8), " ") + "\n123456789 \n"},
		{"ä" + strings.Repeat(" ü", 40), "", "ä" + strings.Repeat(" ü", 39) + "\nü\n"},
		{strings.Repeat("x", 100), "y", strings.Repeat("x", 100) + "\ny\n"},
	} {
		var got bytes.Buffer
		report(&got, errors.New(test.what), test.try)
		if diff := cmp.Diff(test.want, got.String()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.what, diff)
		}
	}
}

// Every advice is one line.
func TestAdviceFits(t *testing.T) {
	const server = "go run ./01-echo/berkeley/server" // the longest
	dns := &net.DNSError{UnwrapErr: connectionRefused, Err: "no such host",
		Name: "nosuchhost.invalid"}
	lost := fmt.Errorf("connection %w: %w", ErrLost, os.ErrDeadlineExceeded)
	for _, err := range []error{ErrHungUp, ErrDiffers, ErrInput, ErrOutput, dns, lost,
		os.ErrDeadlineExceeded,
		addressInUse, addressNotAvailable, permissionDenied, connectionRefused, connectionReset,
		brokenPipe,
		invalidArgument, messageTooLong, networkUnreachable, hostUnreachable, syscall.ENOENT} {
		for _, advice := range []string{DialAdvice(err, server), ListenAdvice(err)} {
			if advice == "" || len(advice) > 80 {
				t.Errorf("%v: the advice has %d bytes: %q", err, len(advice), advice)
			}
		}
	}
	// A name server that refuses is not an echo server that refuses.
	if got := DialAdvice(dns, server); !strings.HasPrefix(got, "is the name spelled right?") {
		t.Errorf("the name is unknown, and the advice is %q", got)
	}
	if got := DialAdvice(lost, server); !strings.HasPrefix(got,
		"the server's computer does not answer any more") {
		t.Errorf("a connection that had worked is lost, and the advice is %q", got)
	}
}

func TestOneAddress(t *testing.T) {
	for addr, want := range map[string]bool{
		"localhost:65432": true, "127.0.0.1:65432": false, "[::1]:65432": false,
		"[fe80::1%eth0]:65432": false, ":65432": false,
	} {
		if got := OneAddress(addr); (got != "") != want || len(got) > 81 {
			t.Errorf("%s: %q", addr, got)
		}
	}
}

func TestIsTerminal(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	if IsTerminal(read) || IsTerminal(write) {
		t.Error("a pipe is taken for a terminal")
	}
	if IsTerminal(null) && os.PathSeparator == '/' {
		t.Error(os.DevNull + " is taken for a terminal")
	}
}
