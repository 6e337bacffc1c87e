package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sockets/02-multiconn/messages/message"
	"github.com/google/go-cmp/cmp"
)

// A running server, and what it prints.
type running struct {
	addr  string
	lines chan string
	stop  func() error // presses Ctrl-C and waits for run to return
}

// start runs s on a free port of host. The server is stopped, and has left no
// goroutine behind, when the test ends.
func start(t *testing.T, s server, host string) *running {
	t.Helper()
	read, write := io.Pipe()
	s.log = write
	if s.idleTimeout == 0 {
		s.idleTimeout = time.Minute
	}
	lines := make(chan string, 1000)
	go func() {
		var all bytes.Buffer
		buf := make([]byte, 1000)
		for {
			n, err := read.Read(buf)
			all.Write(buf[:n])
			for {
				line, rest, ok := strings.Cut(all.String(), "\n")
				if !ok {
					break
				}
				all.Reset()
				all.WriteString(rest)
				lines <- line
			}
			if err != nil {
				close(lines)
				return
			}
		}
	}()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- s.run(ctx, net.JoinHostPort(host, "0"), write, io.Discard)
		write.Close()
	}()
	r := &running{lines: lines}
	r.stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(time.Minute):
			return fmt.Errorf("the server did not stop on Ctrl-C")
		}
	})
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		noGoroutineLeft(t)
	})
	addr, ok := strings.CutPrefix(r.line(t), "Listening on ")
	if !ok {
		t.Fatal("the server's first line is not \"Listening on\"")
	}
	r.addr = addr
	return r
}

// line waits for the server's next line.
func (r *running) line(t *testing.T) string {
	t.Helper()
	select {
	case line := <-r.lines:
		return line
	case <-time.After(time.Minute):
		t.Fatal("the server printed no further line")
		return ""
	}
}

func (r *running) expect(t *testing.T, want string) {
	t.Helper()
	if got := r.line(t); got != want {
		t.Fatalf("the server printed\n\t%q\nand not\n\t%q", got, want)
	}
}

// dial connects, and waits until the server says so.
func (r *running) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute)) // a safety net
	r.expect(t, "Accepted connection from "+conn.LocalAddr().String())
	return conn.(*net.TCPConn)
}

// noGoroutineLeft waits until no goroutine runs the server's code.
func noGoroutineLeft(t *testing.T) {
	t.Helper()
	var stacks string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); runtime.Gosched() {
		buf := make([]byte, 1<<20)
		stacks = string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(stacks, "messages/server.server.") {
			return
		}
	}
	t.Errorf("goroutines of the server are left behind:\n%s", stacks)
}

// searchFor returns the bytes of a request.
func searchFor(t *testing.T, value string) []byte {
	t.Helper()
	m, err := message.NewJSON(map[string]string{"action": "search", "value": value})
	if err != nil {
		t.Fatal(err)
	}
	return encode(t, m)
}

func encode(t *testing.T, m message.Message) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := message.Write(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// result reads a reply and returns what the search found.
func result(t *testing.T, r io.Reader) string {
	t.Helper()
	reply, err := message.Read(r)
	if err != nil {
		t.Fatal("no reply: ", err)
	}
	var found struct {
		Result string `json:"result"`
	}
	if err := reply.Decode(&found); err != nil {
		t.Fatal(err)
	}
	return found.Result
}

func TestAnswers(t *testing.T) {
	json := func(content string) message.Message {
		return message.Message{Type: message.JSON, Encoding: "utf-8", Content: []byte(content)}
	}
	binary := func(content string) message.Message {
		return message.Message{Type: "binary/any", Encoding: "binary", Content: []byte(content)}
	}
	long := strings.Repeat("long <", 150_000)
	for _, test := range []struct {
		request message.Message
		reply   string
	}{
		{json(`{"action":"search","value":"morpheus"}`), `{"result":"The god of dreams. 💤"}`},
		{json(`{"value":"\ud83e\udd8a","action":"search","more":1}`), `{"result":"Quick and brown."}`},
		{json(`{"action":"search","value":"nobody"}`), `{"result":"Nothing found for \"nobody\"."}`},
		{json(`{"action":"search"}`), `{"result":"Nothing found for \"\"."}`},
		{json(`{"action":"search","value":"` + long + `"}`),
			`{"result":"Nothing found for \"` + strings.ReplaceAll(long[:40], "<", `\u003c`) + `\"."}`},
		{json(`{"action":"dance","value":"morpheus"}`), `{"result":"Unknown action \"dance\": only \"search\" is known."}`},
		{json(`{}`), `{"result":"Unknown action \"\": only \"search\" is known."}`},
		{binary("binary😃"), "First 10 bytes of request: binary😃"},
		{binary("0123456789abc"), "First 10 bytes of request: 0123456789"},
		{binary("\x00\xff"), "First 10 bytes of request: \x00\xff"},
		{binary(""), "First 10 bytes of request: "},
	} {
		reply, err := answer(test.request)
		if err != nil || string(reply.Content) != test.reply {
			t.Errorf("the reply to %.60q is\n\t%q, error %v\nand not\n\t%q",
				test.request.Content, reply.Content, err, test.reply)
		}
		encode(t, reply) // fits into a frame
	}
}

// Ten requests in one Write get ten replies in their order.
func TestManyAtOnce(t *testing.T) {
	r := start(t, server{}, "127.0.0.1")
	conn := r.dial(t)
	var stream []byte
	var want, got []string
	for i := range 10 {
		stream = append(stream, searchFor(t, fmt.Sprint(i))...)
		want = append(want, fmt.Sprintf(`Nothing found for "%d".`, i))
	}
	if _, err := conn.Write(stream); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		got = append(got, result(t, conn))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the replies (-want +got):\n%s", diff)
	}
	conn.CloseWrite()
	if n, err := conn.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("after the last reply came %d bytes, error %v", n, err)
	}
	client := conn.LocalAddr()
	for i := range 10 {
		r.expect(t, fmt.Sprintf("Request %q from %s",
			fmt.Sprintf(`{"action":"search","value":"%d"}`, i), client))
	}
	r.expect(t, fmt.Sprintf("Closing connection to %s", client))
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	r.expect(t, "Stopped; connections served: 1, requests answered: 10")
}

