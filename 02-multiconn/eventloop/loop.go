//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"example.com/sockets/02-multiconn/internal/cli"
	"example.com/sockets/02-multiconn/internal/limits"
	"example.com/sockets/02-multiconn/internal/neterror"
)

// A loop is a server that does everything in one thread. Nothing in it may
// wait, but for the call of Select.
type loop struct {
	limits.Settings
	addr        string // as it was asked for
	listensOn   net.Addr
	out, errOut io.Writer
	listener    int // file descriptor
	wake        int // file descriptor: readable when Ctrl-C was pressed

	sel       *selector
	clients   []*client // by file descriptor; nil where there is none
	open      int
	accepting bool      // the listener is registered
	retry     time.Time // after trouble: when to accept again; zero if never
	full      bool      // the line about MaxConns was printed
	trouble   error     // the last line about accept
	stopping  bool
	stopBy    time.Time
	buf       []byte // one for all clients: each echo is over before the next
	now       time.Time
	nextSweep time.Time // when to look for silent clients again

	served int
	bytes  int64
}

// A client is all that the loop keeps for a connection.
type client struct {
	fd      int
	pending []byte    // read, and not yet written; at most len(loop.buf) bytes
	active  time.Time // when bytes last moved
	addr    string    // for the lines
}

// run serves until Ctrl-C, and prints the last line.
func (l *loop) run() (err error) {
	if l.sel, err = newSelector(); err != nil {
		return fmt.Errorf("cannot make a selector: %w", err)
	}
	defer l.sel.Close()
	l.buf = make([]byte, 16<<10)
	// A blocking accept would wait if the client had disconnected since the event.
	syscall.SetNonblock(l.listener, true)
	if err := l.sel.Register(l.wake, readable); err != nil {
		return fmt.Errorf("cannot watch for Ctrl-C: %w", err)
	}
	l.accept(true)
	fmt.Fprint(l.out, cli.Listening(l.addr, l.listensOn))

	for !l.stopping || l.open > 0 {
		ready, err := l.sel.Select(l.selectTimeout())
		if err != nil {
			return fmt.Errorf("cannot wait for events: %w", err)
		}
		l.now = time.Now()
		for _, r := range ready {
			switch r.fd {
			case l.wake:
				l.stop()
			case l.listener:
				l.acceptAll()
			default:
				l.serve(r)
			}
		}
		l.checkTime()
	}
	fmt.Fprintf(l.out, "Stopped; connections served: %d, bytes echoed: %d\n", l.served, l.bytes)
	return nil
}

// serve does what a connection is ready for.
func (l *loop) serve(r ready) {
	if r.fd >= len(l.clients) || l.clients[r.fd] == nil {
		return // closed by an earlier event of the same Select
	}
	c := l.clients[r.fd]
	if r.events&writable != 0 && len(c.pending) > 0 {
		l.flush(c)
	} else if r.events&readable != 0 && len(c.pending) == 0 {
		l.read(c)
	}
}

// read reads once, and echoes at once as much as the kernel takes.
func (l *loop) read(c *client) (n int) {
	n, err := syscall.Read(c.fd, l.buf)
	switch {
	case err == syscall.EAGAIN || err == syscall.EINTR:
		return 0 // nothing there after all; Select will say when
	case err != nil:
		l.close(c, err)
		return 0
	case n == 0:
		l.close(c, nil) // the client's FIN: it has sent everything
		return 0
	}
	if !l.Quiet {
		fmt.Fprintf(l.out, "Echoing %q to %s\n", l.buf[:n], c.addr)
	}
	rest, err := l.write(c, l.buf[:n])
	switch {
	case err != nil:
		l.close(c, err)
	case len(rest) > 0:
		// A short write: the client reads slowly. Keep the rest, ask when
		// there is room, and read nothing more until the rest is gone. So
		// a client that never reads costs one buffer at most.
		c.pending = append([]byte(nil), rest...)
		l.check(c, l.sel.Modify(c.fd, writable))
	}
	return n
}

// flush writes what waits, now that there is room for some of it.
func (l *loop) flush(c *client) {
	rest, err := l.write(c, c.pending)
	switch {
	case err != nil:
		l.close(c, err)
	case len(rest) > 0:
		c.pending = rest
	case l.stopping:
		l.close(c, nil)
	default:
		// Nearly every socket is writable nearly always. If we kept watching
		// for it, Select would return at once every time.
		c.pending = nil
		l.check(c, l.sel.Modify(c.fd, readable))
	}
}

// write writes once and returns what the kernel did not take.
func (l *loop) write(c *client, p []byte) (rest []byte, err error) {
	n, err := syscall.Write(c.fd, p)
	if err == syscall.EAGAIN || err == syscall.EINTR {
		return p, nil // no room at all
	}
	if err != nil {
		return p, err
	}
	c.active = l.now
	l.bytes += int64(n)
	return p[n:], nil
}

// close closes one connection, and no other.
func (l *loop) close(c *client, reason error) {
	l.sel.Unregister(c.fd)
	syscall.Close(c.fd)
	l.clients[c.fd] = nil
	l.open--
	if !l.Quiet && reason != nil {
		fmt.Fprintf(l.out, "Closing connection to %s: %v\n", c.addr, reason)
	} else if !l.Quiet {
		fmt.Fprintf(l.out, "Closing connection to %s\n", c.addr)
	}
	l.accept(true) // there is room again
}

