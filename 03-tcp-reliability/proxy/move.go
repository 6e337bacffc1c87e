package main

import (
	"bytes"
	"io"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
)

// move lets everything happen that can happen now. The lock is held.
func (l *link) move() {
	if l.ended() {
		return
	}
	l.now = l.net.now()
	for moved := true; moved; {
		for at, ok := l.flying.Next(); ok && at <= l.now; at, ok = l.flying.Next() {
			a := l.flying.Pop()
			l.arrive(&a)
			l.free = append(l.free, a.bytes)
		}
		moved = false
		for d := range network.Direction(2) {
			moved = l.exchange(d) || moved
			moved = l.send(d) || moved
		}
		for d := range l.ends {
			moved = l.noticeReset(&l.ends[d]) || moved
		}
	}
	if l.finished() {
		l.end()
		return
	}
	l.setTimer()
}

// exchange passes bytes between an end and its relay.
func (l *link) exchange(d network.Direction) (moved bool) {
	e := &l.ends[d]
	if e.conn == nil || e.failed {
		return false
	}
	if len(e.in) > 0 {
		n := e.conn.Write(l.now, e.in)
		if e.in = e.in[n:]; len(e.in) == 0 {
			e.written.Signal()
		}
	}
	if e.inEnded && len(e.in) == 0 && !e.closed {
		e.closed = true
		e.conn.Close(l.now)
	}
	if e.out != nil || e.outEnded {
		return false // the relay is busy: a program that does not read slows down the other
	}
	n, err := e.conn.Read(l.now, e.block)
	if n > 0 {
		e.out = e.block[:n]
		l.flow.read(l.now, 1-d, e.out)
	}
	if err == io.EOF {
		e.outEnded = true
		l.flow.read(l.now, 1-d, nil)
	}
	if n > 0 || e.outEnded {
		e.readable.Signal()
	} else if err != nil {
		l.fail(e, err)
	}
	return n > 0 || err != nil
}

// noticeReset says whether an end has failed now: the other end's reset has
// come, or it has given up. Its program gets what came before, if it does not
// take too long to read that, and then a reset, too.
func (l *link) noticeReset(e *end) bool {
	if e.conn == nil || e.reset || e.failed {
		return false
	}
	if _, err := e.conn.Done(); err == nil {
		return false
	}
	e.reset = true
	e.written.Signal()
	if e.kernel != nil {
		e.kernel.SetWriteDeadline(time.Now().Add(resetPatience))
	}
	return true
}

// send puts all that an end has to send on the network.
func (l *link) send(d network.Direction) (moved bool) {
	e := &l.ends[d]
	if e.conn == nil {
		return false
	}
	for {
		p, ok := e.conn.Send(l.now)
		if !ok {
			l.flow.drained(d)
			return moved
		}
		moved = true
		fresh := d == network.Up && p.Data > 0
		fate, data, now := l.net.send(d, len(p.Bytes), fresh)
		if l.now = now; fresh {
			p.Data = data
		}
		header := l.flow.sent(l.now, d, &p, &fate)
		for i := range fate.N {
			c := &fate.Copies[i]
			a := arrival{d, fate.Number, i + 1, false, header, p.Bytes}
			if c.At <= l.now && c.FlipBit < 0 {
				l.arrive(&a) // the network holds nothing back
				continue
			}
			a.bytes = l.clone(p.Bytes)
			a.damaged = c.Damage(a.bytes)
			l.flying.Push(c.At, a)
		}
	}
}

// arrive hands a packet to the end that it goes to.
func (l *link) arrive(a *arrival) {
	l.flow.arrived(l.now, a)
	e := &l.ends[1-a.direction]
	if e.conn == nil {
		if !a.damaged { // the client knocks: it must wait for the target
			e.syn = *a
			e.syn.bytes = bytes.Clone(a.bytes)
		}
		return
	}
	l.receive(e, a)
}

func (l *link) receive(e *end, a *arrival) {
	l.flow.heard(a)
	e.conn.Receive(l.now, a.bytes)
}

// clone copies a packet to a buffer that was used before.
func (l *link) clone(p []byte) []byte {
	var b []byte
	if last := len(l.free) - 1; last >= 0 {
		b, l.free = l.free[last], l.free[:last]
	}
	return append(b[:0], p...)
}

// setTimer has move called when something is due. A timer that rings too
// early does no harm, and need not be set anew for each packet.
func (l *link) setTimer() {
	next := never
	if at, ok := l.flying.Next(); ok {
		next = at
	}
	for d := range l.ends {
		if c := l.ends[d].conn; c != nil {
			if at, ok := c.Deadline(); ok {
				next = min(next, at)
			}
		}
	}
	if next == never || l.alarm != none && l.alarm <= next {
		return
	}
	l.alarm = next
	if l.timer == nil {
		l.timer = time.AfterFunc(next-l.now, l.ring)
	} else {
		l.timer.Reset(next - l.now)
	}
}

func (l *link) ring() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.alarm = none
	l.move()
}

// finished says whether both ends are done, their relays have all bytes, and
// the network is empty. Then nothing of the link is kept: TIME-WAIT protects
// the next connection with the same addresses from old packets (RFC 9293,
// section 3.4.1), and here there are none.
func (l *link) finished() bool {
	if l.flying.Len() > 0 {
		return false
	}
	up, down := &l.ends[network.Up], &l.ends[network.Down]
	if !up.done() {
		return false
	}
	if down.conn == nil {
		return up.failed // before the target has answered
	}
	// A reset in the handshake sends the server's end back to where it listens
	// (RFC 9293, section 3.10.7.4). Here no other client can come.
	return down.done() || up.failed && down.conn.State().Name == "LISTEN"
}

func (e *end) done() bool {
	done, _ := e.conn.Done()
	return done && (e.outEnded || e.failed || e.kernel == nil)
}
