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
	full     sync.Once // maxPaths was reached
	late     sync.Once // and maxPending
	readers  sync.WaitGroup

	mu    sync.Mutex // guards all below, and numbers of each path
	paths map[netip.AddrPort]*path
	watch *watcher
	count int // paths so far
}

// A path is a client's way to the target: a socket of its own, so that the
// target's answers find back.
type path struct {
	id     int
	client netip.AddrPort
	conn   *net.UDPConn
	mu     sync.Mutex // guards used
	used   time.Time  // when it last carried something

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

// runUDP carries datagrams until ctx is cancelled.
func (o *options) runUDP(ctx context.Context, shared *sharedNetwork, watch *watcher,
	out io.Writer, log func(string, ...any)) error {
	f, err := newUDPForwarder(o.listen, o.target, shared, o.idle, watch, log)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Listening on %s, forwarding datagrams to %s\nover a network with %v\n",
		f.conn.LocalAddr(), o.target, o.Conditions)
	f.run(ctx)
	fmt.Fprintf(out, "Stopped; clients: %d, datagrams up: %d\n", f.count,
		shared.packets[network.Up])
	return nil
}

func newUDPForwarder(listen, target string, shared *sharedNetwork, idle time.Duration,
	watch *watcher, log func(string, ...any)) (*udpForwarder, error) {
	to, err := net.ResolveUDPAddr("udp", target)
	if err != nil {
		return nil, fmt.Errorf("cannot find the target %s: %w\n"+
			"give the server's address, such as -target 127.0.0.1:65432", target, cause(err))
	}
	at, err := net.ResolveUDPAddr("udp", listen)
	var conn *net.UDPConn
	if err == nil {
		conn, err = net.ListenUDP("udp", at)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w\n%s", listen, cause(err), advice(err))
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
		f.full.Do(func() {
			f.log("%d clients at once are too many; what others send is lost", maxPaths)
		})
		return nil
	}
	conn, err := net.DialUDP("udp", nil, f.target)
	if err != nil {
		f.full.Do(func() {
			f.log("cannot reach %s for another client: %v\nwhat it sends is lost", f.target,
				cause(err))
		})
		return nil
	}
	f.count++
	p := &path{id: f.count, client: client, conn: conn, used: time.Now(),
		numbers: map[uint32]int{}}
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
	fate, _, now := f.net.send(d, len(b)+udpOverhead, d == network.Up)
	var c *trace.Header
	if f.watch.watching() {
		c = describe(b)
		if d == network.Up && c.Seq > 0 {
			c.Retransmits = p.again(c.Seq, fate.Number)
		}
		e := trace.Event{At: now, Kind: trace.Sent, Connection: p.id, Direction: d,
			Number: fate.Number, Packet: c}
		f.watch.add(&e, false)
		if fate.Lost != network.NotLost {
			e.Kind, e.Loss = trace.Lost, fate.Lost
			f.watch.add(&e, false)
		}
	}
	f.mu.Unlock()

	for i := range fate.N {
		a := datagram{d, p, b, fate.Number, i + 1, fate.Copies[i].FlipBit >= 0, c}
		if at := fate.Copies[i].At; at > now {
			a.bytes = bytes.Clone(b)
			if !f.schedule.at(at, func() { f.arrive(a) }) {
				f.late.Do(func() {
					f.log("%d datagrams under way are too many; more are lost", maxPending)
				})
			}
		} else {
			f.arrive(a)
		}
	}
}

// A datagram has crossed the network.
type datagram struct {
	direction network.Direction
	path      *path
	bytes     []byte
	number    int
	copy      int
	damaged   bool
	header    *trace.Header // nil if nobody watches
}

// arrive hands a datagram on. A damaged one is lost: UDP's checksum would not
// let it through to the program (RFC 1122, section 4.1.3.4). An error of the
// socket is a loss, too.
func (f *udpForwarder) arrive(a datagram) {
	kind := trace.Arrived
	if a.damaged {
		kind = trace.Discarded
	}
	if a.header != nil {
		f.mu.Lock()
		f.watch.add(&trace.Event{At: f.net.now(), Kind: kind, Connection: a.path.id,
			Direction: a.direction, Number: a.number, Copy: a.copy, Packet: a.header}, false)
		f.mu.Unlock()
	}
	switch {
	case a.damaged:
	case a.direction == network.Up:
		a.path.conn.Write(a.bytes)
	default:
		f.conn.WriteToUDPAddrPort(a.bytes, a.path.client)
	}
}

// describe says what a datagram is: one of the textbook protocols', or any.
func describe(b []byte) *trace.Header {
	if p, err := arq.Decode(b); err == nil {
		c := &trace.Header{Kind: trace.PacketKind(p.Type.String()), Seq: p.Seq - uint32(p.Transfer),
			Length: len(p.Payload), Text: trace.Cut(p.Payload)}
		if p.Type == arq.Ack {
			c.Seq, c.Ack, c.HasAck = 0, p.Ack-uint32(p.Transfer), true
		}
		return c
	}
	return &trace.Header{Kind: trace.Datagram, Length: len(b), Text: trace.Cut(b)}
}
