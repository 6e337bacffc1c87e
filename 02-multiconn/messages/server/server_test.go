package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sockets/02-multiconn/internal/limits"
	"example.com/sockets/02-multiconn/internal/servertest"
	"example.com/sockets/02-multiconn/messages/message"
	"github.com/google/go-cmp/cmp"
)

const code = "messages/server.(*server)."

var defaults = limits.Settings{MaxConns: 100, IdleTimeout: time.Minute, Grace: time.Minute}

func newServer(addr string, settings limits.Settings, out io.Writer) *server {
	return &server{addr: addr, Server: limits.New(settings, out, out)}
}

// A running server.
type running struct{ *servertest.Server }

// start runs a server on a free port of host until the test ends.
func start(t *testing.T, settings limits.Settings, host string) running {
	t.Helper()
	return running{servertest.Start(t, code, func(ctx context.Context, out io.Writer) error {
		return newServer(net.JoinHostPort(host, "0"), settings, out).run(ctx)
	})}
}

// dial connects, and waits until the server says so.
func (r running) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	conn := r.Dial(t)
	r.Lines.Expect(t, "Accepted connection from "+conn.LocalAddr().String())
	return conn
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
		{json(`{"value":"\ud83e\udd8a","action":"search","more":1}`),
			`{"result":"Quick and brown."}`},
		{json(`{"action":"search","value":"nobody"}`),
			`{"result":"Nothing found for \"nobody\"."}`},
		{json(`{"action":"search"}`), `{"result":"Nothing found for \"\"."}`},
		{json(`{"action":"search","value":"` + long + `"}`),
			`{"result":"Nothing found for \"` + strings.ReplaceAll(long[:40], "<", `\u003c`) +
				`\"."}`},
		{json(`{"action":"dance","value":"morpheus"}`),
			`{"result":"Unknown action \"dance\": only \"search\" is known."}`},
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
	r := start(t, defaults, "127.0.0.1")
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
		r.Lines.Expect(t, fmt.Sprintf("Request %q from %s",
			fmt.Sprintf(`{"action":"search","value":"%d"}`, i), client))
	}
	r.Lines.Expect(t, fmt.Sprintf("Closing connection to %s", client))
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	r.Lines.Expect(t, "Stopped; connections served: 1, requests answered: 10")
}

func TestOneByteAtATime(t *testing.T) {
	r := start(t, defaults, "127.0.0.1")
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
	r := start(t, defaults, "::1")
	conn := r.dial(t)
	conn.Write(searchFor(t, "morpheus"))
	if got := result(t, conn); got != results["morpheus"] || !strings.HasPrefix(r.Addr, "[::1]:") {
		t.Errorf("at %s the result is %q", r.Addr, got)
	}
}

// A bad client loses its own connection, with a reason. A good one, connected
// all the time, notices nothing.
func TestBadClients(t *testing.T) {
	good := searchFor(t, "morpheus")
	json := func(content string) []byte {
		return encode(t, message.Message{Type: message.JSON, Encoding: "utf-8",
			Content: []byte(content)})
	}
	latin := encode(t, message.Message{Type: message.JSON, Encoding: "latin-1",
		Content: []byte(`{}`)})
	large := bytes.Replace(good, []byte(`length":38`), []byte(`length":1048577`), 1)
	large[1] += 5 // the header is that much longer

	r := start(t, defaults, "127.0.0.1")
	friend := r.dial(t)
	friendly := func(t *testing.T) {
		t.Helper()
		friend.Write(good)
		if got := result(t, friend); got != results["morpheus"] {
			t.Errorf("the good client got %q", got)
		}
		r.Lines.Next(t) // Request
	}
	for name, bad := range map[string]struct {
		stream []byte
		reason string
	}{
		"says nothing": {nil, ""},
		"speaks HTTP": {[]byte("GET / HTTP/1.1\r\n\r\n"),
			": header of 18245 bytes; 4096 at most"},
		"ends early":    {good[:1], ": reading the header's length: unexpected EOF"},
		"half a header": {good[:50], ": reading the header, 48 of 93 bytes: unexpected EOF"},
		"half a content": {good[:len(good)-8],
			": reading the content, 30 of 38 bytes: unexpected EOF"},
		"empty header": {[]byte{0, 0}, `: header is not a JSON object: ""`},
		"longest header": {append([]byte{0xff, 0xff}, make([]byte, 65535)...),
			": header of 65535 bytes; 4096 at most"},
		"a large content": {large,
			`: header: "content-length" is 1048577, and must be a whole number from 0 to 1048576`},
		"broken JSON": {json(`{"action"`),
			": content is malformed JSON: unexpected end of JSON input"},
		"a list": {json(`["search"]`), `: content is not a JSON object: "[\"search\"]"`},
		"a number": {json(`{"action":"search","value":5}`),
			`: content: "value" has the wrong type: number`},
		"not UTF-8": {json("{\"action\":\"\xff\"}"), ": content is not valid UTF-8"},
		"Latin-1":   {latin, `: content-encoding is "latin-1": JSON must be in utf-8`},
		"one good message, then half of one": {append(bytes.Clone(good), good[:2]...),
			": reading the header, 0 of 93 bytes: unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			friendly(t)
			conn := r.dial(t)
			conn.Write(bad.stream)
			conn.CloseWrite()
			line := r.Lines.Next(t)
			if strings.HasPrefix(line, "Request ") {
				line = r.Lines.Next(t)
			}
			if want := "Closing connection to " + conn.LocalAddr().String() +
				bad.reason; line != want {
				t.Errorf("the server printed\n\t%s\nand not\n\t%s", line, want)
			}
			friendly(t)
		})
	}
	t.Run("resets", func(t *testing.T) {
		conn := r.dial(t)
		conn.Write(good[:50])
		servertest.Reset(conn)
		want := "Closing connection to " + conn.LocalAddr().String() + ": "
		if line := r.Lines.Next(t); !strings.HasPrefix(line, want) {
			t.Errorf("the server printed %q, which should begin %q", line, want)
		}
		friendly(t)
	})
}