func TestOneByteAtATime(t *testing.T) {
	r := start(t, server{}, "127.0.0.1")
	conn := r.dial(t) // Go sets TCP_NODELAY: each Write goes out at once
	for _, b := range searchFor(t, "morpheus") {
		if _, err := conn.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	if got := result(t, conn); got != results["morpheus"] {
		t.Errorf("the result is %q", got)
	}
}

func TestIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6 loopback:", err)
	}
	l.Close()
	r := start(t, server{}, "::1")
	conn := r.dial(t)
	conn.Write(searchFor(t, "morpheus"))
	if got := result(t, conn); got != results["morpheus"] || !strings.HasPrefix(r.addr, "[::1]:") {
		t.Errorf("at %s the result is %q", r.addr, got)
	}
}

// A bad client loses its own connection, with a reason. A good one, connected
// all the time, notices nothing.
func TestBadClients(t *testing.T) {
	good := searchFor(t, "morpheus")
	json := func(content string) []byte {
		return encode(t, message.Message{Type: message.JSON, Encoding: "utf-8", Content: []byte(content)})
	}
	latin := encode(t, message.Message{Type: message.JSON, Encoding: "latin-1", Content: []byte(`{}`)})
	large := bytes.Replace(good, []byte(`length":38`), []byte(`length":1048577`), 1)
	large[1] += 5 // the header is that much longer

	r := start(t, server{}, "127.0.0.1")
	friend := r.dial(t)
	friendly := func(t *testing.T) {
		t.Helper()
		friend.Write(good)
		if got := result(t, friend); got != results["morpheus"] {
			t.Errorf("the good client got %q", got)
		}
		r.line(t) // Request
	}
	for name, bad := range map[string]struct {
		stream []byte
		reason string
	}{
		"says nothing":    {nil, ""},
		"speaks HTTP":     {[]byte("GET / HTTP/1.1\r\n\r\n"), ": header of 18245 bytes: at most 4096 are taken"},
		"ends early":      {good[:1], ": reading the header's length: unexpected EOF"},
		"half a header":   {good[:50], ": reading the header, 48 of 93 bytes: unexpected EOF"},
		"half a content":  {good[:len(good)-8], ": reading the content, 30 of 38 bytes: unexpected EOF"},
		"empty header":    {[]byte{0, 0}, `: header is not a JSON object: ""`},
		"longest header":  {append([]byte{0xff, 0xff}, make([]byte, 65535)...), ": header of 65535 bytes: at most 4096 are taken"},
		"a large content": {large, `: header: "content-length" is 1048577, and must be a whole number from 0 to 1048576`},
		"broken JSON":     {json(`{"action"`), ": content is malformed JSON: unexpected end of JSON input"},
		"a list":          {json(`["search"]`), `: content is not a JSON object: "[\"search\"]"`},
		"a number":        {json(`{"action":"search","value":5}`), `: content: "value" has the wrong type: number`},
		"not UTF-8":       {json("{\"action\":\"\xff\"}"), ": content is not valid UTF-8"},
		"Latin-1":         {latin, `: content-encoding is "latin-1": JSON must be in utf-8`},
		"one good message, then half of one": {append(bytes.Clone(good), good[:2]...),
			": reading the header, 0 of 93 bytes: unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			friendly(t)
			conn := r.dial(t)
			conn.Write(bad.stream)
			conn.CloseWrite()
			line := r.line(t)
			if strings.HasPrefix(line, "Request ") {
				line = r.line(t)
			}
			if want := "Closing connection to " + conn.LocalAddr().String() + bad.reason; line != want {
				t.Errorf("the server printed\n\t%s\nand not\n\t%s", line, want)
			}
			friendly(t)
		})
	}
	t.Run("resets", func(t *testing.T) {
		conn := r.dial(t)
		conn.Write(good[:50])
		conn.SetLinger(0)
		conn.Close()
		want := "Closing connection to " + conn.LocalAddr().String() + ": "
		if line := r.line(t); !strings.HasPrefix(line, want) {
			t.Errorf("the server printed %q, which should begin %q", line, want)
		}
		friendly(t)
	})
}

