package main

import (
	"bytes"
	"errors"
	"sync"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/queue"
	"example.com/sockets/03-tcp-reliability/engine/tcp"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// A link is one connection through the lossy network: two ends of TCP, and the
// packets between them. The ends do no I/O; pump lets them run, on the real
// clock. Nothing of a link is kept when it is over.
type link struct {
	id     int
	medium *medium
	begun  time.Duration

	mu      sync.Mutex   // guards what follows
	changed *sync.Cond   // an end has moved: who waits for it looks again
	ends    [2]*tcp.Conn // by the direction in which they send
	flying  queue.Queue[transit]
	timer   *time.Timer // calls pump when the next thing is due
	stopped bool        // the proxy ends: nothing is sent any more

	numbers [2]numbering
	heard   [2]int // number of the packet that an end received last
	packets [2]int
	lost    [2]int
	bytes   [2]int64             // handed over to the program at the end
	again   map[trace.Reason]int // retransmissions
	waiting time.Duration        // nothing was under way but a timer
	silent  time.Duration        // since when; 0: something is under way
	moved   time.Duration        // when a packet left or came last
}

// A transit is a copy of a packet that is under way.
type transit struct {
	direction    network.Direction
	number, copy int
	damaged      bool
	packet       []byte
	header       *trace.Header
}

// newLink makes both ends. Nothing is sent before the first pump.
func newLink(id int, m *medium, client, target tcp.Options) *link {
	l := &link{id: id, medium: m, begun: m.net.now(), again: map[trace.Reason]int{},
		ends: [2]*tcp.Conn{tcp.Dial(client), tcp.Accept(target)}}
	l.changed = sync.NewCond(&l.mu)
	l.timer = time.AfterFunc(time.Hour, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.pump()
	})
	l.moved = l.begun
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pump()
	return l
}

// pump lets the ends run until nothing moves, and sets the timer for what is
// due next. It is called with the lock held.
func (l *link) pump() {
	if l.stopped {
		return
	}
	for moved := true; moved; {
		moved = l.arrive()
		for d := range l.ends {
			for l.send(network.Direction(d)) {
				moved = true
			}
		}
	}
	l.schedule()
	l.changed.Broadcast()
}

// arrive hands over the first packet that is due.
func (l *link) arrive() bool {
	at, ok := l.flying.Next()
	now := l.medium.net.now()
	if !ok || at > now {
		return false
	}
	a := l.flying.Pop()
	kind := trace.Arrived
	if a.damaged {
		kind = trace.Discarded // the checksum says so
	}
	l.medium.tell(&trace.Event{Kind: kind, Connection: l.id, Direction: a.direction,
		Number: a.number, Copy: a.copy, Packet: a.header, Bytes: a.packet})
	l.heard[1-a.direction] = a.number
	l.moved = now
	l.ends[1-a.direction].Receive(now, a.packet)
	return true
}

// send puts the next packet of an end on the network, if it has one.
func (l *link) send(d network.Direction) bool {
	now := l.medium.net.now()
	p, ok := l.ends[d].Send(now)
	if !ok {
		return false
	}
	b, h := bytes.Clone(p.Bytes), p.Header // both are lent
	fate, now := l.medium.send(l, d, b, &h)
	l.moved = now
	for i := range fate.N {
		copied := fate.Copies[i]
		a := transit{direction: d, number: fate.Number, copy: i + 1, packet: b, header: &h}
		if copied.FlipBit >= 0 {
			a.packet = bytes.Clone(b)
			a.damaged = copied.Damage(a.packet)
		}
		l.flying.Push(copied.At, a)
	}
	return true
}

// count notes a packet for the summary.
func (l *link) count(d network.Direction, h *trace.Header, lost bool) {
	l.packets[d]++
	if lost {
		l.lost[d]++
	}
	if h.Retransmits > 0 {
		l.again[h.Why]++
	}
}

