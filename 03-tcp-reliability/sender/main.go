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
	arq.Options
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
	if err := o.send(ctx, os.Stdin, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// parse reads the command line. Errors are printed to w.
func parse(args []string, w io.Writer) (*options, error) {
	o := &options{addr: "127.0.0.1:65432", protocol: arq.SelectiveRepeat,
		Options: arq.Options{Window: arq.DefaultWindow}}
	fs := flag.NewFlagSet("./03-tcp-reliability/sender", flag.ContinueOnError)
	flags.Addr(fs, &o.addr, "udp", "addr", "send to the receiver at `host:port`")
	fs.Var(&o.protocol, "protocol",
		"stop-and-wait, go-back-n or `selective-repeat`; udp: none, what is lost stays lost")
	o.Options.Flags(fs)
	return o, flags.Parse(fs, args, w,
		"It reads standard input and sends it over UDP to a receiver, with a protocol that\n"+
			"repeats what is lost, or with none.",
		func() error {
			for name := range flags.Given(fs) {
				if err := o.protocol.Takes(name); err != nil {
					return err
				}
			}
			return o.Options.Check()
		})
}

// send sends all of in, and says on log what it took.
func (o *options) send(ctx context.Context, in io.Reader, log io.Writer) error {
	conn, err := net.Dial("udp", o.addr)
	if err != nil {
		return fmt.Errorf("cannot send to %s: %w\n"+
			"give the receiver's address, such as -addr 127.0.0.1:65432", o.addr, err)
	}
	defer conn.Close()
	// The transfer's number is random, so that nobody else's packets can be
	// taken for ours, nor those of an earlier transfer.
	var number [8]byte
	rand.Read(number[:])
	transfer := binary.BigEndian.Uint64(number[:])

	s := realtime.Sending{Conn: conn.(*net.UDPConn), In: in,
		Sender: arq.NewSender(o.protocol, transfer, o.Options)}
	receiver := fmt.Sprintf("is a receiver there? go run ./03-tcp-reliability/receiver -protocol %v", o.protocol)
	if o.protocol != arq.UDP { // whose receiver never answers
		s.Patience = 1500 * time.Millisecond
		s.Silent = func() {
			fmt.Fprintf(log, "Nothing has come back from %s yet; trying again and again\n%s\n",
				o.addr, receiver)
		}
	}
	stats, err := s.Run(ctx)
	if err != nil {
		advice := receiver
		if errors.Is(err, realtime.ErrStopped) {
			advice = "not everything was acknowledged"
		}
		return fmt.Errorf("cannot send everything to %s: %w\n%s", o.addr, err, advice)
	}
	fmt.Fprintf(log, "Sent %d bytes in %d packets, %d of them again, in %v\n",
		stats.Bytes, stats.Packets, stats.Retransmits, stats.Took.Round(time.Millisecond))
	return nil
}
