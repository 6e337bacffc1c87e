// Command receiver receives one transfer over UDP, with one of the textbook
// protocols or with none, and writes it to standard output. Its own lines go to standard
// error.
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

	"example.com/sockets/03-tcp-reliability/engine/arq"
	"example.com/sockets/03-tcp-reliability/engine/realtime"
)

var protocols = map[string]arq.Protocol{
	"udp":              arq.UDP,
	"stop-and-wait":    arq.StopAndWait,
	"go-back-n":        arq.GoBackN,
	"selective-repeat": arq.SelectiveRepeat,
}

func main() {
	addr := flag.String("addr", "127.0.0.1:65432", "listen on `host:port`; port 0 picks a free one")
	protocol := flag.String("protocol", "selective-repeat", "stop-and-wait, go-back-n or selective-repeat; udp: none, what is lost stays lost")
	idle := flag.Duration("idle-timeout", time.Minute, "give up a transfer that is silent for this `duration`")
	flag.Parse()
	if err := check(*addr, *protocol, *idle); err != nil {
		fmt.Fprintln(os.Stderr, err)
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := receive(ctx, *addr, protocols[*protocol], *idle); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func receive(ctx context.Context, addr string, protocol arq.Protocol, idle time.Duration) error {
	at, err := net.ResolveUDPAddr("udp", addr)
	var conn *net.UDPConn
	if err == nil {
		conn, err = net.ListenUDP("udp", at)
	}
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w; take a free port with -addr 127.0.0.1:0", addr, err)
	}
	defer conn.Close()
	fmt.Fprintf(os.Stderr, "Listening on %s\n", conn.LocalAddr())
	n, err := realtime.ReceiveAll(ctx, conn, protocol, os.Stdout, idle, arq.Linger)
	if errors.Is(err, realtime.ErrStopped) && n == 0 {
		return fmt.Errorf("stopped; nothing was received on %s", conn.LocalAddr())
	}
	if err != nil && protocol == arq.UDP {
		return fmt.Errorf("%d bytes were received on %s; nobody knows whether that is all", n, conn.LocalAddr())
	}
	if err != nil {
		return fmt.Errorf("the transfer is not complete: %d bytes were received on %s: %w", n, conn.LocalAddr(), err)
	}
	fmt.Fprintf(os.Stderr, "Received %d bytes\n", n)
	return nil
}

// check objects to what package flag lets pass.
func check(addr, protocol string, idle time.Duration) error {
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: settings are given as flags", flag.Arg(0))
	}
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = net.LookupPort("udp", port)
	}
	switch {
	case err != nil:
		return fmt.Errorf("invalid value %q for flag -addr: %w", addr, err)
	case protocols[protocol] == 0:
		return fmt.Errorf("invalid value %q for flag -protocol: must be stop-and-wait, go-back-n, selective-repeat or udp", protocol)
	case idle <= 0:
		return fmt.Errorf("invalid value %v for flag -idle-timeout: must be more than 0", idle)
	}
	return nil
}
