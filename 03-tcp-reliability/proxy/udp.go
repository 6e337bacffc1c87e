package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/arq"
	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

const (
	maxPaths    = 10_000
	udpOverhead = 28 // bytes of the IPv4 and UDP headers
)

// A udpForwarder carries datagrams to a target and back. What the network
// loses stays lost: nobody here sends it again.
type udpForwarder struct {
	conn     *net.UDPConn // where the clients send to
	target   *net.UDPAddr
	net      *sharedNetwork
	schedule *schedule
	idle     time.Duration
	log      func(string, ...any)
	paths    map[netip.AddrPort]*path // of run's goroutine and, to forget one, of others
	mu       sync.Mutex               // guards paths and watch
	watch    *watcher
	count    int // paths so far
	data     int // datagrams from clients
	full     sync.Once
	readers  sync.WaitGroup
}

// A path is a client's way to the target: a socket of its own, so that the
// target's answers find back.
type path struct {
	id     int
	client netip.AddrPort
	conn   *net.UDPConn
	mu     sync.Mutex
	used   time.Time // when it last carried something

	// Of the latest packets of a textbook protocol: the datagram that
	// carried each first. The forwarder's mu guards it.
	numbers map[uint32]int
}

// again says which datagram carried this packet before, or 0.
func (p *path) again(seq uint32, number int) int {
	if before := p.numbers[seq]; before > 0 {
		return before
	}
	p.numbers[seq] = number
	delete(p.numbers, seq-arq.MaxWindow) // long acknowledged
	return 0
}

func (o *options) runUDP(ctx context.Context, shared *sharedNetwork, out io.Writer, log func(string, ...any)) error {
	f, err := newUDPForwarder(o.listen, o.target, shared, o.idle, newWatcher(out, o.view, false), log)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Listening on %s, forwarding datagrams to %s over a network with %v\n", f.conn.LocalAddr(), o.target, o.Conditions)
	f.run(ctx)
	fmt.Fprintf(out, "Stopped; clients: %d, datagrams up: %d\n", f.count, f.data)
	return nil
}

func newUDPForwarder(listen, target string, shared *sharedNetwork, idle time.Duration, watch *watcher, log func(string, ...any)) (*udpForwarder, error) {
	to, err := net.ResolveUDPAddr("udp", target)
	if err != nil {
		return nil, fmt.Errorf("cannot find the target %s: %w", target, cause(err))
	}
	at, err := net.ResolveUDPAddr("udp", listen)
	var conn *net.UDPConn
	if err == nil {
		conn, err = net.ListenUDP("udp", at)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w; %s", listen, cause(err), advice(err))
	}
	return &udpForwarder{conn: conn, target: to, net: shared, schedule: newSchedule(shared.now),
		idle: idle, log: log, paths: map[netip.AddrPort]*path{}, watch: watch}, nil
}

// run forwards until ctx is cancelled.
func (f *udpForwarder) run(ctx context.Context) {
	defer f.schedule.close()
	defer f.readers.Wait()
	defer context.AfterFunc(ctx, func() {
		f.conn.Close()
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, p := range f.paths {
			p.conn.Close()
		}
	})()
	buf := make([]byte, 1<<16)
	for {
		n, client, err := f.conn.ReadFromUDPAddrPort(buf)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			continue // Windows reports here that an answer found nobody
		}
		if p := f.path(ctx, client); p != nil {
			f.forward(network.Up, p, buf[:n])
		}
	}
}

// path finds the client's path or makes one.
func (f *udpForwarder) path(ctx context.Context, client netip.AddrPort) *path {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.paths[client]; p != nil || ctx.Err() != nil {
		return p
	}
	if len(f.paths) >= maxPaths {
		f.full.Do(func() { f.log("%d clients at once are too many; what others send is lost", maxPaths) })
		return nil
	}
	conn, err := net.DialUDP("udp", nil, f.target)
	if err != nil {
		f.full.Do(func() { f.log("cannot reach %s for another client: %v; what it sends is lost", f.target, cause(err)) })
		return nil
	}
	f.count++
	p := &path{id: f.count, client: client, conn: conn, used: time.Now(), numbers: map[uint32]int{}}
	f.paths[client] = p
	f.readers.Go(func() { f.answers(p) })
	return p
}

