package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/tcpstack"
)

// A tcpProxy carries connections to a target through the lossy network:
//
//	client ══kernel══▶ proxy: stack ──lossy network──▶ stack ══kernel══▶ target
//
// The connections of the kernel, at both ends, lose nothing. What is lost
// and sent again are the packets between the two stacks.
type tcpProxy struct {
	listener net.Listener
	target   string
	wire     *wire
	slots    chan struct{} // one element for each connection
	log      func(format string, args ...any)
	joined   sync.WaitGroup

	mu       sync.Mutex
	stopping bool
	open     map[*joint]struct{}
}

const dialTimeout = 10 * time.Second

// run serves until ctx is cancelled. Then it resets what is open: bytes that
// the network still holds can't be saved any more.
func (p *tcpProxy) run(ctx context.Context) error {
	defer p.wire.close()
	defer p.joined.Wait()
	defer context.AfterFunc(ctx, p.stop)() // also wakes Accept
	inside, cancel := context.WithCancel(ctx)
	defer cancel()
	p.joined.Go(func() { p.acceptInside(inside) })

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
				p.log("cannot accept a client on %s: %v; new clients wait until connections close", p.listener.Addr(), cause(err))
			})
			select {
			case <-time.After(200 * time.Millisecond):
			case <-ctx.Done():
			}
			continue
		}
		p.joined.Go(func() {
			defer func() { <-p.slots }()
			p.client(ctx, conn.(*net.TCPConn))
		})
	}
}

// client takes a client's connection into the lossy network.
func (p *tcpProxy) client(ctx context.Context, conn *net.TCPConn) {
	inner, err := p.wire.pair.Dial(ctx)
	if err != nil {
		if ctx.Err() == nil {
			p.log("cannot carry the connection from %s: %v", conn.RemoteAddr(), err)
		}
		reset(conn)
		return
	}
	t := p.wire.connected(network.Up, inner)
	j := &joint{proxy: p, kernel: conn, inner: inner, track: t, into: network.Up}
	reason := j.run()

	// The last packets may still be under way.
	for range 200 {
		if p.wire.over(t) || ctx.Err() != nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	p.wire.ended(t, reason)
}

// acceptInside takes connections out of the lossy network, to the target.
func (p *tcpProxy) acceptInside(ctx context.Context) {
	for {
		inner, err := p.wire.pair.Accept(ctx)
		if err != nil {
			return // ctx is cancelled
		}
		p.joined.Go(func() {
			t := p.wire.connected(network.Down, inner)
			dialer := net.Dialer{Timeout: dialTimeout}
			conn, err := dialer.DialContext(ctx, "tcp", p.target)
			if err != nil {
				if ctx.Err() == nil {
					p.log("cannot connect to the target %s: %v; %s", p.target, cause(err), dialAdvice(err))
				}
				inner.Abort()
				return
			}
			j := &joint{proxy: p, kernel: conn.(*net.TCPConn), inner: inner, track: t, into: network.Down}
			j.run()
		})
	}
}

// stop ends accepting and resets every connection.
func (p *tcpProxy) stop() {
	p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopping = true
	for j := range p.open {
		j.reset(errStopped)
	}
}

var errStopped = errors.New("the proxy was stopped")

// A joint joins a connection of the kernel and one of a stack.
type joint struct {
	proxy  *tcpProxy
	kernel *net.TCPConn
	inner  *tcpstack.Conn
	track  *track
	into   network.Direction // in which the kernel's bytes go

	once   sync.Once
	reason error // why it was reset
}

// run carries bytes both ways until both have ended, and says why it did not
// end well, or "".
func (j *joint) run() string {
	p := j.proxy
	p.mu.Lock()
	if p.stopping {
		j.reset(errStopped)
	}
	p.open[j] = struct{}{}
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.open, j)
		p.mu.Unlock()
		j.kernel.Close()
		j.inner.Close()
	}()

	var both sync.WaitGroup
	both.Go(func() {
		// From the program into the network. The end of its bytes passes as
		// a FIN, and the other way stays open: half-close.
		if err := carry(j.inner, j.kernel, nil); err != nil {
			j.reset(err)
			return
		}
		j.inner.CloseWrite()
	})
	both.Go(func() {
		out := 1 - j.into
		err := carry(j.kernel, j.inner, func(b []byte) { p.wire.handed(j.track, out, b) })
		if err != nil {
			j.reset(err)
			return
		}
		p.wire.handed(j.track, out, nil)
		j.kernel.CloseWrite()
	})
	both.Wait()
	j.once.Do(func() {}) // from here on no reset comes, and the reason stands
	if j.reason != nil {
		return cause(j.reason).Error()
	}
	return ""
}

// carry copies from src to dst until the end of src. A side that does not
// read slows the other down: carry holds one buffer, and then waits.
func carry(dst io.Writer, src io.Reader, handed func([]byte)) error {
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
func (j *joint) reset(why error) {
	j.once.Do(func() {
		j.reason = why
		reset(j.kernel)
		j.inner.Abort()
	})
}

// reset closes with a RST: with a linger time of 0 the kernel throws away
// what it has not sent (SO_LINGER).
func reset(c *net.TCPConn) {
	c.SetLinger(0)
	c.Close()
}

// listenTCP makes the proxy.
func listenTCP(listen, target string, w *wire, maxConns int, log func(string, ...any)) (*tcpProxy, error) {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w; %s", listen, cause(err), advice(err))
	}
	return &tcpProxy{listener: listener, target: target, wire: w, log: log,
		slots: make(chan struct{}, maxConns), open: map[*joint]struct{}{}}, nil
}
