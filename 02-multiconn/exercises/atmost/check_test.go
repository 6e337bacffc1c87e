//go:build check

package atmost_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	. "example.com/sockets/02-multiconn/exercises/atmost"
	"example.com/sockets/docs/exercises/check"
)

// A server under test: handlers report, and wait until they are let go.
type server struct {
	s        *check.Story
	n        int
	listener *check.Listener
	clients  []*check.Conn // their own ends
	left     int           // handlers that were let go
	closes   bool          // the handlers close their connections themselves
	while    time.Duration // how long each look takes: a server may look, too, again and again
	patient  bool          // the handlers that run at the end take a year
	beside   bool          // another server runs
	over     <-chan struct{}
	err      error // of Serve, when that is over

	mu      sync.Mutex
	handled []net.Conn
	leave   map[net.Conn]chan struct{}
}

func start(s *check.Story, n, clients int) *server {
	v := &server{s: s, n: n, while: time.Minute, listener: s.Listener(),
		leave: map[net.Conn]chan struct{}{}}
	v.come(clients)
	s.Did("called Serve with n = %d", n)
	s.Cleanup(func() {
		for _, c := range v.clients {
			v.gate(c.Peer())
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		for _, gate := range v.leave {
			select {
			case <-gate:
			default:
				close(gate)
			}
		}
	})
	v.over = s.Go(func() {
		v.err = Serve(v.listener, n, func(c net.Conn) {
			gate := v.gate(c)
			v.mu.Lock()
			v.handled = append(v.handled, c)
			v.mu.Unlock()
			<-gate
			if v.closes {
				c.Close()
			}
		})
	})
	return v
}

func (v *server) gate(c net.Conn) chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.leave[c] == nil {
		v.leave[c] = make(chan struct{})
	}
	return v.leave[c]
}

// come lets clients come into the backlog.
func (v *server) come(clients int) {
	if clients > 0 {
		v.s.Did("%d client(s) came into the backlog", clients)
	}
	for range clients {
		v.clients = append(v.clients, v.listener.Dial())
	}
}

// letGo lets the i-th of the handlers that were called end.
func (v *server) letGo(i int) {
	v.mu.Lock()
	c := v.handled[i]
	v.mu.Unlock()
	v.s.Did("let handler %d end", i+1)
	close(v.gate(c))
	v.left++
}

func (v *server) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.handled)
}

// soon waits for what should happen at once: a moment of virtual time.
func (v *server) soon(what func() bool) bool {
	for range 5 {
		check.Settle()
		if what() {
			return true
		}
		v.s.Pass(10 * time.Millisecond)
	}
	return false
}

func (v *server) fail(expected, came, symptom string) {
	if v.beside {
		symptom += "; another server runs beside it: what do the two share?"
	}
	v.s.Fail(expected, came, symptom)
}