// While one client is in the middle of a message, another one is served.
func TestSlowClient(t *testing.T) {
	r := start(t, defaults, "127.0.0.1")
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

// inVirtualTime runs a server and one client that is joined to it by a pipe.
func inVirtualTime(t *testing.T, test func(conn net.Conn, lines servertest.Lines)) {
	synctest.Test(t, func(t *testing.T) {
		l, lines := servertest.ListenPipe(), servertest.NewLines()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			newServer("", defaults, lines).serveAll(ctx, l)
			close(done)
		}()
		conn := l.Dial()
		defer conn.Close()
		lines.Expect(t, "Accepted connection from pipe")
		test(conn, lines)
		cancel()
		<-done
	})
}

// The time is for a whole message: a byte now and then does not make it longer.
func TestIdleTimeout(t *testing.T) {
	inVirtualTime(t, func(conn net.Conn, lines servertest.Lines) {
		begin := time.Now()
		for _, b := range searchFor(t, "morpheus") {
			if _, err := conn.Write([]byte{b}); err != nil {
				break
			}
			<-time.After(7 * time.Second)
		}
		if took := time.Since(begin); took != 63*time.Second {
			t.Errorf("the first byte that the server did not take came after %s, not 63 s", took)
		}
		lines.Expect(t, "Closing connection to pipe: no whole message, or not reading, for 1m0s")
	})
}

// A client that asks and never reads: a pipe has no buffer, so Write waits.
func TestNeverReads(t *testing.T) {
	inVirtualTime(t, func(conn net.Conn, lines servertest.Lines) {
		conn.Write(searchFor(t, "morpheus"))
		<-lines // Request
		if got, want := <-lines,
			"Closing connection to pipe: no whole message, or not reading, for 1m0s"; got != want {
			t.Errorf("nobody reads the reply, and the server printed %q", got)
		}
	})
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
			r := start(t, defaults, "127.0.0.1")
			conn := r.dial(t)
			conn.Write(request)
			result(t, conn)
			conn.Write(sent)
			if err := r.Stop(); err != nil {
				t.Fatal(err)
			}
			r.Lines.Next(t) // Request
			r.Lines.Expect(t, fmt.Sprintf("Closing connection to %s: the server was stopped",
				conn.LocalAddr()))
			r.Lines.Expect(t, "Stopped; connections served: 1, requests answered: 1")
			if n, err := conn.Read(make([]byte, 1)); err == nil {
				t.Errorf("from the stopped server came %d bytes", n)
			}
		})
	}
	t.Run("with many clients", func(t *testing.T) {
		r := start(t, defaults, "127.0.0.1")
		want := map[string]bool{}
		for range 50 {
			client := r.dial(t).LocalAddr()
			want[fmt.Sprintf("Closing connection to %s: the server was stopped", client)] = true
		}
		if err := r.Stop(); err != nil {
			t.Fatal(err)
		}
		for len(want) > 0 {
			line := r.Lines.Next(t)
			if !want[line] {
				t.Fatalf("the server printed %q while %d clients are not closed", line, len(want))
			}
			delete(want, line)
		}
		r.Lines.Expect(t, "Stopped; connections served: 50, requests answered: 0")
	})
	t.Run("with no client", func(t *testing.T) {
		r := start(t, defaults, "127.0.0.1")
		if err := r.Stop(); err != nil {
			t.Fatal(err)
		}
		r.Lines.Expect(t, "Stopped; connections served: 0, requests answered: 0")
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
		// RFC 5737: nobody's
		"203.0.113.1:0": "no interface of this machine has that address",
	} {
		err := newServer(addr, defaults, io.Discard).run(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), "cannot listen on "+addr+": ") ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("listening on %s gave %v, and should say %q", addr, err, want)
		}
	}
}
