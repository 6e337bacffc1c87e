package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
)

// A tcpProxy carries connections to a target through the lossy network:
//
//	client ══kernel══▶ proxy: TCP ──lossy network──▶ TCP ══kernel══▶ target
//
// The connections of the kernel, at both ends, lose nothing. What is lost
// and sent again are the packets between the two ends of a link.
type tcpProxy struct {
	*options
	listener net.Listener
	net      *sharedNetwork
	watch    *watcher
	log      func(format string, args ...any)
	slots    chan struct{} // one element for each link
	running  sync.WaitGroup

	mu       sync.Mutex // guards what follows
	stopping bool
	open     map[*link]struct{}
}

const (
	dialTimeout = 10 * time.Second       // for the target to answer
	acceptPause = 200 * time.Millisecond // when the system has no room for another client
)

// listenTCP makes the proxy.
func listenTCP(o *options, shared *sharedNetwork, watch *watcher,
	log func(string, ...any)) (*tcpProxy, error) {
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w\n%s", o.listen, cause(err), advice(err))
	}
	return &tcpProxy{options: o, listener: listener, net: shared, watch: watch, log: log,
		slots: make(chan struct{}, o.maxConns), open: map[*link]struct{}{}}, nil
}

// run serves until ctx is cancelled. Then it resets what is open: bytes that
// the network still holds can't be saved any more.
func (p *tcpProxy) run(ctx context.Context) {
	defer p.running.Wait()
	defer context.AfterFunc(ctx, p.stop)() // also wakes Accept
	p.running.Go(func() { p.watchLinks(ctx) })

	var once sync.Once
	for {
		select {
		case p.slots <- struct{}{}: // further clients wait in the backlog
		case <-ctx.Done():
			return
		}
		conn, err := p.listener.Accept()
		if ctx.Err() != nil {
			if err == nil {
				conn.Close()
			}
			return
		}
		if err != nil {
			// Most likely there are too many open files. See chapter 2.
			<-p.slots
			once.Do(func() {
				p.log("cannot accept a client on %s: %v\nnew clients wait until connections close",
					p.listener.Addr(), cause(err))
			})
			select {
			case <-time.After(acceptPause):
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

// carry carries one connection from its beginning to its end.
func (p *tcpProxy) carry(ctx context.Context, client *net.TCPConn) {
	l := newLink(p.net, p.watch, p.options, client)
	ctx, l.cancel = context.WithCancel(ctx)
	defer l.cancel()
	if !p.add(l) {
		reset(client)
		return
	}
	var relays sync.WaitGroup
	relays.Go(func() { p.relay(l, network.Up) })
	relays.Go(func() {
		if p.dial(ctx, l) {
			p.relay(l, network.Down)
		}
	})
	relays.Wait()
	<-l.over // the last packets may still be under way
	l.flow.finished(p.net.now(), l.reason)
	p.remove(l)
}

// dial connects the server's end of the link to the target.
func (p *tcpProxy) dial(ctx context.Context, l *link) bool {
	dialer := net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", p.target)
	if err != nil {
		if ctx.Err() == nil {
			p.log("cannot connect to the target %s: %v\n%s", p.target, cause(err), dialAdvice(err))
		}
		return l.answered(nil, err)
	}
	return l.answered(conn.(*net.TCPConn), nil)
}

// relay carries bytes between a program and its end of the link, both ways,
// until both have ended.
func (p *tcpProxy) relay(l *link, d network.Direction) {
	e := &l.ends[d]
	defer e.kernel.Close()
	var out sync.WaitGroup
	defer out.Wait()
	out.Go(func() { fromNetwork(l, d) })
	intoNetwork(l, e)
}

// intoNetwork carries a program's bytes into the network. Their end passes as a
// FIN, and the other way stays open: half-close.
func intoNetwork(l *link, e *end) {
	buf := make([]byte, blockSize)
	for {
		n, err := e.kernel.Read(buf)
		if n > 0 && !l.write(e, buf[:n]) {
			return
		}
		if err == io.EOF {
			l.closeWrite(e)
			return
		}
		if err != nil {
			l.abort(e, err)
			return
		}
	}
}

// fromNetwork carries bytes from the network to a program.
func fromNetwork(l *link, d network.Direction) {
	e := &l.ends[d]
	for {
		b, err := l.read(d)
		if err == io.EOF {
			e.kernel.CloseWrite()
		}
		if err != nil {
			return
		}
		if _, err := e.kernel.Write(b); err != nil {
			l.abort(e, err)
			return
		}
	}
}

// add begins a link, unless the proxy stops.
func (p *tcpProxy) add(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stopping {
		p.open[l] = struct{}{}
		l.begin()
	}
	return !p.stopping
}

func (p *tcpProxy) remove(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, l)
}

// stop ends accepting, and every link.
func (p *tcpProxy) stop() {
	p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopping = true
	for l := range p.open {
		l.stop()
	}
}