// look compares with what should be now that everyone who can has done
// something.
func (v *server) look() {
	want := min(len(v.clients), v.left+v.n)
	v.soon(func() bool { return v.count() >= want })
	check.Settle()
	if check.Ended(v.over) {
		v.fail("Serve goes on", fmt.Sprint("it returned ", v.err),
			"nobody was served, or not all: Serve ended although the listener was open")
	}
	got := v.count()
	accepted, _, waiting, _ := v.listener.State()
	symptom := fmt.Sprintf("fewer than n = %d at a time are served", v.n)
	switch {
	case got == 0 && want > 0:
		symptom = "nobody was served: is Serve written?"
	case v.left > 0:
		symptom = "the next client was not served after one had left: does the place come back?"
	}
	if got < want {
		v.fail(fmt.Sprintf("%d clients have been served or are", want), fmt.Sprint(got),
			symptom+check.Where())
	}
	v.s.Pass(v.while) // nobody else may come meanwhile
	accepted, _, waiting, _ = v.listener.State()
	full := want-v.left == v.n
	switch got = v.count(); {
	case got > want || accepted > want:
		v.fail(fmt.Sprintf("%d accepted, the others in the backlog", want),
			fmt.Sprintf("%d accepted", max(got, accepted)),
			"more than n were accepted: wait for a free place before you accept")
	case full && waiting > 0:
		v.fail(fmt.Sprintf("no call of Accept while %d are served", v.n), "Accept was called",
			"it accepts although all places are taken: the next client will be accepted, and "+
				"wait with us instead of in the backlog")
	case !full && waiting == 0:
		v.fail("a call of Accept that waits for the next client", "none",
			fmt.Sprintf("%d of n = %d places are taken, and nobody is accepted", want-v.left,
				v.n)+check.Where())
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	seen := map[net.Conn]bool{}
	for i, c := range v.handled {
		if seen[c] {
			v.fail("a client for each handler",
				fmt.Sprintf("handler %d has the client of another", i+1),
				"two handlers have the same connection")
		}
		seen[c] = true
		own := slices.IndexFunc(v.clients, func(d *check.Conn) bool { return d.Peer() == c })
		if own < 0 {
			v.fail("the connections that were accepted", "another",
				"handle did not get the connection that was accepted")
		}
		select {
		case <-v.leave[c]:
			if c.(*check.Conn).Ended() != "closed" {
				v.fail("the connection closed", "it is open",
					"the connection is not closed when its handler is over: the client waits for "+
						"good")
			}
		default:
			if c.(*check.Conn).Ended() != "" {
				v.fail("an open connection", "it was closed",
					"a connection was closed while its handler still ran")
			}
		}
	}
}

// end ends the listener while handlers run, and lets them go.
func (v *server) end(err error) {
	check.Settle()
	_, before, _, _ := v.listener.State()
	if err == nil {
		v.s.Did("closed the listener")
		v.listener.Close()
		err = net.ErrClosed
	} else {
		v.s.Did("Accept failed: %v", err)
		v.listener.Fail(err)
	}
	accepted, _, _, _ := v.listener.State()
	running := v.count() - v.left
	if v.patient {
		v.s.Pass(365 * 24 * time.Hour) // no limit is asked for
	}
	for i := range v.count() {
		v.mu.Lock()
		c := v.handled[i]
		v.mu.Unlock()
		select {
		case <-v.gate(c):
			continue
		default:
		}
		v.s.Pass(v.while)
		if check.Ended(v.over) {
			v.fail(fmt.Sprintf("Serve waits for %d handler(s)", running),
				fmt.Sprintf("it returned %v", v.err),
				"Serve returned while a handler still ran: its echo would be lost")
		}
		if c.(*check.Conn).Ended() != "" {
			v.fail("an open connection", "it was closed",
				"a connection was closed while its handler still ran: the end of the listener is "+
					"not the end of its clients")
		}
		if set := c.(*check.Conn).Deadlines(); set != "" {
			v.fail("no deadline of Serve's", "one for "+set,
				"a connection has got a deadline while its handler still ran: that cuts it off, "+
					"later")
		}
		v.letGo(i)
		running--
	}
	if !v.soon(func() bool { return check.Ended(v.over) }) {
		v.s.Pass(time.Minute) // nobody has asked for haste
	}
	if !check.Ended(v.over) {
		_, calls, _, _ := v.listener.State()
		if calls > before+5 {
			v.fail("an end of Serve", fmt.Sprintf("%d calls of Accept more", calls-before),
				"Accept has failed, and Serve tries it again and again")
		}
		v.fail("an end of Serve", "it goes on",
			"Serve does not return although Accept has failed and the last handler is over"+check.Where())
	}
	if failed := v.listener.Failed(); failed > v.n { // several may have waited in it
		v.fail("an end of Serve", fmt.Sprintf("Accept was called until it had failed %d times",
			failed), "Accept has failed, and Serve tries it again and again")
	}
	if !errors.Is(v.err, err) {
		v.fail(fmt.Sprint("error ", err), fmt.Sprint("error ", v.err),
			"Serve must return the error of Accept")
	}
	if now, _, _, _ := v.listener.State(); now != accepted {
		v.fail("nobody accepted after the error", fmt.Sprint(now-accepted),
			"after Accept has failed nobody is accepted")
	}
}

func TestCheck(t *testing.T) {
	// A server that takes this for something that passes goes round for ever.
	full := &net.OpError{Op: "accept", Net: "tcp",
		Err: os.NewSyscallError("accept", syscall.EMFILE)}
	in := func(name string, holds []int, do func(s *check.Story)) check.Case {
		return check.Case{Name: name, Holds: holds,
			Do: func(s *check.Story) { s.Bubble(func() { do(s) }) }}
	}
	check.Run(t, []check.Case{
		in("one-client", []int{1}, func(s *check.Story) { start(s, 3, 1).look() }),
		in("n-at-a-time", []int{1, 2}, func(s *check.Story) { start(s, 3, 10).look() }),
		in("one-place", []int{1, 2}, func(s *check.Story) { start(s, 1, 3).look() }),
		in("one-leaves", []int{2, 3}, func(s *check.Story) {
			v := start(s, 3, 10)
			v.look()
			for i := range 7 {
				v.letGo(i)
				v.look()
			}
		}),
		in("handle-closes", []int{2, 3}, func(s *check.Story) {
			v := start(s, 2, 4)
			v.closes = true
			s.Did("each handler closes its connection itself")
			v.look()
			v.letGo(0)
			v.look()
			v.letGo(1)
			v.look()
		}),
		in("many-places", []int{1, 2}, func(s *check.Story) {
			v := start(s, 1000, 1003)
			v.look()
			v.letGo(0)
			v.look()
		}),
		in("two-servers", []int{2, 4, 6}, func(s *check.Story) {
			v, w := start(s, 1, 2), start(s, 2, 4)
			v.beside, w.beside = true, true
			v.look()
			w.look()
			s.Did("let a handler of each end")
			for _, of := range []*server{w, v} {
				of.letGo(0)
				of.look()
			}
			s.Did("the first server's clients left; the second's stayed")
			v.letGo(1)
			v.end(nil)
			w.look()
		}),
		in("late-clients", []int{1, 2}, func(s *check.Story) {
			v := start(s, 2, 0)
			for range 3 {
				v.look()
				v.come(1)
			}
			v.look()
		}),
		in("closes-first", []int{3}, func(s *check.Story) {
			v := start(s, 1, 2)
			v.look()
			s.Did("its connection takes a while to close")
			closing := make(chan struct{})
			v.handled[0].(*check.Conn).AtClose = func() { <-closing }
			v.letGo(0)
			s.Pass(v.while)
			accepted, _, waiting, _ := v.listener.State()
			close(closing)
			if accepted > 1 || waiting > 0 {
				s.Fail("1 accepted", "2, while the first is being closed",
					"the place is given back before the connection is closed: for a moment more "+
						"than n are open")
			}
			v.look()
		}),
		in("the-end", []int{4, 5}, func(s *check.Story) {
			v := start(s, 4, 3)
			v.look()
			v.patient = true
			s.Did("the handlers take a year for the rest")
			v.end(nil)
		}),
		in("the-end-without-clients", []int{4}, func(s *check.Story) { start(s, 2, 0).end(nil) }),
		in("accept-fails", []int{4, 5}, func(s *check.Story) {
			v := start(s, 4, 2)
			v.look()
			v.end(full)
		}),
		in("the-end-while-full", []int{4, 5}, func(s *check.Story) {
			v := start(s, 2, 2)
			v.look()
			v.end(nil)
		}),
		{Name: "a-client-and-then-the-end", Holds: []int{4, 5}, Do: func(s *check.Story) {
			s.Did("a client was accepted, and the next Accept failed at once, again and again")
			s.Again(2000, 8, func(_ int) {
				s.Bubble(func() { clientThenEnd(s, full) })
			})
		}},
		in("a-crowd", []int{1, 2, 3}, crowd),
		{Name: "at-random", Holds: []int{1, 2, 3, 4, 5}, Do: func(s *check.Story) {
			s.Random(200, func(d *check.Draw) {
				n, steps := d.Between(1, 6), d.N(12)
				s.Bubble(func() {
					v := start(s, n, d.N(10))
					v.while = 2 * time.Second
					v.look()
					for range steps {
						var running []int
						for i, c := range v.handled {
							select {
							case <-v.gate(c):
							default:
								running = append(running, i)
							}
						}
						if len(running) > 0 && d.OneIn(2) {
							v.letGo(running[d.N(len(running))])
						} else {
							v.come(d.Between(1, 3))
						}
						v.look()
					}
					if min(len(v.clients), v.left+v.n) == len(v.clients) {
						v.end([]error{nil, full}[d.N(2)])
					}
				})
			})
		}},
	})
}

// clientThenEnd has Accept fail right behind a client whose handler still runs.
func clientThenEnd(s *check.Story, failure error) {
	listener := s.Listener()
	listener.AtAccept = func() { listener.Fail(failure) }
	leave := make(chan struct{})
	listener.Dial()
	handled := false
	over := s.Go(func() {
		Serve(listener, 2, func(net.Conn) {
			<-leave
			handled = true
		})
		if !handled {
			s.Fail("Serve waits for the handler", "it has returned",
				"Serve returned while a handler still ran, or was about to: it is counted before "+
					"its goroutine begins")
		}
	})
	s.Pass(time.Second)
	close(leave)
	if check.Settle(); !check.Ended(over) {
		s.Pass(time.Minute)
	}
	if !check.Ended(over) {
		s.Fail("an end of Serve", "it goes on",
			"Serve does not return although Accept has failed and the last handler is over"+check.Where())
	}
}

// crowd lets many clients come and go at once, with real parallelism, and then
// counts the places.
func crowd(s *check.Story) {
	const n, clients = 8, 5000
	listener := s.Listener()
	s.Did("called Serve with n = %d, and %d clients came, most of which left at once", n, clients)
	var inside, most, handled atomic.Int32
	leave := make(chan struct{})
	for range clients {
		listener.Dial()
	}
	s.Cleanup(func() { listener.Close() })
	over := s.Go(func() {
		Serve(listener, n, func(net.Conn) {
			for now := inside.Add(1); ; {
				if old := most.Load(); now <= old || most.CompareAndSwap(old, now) {
					break
				}
			}
			if handled.Add(1) > clients-100 {
				<-leave // the last hundred stay
			}
			inside.Add(-1)
		})
	})
	s.Pass(2 * time.Second)
	there := inside.Load()
	close(leave)
	s.Pass(2 * time.Second)
	switch {
	case most.Load() > n, there > n:
		s.Fail(fmt.Sprintf("%d at a time", n), fmt.Sprint(max(most.Load(), there)),
			"in a crowd more than n are served at a time: what guards the count?")
	case there < n:
		s.Fail(fmt.Sprintf("%d at a time", n), fmt.Sprint(there),
			"after a crowd fewer than n are served at a time: places were lost; what guards the "+
				"count?")
	case handled.Load() != clients:
		s.Fail(fmt.Sprintf("%d clients served", clients), fmt.Sprint(handled.Load()),
			"in a crowd not all are served: places were lost; what guards the count?")
	case check.Ended(over):
		s.Fail("Serve goes on", "it has returned", "Serve ended although the listener was open")
	}
}
