// Command client sends one request to the message server and prints the
// reply: client search morpheus, or client binary 😃
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"example.com/sockets/02-multiconn/messages/message"
	"example.com/sockets/02-multiconn/neterror"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:65432",
		"connect to the server at `host:port`")
	timeout := flag.Duration("timeout", 5*time.Second,
		"give up connecting, and then waiting for the reply, after this `duration`")
	flag.Usage = usage
	flag.Parse()
	if err := checkFlags(*addr, *timeout, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(),
		os.Interrupt, syscall.SIGTERM)
	defer stop()

	request, err := newRequest(flag.Arg(0), flag.Arg(1))
	if err == nil {
		err = run(ctx, *addr, *timeout, request, os.Stdout)
	}
	if err != nil && ctx.Err() != nil {
		fmt.Fprintln(os.Stderr, "Stopped:", err)
	} else if err != nil {
		fmt.Fprintf(os.Stderr, "%s; %s\n", err, advice(err))
		os.Exit(1)
	}
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

// run sends one request to the server at addr and prints the reply.
func run(ctx context.Context, addr string, timeout time.Duration,
	request message.Message, out io.Writer) error {
	dialer := net.Dialer{Timeout: timeout}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("cannot connect to %s: %w", addr, neterror.Cause(err))
	}
	defer conn.Close()
	// On Ctrl-C, Close wakes the Read or the Write that waits.
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	conn.SetDeadline(time.Now().Add(timeout))

	if err := message.Write(conn, request); err != nil {
		return fmt.Errorf("cannot send the request to %s: %w", addr, neterror.Cause(err))
	}
	// The reply says itself how long it is. The client need not wait for the
	// server's FIN, and both could go on with the next request.
	reply, err := message.Read(conn)
	if err == io.EOF {
		return fmt.Errorf("%s %w", addr, errNoReply)
	}
	if err != nil {
		return fmt.Errorf("no reply from %s: %w", addr, neterror.Cause(err))
	}
	text := string(reply.Content)
	if reply.Type == message.JSON {
		var answer struct {
			Result *string `json:"result"`
		}
		if err := reply.Decode(&answer); err != nil {
			return fmt.Errorf("cannot understand the reply of %s: %w", addr, err)
		}
		if answer.Result == nil {
			return fmt.Errorf("cannot understand the reply of %s: %q is missing",
				addr, "result")
		}
		text = *answer.Result
	}
	fmt.Fprintf(out, "Received %q\n", text)
	return nil
}

var errNoReply = errors.New("closed the connection without a reply")
