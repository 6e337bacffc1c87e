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
)

// A Receiving is the receiving end of one transfer.
type Receiving struct {
	Conn     *net.UDPConn
	Protocol arq.Protocol
	Out      io.Writer // what is received

	Idle   time.Duration // a transfer that is silent for so long is given up
	Linger time.Duration // how long to answer a repeated fin after the end

	// Ended is called when everything is received and written, before the
	// lingering; Stranger once, for a packet of another protocol. nil: not.
	Ended    func(bytes int)
	Stranger func(arq.Protocol)

	start    time.Time
	host     arq.End // nil before the first packet
	transfer uint64
	peer     netip.AddrPort
	bytes    int
	ended    bool
}

func (r *Receiving) now() time.Duration { return time.Since(r.start) }

// Run receives one transfer and returns the number of bytes. The first packet
// of a transfer begins it (with arq.UDP, any packet); from then on only packets
// with its random number count. It may change its address: answers go to the
// source of the latest valid packet.
//
// With arq.UDP a transfer always ends with an error, as no packet says that it
// is the last.
func (r *Receiving) Run(ctx context.Context) (int, error) {
	r.start = time.Now()
	stop := make(chan struct{})
	defer close(stop)
	packets := listen(r.Conn, stop)
	timer := stopped()
	defer timer.Stop()
	buf := make([]byte, 1<<16)
	for {
		select {
		case p := <-packets:
			if !r.receive(p) {
				continue
			}
		case <-timer.C:
			if r.ended {
				return r.bytes, nil
			}
			return r.bytes, fmt.Errorf("nothing came for %v, and the end has not been seen", r.Idle)
		case <-ctx.Done():
			if r.ended {
				return r.bytes, nil
			}
			return r.bytes, ErrStopped
		}
		if err := r.write(buf); err != nil {
			return r.bytes, fmt.Errorf("cannot write the output: %w", err)
		}
		for {
			p, ok := r.host.Send(r.now())
			if !ok {
				break
			}
			r.Conn.WriteToUDPAddrPort(p.Bytes, r.peer) // an error is a loss
		}
		if r.ended {
			timer.Reset(r.Linger)
		} else {
			timer.Reset(r.Idle)
		}
	}
}

// receive hands a packet of the transfer to the protocol. Others are damaged,
// stray or hostile.
func (r *Receiving) receive(p datagram) (ours bool) {
	d, err := arq.Decode(p.bytes)
	if err != nil || d.Type == arq.Ack {
		return false
	}
	if d.Protocol != r.Protocol {
		if r.Stranger != nil && r.host == nil {
			r.Stranger(d.Protocol)
			r.Stranger = nil
		}
		return false
	}
	if r.host == nil && (d.Seq == uint32(d.Transfer)+1 || r.Protocol == arq.UDP) {
		r.transfer = d.Transfer
		r.host = arq.NewReceiver(r.Protocol, r.transfer)
	}
	if r.host == nil || d.Transfer != r.transfer {
		return false
	}
	r.peer = p.from
	r.host.Receive(r.now(), p.bytes)
	return true
}

// write writes what the protocol hands over.
func (r *Receiving) write(buf []byte) error {
	for {
		n, err := r.host.Read(r.now(), buf)
		r.bytes += n
		if n > 0 { // a pipe would wait for a reader of nothing
			if _, err := r.Out.Write(buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF && !r.ended {
			r.ended = true
			if r.Ended != nil {
				r.Ended(r.bytes)
			}
		}
		if n == 0 {
			return nil
		}
	}
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
