// Command streamloss is a proxy that does what its name says, and what no
// network does: it throws away a piece of the byte stream. It is here to be
// compared with the lossy proxy; see docs/lossy-proxy.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:9001", "listen on `host:port`; port 0 picks a free one")
	target := flag.String("target", "127.0.0.1:65432", "carry everything to the server at `host:port`")
	from := flag.Int64("from", 5, "keep this `number` of bytes from each client, then lose -lose bytes, and keep the rest")
	lose := flag.Int64("lose", 2, "lose this `number` of bytes from each client")
	flag.Parse()
	wrong := ""
	switch {
	case flag.NArg() > 0:
		wrong = fmt.Sprintf("unexpected argument %q: settings are given as flags", flag.Arg(0))
	case *from < 0:
		wrong = fmt.Sprintf("invalid value %d for flag -from: must be 0 or more", *from)
	case *lose < 0:
		wrong = fmt.Sprintf("invalid value %d for flag -lose: must be 0 or more", *lose)
	}
	if wrong != "" {
		fmt.Fprintln(os.Stderr, wrong)
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *listen, *target, *from, *lose); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until ctx is cancelled.
func run(ctx context.Context, listen, target string, from, lose int64) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("cannot listen: %w; take another port with -listen", err)
	}
	defer context.AfterFunc(ctx, func() { l.Close() })()
	fmt.Printf("Listening on %s, forwarding to %s;\nof each client's bytes, %d to %d are thrown away\n",
		l.Addr(), target, from+1, from+lose)

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
			server, err := new(net.Dialer).DialContext(ctx, "tcp", target)
			if err != nil {
				fmt.Fprintf(os.Stderr, "cannot connect to the target: %v; is it running?\n", err)
				return
			}
			defer server.Close()
			defer context.AfterFunc(ctx, func() { client.Close(); server.Close() })()
			carry(client.(*net.TCPConn), server.(*net.TCPConn), from, lose)
		})
	}
}

// carry copies both ways, and passes the end of each on. Once Read has
// returned bytes, the kernel has acknowledged them to the client, which
// forgets them: whoever throws them away here loses them for good.
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
