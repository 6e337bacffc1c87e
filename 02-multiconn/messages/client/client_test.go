package main

import (
	"context"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"example.com/sockets/02-multiconn/internal/cli"
	"example.com/sockets/02-multiconn/internal/servertest"
	"example.com/sockets/02-multiconn/messages/message"
)

func serve(t *testing.T, handle func(*net.TCPConn)) string {
	t.Helper()
	return servertest.Serve(t, "messages/client.(*client).", handle)
}

// ask runs the client against a server that does handle.
func ask(t *testing.T, action, value string, handle func(*net.TCPConn)) (string, error) {
	t.Helper()
	var out strings.Builder
	c := &client{serve(t, handle), time.Minute, action, value, &out}
	err := c.run(t.Context())
	return out.String(), err
}

func TestRequests(t *testing.T) {
	for _, test := range []struct{ action, value, kind, content string }{
		{"search", "morpheus", message.JSON, `{"action":"search","value":"morpheus"}`},
		{"search", "", message.JSON, `{"action":"search","value":""}`},
		{"search", "a\"\n世界", message.JSON, `{"action":"search","value":"a\"\n世界"}`},
		{"binary", "😃", "binary/two-words", "binary😃"},
		{"binary", "\xff", "binary/two-words", "binary\xff"},
	} {
		requests := make(chan message.Message, 1)
		ask(t, test.action, test.value, func(conn *net.TCPConn) {
			request, _ := message.Read(conn)
			requests <- request
		})
		got := <-requests
		if got.Type != test.kind || string(got.Content) != test.content {
			t.Errorf("%s %q sent %q of type %q, and should send %q of type %q", test.action,
				test.value, got.Content, got.Type, test.content, test.kind)
		}
	}
}

// json is a reply that holds text as JSON.
func json(text string) message.Message {
	return message.Message{Type: message.JSON, Encoding: "utf-8", Content: []byte(text)}
}

func TestReplies(t *testing.T) {
	for name, test := range map[string]struct {
		reply    message.Message
		out, err string
	}{
		"result": {json(`{"result":"Grüße"}`), "Received \"Grüße\"\n", ""},
		"empty":  {json(`{"result":""}`), "Received \"\"\n", ""},
		"binary": {message.Message{Type: "binary/any", Content: []byte("a\xff")},
			"Received \"a\\xff\"\n", ""},
		"no result": {json(`{}`), "", `"result" is missing`},
		"a number":  {json(`{"result":5}`), "", `content: "result" has the wrong type: number`},
		"half": {json(`{"result"`), "",
			"content is malformed JSON: unexpected end of JSON input"},
		"the request": {json(`{"action":"search","value":"x"}`), "", "it is the request"},
	} {
		// The server keeps the connection open: the client must know by
		// itself that it has everything.
		out, err := ask(t, "search", "x", func(conn *net.TCPConn) {
			message.Read(conn)
			message.Write(conn, test.reply)
			io.Copy(io.Discard, conn)
		})
		like := regexp.MustCompile(`^cannot understand the reply of 127\.0\.0\.1:\d+: ` +
			regexp.QuoteMeta(test.err) + "\nis that the right server\\? ")
		if out != test.out || (err == nil) != (test.err == "") || err != nil &&
			!like.MatchString(err.Error()) {
			t.Errorf("%s: the client printed %q, error %v; want %q, error %q", name, out, err,
				test.out, test.err)
		}
	}
}

// An echo server is none that answers messages, whatever the request was.
func TestEchoServer(t *testing.T) {
	for _, action := range []string{"search", "binary"} {
		out, err := ask(t, action, "x", servertest.Echo)
		if out != "" || err == nil || !strings.Contains(err.Error(),
			": it is the request\nis that the right server?") {
			t.Errorf("%s at an echo server: the client printed %q, error %v", action, out, err)
		}
	}
	// Bytes that are no message come from yet another server.
	out, err := ask(t, "search", "x", func(conn *net.TCPConn) { io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n") })
	if out != "" || err == nil || !strings.Contains(err.Error(), "\nis that the right server?") {
		t.Errorf("at a web server: the client printed %q, error %v", out, err)
	}
}

// The server goes away: before its reply, in the middle of it, with a FIN and
// with a RST.
func TestServerEndsEarly(t *testing.T) {
	half := func(conn *net.TCPConn) {
		message.Read(conn)
		io.WriteString(conn, "\x00\x10{")
	}
	for name, test := range map[string]struct {
		handle func(*net.TCPConn)
		want   string
	}{
		"no reply": {func(conn *net.TCPConn) { message.Read(conn) },
			" closed the connection without a reply"},
		"half of it": {half, ": reading the header, 1 of 16 bytes: unexpected EOF"},
		"a reset":    {func(conn *net.TCPConn) { conn.SetLinger(0) }, ""},
	} {
		out, err := ask(t, "search", "x", test.handle)
		if err == nil || out != "" || strings.Count(err.Error(), "127.0.0.1") != 1 ||
			!strings.Contains(err.Error(), test.want+"\nlook at the server's terminal") {
			t.Errorf("%s: the client printed %q and says %v", name, out, err)
		}
	}
}

func TestConnectErrors(t *testing.T) {
	c := &client{servertest.Nobody(t), time.Minute, "search", "x", io.Discard}
	err := c.run(t.Context())
	if err == nil || !strings.HasPrefix(err.Error(), "cannot connect to "+c.addr+": ") ||
		!strings.HasSuffix(err.Error(),
			"\nis the server running? start it first: go run ./02-multiconn/messages/server") {
		t.Errorf("nobody listens, and the client says %v", err)
	}
}

// A server that takes the request and never replies.
func TestTimeout(t *testing.T) {
	c := &client{serve(t, servertest.Silence), 100 * time.Millisecond, "search", "x", io.Discard}
	err := c.run(t.Context())
	if err == nil || !strings.HasPrefix(err.Error(), "no reply from "+c.addr+": ") ||
		!strings.Contains(err.Error(), "\nnothing answered") {
		t.Errorf("the client says %v", err)
	}
}

// Ctrl-C while the client waits for the reply.
func TestStop(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	addr := serve(t, func(conn *net.TCPConn) {
		message.Read(conn)
		cancel()
		servertest.Silence(conn)
	})
	var out strings.Builder
	err := (&client{addr, time.Minute, "search", "x", &out}).run(ctx)
	if err != cli.ErrStopped || out.String() != "Stopped before the reply had come\n" {
		t.Errorf("the client was stopped, printed %q, and its error is %v", &out, err)
	}
}