// check closes a connection that the selector refuses.
func (l *loop) check(c *client, err error) {
	if err != nil {
		l.close(c, err)
	}
}

// accept turns the interest in new clients on or off.
func (l *loop) accept(on bool) {
	on = on && !l.stopping && l.open < l.MaxConns
	if on && !l.accepting {
		l.accepting = l.sel.Register(l.listener, readable) == nil
		l.retry = time.Time{}
	} else if !on && l.accepting {
		l.sel.Unregister(l.listener)
		l.accepting = false
	}
}

// acceptAll takes the clients out of the backlog.
func (l *loop) acceptAll() {
	for l.accepting {
		fd, sa, err := syscall.Accept(l.listener)
		switch err {
		case nil:
			l.admit(fd, sa)
		case syscall.EAGAIN:
			return // the backlog is empty
		case syscall.EINTR, syscall.ECONNABORTED:
			// interrupted, or the client has already gone: take the next one
		default:
			// Most likely the process is out of file descriptors. The listener
			// stays ready, so to go on asking would only spin.
			if l.trouble != err {
				l.trouble = err
				err = os.NewSyscallError("accept", err)
				fmt.Fprintln(l.errOut, neterror.Accept(l.listensOn.String(), err))
			}
			l.accept(false)
			l.retry = l.now.Add(limits.AcceptPause)
		}
	}
}

// admit takes a new connection into the loop.
func (l *loop) admit(fd int, sa syscall.Sockaddr) {
	syscall.CloseOnExec(fd)
	syscall.SetNonblock(fd, true)
	// Send small echoes at once, as package net does (RFC 9293, section 3.7.4).
	syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	c := &client{fd: fd, active: l.now}
	if !l.Quiet {
		c.addr = text(sa)
		fmt.Fprintf(l.out, "Accepted connection from %s\n", c.addr)
	}
	for fd >= len(l.clients) {
		l.clients = append(l.clients, nil)
	}
	l.clients[fd] = c
	l.open++
	l.served++
	l.check(c, l.sel.Register(fd, readable))
	if l.open == l.MaxConns {
		l.accept(false)
		if !l.full {
			l.full = true
			fmt.Fprint(l.out, limits.Full(l.MaxConns))
		}
	}
}

// lastLook is how long clients may still send after Ctrl-C.
const lastLook = 100 * time.Millisecond

var errStopped = errors.New("the server was stopped")

// stop handles Ctrl-C: no new clients, and a last look at each connection.
// What has arrived is still echoed. A connection with nothing pending is closed.
func (l *loop) stop() {
	l.accept(false)
	l.sel.Unregister(l.wake)
	l.stopping = true
	l.stopBy = l.now.Add(l.Grace)
	// One read for each in turn, until nobody has more. A client that keeps
	// sending can neither starve the others nor delay the end.
	until := time.Now().Add(lastLook)
	for more := true; more; {
		more = false
		for _, c := range l.clients {
			if c != nil && len(c.pending) == 0 && l.read(c) > 0 {
				more = time.Now().Before(until)
			}
		}
	}
	for _, c := range l.clients {
		if c != nil && len(c.pending) == 0 {
			l.close(c, errStopped)
		}
	}
	if l.open > 0 {
		fmt.Fprint(l.out, limits.Waiting(l.open, l.Grace))
	}
}

// selectTimeout is the longest that Select may wait; -1 means for ever.
func (l *loop) selectTimeout() time.Duration {
	switch {
	case l.stopping:
		return max(0, time.Until(l.stopBy))
	case !l.retry.IsZero():
		return max(0, time.Until(l.retry))
	case l.IdleTimeout > 0 && l.open > 0:
		return l.IdleTimeout / 16
	}
	return -1
}

// checkTime closes idle connections and retries accept.
func (l *loop) checkTime() {
	if !l.retry.IsZero() && l.now.After(l.retry) {
		l.accept(true)
	}
	overdue := l.stopping && !l.now.Before(l.stopBy)
	if !overdue && (l.IdleTimeout == 0 || l.now.Before(l.nextSweep)) {
		return
	}
	l.nextSweep = l.now.Add(l.IdleTimeout / 16)
	for _, c := range l.clients {
		switch {
		case c == nil:
		case overdue:
			l.close(c, errStopped)
		case l.IdleTimeout > 0 && l.now.Sub(c.active) >= l.IdleTimeout:
			l.close(c, fmt.Errorf("silent, or not reading, for %s", l.IdleTimeout))
		}
	}
}

// text writes an address as package net does: 127.0.0.1:54803, [::1]:54803.
func text(sa syscall.Sockaddr) string {
	switch sa := sa.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)).String()
	case *syscall.SockaddrInet6:
		addr := netip.AddrFrom16(sa.Addr).Unmap() // an IPv4 client of an IPv6 socket
		return netip.AddrPortFrom(addr, uint16(sa.Port)).String()
	}
	return "an unknown address"
}
