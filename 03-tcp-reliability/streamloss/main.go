// Command streamloss is a proxy that does what its name says, and what no
// network does: it throws away a piece of the byte stream. It is here to be
// compared with the lossy proxy; see docs/lossy-proxy.md.
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
	"sync"
	"syscall"

	"example.com/sockets/03-tcp-reliability/engine/flags"
)

// options are the command line.
type options struct {
	listen, target string
	from, lose     int // bytes
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2) // the error is printed
	}
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// parse reads the command line. Errors are printed to w.
func parse(args []string, w io.Writer) (*options, error) {
	o := &options{"127.0.0.1:9001", "127.0.0.1:65432", 5, 2}
	fs := flag.NewFlagSet("./03-tcp-reliability/streamloss", flag.ContinueOnError)
	flags.Addr(fs, &o.listen, "tcp", "listen", "listen on `host:port`; port 0 picks a free one")
	flags.Addr(fs, &o.target, "tcp", "target", "carry everything to the server at `host:port`")
	flags.Int(fs, &o.from, "from",
		"keep this `number` of bytes from each client, then lose -lose bytes, and keep the rest")
	flags.Int(fs, &o.lose, "lose", "lose this `number` of bytes from each client")
	return o, flags.Parse(fs, args, w,
		"It is a proxy that throws away a piece of what each client sends, as no network does.",
		func() error {
			switch {
			case o.from < 0:
				return flags.Invalid("from", o.from, "must be 0 or more")
			case o.lose < 0:
				return flags.Invalid("lose", o.lose, "must be 0 or more")
			}
			return nil
		})
}

// run serves until ctx is cancelled.
func (o *options) run(ctx context.Context) error {
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("cannot listen: %w\ntake a free port with -listen 127.0.0.1:0", err)
	}
	defer context.AfterFunc(ctx, func() { l.Close() })()
	fmt.Printf("Listening on %s, forwarding to %s\n"+
		"Of each client's bytes %d to %d are thrown away\n",
		l.Addr(), o.target, o.from+1, o.from+o.lose)

	var clients sync.WaitGroup
	for count := 0; ; count++ {
		client, err := l.Accept()
		if ctx.Err() != nil {
			clients.Wait()
			fmt.Println("Stopped; clients:", count)
			return nil
		}
		if err != nil {
			return fmt.Errorf("cannot accept a client: %w", err)
		}
		clients.Go(func() {
			defer client.Close()
			server, err := new(net.Dialer).DialContext(ctx, "tcp", o.target)
			if err != nil {
				fmt.Fprintf(os.Stderr, "cannot connect to the target: %v\nis it running?\n", err)
				return
			}
			defer server.Close()
			defer context.AfterFunc(ctx, func() { client.Close(); server.Close() })()
			carry(client.(*net.TCPConn), server.(*net.TCPConn), int64(o.from), int64(o.lose))
		})
	}
}

// carry copies both ways, and passes the end of each on. Once Read has
// returned bytes, the kernel has acknowledged them to the client, which
// forgets them: what is thrown away here is lost for good.
func carry(client, server *net.TCPConn, from, lose int64) {
	var both sync.WaitGroup
	both.Go(func() {
		io.CopyN(server, client, from)
		io.CopyN(io.Discard, client, lose)
		io.Copy(server, client)
		server.CloseWrite()
	})
	both.Go(func() {
		io.Copy(client, server)
		client.CloseWrite()
	})
	both.Wait()
}
