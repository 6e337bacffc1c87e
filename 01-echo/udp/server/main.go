// Command server is the echo server over UDP. It sends each datagram back to
// where it came from.
package main

import (
	"context"
	"fmt"
	"net"

	"example.com/sockets/01-echo/internal/cli"
)

func main() {
	s := fromFlags()
	ctx := cli.CtrlC() // from here on Ctrl-C cancels ctx, and kills nothing
	if err := s.run(ctx); err != nil {
		cli.Fail(err, cli.ListenAdvice(err))
	}
}

// run echoes datagrams until ctx is cancelled.
func (s server) run(ctx context.Context) error {
	// ListenPacket makes a socket and ties it to the address: socket and bind.
	// There is no listen and no accept: nobody connects.
	conn, err := net.ListenPacket("udp", s.addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w", s.addr, cli.Cause(err))
	}
	defer conn.Close()
	// On Ctrl-C, Close wakes the ReadFrom that waits.
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	_, err = fmt.Fprintf(s.out, "Listening on %s\n%s", conn.LocalAddr(), cli.OneAddress(s.addr))
	if err != nil {
		return fmt.Errorf("%w: %w", cli.ErrOutput, err)
	}

	var datagrams, bytes int64
	buf := make([]byte, s.bufferSize)
	for {
		// One ReadFrom is one datagram, never a half and never two. One socket
		// hears all clients, so each datagram comes with its sender's address.
		n, client, err := conn.ReadFrom(buf)
		if ctx.Err() != nil {
			break
		}
		// Windows says that a datagram was cut. Other systems just cut it.
		if err != nil && !cli.WasCut(err) {
			return fmt.Errorf("cannot receive on %s: %w", conn.LocalAddr(), cli.Cause(err))
		}
		datagrams++
		fmt.Fprintf(s.log, "Received %d bytes from %s\n", n, client)
		// One WriteTo is one datagram. It may get lost, and nobody will know.
		if _, err := conn.WriteTo(buf[:n], client); err != nil {
			// That this client can't be answered is no other client's trouble.
			fmt.Fprintf(s.log, "Cannot answer %s: %s\n", client, cli.Cause(err))
			continue
		}
		bytes += int64(n)
	}
	_, err = fmt.Fprintf(s.out, "Stopped; datagrams received: %d, bytes echoed: %d\n", datagrams,
		bytes)
	if err != nil {
		return fmt.Errorf("%w: %w", cli.ErrOutput, err)
	}
	return nil
}
