// Command load puts an echo server under load. It opens many connections,
// sends messages on all of them at once, checks every echo byte for byte, and
// says how many messages a second went round and how long they took.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"example.com/sockets/02-multiconn/internal/cli"
	"example.com/sockets/02-multiconn/internal/neterror"
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
	l, progress := fromFlags()
	ctx := cli.Interrupt() // from here on Ctrl-C does not kill the program: it cancels ctx
	cli.Exit(l.run(ctx, cli.Stdout, progress))
}

const ourServer = "./02-multiconn/server -quiet"

// run loads the server until the time is over or ctx is cancelled, and prints
// the figures. Its error explains each kind of thing that went wrong.
func (l load) run(ctx context.Context, out, progress io.Writer) error {
	fmt.Fprintf(out, "Loading %s with %s, %d-byte messages, for %s\n",
		l.addr, count(l.conns, "connection"), l.size, l.duration)

	// All connections are open before the first message, so that every
	// message is sent under the full load.
	conns, err := l.open(ctx, progress)
	closeAll := func() {
		for _, conn := range conns {
			conn.Close()
		}
	}
	defer closeAll()
	// On Ctrl-C, Close wakes every Read and Write that waits.
	defer context.AfterFunc(ctx, closeAll)()
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("connection %d of %d to %s: %w\n%s", len(conns)+1, l.conns, l.addr,
			neterror.Cause(err), neterror.Advice(err, ourServer))
	}

	var roundTrips histogram
	failed := neterror.Failures{Server: ourServer}
	var talking sync.WaitGroup
	start := time.Now()
	for i, conn := range conns {
		talking.Go(func() {
			err := l.talk(conn, i+1, start.Add(l.duration), &roundTrips)
			if err != nil && ctx.Err() == nil {
				failed.Add(i+1, err)
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
	fmt.Fprintf(out, "Errors: %d\n", failed.Count())
	if ctx.Err() != nil {
		fmt.Fprintf(out, "Stopped before the %s were over\n", l.duration)
		return cli.ErrStopped
	}
	return failed.Explain(l.addr)
}

// count returns n with its noun: "1 connection", "2 connections".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// open opens the connections one after the other. Where one fails it returns
// those before it, too.
func (l load) open(ctx context.Context, progress io.Writer) ([]net.Conn, error) {
	var conns []net.Conn
	dialer := net.Dialer{Timeout: l.timeout}
	said := time.Now()
	for range l.conns {
		conn, err := dialer.DialContext(ctx, "tcp", l.addr)
		if err != nil {
			return conns, err
		}
		conns = append(conns, conn)
		if now := time.Now(); now.Sub(said) >= time.Second {
			said = now
			fmt.Fprintf(progress, "%d of %d connections are open so far\n", len(conns), l.conns)
		}
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
			return fmt.Errorf("message %d: %w", n, neterror.Root(err))
		}
		// The echo may come in several pieces: ReadFull waits for all.
		_, err := io.ReadFull(conn, echo)
		if err != nil {
			return fmt.Errorf("message %d: %w", n, neterror.Root(err))
		}
		took := time.Since(start)
		if !bytes.Equal(echo, message) {
			i := 0
			for echo[i] == message[i] {
				i++
			}
			return neterror.Wrong("message %d: byte %d is %q, not %q", n, i+1, echo[i], message[i])
		}
		roundTrips.add(took)
	}
}

// report prints a line each second until done is closed.
func report(progress io.Writer, done <-chan struct{}, roundTrips *histogram) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for seconds := 1; ; seconds++ {
		select {
		case <-ticker.C:
			fmt.Fprintf(progress, "%ds: %d messages so far\n", seconds, roundTrips.count())
		case <-done:
			return
		}
	}
}
