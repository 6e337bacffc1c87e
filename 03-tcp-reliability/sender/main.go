// Command sender reads standard input and sends it over UDP, with one of the
// textbook protocols or with none, to a receiver.
package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/arq"
	"example.com/sockets/03-tcp-reliability/engine/realtime"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:65432", "send to the receiver at `host:port`")
	protocol := flag.String("protocol", "selective-repeat", "stop-and-wait, go-back-n or selective-repeat; udp: none, what is lost stays lost")
	window := flag.Int("window", 8, "`packets` that may be under way, with go-back-n and selective-repeat")
	rto := flag.Duration("rto", 0, "a fixed retransmission `timeout`; 0: an adaptive one")
	flag.Parse()
	if err := check(*addr, *protocol, *window, *rto); err != nil {
		fmt.Fprintln(os.Stderr, err)
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := send(ctx, *addr, *protocol, *window, *rto); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func send(ctx context.Context, addr, protocol string, window int, rto time.Duration) error {
	conn, err := net.Dial("udp", addr)
	if err != nil {
		return fmt.Errorf("cannot send to %s: %w", addr, err)
	}
	defer conn.Close()
	// The transfer's number is random, so that nobody else's packets can be
	// taken for ours, nor those of an earlier transfer.
	var number [8]byte
	rand.Read(number[:])
	transfer := binary.BigEndian.Uint64(number[:])
	var s realtime.Sender
	switch protocol {
	case "udp":
		s = arq.NewUDPSender(transfer)
	case "stop-and-wait":
		s = arq.NewStopAndWaitSender(transfer, rto)
	case "go-back-n":
		s = arq.NewGoBackNSender(transfer, window, rto)
	default:
		s = arq.NewSelectiveRepeatSender(transfer, window, rto)
	}
	stats, err := realtime.SendAll(ctx, conn.(*net.UDPConn), s, os.Stdin)
	if err != nil {
		advice := "is the receiver running? start it first: go run ./03-tcp-reliability/receiver"
		if errors.Is(err, realtime.ErrStopped) {
			advice = "not everything was acknowledged"
		}
		return fmt.Errorf("cannot send everything to %s: %w; %s", addr, err, advice)
	}
	fmt.Fprintf(os.Stderr, "Sent %d bytes in %d packets, %d of them again, in %v\n",
		stats.Bytes, stats.Packets, stats.Retransmits, stats.Took.Round(time.Millisecond))
	return nil
}

// check objects to what package flag lets pass.
func check(addr, protocol string, window int, rto time.Duration) error {
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
	case !slices.Contains([]string{"udp", "stop-and-wait", "go-back-n", "selective-repeat"}, protocol):
		return fmt.Errorf("invalid value %q for flag -protocol: must be stop-and-wait, go-back-n, selective-repeat or udp", protocol)
	case window < 1 || window > arq.MaxWindow:
		return fmt.Errorf("invalid value %d for flag -window: must be from 1 to %d packets", window, arq.MaxWindow)
	case rto < 0 || rto > 0 && rto < time.Millisecond || rto > time.Minute:
		return fmt.Errorf("invalid value %v for flag -rto: must be from 1ms to 1m, or 0 for an adaptive timeout", rto)
	}
	return nil
}
