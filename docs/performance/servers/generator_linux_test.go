package performance

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"syscall"
	"time"
)

const messageSize = 64 // bytes

// A generator loads an echo server from one thread, with an event loop: epoll
// says on which connections an echo has come, and each gets its next message
// at once. That takes far less time from the server's processors than a
// goroutine for each connection would, so that more of what is measured is the
// server.
type generator struct {
	epoll int
	conns []conn
}

type conn struct {
	fd      int
	message [messageSize]byte
	echo    [messageSize]byte
	came    int // bytes of the echo
}

// connect opens n connections to addr, an IPv4 address and port.
func connect(addr string, n int) (*generator, error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	g := &generator{epoll, make([]conn, 0, n)}
	for i := range n {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err == nil {
			g.conns = append(g.conns, conn{fd: fd})
			err = syscall.Connect(fd, &syscall.SockaddrInet4{Port: int(to.Port()),
				Addr: to.Addr().As4()})
		}
		if err == nil {
			err = syscall.SetNonblock(fd, true)
		}
		if err == nil {
			err = syscall.EpollCtl(epoll, syscall.EPOLL_CTL_ADD, fd,
				&syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(i)})
		}
		if err != nil {
			g.close()
			return nil, fmt.Errorf("connection %d to %s: %w", i+1, addr, err)
		}
	}
	return g, nil
}

func (g *generator) close() {
	for _, c := range g.conns {
		syscall.Close(c.fd)
	}
	syscall.Close(g.epoll)
}

// run sends a message on every connection, and the next one as soon as the
// whole echo of the one before has come and is right. When d has passed it
// sends no more, and returns after the last echo with the number of messages.
// With d = 0 that is one for each connection.
func (g *generator) run(d time.Duration) (messages int, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	end := time.Now().Add(d)
	for i := range g.conns {
		if err := g.conns[i].send(i, 0); err != nil {
			return 0, err
		}
	}
	events := make([]syscall.EpollEvent, 256)
	for out := len(g.conns); out > 0; {
		n, err := syscall.EpollWait(g.epoll, events, 10_000)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return messages, fmt.Errorf("waiting for %d echoes, none in 10 s: %w", out, err)
		}
		more := time.Now().Before(end)
		for _, event := range events[:n] {
			i := int(event.Fd)
			whole, err := g.conns[i].receive()
			if err != nil {
				return messages, fmt.Errorf("connection %d: %w", i+1, err)
			}
			if !whole {
				continue
			}
			messages++
			if !more {
				out--
				continue
			}
			if err := g.conns[i].send(i, messages); err != nil {
				return messages, err
			}
		}
	}
	return messages, nil
}

// send sends a message that no other is equal to.
func (c *conn) send(number, messages int) error {
	binary.LittleEndian.PutUint32(c.message[:], uint32(number))
	binary.LittleEndian.PutUint64(c.message[4:], uint64(messages))
	c.came = 0
	n, err := syscall.Write(c.fd, c.message[:])
	if err != nil || n < messageSize {
		return fmt.Errorf("sent %d bytes of a message on connection %d: %w", n, number+1, err)
	}
	return nil
}

// receive reads what is there, and tells whether the echo is whole.
func (c *conn) receive() (whole bool, err error) {
	n, err := syscall.Read(c.fd, c.echo[c.came:])
	switch {
	case err == syscall.EAGAIN, err == syscall.EINTR:
		return false, nil
	case err != nil:
		return false, err
	case n == 0:
		return false, fmt.Errorf("the server closed the connection")
	}
	c.came += n
	if c.came < messageSize {
		return false, nil
	}
	if !bytes.Equal(c.echo[:], c.message[:]) {
		return false, fmt.Errorf("%x came back, and %x was sent", c.echo, c.message)
	}
	return true, nil
}
