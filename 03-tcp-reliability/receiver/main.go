// Command receiver receives one transfer over UDP, with one of the textbook
// protocols or with none, and writes it to standard output. Its own lines go
// to standard error.
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

	"example.com/sockets/03-tcp-reliability/engine/arq"
	"example.com/sockets/03-tcp-reliability/engine/flags"
	"example.com/sockets/03-tcp-reliability/engine/realtime"
)

// options are the command line.
type options struct {
	addr     string
	protocol arq.Protocol
	idle     time.Duration
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
	if err := o.receive(ctx, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// parse reads the command line. Errors are printed to w.
func parse(args []string, w io.Writer) (*options, error) {
	o := &options{"127.0.0.1:65432", arq.SelectiveRepeat, time.Minute}
	fs := flag.NewFlagSet("./03-tcp-reliability/receiver", flag.ContinueOnError)
	flags.Addr(fs, &o.addr, "udp", "addr", "listen on `host:port`; port 0 picks a free one")
	fs.Var(&o.protocol, "protocol",
		"stop-and-wait, go-back-n or `selective-repeat`; udp: none, what is lost stays lost")
	flags.Duration(fs, &o.idle, "idle-timeout",
		"give up a transfer that is silent for this `duration`")
	return o, flags.Parse(fs, args, w,
		"It receives one transfer of a sender over UDP, and writes it to standard output.",
		func() error {
			if o.idle <= 0 {
				return flags.Invalid("idle-timeout", o.idle, "must be more than 0")
			}
			return nil
		})
}

// receive writes what it receives to out, and says on log how it goes.
func (o *options) receive(ctx context.Context, out, log io.Writer) error {
	at, err := net.ResolveUDPAddr("udp", o.addr)
	var conn *net.UDPConn
	if err == nil {
		conn, err = net.ListenUDP("udp", at)
	}
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w\ntake a free port with -addr 127.0.0.1:0",
			o.addr, err)
	}
	defer conn.Close()
	fmt.Fprintf(log, "Listening on %s\n", conn.LocalAddr())
	r := realtime.Receiving{Conn: conn, Protocol: o.protocol, Out: out,
		Idle: o.idle, Linger: arq.Linger,
		Ended: func(bytes int) {
			fmt.Fprintf(log,
				"Received %d bytes\nStaying for %v, in case the sender has not heard that and "+
					"asks again\n",
				bytes, arq.Linger)
		},
		Stranger: func(p arq.Protocol) {
			fmt.Fprintf(log, "A packet of %v came, and this receiver understands %v only\n"+
				"start both ends with the same -protocol\n", p, o.protocol)
		},
	}
	n, err := r.Run(ctx)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, realtime.ErrStopped) && n == 0:
		return fmt.Errorf("stopped; nothing was received on %s", conn.LocalAddr())
	case o.protocol == arq.UDP:
		return fmt.Errorf("%d bytes were received on %s; nobody knows whether that is all", n,
			conn.LocalAddr())
	}
	return fmt.Errorf("the transfer is not complete: %d bytes were received on %s:\n%w",
		n, conn.LocalAddr(), err)
}
