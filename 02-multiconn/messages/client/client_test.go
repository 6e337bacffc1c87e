package main

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/sockets/02-multiconn/messages/message"
)

// serve answers one client with handle and returns the server's address. The
// test waits for handle to return, and leaves no goroutine behind.
func serve(t *testing.T, handle func(*net.TCPConn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(time.Minute)) // a safety net
		handle(conn.(*net.TCPConn))
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
		noGoroutineLeft(t)
	})
	return l.Addr().String()
}

// noGoroutineLeft waits until no goroutine runs the client's code.
func noGoroutineLeft(t *testing.T) {
	t.Helper()
	var stacks string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); runtime.Gosched() {
		buf := make([]byte, 1<<20)
		stacks = string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(stacks, "messages/client.run") {
			return
		}
	}
	t.Errorf("goroutines of the client are left behind:\n%s", stacks)
}

// ask runs the client against a server that does handle.
func ask(t *testing.T, action, value string, handle func(*net.TCPConn)) (string, error) {
	t.Helper()
	request, err := newRequest(action, value)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	err = run(t.Context(), serve(t, handle), time.Minute, request, &out)
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
		"result":    {json(`{"result":"Grüße"}`), "Received \"Grüße\"\n", ""},
		"empty":     {json(`{"result":""}`), "Received \"\"\n", ""},
		"binary":    {message.Message{Type: "binary/any", Content: []byte("a\xff")}, "Received \"a\\xff\"\n", ""},
		"no result": {json(`{}`), "", `: "result" is missing`},
		"a number":  {json(`{"result":5}`), "", `: content: "result" has the wrong type: number`},
		"half":      {json(`{"result"`), "", ": content is malformed JSON: unexpected end of JSON input"},
	} {
		// The server keeps the connection open: the client must know by
		// itself that it has everything.
		out, err := ask(t, "search", "x", func(conn *net.TCPConn) {
			message.Read(conn)
			message.Write(conn, test.reply)
			io.Copy(io.Discard, conn)
		})
		if out != test.out || (err == nil) != (test.err == "") || err != nil &&
			(!strings.HasPrefix(err.Error(), "cannot understand the reply of 127.0.0.1:") || !strings.HasSuffix(err.Error(), test.err)) {
			t.Errorf("%s: the client printed %q, error %v; want %q, error %q", name, out, err, test.out, test.err)
		}
		if err != nil && !strings.HasPrefix(advice(err), "is that a message server?") {
			t.Errorf("%s: the advice is %q", name, advice(err))
		}
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
		"no reply":   {func(conn *net.TCPConn) { message.Read(conn) }, " closed the connection without a reply"},
		"half of it": {half, ": reading the header, 1 of 16 bytes: unexpected EOF"},
		"a reset":    {func(conn *net.TCPConn) { conn.SetLinger(0) }, ""},
	} {
		out, err := ask(t, "search", "x", test.handle)
		if err == nil || !strings.HasSuffix(err.Error(), test.want) || out != "" ||
			strings.Count(err.Error(), "127.0.0.1") != 1 {
			t.Errorf("%s: the client printed %q and says %v", name, out, err)
		}
		if !strings.HasPrefix(advice(err), "look at the server's terminal") {
			t.Errorf("%s: the advice for %v is %q", name, err, advice(err))
		}
	}
}

func TestConnectErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	err = run(t.Context(), nobody, time.Minute, message.Message{}, io.Discard)
	if err == nil || !strings.HasPrefix(err.Error(), "cannot connect to "+nobody+": ") ||
		advice(err) != "is the server running? start it first: go run ./02-multiconn/messages/server" {
		t.Errorf("nobody listens, and the client says %v; %s", err, advice(err))
	}
	// A name server that refuses is not a message server that refuses.
	dns := &net.OpError{Op: "dial", Err: &net.DNSError{
		UnwrapErr: syscall.ECONNREFUSED, Err: "no such host", Name: "nosuchhost.invalid"}}
	if got := advice(dns); !strings.HasPrefix(got, "is the name spelled right?") {
		t.Errorf("the name is unknown, and the advice is %q", got)
	}
}

// A server that takes the request and never replies.
func TestTimeout(t *testing.T) {
	addr := serve(t, func(conn *net.TCPConn) { io.Copy(io.Discard, conn) })
	err := run(t.Context(), addr, 100*time.Millisecond, json("{}"), io.Discard)
	if err == nil || !strings.HasPrefix(err.Error(), "no reply from "+addr+": ") ||
		!strings.HasPrefix(advice(err), "nothing answered") {
		t.Errorf("the client says %v; %s", err, advice(err))
	}
}

// Ctrl-C while the client waits for the reply.
func TestStop(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	addr := serve(t, func(conn *net.TCPConn) {
		message.Read(conn)
		cancel()
		io.Copy(io.Discard, conn)
	})
	err := run(ctx, addr, time.Minute, json("{}"), io.Discard)
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("the client was stopped, and says %v", err)
	}
}
