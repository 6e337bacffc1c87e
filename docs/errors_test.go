package docs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// errors.md is keyed by the text that Go prints. These tests make each error
// happen over real sockets, and hold the page to what the system says.

// errorRows returns the texts of errors.md for one system, by heading.
func errorRows(page, system string) map[string]string {
	rows := map[string]string{}
	row := regexp.MustCompile("^\\| " + system + " \\| `([^`]*)` \\|")
	heading := ""
	for line := range strings.Lines(page) {
		if h, ok := strings.CutPrefix(line, "## "); ok {
			heading = strings.TrimSpace(h)
		}
		if m := row.FindStringSubmatch(line); m != nil {
			rows[heading] = m[1]
		}
	}
	return rows
}

// checkError objects to a page whose text for an error is not what err says.
func checkError(rows map[string]string, heading string, err error) error {
	text, ok := rows[heading]
	if !ok {
		return fmt.Errorf("errors.md has no text for %q on this system", heading)
	}
	if err == nil {
		return fmt.Errorf("%q did not happen", heading)
	}
	if !strings.HasSuffix(err.Error(), text) {
		return fmt.Errorf("errors.md says that %q ends with\n%s\nbut Go says\n%s", heading, text, err)
	}
	return nil
}

func TestErrorsPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs", "errors.md"))
	if err != nil {
		t.Fatal(err)
	}
	system := map[string]string{"linux": "Linux", "darwin": "macOS", "windows": "Windows"}[runtime.GOOS]
	if system == "" {
		t.Skip("errors.md has no texts for", runtime.GOOS)
	}
	rows := errorRows(string(page), system)

	happen := map[string]func(*testing.T) error{
		"connection refused":               refused,
		"address already in use":           inUse,
		"connection reset by peer":         reset,
		"broken pipe":                      brokenPipe,
		"i/o timeout":                      timeout,
		"use of closed network connection": closed,
		"no such host":                     noSuchHost,
		"too many open files":              tooManyOpenFiles,
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
	page := "## i/o timeout\n\n| Linux | `time is up` | - |\n"
	rows := errorRows(page, "Linux")
	got := fmt.Sprint(checkError(rows, "i/o timeout", timeout(t)))
	want := "errors.md says that \"i/o timeout\" ends with\ntime is up\nbut Go says\n"
	if !strings.HasPrefix(got, want) {
		t.Error(cmp.Diff(want, got))
	}
	got = fmt.Sprint(checkError(rows, "broken pipe", io.EOF))
	want = `errors.md has no text for "broken pipe" on this system`
	if got != want {
		t.Error(cmp.Diff(want, got))
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

func refused(t *testing.T) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close() // now nobody listens there
	_, err = net.Dial("tcp", l.Addr().String())
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
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v should compare equal to os.ErrDeadlineExceeded", err)
	}
	return err
}

func closed(t *testing.T) error {
	client, _ := connected(t)
	client.Close()
	_, err := client.Read(make([]byte, 1))
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v should compare equal to net.ErrClosed", err)
	}
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
	var dns *net.DNSError
	if !errors.As(err, &dns) || !dns.IsNotFound {
		t.Errorf("%v should be a *net.DNSError with IsNotFound", err)
	}
	return err
}
