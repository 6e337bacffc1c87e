// Command proxy puts a bad network between a client and a server that know
// nothing of it, and shows what becomes of each packet.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/terminal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(),
		os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2) // the error is printed
	}
	// A message passes from goroutine to goroutine. On one processor that costs
	// little; on several, one is woken each time.
	if o.network == "tcp" && os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
	if err := o.run(ctx, os.Stdout, os.Stderr, terminal.Color(os.Stdout)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run carries connections or datagrams until ctx is cancelled.
func (o *options) run(ctx context.Context, out, errOut io.Writer, color bool) error {
	shared := newSharedNetwork(o.Conditions)
	log := func(format string, args ...any) { fmt.Fprintf(errOut, format+"\n", args...) }
	if o.control != "" {
		stop, err := serveControl(o.control, shared, out)
		if err != nil {
			return err
		}
		defer stop()
	}
	watch := newWatcher(out, o.view, color, log)
	if o.network == "udp" {
		return o.runUDP(ctx, shared, watch, out, log)
	}
	if o.view == "svg" { // nothing else goes where the picture goes
		out = errOut
	}
	if o.pcap != "" {
		if err := watch.capture(o.pcap); err != nil {
			return err
		}
	}
	p, err := listenTCP(o, shared, watch, log)
	if err != nil {
		watch.discard()
		return err
	}
	fmt.Fprintf(out, "Listening on %s, forwarding to %s\nover a network with %v\n",
		p.listener.Addr(), o.target, o.Conditions)
	if o.tcp != "" {
		fmt.Fprintf(out, "between two ends of TCP with%s\n", o.tcp)
	}
	p.run(ctx)
	err = watch.close()
	if o.view == "svg" {
		title := fmt.Sprintf("tcp over a network with %v", o.Conditions)
		err = errors.Join(err, watch.drawLast(title))
	}
	fmt.Fprintf(out, "Stopped; connections: %d, segments: %d up, %d down\n",
		shared.links, shared.packets[network.Up], shared.packets[network.Down])
	return err
}
