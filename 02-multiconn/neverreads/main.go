// Command neverreads is a client without manners, for an experiment: it sends
// to an echo server and never reads what comes back.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"example.com/sockets/02-multiconn/neterror"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:65432", "connect to the server at `host:port`")
	flag.Parse()
	if err := checkFlags(*addr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	conn, err := net.DialTimeout("tcp", *addr, 5*time.Second)
	if err != nil {
		fmt.Fprintf(os.Stderr, "cannot connect to %s: %v; is the server running? start it first: go run ./02-multiconn/server\n", *addr, neterror.Cause(err))
		os.Exit(1)
	}
	defer conn.Close()

	var sent int
	piece := make([]byte, 64<<10)
	for err == nil && ctx.Err() == nil {
		// Write waits while the buffers between the two are full. A second
		// without room for a single byte means that they stay full.
		conn.SetWriteDeadline(time.Now().Add(time.Second))
		var n int
		n, err = conn.Write(piece)
		sent += n
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		fmt.Fprintf(os.Stderr, "sent %d bytes to %s, then: %v; look at the server's terminal: was it stopped, or did its -idle-timeout pass?\n", sent, *addr, neterror.Cause(err))
		os.Exit(1)
	}
	fmt.Printf("Sent %d bytes; now the server takes no more\n", sent)
	<-ctx.Done() // and still it does not read
	fmt.Println("Stopped; bytes read: 0")
}

// checkFlags objects to what package flag lets pass.
func checkFlags(addr string) error {
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: settings are given as flags", flag.Arg(0))
	}
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return fmt.Errorf("invalid value %q for flag -addr: %w", addr, err)
	}
	return nil
}
