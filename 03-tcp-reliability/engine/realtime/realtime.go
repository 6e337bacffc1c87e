// Package realtime runs the textbook protocols over a real UDP socket, on the
// real clock. The protocols are those of package arq, the same code that the
// simulator runs: packets and the time go in, packets and the next deadline
// come out.
package realtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/arq"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// A Sender is the sending end of package arq, of any of the protocols or none.
type Sender interface {
	Write(now time.Duration, p []byte) int
	Close(now time.Duration)
	Receive(now time.Duration, packet []byte)
	Send(now time.Duration) (trace.Packet, bool)
	Deadline() (time.Duration, bool)
	Done() (bool, error)
}

// A Receiver is the receiving end.
type Receiver interface {
	Receive(now time.Duration, packet []byte)
	Send(now time.Duration) (trace.Packet, bool)
	Read(now time.Duration, p []byte) (int, error)
}

// Stats says what a transfer took.
type Stats struct {
	Bytes       int // of the message
	Packets     int // sent
	Retransmits int // of them
	Took        time.Duration
}

// ErrStopped says that ctx was cancelled before the end.
var ErrStopped = errors.New("stopped before the end")

// SendAll sends what in holds over conn, a connected socket, and returns when
// all of it is acknowledged (with arq.UDP: sent), or the protocol has given up. An error of the
// socket, such as the ICMP message that nobody listens, is taken for a loss:
// the receiver may come back.
func SendAll(ctx context.Context, conn *net.UDPConn, s Sender, in io.Reader) (stats Stats, err error) {
	start := time.Now()
	now := func() time.Duration { return time.Since(start) }
	defer func() { stats.Took = now() }()

	stop := make(chan struct{})
	defer close(stop)
	packets := listen(conn, stop)
	blocks, inputErr := read(in, stop)

	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var block []byte // read, and not yet taken by the protocol
	for closed := false; ; {
		if len(block) > 0 {
			n := s.Write(now(), block)
			stats.Bytes += n
			block = block[n:]
		}
		for {
			p, ok := s.Send(now())
			if !ok {
				break
			}
			stats.Packets++
			if p.Retransmits > 0 {
				stats.Retransmits++
			}
			conn.Write(p.Bytes) // an error is a loss
		}
		if done, err := s.Done(); done {
			return stats, err
		}

		input := blocks
		if closed || len(block) > 0 {
			input = nil // first the protocol has to take what is there
		}
		wait := time.Hour
		if at, ok := s.Deadline(); ok {
			wait = at - now()
		}
		timer.Reset(wait)
		select {
		case p := <-packets:
			s.Receive(now(), p.bytes)
		case b, ok := <-input:
			if block = b; !ok {
				if err := <-inputErr; err != nil {
					return stats, fmt.Errorf("cannot read the input: %w", err)
				}
				s.Close(now())
				closed = true
			}
		case <-timer.C:
		case <-ctx.Done():
			return stats, ErrStopped
		}
	}
}

// ReceiveAll receives one transfer on conn, and writes it to out. The first
// packet of a transfer begins it (with arq.UDP, any packet); from then on only packets with its random
// number count. It may change its address: answers go to the source of the
// latest valid packet. After the end ReceiveAll answers a repeated fin for as
// long as linger; then it returns the number of bytes. When a transfer falls
// silent for as long as idle, that is an error; with arq.UDP it always ends so,
// as no packet says that it is the last.
func ReceiveAll(ctx context.Context, conn *net.UDPConn, protocol arq.Protocol, out io.Writer, idle, linger time.Duration) (n int, err error) {
	start := time.Now()
	now := func() time.Duration { return time.Since(start) }
	stop := make(chan struct{})
	defer close(stop)
	packets := listen(conn, stop)

	var host Receiver
	var transfer uint64
	var peer netip.AddrPort
	ended := false
	buf := make([]byte, 1<<16)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case p := <-packets:
			d, err := arq.Decode(p.bytes)
			if err != nil || d.Protocol != protocol || d.Type == arq.Ack {
				continue // damaged, stray or hostile
			}
			if host == nil && (d.Seq == uint32(d.Transfer)+1 || protocol == arq.UDP) {
				transfer = d.Transfer
				host = newReceiver(protocol, transfer)
			}
			if host == nil || d.Transfer != transfer {
				continue
			}
			peer = p.from
			host.Receive(now(), p.bytes)
		case <-timer.C:
			if ended {
				return n, nil
			}
			if host != nil {
				return n, fmt.Errorf("nothing came for %v, and the end has not been seen", idle)
			}
		case <-ctx.Done():
			if ended {
				return n, nil
			}
			return n, ErrStopped
		}

		for host != nil {
			got, err := host.Read(now(), buf)
			if got > 0 {
				n += got
				if _, err := out.Write(buf[:got]); err != nil {
					return n, fmt.Errorf("cannot write the output: %w", err)
				}
			}
			ended = ended || err == io.EOF
			if got == 0 {
				break
			}
		}
		for host != nil {
			p, ok := host.Send(now())
			if !ok {
				break
			}
			conn.WriteToUDPAddrPort(p.Bytes, peer)
		}
		switch {
		case ended:
			timer.Reset(linger)
		case host != nil:
			timer.Reset(idle)
		}
	}
}

func newReceiver(p arq.Protocol, transfer uint64) Receiver {
	switch p {
	case arq.UDP:
		return arq.NewUDPReceiver(transfer)
	case arq.StopAndWait:
		return arq.NewStopAndWaitReceiver(transfer)
	case arq.GoBackN:
		return arq.NewGoBackNReceiver(transfer)
	}
	return arq.NewSelectiveRepeatReceiver(transfer)
}

// A datagram is what came, and from where.
type datagram struct {
	bytes []byte
	from  netip.AddrPort
}

// listen reads datagrams until conn is closed. When nobody takes them they
// wait in the kernel, and when its buffer is full they are lost.
func listen(conn *net.UDPConn, stop <-chan struct{}) <-chan datagram {
	c := make(chan datagram, 64)
	go func() {
		for {
			b := make([]byte, arq.HeaderSize+arq.MaxPayload+1)
			n, from, err := conn.ReadFromUDPAddrPort(b)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				// An ICMP message: nobody listens there, now. (Windows also
				// reports a datagram that is too long, which is none of ours.)
				select {
				case <-time.After(time.Millisecond):
				case <-stop:
					return
				}
				continue
			}
			select {
			case c <- datagram{b[:n], from}:
			case <-stop:
				return
			}
		}
	}()
	return c
}

// read reads blocks, one ahead of who takes them. After the last comes the
// error, nil at the end of the input.
func read(in io.Reader, stop <-chan struct{}) (<-chan []byte, <-chan error) {
	blocks, result := make(chan []byte), make(chan error, 1)
	go func() {
		defer close(blocks)
		for {
			b := make([]byte, arq.MaxPayload)
			n, err := in.Read(b)
			if n > 0 {
				select {
				case blocks <- b[:n]:
				case <-stop:
					return
				}
			}
			if err == io.EOF {
				result <- nil
				return
			}
			if err != nil {
				result <- err
				return
			}
		}
	}()
	return blocks, result
}
