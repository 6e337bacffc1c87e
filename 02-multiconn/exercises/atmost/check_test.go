//go:build check

package atmost

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"example.com/sockets/docs/exercises/check"
)

// A backlog is a listener whose clients have all come before.
type backlog struct {
	net.Listener // nil: only Accept is used
	mu           sync.Mutex
	accepted     int
	clients      int
	closed       chan struct{}
	changed      chan struct{} // told after each Accept
}

var errClosed = errors.New("the listener was closed")

func (b *backlog) Accept() (net.Conn, error) {
	b.mu.Lock()
	if b.accepted < b.clients {
		b.accepted++
		c := &client{number: b.accepted, closed: make(chan struct{})}
		b.mu.Unlock()
		b.changed <- struct{}{}
		return c, nil
	}
	b.mu.Unlock()
	<-b.closed
	return nil, errClosed
}

type client struct {
	net.Conn // nil: only Close is used
	number   int
	once     sync.Once
	closed   chan struct{}
}

func (c *client) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

// A server under test: handlers report, and wait until they are let go.
type server struct {
	s        *check.Story
	listener *backlog
	started  chan *client
	leave    chan struct{}
	returned chan error
}

func start(s *check.Story, n, clients int) *server {
	s.Did("called Serve with n = %d; %d clients are in the backlog", n, clients)
	v := &server{s, &backlog{clients: clients, closed: make(chan struct{}), changed: make(chan struct{}, clients)},
		make(chan *client, clients), make(chan struct{}), make(chan error, 1)}
	go func() {
		v.returned <- Serve(v.listener, n, func(c net.Conn) {
			v.started <- c.(*client)
			<-v.leave
		})
	}()
	return v
}

// soon waits for what should happen at once.
func soon[T any](s *check.Story, c chan T, expected, symptom string) T {
	select {
	case v := <-c:
		return v
	case <-time.After(check.Patience / 4):
		s.Fail(expected, "nothing", symptom+check.Where())
		panic("not reached")
	}
}

// serving waits until that many handlers run.
func (v *server) serving(n int, symptom string) (clients []*client) {
	for i := range n {
		select {
		case err := <-v.returned:
			v.s.Fail(fmt.Sprintf("%d clients served at a time", n), fmt.Sprintf("Serve returned %v", err), "nobody was served, or not all: Serve ended although the listener was open")
		default:
		}
		clients = append(clients, soon(v.s, v.started, fmt.Sprintf("handler %d of %d at a time", i+1, n), symptom))
	}
	return clients
}

// notMore objects if another client is accepted while n are served. A Serve
// that would accept one needs a moment for it: goroutines that can run do.
func (v *server) notMore(n int) {
	for range n {
		<-v.listener.changed
	}
	select {
	case <-v.listener.changed:
		v.s.Fail(fmt.Sprintf("%d accepted, the others in the backlog", n), "one more was accepted",
			"more than n were accepted: wait for a free place before you accept")
	case <-time.After(50 * time.Millisecond):
	}
}

func TestCheck(t *testing.T) {
	check.Run(t, []check.Case{
		{Name: "one-client", Do: func(s *check.Story) {
			v := start(s, 3, 1)
			v.serving(1, "nobody was served: is Serve written?")
		}},
		{Name: "n-at-a-time", Do: func(s *check.Story) {
			v := start(s, 3, 10)
			v.serving(3, "fewer than n at a time are served")
			v.notMore(3)
		}},
		{Name: "one-leaves", Do: func(s *check.Story) {
			v := start(s, 3, 10)
			v.serving(3, "fewer than n at a time are served")
			for range 3 {
				<-v.listener.changed
			}
			s.Did("let one handler end")
			v.leave <- struct{}{}
			v.serving(1, "the next client was not served after one had left: does the place come back?")
			v.notMore(1)
		}},
		{Name: "closed", Do: func(s *check.Story) {
			v := start(s, 2, 1)
			c := v.serving(1, "nobody was served")[0]
			s.Did("let its handler end")
			v.leave <- struct{}{}
			soon(s, c.closed, "the connection closed", "the connection is not closed when its handler is over: the client waits for good")
		}},
		{Name: "the-end", Do: func(s *check.Story) {
			v := start(s, 2, 1)
			v.serving(1, "nobody was served")
			s.Did("closed the listener while a handler runs")
			close(v.listener.closed)
			select {
			case err := <-v.returned:
				s.Fail("Serve waits for the handler", fmt.Sprintf("it returned %v", err), "Serve returned while a handler still ran: its echo would be lost")
			case <-time.After(50 * time.Millisecond):
			}
			s.Did("let the handler end")
			v.leave <- struct{}{}
			check.Want(s, errClosed, soon(s, v.returned, "an end of Serve", "Serve does not return although the last handler is over"),
				"Serve must return the error of Accept")
		}},
	})
}
