package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"sync"

	"example.com/sockets/02-multiconn/neterror"
)

var errDiffers = errors.New("the echo is not what was sent")

// failures counts what went wrong, by cause: where a thousand connections
// fail, they mostly fail for one reason.
type failures struct {
	mu    sync.Mutex
	count int
	kinds map[string]*kind
}

type kind struct {
	count int
	first int // the connection on which it happened first
	err   error
}

func (f *failures) add(id int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count++
	text := neterror.Cause(err).Error()
	if f.kinds == nil {
		f.kinds = map[string]*kind{}
	}
	if f.kinds[text] == nil {
		f.kinds[text] = &kind{first: id, err: err}
	}
	f.kinds[text].count++
}

// explain prints a line for each cause.
func (f *failures) explain(w io.Writer, addr string) {
	for _, text := range slices.Sorted(maps.Keys(f.kinds)) {
		k := f.kinds[text]
		others := ""
		if k.count > 1 {
			others = fmt.Sprintf(" and %d more", k.count-1)
		}
		fmt.Fprintf(w, "connection %d%s to %s: %s; %s\n", k.first, others, addr, text, advice(k.err))
	}
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
		return "is the server running? start it first: go run ./02-multiconn/server"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, neterror.ConnectionReset), errors.Is(err, neterror.BrokenPipe):
		return "look at the server's terminal: was it stopped, or did its -idle-timeout pass?"
	case errors.Is(err, errDiffers):
		return "is that an echo server? start ours: go run ./02-multiconn/server"
	case errors.Is(err, neterror.TooManyOpenFiles):
		return "this process may not open more files: raise the limit with ulimit -n, or take fewer with -conns"
	case errors.Is(err, neterror.AddressNotAvailable):
		return "this computer has no ephemeral port left to that address: take fewer with -conns"
	case errors.As(err, &netErr) && netErr.Timeout():
		return "nothing answered: is the server full (its -max-conns), is the address right, does a firewall drop packets?"
	}
	return "docs/errors.md explains the common errors"
}