// While one client is in the middle of a message, another one is served.
func TestSlowClient(t *testing.T) {
	r := start(t, server{}, "127.0.0.1")
	slow, quick := r.dial(t), r.dial(t)
	request := searchFor(t, "morpheus")
	slow.Write(request[:100])
	quick.Write(request)
	if got := result(t, quick); got != results["morpheus"] {
		t.Errorf("the quick client got %q", got)
	}
	slow.Write(request[100:])
	if got := result(t, slow); got != results["morpheus"] {
		t.Errorf("the slow client got %q", got)
	}
}

func TestIdleTimeout(t *testing.T) {
	r := start(t, server{idleTimeout: time.Millisecond}, "127.0.0.1")
	conn := r.dial(t)
	conn.Write(searchFor(t, "morpheus")[:50])
	r.expect(t, fmt.Sprintf("Closing connection to %s: no whole message, or not reading, for 1ms",
		conn.LocalAddr()))
}

// A client that asks and never reads: a pipe has no buffer, so Write waits.
func TestNeverReads(t *testing.T) {
	client, conn := net.Pipe()
	defer client.Close()
	done := make(chan error, 1)
	go func() {
		s := server{100 * time.Millisecond, io.Discard}
		done <- s.answerAll(conn, new(atomic.Int64))
	}()
	client.Write(searchFor(t, "morpheus"))
	select {
	case err := <-done:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("nobody reads the reply, and the error is %v", err)
		}
	case <-time.After(time.Minute):
		t.Error("nobody reads the reply, and the server waits for good")
	}
}

// Ctrl-C ends the server at once, whatever its clients do.
func TestStop(t *testing.T) {
	request := searchFor(t, "morpheus")
	for name, sent := range map[string][]byte{
		"between two messages":       nil,
		"in the middle of a header":  request[:50],
		"in the middle of a content": request[:100],
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, server{}, "127.0.0.1")
			conn := r.dial(t)
			conn.Write(request)
			result(t, conn)
			conn.Write(sent)
			if err := r.stop(); err != nil {
				t.Fatal(err)
			}
			r.line(t) // Request
			r.expect(t, fmt.Sprintf("Closing connection to %s: the server was stopped", conn.LocalAddr()))
			r.expect(t, "Stopped; connections served: 1, requests answered: 1")
			if n, err := conn.Read(make([]byte, 1)); err == nil {
				t.Errorf("from the stopped server came %d bytes", n)
			}
		})
	}
	t.Run("with many clients", func(t *testing.T) {
		r := start(t, server{}, "127.0.0.1")
		want := map[string]bool{}
		for range 50 {
			client := r.dial(t).LocalAddr()
			want[fmt.Sprintf("Closing connection to %s: the server was stopped", client)] = true
		}
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		for len(want) > 0 {
			line := r.line(t)
			if !want[line] {
				t.Fatalf("the server printed %q while %d clients are not closed", line, len(want))
			}
			delete(want, line)
		}
		r.expect(t, "Stopped; connections served: 50, requests answered: 0")
	})
	t.Run("with no client", func(t *testing.T) {
		r := start(t, server{}, "127.0.0.1")
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		r.expect(t, "Stopped; connections served: 0, requests answered: 0")
	})
}

func TestListenErrors(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for addr, want := range map[string]string{
		taken.Addr().String(): "another program has this port",
		"203.0.113.1:0":       "no interface of this machine has that address", // RFC 5737: nobody's
	} {
		err := server{time.Minute, io.Discard}.run(t.Context(), addr, io.Discard, io.Discard)
		if err == nil || !strings.HasPrefix(err.Error(), "cannot listen on "+addr+": ") ||
			!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("listening on %s gave %v, and should say in one line %q", addr, err, want)
		}
	}
}
