package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
)

// A tcpProxy carries connections to a target through the lossy network:
//
//	client ══kernel══▶ proxy: TCP ──lossy network──▶ TCP ══kernel══▶ target
//
// The connections of the kernel, at both ends, lose nothing. What is lost
// and sent again are the packets between the two ends of TCP in the middle.
type tcpProxy struct {
	*options
	listener net.Listener
	medium   *medium
	slots    chan struct{} // one element for each connection
	log      func(format string, args ...any)
	running  sync.WaitGroup

	mu       sync.Mutex // guards what follows
	random   *rand.Rand // for first sequence numbers
	count    int        // connections so far
	stopping bool
	open     map[*relay]struct{}
}

const dialTimeout = 10 * time.Second

// listenTCP makes the proxy.
func (o *options) listenTCP(m *medium, log func(string, ...any)) (*tcpProxy, error) {
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w\n%s", o.listen, cause(err), advice(err))
	}
	return &tcpProxy{options: o, listener: listener, medium: m, log: log,
		random: rand.New(rand.NewPCG(uint64(o.Seed), 0)),
		slots:  make(chan struct{}, o.maxConns), open: map[*relay]struct{}{}}, nil
}

// run serves until ctx is cancelled. Then it resets what is open: bytes that
// the network still holds can't be saved any more.
func (p *tcpProxy) run(ctx context.Context) error {
	defer p.running.Wait()
	defer context.AfterFunc(ctx, p.stop)() // also wakes Accept
	watched, cancel := context.WithCancel(ctx)
	defer cancel()
	p.running.Go(func() { p.tellOfWaiting(watched) })

	var once sync.Once
	for {
		select {
		case p.slots <- struct{}{}: // further clients wait in the backlog
		case <-ctx.Done():
			return nil
		}
		conn, err := p.listener.Accept()
		if ctx.Err() != nil {
			if err == nil {
				conn.Close()
			}
			return nil
		}
		if err != nil {
			// Most likely there are too many open files. See chapter 2.
			<-p.slots
			once.Do(func() {
				p.log("cannot accept a client on %s: %v\nnew clients wait until connections close",
					p.listener.Addr(), cause(err))
			})
			select {
			case <-time.After(200 * time.Millisecond):
			case <-ctx.Done():
			}
			continue
		}
		p.running.Go(func() {
			defer func() { <-p.slots }()
			p.carry(ctx, conn.(*net.TCPConn))
		})
	}
}

// carry takes a client's connection through the network to the target.
func (p *tcpProxy) carry(ctx context.Context, conn *net.TCPConn) {
	l := p.newLink()
	near := &relay{proxy: p, kernel: conn, inner: end{l, network.Up}}
	p.add(near)
	defer p.remove(near)
	var target sync.WaitGroup
	target.Go(func() { p.reach(ctx, l) })
	reason := near.run()
	target.Wait()
	l.finish()
	p.medium.ended(l, reason)
}

// reach connects to the target as soon as the client's SYN has come through.
func (p *tcpProxy) reach(ctx context.Context, l *link) {
	inner := end{l, network.Down}
	if !inner.established() {
		return
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", p.target)
	if err != nil {
		if ctx.Err() == nil {
			p.log("cannot connect to the target %s: %v\n%s", p.target, cause(err), dialAdvice(err))
		}
		inner.Abort()
		return
	}
	far := &relay{proxy: p, kernel: conn.(*net.TCPConn), inner: inner}
	p.add(far)
	defer p.remove(far)
	far.run()
}

// Addresses for documentation (RFC 5737, section 3), as captures show them.
var (
	clientAddr = netip.MustParseAddr("192.0.2.1")
	targetAddr = netip.MustParseAddrPort("192.0.2.2:65432")
)

// newLink makes the two ends of the next connection. Each has a port of its own.
func (p *tcpProxy) newLink() *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	o := p.TCPOptions()
	o.MTU, o.Trace = p.mtu, p.view != "none" || p.pcap != ""
	o.SendBuffer, o.ReceiveBuffer = innerBuffer, innerBuffer
	least := p.roundTrip()
	o.RTOMin, o.RTOMax = max(o.RTOMin, least), max(o.RTOMax, 4*least)
	client, target := o, o
	client.Local = netip.AddrPortFrom(clientAddr, uint16(10_000+p.count%50_000))
	client.Remote, client.ISS = targetAddr, p.random.Uint32()
	target.Local, target.Remote, target.ISS = targetAddr, client.Local, p.random.Uint32()
	return newLink(p.count, p.medium, client, target)
}

// innerBuffer is what each end in the middle keeps of bytes that wait, and so
// bounds what a target that reads nothing costs.
const innerBuffer = 256 << 10 // bytes

// roundTrip is what a packet and its answer take at most under the conditions
// that hold now. A timer that is shorter would repeat everything.
func (p *tcpProxy) roundTrip() time.Duration {
	c := p.medium.net.conditions()
	d := 2 * (c.Delay + c.Jitter)
	if c.Rate > 0 {
		d += time.Duration(int64(c.Queue+1) * int64(p.mtu) * 8 * int64(time.Second) / int64(c.Rate))
	}
	return d
}

// add notes what stop must reset. When the proxy stops already, it resets it.
func (p *tcpProxy) add(r *relay) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[r] = struct{}{}
	if p.stopping {
		r.stop()
	}
}

func (p *tcpProxy) remove(r *relay) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, r)
}

// stop ends accepting and resets every connection.
func (p *tcpProxy) stop() {
	p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopping = true
	for r := range p.open {
		r.stop()
	}
}

// A relay copies between a program's connection and an end in the middle.
type relay struct {
	proxy  *tcpProxy
	kernel *net.TCPConn
	inner  end

	once   sync.Once
	reason error // why it was reset
}

// run carries bytes both ways until both have ended, and says why it did not
// end well, or "".
func (r *relay) run() string {
	var both sync.WaitGroup
	both.Go(func() {
		// From the program into the network. The end of its bytes passes as
		// a FIN, and the other way stays open: half-close.
		if err := copyBytes(r.inner, r.kernel, nil); err != nil {
			r.reset(err)
			return
		}
		r.inner.CloseWrite()
	})
	both.Go(func() {
		if err := copyBytes(r.kernel, r.inner, r.inner.handed); err != nil {
			r.reset(err)
			return
		}
		r.inner.handed(nil)
		r.kernel.CloseWrite()
	})
	both.Wait()
	r.kernel.Close()
	r.once.Do(func() {}) // from here on no reset comes, and the reason stands
	if r.reason != nil {
		return cause(r.reason).Error()
	}
	return ""
}

// copyBytes copies from src to dst until the end of src. A side that does not
// read slows the other down: there is one buffer, and then it waits.
func copyBytes(dst io.Writer, src io.Reader, handed func([]byte)) error {
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		if n > 0 {
			if _, err := dst.Write(buf[:n]); err != nil {
				return err
			}
			if handed != nil {
				handed(buf[:n])
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// reset passes a failure on to both sides: each gets a RST.
func (r *relay) reset(why error) {
	r.once.Do(func() {
		r.reason = why
		reset(r.kernel)
		r.inner.Abort()
	})
}

// stop resets the program's connection and forgets the rest.
func (r *relay) stop() {
	r.inner.stop()
	r.once.Do(func() {
		r.reason = errStopped
		reset(r.kernel)
	})
}

// reset closes with a RST: with a linger time of 0 the kernel throws away
// what it has not sent (SO_LINGER).
func reset(c *net.TCPConn) {
	c.SetLinger(0)
	c.Close()
}
