// Command client sends one request to the message server and prints the
// reply: client search morpheus, or client binary 😃
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"example.com/sockets/02-multiconn/internal/cli"
	"example.com/sockets/02-multiconn/internal/neterror"
	"example.com/sockets/02-multiconn/messages/message"
)

// A client holds the settings of the command line.
type client struct {
	addr          string
	timeout       time.Duration // for connecting, and for the reply
	action, value string        // "search" or "binary", and a text
	out           io.Writer
}

func main() {
	c := fromFlags()
	ctx := cli.Interrupt() // from here on Ctrl-C does not kill the program: it cancels ctx
	cli.Exit(c.run(ctx))
}

const ourServer = "./02-multiconn/messages/server"

// run sends one request and prints the reply, or that Ctrl-C came before it.
func (c *client) run(ctx context.Context) error {
	text, err := c.ask(ctx)
	if err != nil && ctx.Err() != nil {
		fmt.Fprintln(c.out, "Stopped before the reply had come")
		return cli.ErrStopped
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "Received %q\n", text)
	return nil
}

// ask sends the request and returns the text of the reply.
func (c *client) ask(ctx context.Context) (string, error) {
	request, err := newRequest(c.action, c.value)
	if err != nil {
		return "", err
	}
	dialer := net.Dialer{Timeout: c.timeout}
	conn, err := dialer.DialContext(ctx, "tcp", c.addr)
	if err != nil {
		return "", neterror.Dial(c.addr, err, ourServer)
	}
	defer conn.Close()
	// On Ctrl-C, Close wakes the Read or the Write that waits.
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	conn.SetDeadline(time.Now().Add(c.timeout))

	reply, err := exchange(conn, request)
	if err == io.EOF {
		return "", fmt.Errorf("%s closed the connection without a reply\n%s",
			c.addr, neterror.Advice(err, ourServer))
	}
	if err != nil {
		return "", fmt.Errorf("no reply from %s: %w\n%s",
			c.addr, neterror.Cause(err), neterror.Advice(err, ourServer))
	}
	text, err := result(request, reply)
	if err != nil {
		return "", fmt.Errorf("cannot understand the reply of %s: %w\n%s",
			c.addr, err, neterror.Advice(err, ourServer))
	}
	return text, nil
}

// exchange sends the request and reads the reply.
func exchange(conn net.Conn, request message.Message) (message.Message, error) {
	if err := message.Write(conn, request); err != nil {
		return message.Message{}, err
	}
	// The reply says itself how long it is. The client need not wait for the
	// server's FIN, and both could go on with the next request.
	reply, err := message.Read(conn)
	var broken net.Error
	if err == nil || err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.As(err, &broken) {
		return reply, err
	}
	return reply, neterror.Wrong("%v", err) // the connection holds, and that was no message
}

// newRequest returns the message that asks for action, "search" or "binary".
// A binary request holds both words as they are, with nothing in between.
func newRequest(action, value string) (message.Message, error) {
	if action == "binary" {
		return message.Message{Type: "binary/two-words", Encoding: "binary",
			Content: []byte(action + value)}, nil
	}
	return message.NewJSON(map[string]string{"action": action, "value": value})
}

// result returns the text of the reply to request.
func result(request, reply message.Message) (string, error) {
	if reply.Type == request.Type && bytes.Equal(reply.Content, request.Content) {
		return "", neterror.Wrong("it is the request")
	}
	if reply.Type != message.JSON {
		return string(reply.Content), nil
	}
	var answer struct {
		Result *string `json:"result"`
	}
	if err := reply.Decode(&answer); err != nil {
		return "", neterror.Wrong("%v", err)
	}
	if answer.Result == nil {
		return "", neterror.Wrong("%q is missing", "result")
	}
	return *answer.Result, nil
}
