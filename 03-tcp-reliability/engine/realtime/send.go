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
	"time"

	"example.com/sockets/03-tcp-reliability/engine/arq"
)

// Stats says what a transfer took.
type Stats struct {
	Bytes       int // of the message
	Packets     int // sent
	Retransmits int // of them
	Took        time.Duration
}

// ErrStopped says that ctx was cancelled before the end.
var ErrStopped = errors.New("stopped before the end")

// A Sending is the sending end of one transfer.
type Sending struct {
	Conn   *net.UDPConn // connected to the receiver
	Sender arq.End
	In     io.Reader // what is sent

	// If nothing has come back so long after the first packet, Silent is
	// called, once. nil: it is not.
	Patience time.Duration
	Silent   func()

	start time.Time
	stats Stats
}

func (s *Sending) now() time.Duration { return time.Since(s.start) }

// Run sends everything, and returns when all of it is acknowledged (with
// arq.UDP: sent), or the protocol has given up. An error of the socket, such as
// the ICMP message that nobody listens, is taken for a loss: the receiver may
// come back.
func (s *Sending) Run(ctx context.Context) (Stats, error) {
	s.start = time.Now()
	err := s.run(ctx)
	s.stats.Took = s.now()
	return s.stats, err
}

func (s *Sending) run(ctx context.Context) error {
	stop := make(chan struct{})
	defer close(stop)
	packets, blocks := listen(s.Conn, stop), read(s.In, stop)
	deadline, silence := stopped(), stopped()
	defer deadline.Stop()
	defer silence.Stop()
	first := true
	var waiting []byte // read, and not yet taken by the protocol
	for {
		taken := s.Sender.Write(s.now(), waiting)
		s.stats.Bytes += taken
		waiting = waiting[taken:]
		if s.sendAll() && first && s.Silent != nil {
			first = false
			silence.Reset(s.Patience)
		}
		if done, err := s.Sender.Done(); done {
			return err
		}
		if at, ok := s.Sender.Deadline(); ok {
			deadline.Reset(at - s.now())
		}
		input := blocks
		if len(waiting) > 0 {
			input = nil // first the protocol has to take what is there
		}
		select {
		case p := <-packets:
			silence.Stop()
			s.Sender.Receive(s.now(), p.bytes)
		case b := <-input:
			switch waiting = b.bytes; b.err {
			case nil:
			case io.EOF:
				s.Sender.Close(s.now())
				blocks = nil
			default:
				return fmt.Errorf("cannot read the input: %w", b.err)
			}
		case <-deadline.C:
		case <-silence.C:
			s.Silent()
		case <-ctx.Done():
			return ErrStopped
		}
	}
}

// sendAll sends what the protocol has to send, and says whether there was any.
func (s *Sending) sendAll() (any bool) {
	for {
		p, ok := s.Sender.Send(s.now())
		if !ok {
			return any
		}
		any = true
		s.stats.Packets++
		if p.Retransmits > 0 {
			s.stats.Retransmits++
		}
		s.Conn.Write(p.Bytes) // an error is a loss
	}
}

// stopped is a timer that does not run.
func stopped() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

// A block is a piece of the input, or why there is none.
type block struct {
	bytes []byte
	err   error
}

// read reads the input, one block ahead of who takes them. The last has an
// error, io.EOF at the end of the input.
func read(in io.Reader, stop <-chan struct{}) <-chan block {
	blocks := make(chan block)
	go func() {
		for {
			b := make([]byte, arq.MaxPayload)
			n, err := in.Read(b)
			for _, block := range []block{{b[:n], nil}, {nil, err}} {
				if len(block.bytes) == 0 && block.err == nil {
					continue
				}
				select {
				case blocks <- block:
				case <-stop:
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	return blocks
}
