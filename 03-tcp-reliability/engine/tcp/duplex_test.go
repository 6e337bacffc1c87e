package tcp_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/tcp"
)

// A duplex lets two ends talk both ways at once. Package simulation's server
// writes nothing.
type duplex struct {
	ends    [2]*tcp.Conn
	say     [2][]byte // what each writes
	heard   [2][]byte // and reads
	eof     [2]bool
	closed  [2]bool
	network *network.Network
	flying  []packet // in the order of arrival
	now     time.Duration
	rate    int    // bytes that an end reads at once, 0: all
	vain    [2]int // packets that each has sent since it last heard anything
}

type packet struct {
	at    time.Duration
	to    int
	bytes []byte
}

// run goes on until both ends are done.
func (d *duplex) run() error {
	buffer := make([]byte, 64<<10)
	if d.rate > 0 {
		buffer = buffer[:d.rate]
	}
	for range 1_000_000 {
		for len(d.flying) > 0 && d.flying[0].at <= d.now {
			p := d.flying[0]
			d.flying = d.flying[1:]
			d.ends[p.to].Receive(d.now, p.bytes)
			d.vain[p.to] = 0
		}
		for i, c := range d.ends {
			n := c.Write(d.now, d.say[i])
			d.say[i] = d.say[i][n:]
			if len(d.say[i]) == 0 && !d.closed[i] {
				d.closed[i] = true
				c.Close(d.now)
			}
			for !d.eof[i] {
				n, err := c.Read(d.now, buffer)
				d.heard[i] = append(d.heard[i], buffer[:n]...)
				d.eof[i] = err == io.EOF
				if n == 0 {
					break
				}
			}
		}
		over := true
		next := time.Duration(1<<63 - 1)
		for i, c := range d.ends {
			for p, ok := c.Send(d.now); ok; p, ok = c.Send(d.now) {
				d.send(i, p.Bytes)
				d.vain[i]++
			}
			done, err := c.Done()
			if err != nil && d.vain[i] >= 16 {
				return errEarned
			} else if err != nil {
				return fmt.Errorf("end %d: %w", i, err)
			}
			over = over && done
			if at, ok := c.Deadline(); ok && !done {
				next = min(next, at)
			}
		}
		if over && len(d.flying) == 0 {
			return nil
		}
		if len(d.flying) > 0 {
			next = min(next, d.flying[0].at)
		}
		if next == 1<<63-1 {
			return fmt.Errorf("stalled at %v: %v and %v", d.now,
				d.ends[0].State().Name, d.ends[1].State().Name)
		}
		d.now = max(d.now, next)
	}
	return fmt.Errorf("no end at %v", d.now)
}

func (d *duplex) send(from int, b []byte) {
	fate := d.network.Send(d.now, network.Direction(from), len(b), 0)
	for i := range fate.N {
		c := fate.Copies[i]
		p := packet{c.At, 1 - from, bytes.Clone(b)}
		if c.FlipBit >= 0 && c.FlipBit < 8*len(b) {
			p.bytes[c.FlipBit/8] ^= 0x80 >> (c.FlipBit % 8)
		}
		at := len(d.flying)
		for at > 0 && d.flying[at-1].at > p.at {
			at--
		}
		d.flying = append(d.flying[:at], append([]packet{p}, d.flying[at:]...)...)
	}
}

// Both ways at once, over every fault: with simultaneous open and close, random
// options and buffers.
func TestBothWaysAtOnce(t *testing.T) {
	many(t, sample(60_000, 1500), func(i int) error {
		r := rand.New(rand.NewPCG(uint64(i), 2))
		o := variant(i)
		o.NoSACK, o.NoTimestamps = r.IntN(4) == 0, r.IntN(3) == 0
		o.Nagle, o.DelayedACK = r.IntN(4) == 0, r.IntN(4) == 0
		d := duplex{network: network.New(faults(r, i))}
		for e := range d.ends {
			o.Local, o.Remote, o.ISS = clientAddr, serverAddr, r.Uint32()
			o.ReceiveBuffer = []int{0, 0, 100, 1000, 3000, 20_000}[r.IntN(6)]
			if e == 1 {
				o.Local, o.Remote = serverAddr, clientAddr
			}
			if e == 0 || i%3 == 0 {
				d.ends[e] = tcp.Dial(o)
			} else {
				d.ends[e] = tcp.Accept(o)
			}
			// a listener that closes at once refuses
			d.say[e] = bytes.Join(pieces(1), nil)[:1+r.IntN(999)]
			if r.IntN(4) == 0 {
				d.say[e] = bytes.Join(pieces(1+r.IntN(10)), nil)
			}
			if r.IntN(4) == 0 {
				d.rate = 1 + r.IntN(500)
			}
		}
		want := [2][]byte{d.say[1], d.say[0]}
		err := d.run()
		if err == errEarned {
			return err
		}
		if err != nil || !bytes.Equal(d.heard[0], want[0]) || !bytes.Equal(d.heard[1], want[1]) {
			return fmt.Errorf("heard %d of %d and %d of %d bytes: %v", len(d.heard[0]),
				len(want[0]),
				len(d.heard[1]), len(want[1]), err)
		}
		return nil
	})
}
