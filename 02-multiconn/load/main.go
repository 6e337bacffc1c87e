// Command load puts an echo server under load. It opens many connections,
// sends messages on all of them at once, checks every echo byte for byte, and
// says how many messages a second went round and how long they took.
package main

import (
	"bytes"
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
	"time"

	"example.com/sockets/02-multiconn/neterror"
)

// maxSize is the largest message in bytes. Each connection writes its whole
// message before it reads. The server echoes from the start, so a message
// larger than all the buffers between the two would leave both waiting in
// Write for ever. Those buffers hold more than this on every system.
const maxSize = 64 << 10

// A load holds the settings of the command line.
type load struct {
	addr     string
	conns    int           // connections
	size     int           // of a message, in bytes
	duration time.Duration // after this no new message is sent
	timeout  time.Duration // for a connection, and for an echo
}

func main() {
	addr := flag.String("addr", "127.0.0.1:65432",
		"connect to the server at `host:port`")
	conns := flag.Int("conns", 50,
		"open this `number` of connections")
	size := flag.Int("size", 64,
		"send messages of this many `bytes`, 65536 at most")
	duration := flag.Duration("for", 10*time.Second,
		"send messages for this `duration`")
	timeout := flag.Duration("timeout", 10*time.Second,
		"give up on a connection or an echo that takes longer than this `duration`")
	quiet := flag.Bool("quiet", false,
		"leave out the progress, which is a line for each second")
	flag.Parse()
	l := load{*addr, *conns, *size, *duration, *timeout}
	if err := checkFlags(l); err != nil {
		fmt.Fprintln(os.Stderr, err)
		flag.Usage()
		os.Exit(2)
	}

	// From here on Ctrl-C does not kill the program: it cancels ctx.
	ctx, stop := signal.NotifyContext(context.Background(),
		os.Interrupt, syscall.SIGTERM)
	defer stop()

	progress := io.Writer(os.Stdout)
	if *quiet {
		progress = io.Discard
	}
	if err := l.run(ctx, os.Stdout, progress); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run loads the server until the time is over or ctx is cancelled, and prints
// the figures. Its error has one line for each kind of thing that went wrong.
func (l load) run(ctx context.Context, out, progress io.Writer) error {
	fmt.Fprintf(out, "Loading %s with %s, %d-byte messages, for %s\n",
		l.addr, count(l.conns, "connection"), l.size, l.duration)

	// All connections are open before the first message, so that every
	// message is sent under the full load.
	conns, err := l.open(ctx)
	closeAll := func() {
		for _, conn := range conns {
			conn.Close()
		}
	}
	defer closeAll()
	// On Ctrl-C, Close wakes every Read and Write that waits.
	defer context.AfterFunc(ctx, closeAll)()
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("cannot open connection %d of %d to %s: %w; %s",
			len(conns)+1, l.conns, l.addr, neterror.Cause(err), advice(err))
	}

	var roundTrips histogram
	var failed failures
	var talking sync.WaitGroup
	start := time.Now()
	for i, conn := range conns {
		talking.Go(func() {
			err := l.talk(conn, i+1, start.Add(l.duration), &roundTrips)
			if err != nil && ctx.Err() == nil {
				failed.add(fmt.Errorf("connection %d: %w", i+1, err))
			}
		})
	}
	done := make(chan struct{})
	go func() {
		talking.Wait()
		close(done)
	}()
	report(progress, done, &roundTrips)

	took := time.Since(start)
	messages := roundTrips.count()
	fmt.Fprintf(out, "Messages: %d in %s, %.0f a second\n", messages,
		took.Round(time.Millisecond), float64(messages)/took.Seconds())
	fmt.Fprintf(out, "Round trip: p50 %s, p99 %s\n",
		roundTrips.quantile(0.50).Round(time.Microsecond),
		roundTrips.quantile(0.99).Round(time.Microsecond))
	fmt.Fprintf(out, "Errors: %d\n", failed.count())
	return failed.explain()
}

// open opens the connections one after the other. Where one fails it returns
// those before it, too.
func (l load) open(ctx context.Context) ([]net.Conn, error) {
	var conns []net.Conn
	dialer := net.Dialer{Timeout: l.timeout}
	for range l.conns {
		conn, err := dialer.DialContext(ctx, "tcp", l.addr)
		if err != nil {
			return conns, err
		}
		conns = append(conns, conn)
	}
	return conns, nil
}

// talk sends one message after another on conn, and checks each echo before
// it sends the next, until the time is over.
func (l load) talk(conn net.Conn, number int, until time.Time, roundTrips *histogram) error {
	message, echo := make([]byte, l.size), make([]byte, l.size)
	for i := range message {
		message[i] = '.'
	}
	var head []byte
	for n := 1; ; n++ {
		start := time.Now()
		if !start.Before(until) {
			return nil
		}
		// No two messages are the same, so that an old echo, or the echo of
		// another connection's message, does not pass for the right one.
		head = fmt.Appendf(head[:0], "%d on connection %d ", n, number)
		copy(message, head)

		// A server that never answers must not hold us for good.
		conn.SetDeadline(start.Add(l.timeout))
		if _, err := conn.Write(message); err != nil {
			return fmt.Errorf("message %d: %w", n, neterror.Cause(err))
		}
		// The echo may come in several pieces: ReadFull waits for all.
		_, err := io.ReadFull(conn, echo)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return fmt.Errorf("message %d: %w", n, errClosedEarly)
		}
		if err != nil {
			return fmt.Errorf("message %d: %w", n, neterror.Cause(err))
		}
		took := time.Since(start)
		if !bytes.Equal(echo, message) {
			i := 0
			for echo[i] == message[i] {
				i++
			}
			return fmt.Errorf("message %d: %w: byte %d is %q and should be %q",
				n, errDiffers, i+1, echo[i], message[i])
		}
		roundTrips.add(took)
	}
}

var (
	errClosedEarly = errors.New("the server closed the connection before the whole echo had come")
	errDiffers     = errors.New("what came back is not what was sent")
)

// report prints a line each second until done is closed.
func report(progress io.Writer, done <-chan struct{}, roundTrips *histogram) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for seconds := 1; ; seconds++ {
		select {
		case <-ticker.C:
			fmt.Fprintf(progress, "%ds: %d messages\n", seconds, roundTrips.count())
		case <-done:
			return
		}
	}
}
