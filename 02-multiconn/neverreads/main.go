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
)

func main() {
	addr := flag.String("addr", "127.0.0.1:65432", "connect to the server at `host:port`")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "unexpected argument %q: settings are given as flags\n", flag.Arg(0))
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	conn, err := net.DialTimeout("tcp", *addr, 5*time.Second)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%v; is the server running? start it first: go run ./02-multiconn/server\n", err)
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
		fmt.Fprintf(os.Stderr, "sent %d bytes, then: %v\n", sent, err)
		os.Exit(1)
	}
	fmt.Printf("Sent %d bytes; now the server takes no more\n", sent)
	<-ctx.Done() // and still it does not read
	fmt.Println("Stopped; bytes read: 0")
}
