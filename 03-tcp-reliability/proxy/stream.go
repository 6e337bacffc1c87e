package main

import (
	"errors"
	"io"
	"net"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/tcp"
)

// The relays of a link see each of its ends as a stream of bytes that blocks.

// begin sends the client's SYN.
func (l *link) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.move()
}

// answered joins the target's connection to the server's end, or has it refuse
// the client's SYN, and every repetition of it: as the target's kernel would.
func (l *link) answered(target *net.TCPConn, err error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := &l.ends[network.Down]
	if l.ended() {
		if target != nil {
			reset(target)
		}
		return false
	}
	e.kernel, e.conn = target, tcp.Accept(e.options)
	if err != nil {
		e.conn.Close(l.net.now())
	}
	if e.syn.bytes != nil {
		l.receive(e, &e.syn)
		e.syn = arrival{}
	}
	l.move()
	return err == nil
}

// write gives an end bytes of its program, and waits until it has taken them.
// It is false when no more are wanted.
func (l *link) write(e *end, p []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.in = p
	l.move()
	for len(e.in) > 0 && !e.reset && !e.failed && !l.ended() {
		e.written.Wait()
	}
	e.in = nil
	return !e.reset && !e.failed && !l.ended()
}

// closeWrite tells an end that its program will send no more.
func (l *link) closeWrite(e *end) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.inEnded = true
	l.move()
}

// read waits for bytes for the program at an end. They are lent until the next
// call. After the last comes io.EOF.
func (l *link) read(d network.Direction) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := &l.ends[d]
	if e.block == nil {
		e.block = make([]byte, blockSize)
	}
	e.out = nil
	if l.now = l.net.now(); !l.ended() && l.exchange(d) {
		l.move()
	}
	for e.out == nil && !e.outEnded && !e.failed && !l.ended() {
		e.readable.Wait()
	}
	switch {
	case e.failed:
		return nil, l.reason
	case e.out != nil:
		return e.out, nil
	}
	return nil, io.EOF
}

// abort passes a failure of an end's program on: the other end gets a RST.
func (l *link) abort(e *end, why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended() || e.failed {
		return
	}
	l.fail(e, why)
	e.conn.Abort(l.net.now())
	l.move()
}

var errStopped = errors.New("the proxy was stopped")

// stop ends the link at once. No packet is sent any more.
func (l *link) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended() {
		l.reason = errStopped
		l.end()
	}
}

// end ends the link, whatever its state. If that is not a good end, what is
// not yet closed is reset.
func (l *link) end() {
	close(l.over)
	l.cancel()
	if l.timer != nil {
		l.timer.Stop()
	}
	if l.reason != nil {
		for d := range l.ends {
			l.fail(&l.ends[d], l.reason)
		}
	}
}

// ended says whether end was called.
func (l *link) ended() bool {
	select {
	case <-l.over:
		return true
	default:
		return false
	}
}

// fail ends one end's connection with its program: a reset, or what the end
// gave up, passes on.
func (l *link) fail(e *end, why error) {
	if e.failed {
		return
	}
	e.failed = true
	if l.reason == nil {
		l.reason = why
	}
	if e.kernel != nil {
		reset(e.kernel)
	}
	e.written.Signal()
	e.readable.Signal()
}

// reset closes with a RST: with a linger time of 0 the kernel throws away
// what it has not sent (SO_LINGER).
func reset(c *net.TCPConn) {
	c.SetLinger(0)
	c.Close()
}
