package tests

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// errors.md is keyed by the text that Go prints. These tests make each error
// happen over real sockets, and hold the page to what the system says.

// An errorRow is what errors.md says of one error on one system.
type errorRow struct {
	text    string // what Go's error ends with
	compare string // what the error compares equal to, as Go code
}

// errorRows returns the rows of errors.md for one system, by heading.
func errorRows(page, system string) map[string]errorRow {
	rows := map[string]errorRow{}
	row := regexp.MustCompile("^\\| " + system + " \\| `([^`]*)` \\| `([^`]*)`")
	heading := ""
	for line := range strings.Lines(page) {
		if h, ok := strings.CutPrefix(line, "## "); ok {
			heading = strings.TrimSpace(h)
		}
		if m := row.FindStringSubmatch(line); m != nil {
			rows[heading] = errorRow{m[1], m[2]}
		}
	}
	return rows
}

// compares tells whether err compares equal to what code names.
func compares(err error, code string) (equal, known bool) {
	var number uint16
	if n, _ := fmt.Sscanf(code, "syscall.Errno(%d)", &number); n == 1 {
		return errors.Is(err, syscall.Errno(number)), true
	}
	if code == "*net.DNSError" {
		var dns *net.DNSError
		return errors.As(err, &dns) && dns.IsNotFound, true
	}
	target, known := map[string]error{
		"syscall.ECONNREFUSED":   syscall.ECONNREFUSED,
		"syscall.EADDRINUSE":     syscall.EADDRINUSE,
		"syscall.EADDRNOTAVAIL":  syscall.EADDRNOTAVAIL,
		"syscall.EACCES":         syscall.EACCES,
		"syscall.EINVAL":         syscall.EINVAL,
		"syscall.ENOSPC":         syscall.ENOSPC,
		"syscall.ECONNRESET":     syscall.ECONNRESET,
		"syscall.EPIPE":          syscall.EPIPE,
		"syscall.EMFILE":         syscall.EMFILE,
		"syscall.ENETUNREACH":    syscall.ENETUNREACH,
		"syscall.EHOSTUNREACH":   syscall.EHOSTUNREACH,
		"syscall.ETIMEDOUT":      syscall.ETIMEDOUT,
		"os.ErrDeadlineExceeded": os.ErrDeadlineExceeded,
		"net.ErrClosed":          net.ErrClosed,
	}[code]
	return known && errors.Is(err, target), known
}

// checkError objects to a page whose row for an error is not what err is.
func checkError(rows map[string]errorRow, heading string, err error) error {
	row, ok := rows[heading]
	if !ok {
		return fmt.Errorf("errors.md has no text for %q on this system", heading)
	}
	if err == nil {
		return fmt.Errorf("%q did not happen", heading)
	}
	if !strings.HasSuffix(err.Error(), ": "+row.text) {
		return fmt.Errorf("errors.md says that %q ends with\n%s\nbut Go says\n%s", heading,
			row.text, err)
	}
	equal, known := compares(err, row.compare)
	if !known {
		return fmt.Errorf("errors.md compares %q with %s, which this test does not know", heading,
			row.compare)
	}
	if !equal {
		return fmt.Errorf("errors.md says that %q compares equal to %s, but this does not:\n%s",
			heading, row.compare, err)
	}
	return nil
}

func TestErrorsPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs", "errors.md"))
	if err != nil {
		t.Fatal(err)
	}
	system := map[string]string{"linux": "Linux", "darwin": "macOS",
		"windows": "Windows"}[runtime.GOOS]
	if system == "" {
		t.Skip("errors.md has no texts for", runtime.GOOS)
	}
	rows := errorRows(string(page), system)

	happen := map[string]func(*testing.T) error{
		"connection refused":               refused,
		"address already in use":           inUse,
		"cannot assign requested address":  cannotAssign,
		"permission denied":                permissionDenied,
		"invalid argument":                 invalidArgument,
		"no space left on device":          noSpace,
		"connection reset by peer":         reset,
		"broken pipe":                      brokenPipe,
		"i/o timeout":                      timeout,
		"use of closed network connection": closed,
		"no such host":                     noSuchHost,
		"too many open files":              tooManyOpenFiles,
		"network is unreachable":           networkIsUnreachable,
		"no route to host":                 noRouteToHost,
		"connection timed out":             connectionTimedOut,
	}
	for heading := range rows {
		if happen[heading] == nil {
			t.Errorf("no test makes %q of errors.md happen", heading)
		}
	}
	for heading, happen := range happen {
		t.Run(heading, func(t *testing.T) {
			if err := checkError(rows, heading, happen(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestErrorsPageCanBeWrong(t *testing.T) {
	timedOut := timeout(t)
	tests := []struct{ name, row, expected string }{
		{"the truth", "| `i/o timeout` | `os.ErrDeadlineExceeded` |", "<nil>"},
		{"a wrong text", "| `time is up` | `os.ErrDeadlineExceeded` |",
			"errors.md says that \"i/o timeout\" ends with\ntime is up\nbut Go says\n" +
				timedOut.Error()},
		{"the end of the text", "| `timeout` | `os.ErrDeadlineExceeded` |",
			"errors.md says that \"i/o timeout\" ends with\ntimeout\nbut Go says\n" +
				timedOut.Error()},
		{"another error", "| `i/o timeout` | `net.ErrClosed` |",
			"errors.md says that \"i/o timeout\" compares equal to net.ErrClosed, but this does " +
				"not:\n" + timedOut.Error()},
		{"an unknown error", "| `i/o timeout` | `io.EOF` |",
			`errors.md compares "i/o timeout" with io.EOF, which this test does not know`},
		{"no row", "", `errors.md has no text for "i/o timeout" on this system`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rows := errorRows("## i/o timeout\n\n| Linux "+test.row+"\n", "Linux")
			got := fmt.Sprint(checkError(rows, "i/o timeout", timedOut))
			if diff := cmp.Diff(test.expected, got); diff != "" {
				t.Errorf("the objection (- expected, + got):\n%s", diff)
			}
		})
	}
}

// connected returns both ends of a connection over loopback.
func connected(t *testing.T) (client, server *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); s.Close() })
	return c.(*net.TCPConn), s.(*net.TCPConn)
}

func refused(*testing.T) error {
	_, err := net.Dial("tcp", "127.0.0.1:1") // tcpmux: nobody listens there
	return err
}

func inUse(t *testing.T) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = net.Listen("tcp", l.Addr().String())
	return err
}

func cannotAssign(*testing.T) error {
	_, err := net.Listen("tcp", "192.0.2.1:0") // for documentation: nobody has it
	return err
}

func reset(t *testing.T) error {
	client, server := connected(t)
	client.SetLinger(0) // Close sends a RST
	client.Close()
	_, err := server.Read(make([]byte, 1))
	return err
}

func brokenPipe(t *testing.T) error {
	client, _ := connected(t)
	client.CloseWrite()
	_, err := client.Write([]byte("more"))
	return err
}

func timeout(t *testing.T) error {
	client, _ := connected(t)
	client.SetReadDeadline(time.Now())
	_, err := client.Read(make([]byte, 1))
	return err
}

func closed(t *testing.T) error {
	client, _ := connected(t)
	client.Close()
	_, err := client.Read(make([]byte, 1))
	return err
}

// noSuchHost asks a name server of its own, which knows no name at all.
func noSuchHost(t *testing.T) error {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		query := make([]byte, 1500)
		for {
			n, client, err := server.ReadFrom(query)
			if err != nil {
				return
			}
			// The question comes back as the answer, with the bit QR set and
			// the code 3, NXDOMAIN (RFC 1035 section 4.1.1).
			answer := query[:n]
			answer[2] |= 0x80
			answer[3] = answer[3]&0xf0 | 3
			server.WriteTo(answer, client)
		}
	}()
	dialer := net.Dialer{Resolver: &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, server.LocalAddr().String())
		},
	}}
	_, err = dialer.DialContext(t.Context(), "tcp", "nosuchhost.invalid.:65432")
	return err
}