// schedule sets the timer, and notes whether there is nothing to wait for but
// a timer of TCP's.
func (l *link) schedule() {
	now := l.medium.net.now()
	next, flying := l.flying.Next()
	if !flying {
		next = now + time.Hour
	}
	timed := false
	for _, end := range l.ends {
		if done, _ := end.Done(); done {
			continue // in TIME-WAIT it only answers
		}
		if at, ok := end.Deadline(); ok {
			next, timed = min(next, at), true
		}
	}
	if l.silent > 0 {
		l.waiting += now - l.silent
	}
	l.silent = 0
	if timed && !flying {
		l.silent = now
	}
	l.timer.Reset(max(0, next-now))
}

// over says whether both ends have finished and no packet is under way.
func (l *link) over() bool {
	for _, end := range l.ends {
		if done, _ := end.Done(); !done {
			return false
		}
	}
	return l.flying.Len() == 0
}

// finish waits until the last packet has arrived. Then the counts are final.
func (l *link) finish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.stopped && !l.over() {
		l.changed.Wait()
	}
	l.timer.Stop()
}

// stop ends the link at once: what is under way is forgotten.
func (l *link) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
	l.timer.Stop()
	l.changed.Broadcast()
}

// waits says for which timer the link waits, if nothing else has moved for a
// while: for how much longer, and since when nothing has moved.
func (l *link) waits(now, while time.Duration) (left, since time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped || l.silent == 0 || now-l.moved < while {
		return 0, 0, false
	}
	for _, end := range l.ends {
		if done, _ := end.Done(); done {
			continue
		}
		if at, running := end.Deadline(); running && (!ok || at-now < left) {
			left, ok = max(0, at-now), true
		}
	}
	return left, l.moved, ok
}

// An end is one end of a link, as a program's connection sees it: a stream of
// bytes that blocks.
type end struct {
	*link
	side network.Direction // in which it sends
}

var errStopped = errors.New("the proxy was stopped")

// wait lets try work on the end until it is done. It is called again whenever
// something has moved.
func (e end) wait(try func(c *tcp.Conn, now time.Duration) (done bool, err error)) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for {
		if e.stopped {
			return errStopped
		}
		done, err := try(e.ends[e.side], e.medium.net.now())
		if done || err != nil {
			e.pump()
			return err
		}
		e.changed.Wait()
	}
}

// Write returns when the end has taken all of p: a full buffer makes it wait.
func (e end) Write(p []byte) (n int, err error) {
	err = e.wait(func(c *tcp.Conn, now time.Duration) (bool, error) {
		taken := c.Write(now, p[n:])
		if n += taken; n == len(p) {
			return true, nil
		}
		if taken > 0 {
			e.pump()
		}
		if _, err := c.Done(); err != nil {
			return false, err
		}
		return false, nil
	})
	return n, err
}

// Read waits for bytes, the end of the peer's, or an error.
func (e end) Read(p []byte) (n int, err error) {
	err = e.wait(func(c *tcp.Conn, now time.Duration) (bool, error) {
		n, err = c.Read(now, p)
		return n > 0, err
	})
	return n, err
}

// CloseWrite says that no more bytes come: a FIN follows them.
func (e end) CloseWrite() {
	e.wait(func(c *tcp.Conn, now time.Duration) (bool, error) {
		c.Close(now)
		return true, nil
	})
}

// Abort resets the connection: the other end gets a RST.
func (e end) Abort() {
	e.wait(func(c *tcp.Conn, now time.Duration) (bool, error) {
		c.Abort(now)
		return true, nil
	})
}

// established waits for the handshake. It is false if there is none.
func (e end) established() bool {
	err := e.wait(func(c *tcp.Conn, _ time.Duration) (bool, error) {
		_, err := c.Done()
		return c.Established(), err
	})
	return err == nil
}

// handed notes bytes that the program at this end got, none for the end of them.
func (e end) handed(p []byte) {
	from := 1 - e.side
	e.mu.Lock()
	e.bytes[from] += int64(len(p))
	e.mu.Unlock()
	event := trace.Event{Kind: trace.Read, Connection: e.id, Direction: from,
		Length: len(p), Text: trace.Cut(p)}
	if len(p) == 0 {
		event.Kind = trace.End
	}
	e.medium.tell(&event)
}