// answers forwards what the target sends back, until the path is idle.
func (f *udpForwarder) answers(p *path) {
	defer func() {
		f.mu.Lock()
		delete(f.paths, p.client)
		f.mu.Unlock()
		p.conn.Close()
	}()
	buf := make([]byte, 1<<16)
	for {
		p.mu.Lock()
		end := p.used.Add(f.idle)
		p.mu.Unlock()
		p.conn.SetReadDeadline(end)
		n, err := p.conn.Read(buf)
		var timeout net.Error
		switch {
		case err == nil:
			f.forward(network.Down, p, buf[:n])
		case errors.Is(err, net.ErrClosed):
			return
		case errors.As(err, &timeout) && timeout.Timeout():
			p.mu.Lock()
			idle := time.Since(p.used) >= f.idle
			p.mu.Unlock()
			if idle {
				return
			}
		}
		// Any other error is the ICMP message that nobody listens: the
		// datagram is lost, like others.
	}
}

// forward decides what becomes of a datagram.
func (f *udpForwarder) forward(d network.Direction, p *path, b []byte) {
	p.mu.Lock()
	p.used = time.Now()
	p.mu.Unlock()
	f.mu.Lock()
	data := 0
	if d == network.Up {
		f.data++
		data = f.data
	}
	fate, now := f.net.send(d, len(b)+udpOverhead, data)
	var c *trace.Header
	if f.watch.watching() {
		c = describe(b)
		if d == network.Up && c.Seq > 0 {
			c.Retransmits = p.again(c.Seq, fate.Number)
		}
		e := trace.Event{At: now, Kind: trace.Sent, Connection: p.id, Direction: d, Number: fate.Number, Packet: c}
		f.watch.add(&e, false)
		if fate.Lost != network.NotLost {
			e.Kind, e.Loss = trace.Lost, fate.Lost
			f.watch.add(&e, false)
		}
	}
	f.mu.Unlock()

	for i := range fate.N {
		copied := fate.Copies[i]
		if copied.At <= now {
			f.arrive(d, p, b, fate.Number, i+1, copied.FlipBit, c)
			continue
		}
		kept := bytes.Clone(b)
		f.schedule.at(copied.At, func() { f.arrive(d, p, kept, fate.Number, i+1, copied.FlipBit, c) })
	}
}

// arrive hands a datagram on. An error is a loss, too.
func (f *udpForwarder) arrive(d network.Direction, p *path, b []byte, number, copied, flip int, c *trace.Header) {
	kind := trace.Arrived
	if flip >= 0 && len(b) > 0 {
		b = bytes.Clone(b)
		flip %= 8 * len(b) // in the payload: who forwards makes new headers
		b[flip/8] ^= 0x80 >> (flip % 8)
		kind = trace.Discarded
	}
	if c != nil {
		f.mu.Lock()
		f.watch.add(&trace.Event{At: f.net.now(), Kind: kind, Connection: p.id, Direction: d,
			Number: number, Copy: copied, Packet: c}, false)
		f.mu.Unlock()
	}
	if d == network.Up {
		p.conn.Write(b)
	} else {
		f.conn.WriteToUDPAddrPort(b, p.client)
	}
}

// describe says what a datagram is: one of the textbook protocols', or any.
func describe(b []byte) *trace.Header {
	if p, err := arq.Decode(b); err == nil {
		c := &trace.Header{Kind: trace.PacketKind(p.Type.String()), Seq: p.Seq - uint32(p.Transfer), Length: len(p.Payload),
			Text: trace.Cut(p.Payload)}
		if p.Type == arq.Ack {
			c.Seq, c.Ack, c.HasAck = 0, p.Ack-uint32(p.Transfer), true
		}
		return c
	}
	return &trace.Header{Kind: trace.Datagram, Length: len(b), Text: trace.Cut(b)}
}
