package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"time"
	"unicode/utf8"

	"example.com/sockets/02-multiconn/neterror"
)

func usage() {
	fmt.Fprintf(flag.CommandLine.Output(),
		"Usage of %s: [flags] search TEXT | [flags] binary TEXT\n", os.Args[0])
	flag.PrintDefaults()
}

// checkFlags objects to what package flag lets pass.
func checkFlags(addr string, timeout time.Duration, args []string) error {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return fmt.Errorf("invalid value %q for flag -addr: %w", addr, err)
	}
	if timeout <= 0 {
		return fmt.Errorf("invalid value %s for flag -timeout: must be more than 0", timeout)
	}
	if len(args) != 2 {
		return fmt.Errorf("expected an action and a text, such as: search morpheus; got %q", args)
	}
	if args[0] != "search" && args[0] != "binary" {
		return fmt.Errorf("unknown action %q: the actions are search and binary", args[0])
	}
	if args[0] == "search" && !utf8.ValidString(args[1]) {
		return fmt.Errorf("cannot search for %q: it is not valid UTF-8", args[1])
	}
	return nil
}

// advice says what to try next. The order matters: a name that can't be
// looked up may hide a refused connection, namely to the name server.
func advice(err error) string {
	var dns *net.DNSError
	var netErr net.Error
	switch {
	case errors.As(err, &dns):
		return "is the name spelled right? try the number instead: -addr 127.0.0.1:65432"
	case errors.Is(err, neterror.ConnectionRefused):
		return "is the server running? start it first: go run ./02-multiconn/messages/server"
	case errors.Is(err, errNoReply), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, neterror.ConnectionReset), errors.Is(err, neterror.BrokenPipe):
		return "look at the server's terminal: what did it not like, or was it stopped?"
	case errors.As(err, &netErr) && netErr.Timeout():
		return "nothing answered: is the address right, and is that a message server?"
	}
	return "is that a message server? start ours: go run ./02-multiconn/messages/server"
}
