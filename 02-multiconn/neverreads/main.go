// Command neverreads is a client without manners, for an experiment: it sends
// to an echo server and never reads what comes back.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"example.com/sockets/02-multiconn/internal/cli"
	"example.com/sockets/02-multiconn/internal/neterror"
)

func main() {
	addr := fromFlags()
	ctx := cli.Interrupt() // from here on Ctrl-C does not kill the program: it cancels ctx
	cli.Exit(run(ctx, addr, cli.Stdout))
}

const ourServer = "./02-multiconn/server"

// run sends until nothing fits any more, then waits for Ctrl-C.
func run(ctx context.Context, addr string, out io.Writer) error {
	dialer := net.Dialer{Timeout: 5 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if ctx.Err() != nil {
		fmt.Fprintln(out, "Stopped; not connected yet")
		return cli.ErrStopped
	}
	if err != nil {
		return neterror.Dial(addr, err, ourServer)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })() // wakes Write
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
	switch {
	case ctx.Err() != nil:
		fmt.Fprintf(out, "Stopped; bytes sent: %d, and the server still took more\n", sent)
		return cli.ErrStopped
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("sent %d bytes to %s, then: %w\n%s",
			sent, addr, neterror.Cause(err), neterror.Advice(err, ourServer))
	}
	fmt.Fprintf(out, "Sent %d bytes; now the server takes no more\n", sent)
	<-ctx.Done() // and still it does not read
	fmt.Fprintln(out, "Stopped; bytes read: 0")
	return nil
}
