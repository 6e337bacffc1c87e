//go:build check

package shutdown_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"weak"

	. "example.com/sockets/02-multiconn/exercises/shutdown"
	"example.com/sockets/docs/exercises/check"
)

// A running server under test.
type running struct {
	s        *check.Story
	server   *Server
	listener *check.Listener
	served   <-chan struct{} // Serve is over
	err      error           // what it returned
}

func start(s *check.Story) *running {
	r := &running{s: s, server: &Server{}, listener: s.Listener()}
	s.Did("called Serve")
	r.serve()
	return r
}

func (r *running) serve() {
	r.served = r.s.Go(func() { r.err = r.server.Serve(r.listener) })
	check.Settle()
}

func (r *running) dial() *check.Conn {
	c := r.listener.Dial()
	r.s.Cleanup(func() { c.Reset() })
	return c
}

// echoes sends text and reads its echo.
func (r *running) echoes(name string, c *check.Conn, text, symptom string) {
	r.s.Did("%s sent %.40q", name, text)
	c.Write([]byte(text))
	check.Settle()
	if got := c.Take(); got != text {
		if got != "" && strings.HasPrefix(text, got) {
			symptom = fmt.Sprintf("of %d bytes, %d come back", len(text), len(got))
		} else if got != "" {
			symptom = "other bytes came back than were sent"
		}
		r.s.Fail(fmt.Sprintf("the echo %.40q", text), fmt.Sprintf("%.40q", got),
			symptom+check.Where())
	}
}

// leaves half-closes a client, and sees the server close.
func (r *running) leaves(name string, c *check.Conn) {
	r.s.Did("%s half-closed (FIN)", name)
	c.CloseWrite()
	check.Settle()
	if c.Peer().Ended() != "closed" {
		r.s.Fail("the connection closed", "it is open",
			"the connection of a client that has finished is not closed"+check.Where())
	}
}

// shutdown calls Shutdown, and returns when it has done what it can.
func (r *running) shutdown(grace <-chan struct{}) (over <-chan struct{}) {
	r.s.Did("called Shutdown")
	over = r.s.Go(func() { r.server.Shutdown(grace) })
	check.Settle()
	if _, _, _, closed := r.listener.State(); !closed {
		r.s.Fail("the listener closed", "it is open",
			"a new client is still taken after Shutdown: the listener is not closed")
	}
	return over
}

// goesOn lets time pass, and expects that Shutdown still waits.
func (r *running) goesOn(over <-chan struct{}, while time.Duration, symptom string) {
	r.s.Pass(while)
	if check.Ended(over) {
		r.s.Fail("Shutdown waits for the clients", "it has returned", symptom)
	}
}

// ends expects Shutdown to return, and leaves it half a second to find out that
// it can.
func (r *running) ends(over <-chan struct{}, symptom string) {
	for range 50 {
		if check.Settle(); check.Ended(over) {
			break
		}
		r.s.Pass(10 * time.Millisecond)
	}
	if !check.Ended(over) {
		r.s.Fail("Shutdown returns", "it waits", symptom+check.Where())
	}
	r.s.Pass(time.Millisecond)
	if !check.Ended(r.served) {
		r.s.Fail("Serve returns", "it waits",
			"a new client could still come: Serve goes on after Shutdown"+check.Where())
	}
	if r.err != nil {
		r.s.Fail("Serve returns nil", fmt.Sprint("error ", r.err),
			"Serve returned an error: a listener that Shutdown has closed is no failure")
	}
}

// long is a time for which no answer may have a limit of its own.
const long = 365 * 24 * time.Hour

const (
	unserved = "nobody was served: is Serve written?"
	inMiddle = "a client in the middle lost its echo"
	nobody   = "nobody is left, and Shutdown waits for somebody"
	early    = "Shutdown returned while a client was in the middle"
)

func TestCheck(t *testing.T) {
	// A server that takes this for something that passes goes round for ever.
	busy := &net.OpError{Op: "accept", Net: "tcp",
		Err: os.NewSyscallError("accept", syscall.EMFILE)}
	in := func(name string, holds []int, do func(s *check.Story)) check.Case {
		return check.Case{Name: name, Holds: holds,
			Do: func(s *check.Story) { s.Bubble(func() { do(s) }) }}
	}
	check.Run(t, []check.Case{
		in("echo", []int{1}, func(s *check.Story) {
			r := start(s)
			anna, ben := r.dial(), r.dial()
			r.echoes("anna", anna, "one", unserved)
			r.echoes("ben", ben, "two\x00\xff", "the second client waits for the first")
			r.echoes("anna", anna, "three",
				"a client's first message was echoed, and a later one is not: echo to its FIN")
			r.echoes("ben", ben, strings.Repeat("a long text ", 2000),
				"a long text does not come back")
			r.leaves("anna", anna)
			r.echoes("ben", ben, "four", "one client's end is the end of another's connection")
		}),
		in("echo-to-the-end", []int{1}, func(s *check.Story) {
			r := start(s)
			c := r.listener.DialRoom(1000)
			text := strings.Repeat("a long text ", 2000)
			s.Did("a client sent %d bytes and a FIN, and read the echo slowly", len(text))
			sent := s.Go(func() { c.Write([]byte(text)); c.CloseWrite() })
			got := ""
			for {
				check.Settle()
				more := c.Take()
				if got += more; more == "" {
					break
				}
			}
			c.Reset()
			<-sent
			if got != text {
				s.Fail(fmt.Sprint(len(text), " bytes"), fmt.Sprint(len(got)),
					"the client's end came, and what was still to be echoed is lost")
			}
		}),
		in("nobody-there", []int{2, 4}, func(s *check.Story) {
			r := start(s)
			anna, ben := r.dial(), r.dial()
			r.echoes("anna", anna, "hello", unserved)
			r.leaves("anna", anna)
			r.leaves("ben", ben)
			r.ends(r.shutdown(make(chan struct{})), nobody)
		}),
		in("nobody-ever", []int{2}, func(s *check.Story) {
			r := start(s)
			r.ends(r.shutdown(make(chan struct{})), nobody)
		}),
		in("in-the-middle", []int{2, 4}, func(s *check.Story) {
			r := start(s)
			anna, ben, cleo := r.dial(), r.dial(), r.dial()
			r.echoes("anna", anna, "before", unserved)
			over := r.shutdown(make(chan struct{}))
			r.echoes("anna", anna, "after", inMiddle)
			r.goesOn(over, long, early)
			r.echoes("anna", anna, "much later", inMiddle)
			r.echoes("ben", ben, "I am here, too", inMiddle)
			s.Did("dan came after Shutdown")
			dan := r.dial()
			dan.Write([]byte("me?"))
			r.leaves("anna", anna)
			r.goesOn(over, time.Minute,
				"Shutdown returned when one client had finished, and others were in the middle")
			r.echoes("cleo", cleo, "and I",
				"a client in the middle lost its echo when another had finished")
			r.leaves("cleo", cleo)
			r.goesOn(over, time.Minute,
				"Shutdown returned when some clients had finished, and another was in the middle")
			r.echoes("ben", ben, "I am the last", inMiddle)
			if dan.Take() != "" {
				s.Fail("dan refused", "he got an echo",
					"a new client is still taken after Shutdown")
			}
			r.leaves("ben", ben)
			r.ends(over, nobody)
		}),
		in("at-that-very-moment", []int{3}, func(s *check.Story) {
			r := start(s)
			anna := r.dial()
			r.echoes("anna", anna, "hello", unserved)
			var late *check.Conn
			r.listener.AtClose = func() *check.Conn {
				client, server := check.Link(0)
				client.Write([]byte("just in time?"))
				late = client
				s.Cleanup(func() { client.Reset() })
				return server
			}
			s.Did("a client is accepted at the moment when the listener is closed")
			over := r.shutdown(make(chan struct{}))
			switch {
			case late == nil:
				s.Fail("the listener closed", "it is open",
					"a new client is still taken after Shutdown: the listener is not closed")
			case late.Take() != "":
				s.Fail("the late client closed", "it got an echo",
					"a client that was accepted at the moment of Shutdown is served: nobody new is")
			}
			if _, err := late.Read(make([]byte, 1)); err == nil {
				s.Fail("the late client closed", "it got an echo",
					"a client that was accepted at the moment of Shutdown is served: nobody new is")
			}
			r.echoes("anna", anna, "still here", inMiddle)
			r.goesOn(over, time.Minute, early)
			r.leaves("anna", anna)
			r.ends(over, nobody)
		}),
		in("out-of-patience", []int{5}, func(s *check.Story) {
			r := start(s)
			anna, ben, cleo := r.dial(), r.dial(), r.listener.DialRoom(1000)
			r.echoes("anna", anna, "hello", unserved)
			s.Did("cleo sends much, and reads nothing of the echo")
			sending := s.Go(func() { cleo.Write(make([]byte, 100_000)) })
			grace := make(chan struct{})
			over := r.shutdown(grace)
			r.goesOn(over, long,
				"Shutdown returned before grace was over, with clients in the middle")
			r.echoes("ben", ben, "still here", inMiddle)
			if cleo.Peer().Ended() != "" {
				s.Fail("cleo's connection open", "it was closed",
					"a client that reads nothing lost its connection before grace was over")
			}
			s.Did("grace was over; the clients say nothing")
			close(grace)
			r.ends(over, "a silent client holds up the end although grace is over")
			for name, c := range map[string]*check.Conn{"anna": anna, "ben": ben, "cleo": cleo} {
				if c.Peer().Ended() != "closed" {
					s.Fail("all connections closed", name+"'s is open",
						"a client was left behind with an open connection when grace was over")
				}
			}
			<-sending
		}),
		in("no-patience", []int{5}, func(s *check.Story) {
			r := start(s)
			anna, ben := r.dial(), r.dial()
			r.echoes("anna", anna, "hello", unserved)
			grace := make(chan struct{})
			close(grace)
			s.Did("grace was over before Shutdown was called")
			r.ends(r.shutdown(grace), "a silent client holds up the end although grace is over")
			for _, c := range []*check.Conn{anna, ben} {
				if c.Peer().Ended() != "closed" {
					s.Fail("all connections closed", "one is open",
						"a client was left behind with an open connection when grace was over")
				}
			}
		}),
		in("serve-is-quick", []int{2}, func(s *check.Story) {
			r := start(s)
			r.listener.AtClosed = check.Yield
			s.Did("Accept returned before the call that closed the listener did")
			over := r.shutdown(make(chan struct{}))
			if r.err != nil {
				s.Fail("Serve returns nil", fmt.Sprint("error ", r.err),
					"Serve returned an error: it must know that the server stops before the "+
						"listener is closed")
			}
			r.ends(over, nobody)
		}),
		in("closes-before-it-returns", []int{4}, func(s *check.Story) {
			r := start(s)
			anna := r.dial()
			r.echoes("anna", anna, "hello", unserved)
			var over <-chan struct{}
			early := false
			anna.Peer().AtClose = func() {
				check.Yield()
				early = check.Ended(over)
			}
			over = r.shutdown(make(chan struct{}))
			s.Did("it takes a while to close anna's connection")
			r.leaves("anna", anna)
			if early {
				s.Fail("Shutdown waits until anna's connection is closed", "it has returned",
					"Shutdown returned before the last connection was closed: who has finished is "+
						"counted off after that")
			}
			r.ends(over, nobody)
		}),
		in("a-slow-reader", []int{1, 4}, func(s *check.Story) {
			r := start(s)
			anna, ben := r.listener.DialRoom(1000), r.dial()
			s.Cleanup(func() { anna.Reset() })
			text := strings.Repeat("a", 1000)
			s.Did("anna sent 2000 bytes, and read nothing of the echo")
			anna.Write([]byte(text))
			check.Settle()
			anna.Write([]byte(text))
			check.Settle()
			r.echoes("ben", ben, strings.Repeat("b", 1000),
				"a client that does not read its echo holds up another")
			over := r.shutdown(make(chan struct{}))
			r.goesOn(over, long, early)
			s.Did("anna read the echo")
			got := anna.Take()
			check.Settle()
			if got += anna.Take(); got != text+text {
				symptom := "a client that reads its echo late does not get all of it"
				if strings.Contains(got, "b") {
					symptom = "a client gets bytes of another's echo: do two goroutines use one buffer?"
				}
				s.Fail(`2000 times "a"`, fmt.Sprintf(`%d times "a", %d other bytes`,
					strings.Count(got, "a"), len(got)-strings.Count(got, "a")), symptom)
			}
			r.leaves("anna", anna)
			r.leaves("ben", ben)
			r.ends(over, nobody)
		}),
		in("two-servers", []int{8}, func(s *check.Story) {
			const share = ": what do two servers share?"
			r, other := start(s), start(s)
			anna, ben, cleo := r.dial(), other.dial(), other.dial()
			s.Did("anna is a client of the first server, ben and cleo are the second's")
			r.echoes("anna", anna, "hello", unserved)
			other.echoes("ben", ben, "hello", unserved+share)
			other.leaves("cleo", cleo)
			s.Did("the first server is stopped, and grace is over")
			grace := make(chan struct{})
			over := r.shutdown(grace)
			close(grace)
			r.ends(over, "a silent client holds up the end although grace is over")
			other.echoes("ben", ben, "still here", "one server was stopped, and another's client "+
				"lost its connection"+share)
			over = other.shutdown(make(chan struct{}))
			other.goesOn(over, time.Minute, early+share)
			other.leaves("ben", ben)
			other.ends(over, nobody+share)
			third, beside := start(s), start(s)
			third.dial()
			check.Settle()
			s.Did("of two others, the one without clients is stopped")
			beside.ends(beside.shutdown(make(chan struct{})), nobody+share)
		}),
		{Name: "over-tcp", Holds: []int{1}, Do: overTCP},
		in("accept-fails", []int{6}, func(s *check.Story) {
			r := start(s)
			anna, ben := r.dial(), r.dial()
			r.echoes("anna", anna, "hello", unserved)
			r.echoes("ben", ben, "hello", unserved)
			s.Did("Accept failed: %v", busy)
			r.listener.Fail(busy)
			r.fails(busy)
			r.echoes("anna", anna, "still here",
				"Accept has failed, and a client that was there lost its connection")
			r.leaves("ben", ben)
		}),
		in("closed-by-another", []int{6}, func(s *check.Story) {
			r := start(s)
			anna := r.dial()
			r.echoes("anna", anna, "hello", unserved)
			s.Did("somebody else closed the listener: nobody called Shutdown")
			r.listener.Close()
			r.fails(net.ErrClosed)
		}),
		in("years", []int{7}, years),
		in("a-crowd", []int{1, 4, 5}, crowd),
		{Name: "while-one-comes", Holds: []int{3, 4, 5}, Do: func(s *check.Story) {
			s.Did("called Shutdown at the moment when a client was accepted, again and again")
			s.Again(2000, 4, func(i int) {
				s.Bubble(func() { whileOneComes(s, i%2 == 0, false) })
			})
			// On one processor a goroutine that has just begun waits until Shutdown,
			// which was woken after it, has done what it can.
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
			s.Again(100, 4, func(i int) {
				s.Bubble(func() { whileOneComes(s, i%2 == 0, true) })
			})
		}},
		{Name: "at-random", Holds: []int{1, 2, 4, 5}, Do: func(s *check.Story) {
			s.Random(150, func(d *check.Draw) {
				n := d.Between(1, 5)
				steps := d.N(15)
				s.Bubble(func() { random(s, d, n, steps) })
			})
		}},
	})
}

// fails expects Serve to return this error.
func (r *running) fails(want error) {
	check.Settle()
	switch {
	case !check.Ended(r.served):
		symptom := "Accept has failed, and Serve goes on"
		if _, calls, _, _ := r.listener.State(); calls > 50 {
			symptom = "Accept has failed, and Serve tries it again and again"
		}
		r.s.Fail(fmt.Sprint("error ", want), "Serve does not return", symptom+check.Where())
	case !errors.Is(r.err, want):
		r.s.Fail(fmt.Sprint("error ", want), fmt.Sprint("error ", r.err),
			"Accept has failed, nobody has called Shutdown, and Serve does not return the error")
	case r.listener.Failed() > 1:
		r.s.Fail(fmt.Sprint("error ", want, " after one call of Accept that failed"),
			fmt.Sprint(r.listener.Failed(), " calls that failed"),
			"Accept has failed, and Serve tried it again")
	}
}

// years lets many clients come and go, and looks whether they are forgotten.
func years(s *check.Story) {
	r := start(s)
	s.Did("500 clients came and left, each second one by a reset (RST)")
	var gone []weak.Pointer[check.Conn]
	for i := range 500 {
		c := r.listener.Dial()
		c.Write([]byte("hello"))
		if i%2 == 0 {
			c.CloseWrite()
		} else {
			check.Settle()
			c.Reset()
		}
		check.Settle()
		if c.Peer().Ended() != "closed" {
			s.Fail("the connection closed", "it is open",
				"the connection of a client that has finished is not closed"+check.Where())
		}
		gone = append(gone, weak.Make(c))
	}
	kept := 0
	for range 3 {
		runtime.GC()
	}
	for _, c := range gone {
		if c.Value() != nil {
			kept++
		}
	}
	if kept > 150 {
		s.Fail("no memory of who has left", fmt.Sprintf("%d of 500 connections are still known",
			kept), "who has left is not forgotten: a server that runs for years takes ever more "+
			"memory")
	}
	r.ends(r.shutdown(make(chan struct{})), nobody)
}

// crowd lets many clients do the same at once, with real parallelism.
func crowd(s *check.Story) {
	for round := range 10 {
		r := start(s)
		s.Anew()
		s.Did("100 clients came, spoke and left at once, while 60 others stayed; then Shutdown")
		stay := make([]*check.Conn, 60)
		for i := range stay {
			stay[i] = r.dial()
			stay[i].Write([]byte("hello"))
		}
		check.Settle()
		for _, c := range stay {
			if got := c.Take(); got != "hello" {
				s.Fail(`the echo "hello" for each of 60`, fmt.Sprintf("%q", got),
					"in a crowd a client is not served")
			}
		}
		var all sync.WaitGroup
		failed := make(chan string, 200)
		for range 100 {
			all.Go(func() {
				c := r.listener.Dial()
				c.Write([]byte("hello"))
				c.CloseWrite()
				if got, err := io.ReadAll(c); string(got) != "hello" || err != nil {
					failed <- fmt.Sprintf("%q, error %v", got, err)
				}
			})
		}
		all.Wait()
		select {
		case came := <-failed:
			s.Fail(`the echo "hello" and the end`, came, "in a crowd a client is not served")
		default:
		}
		grace := make(chan struct{})
		over := r.shutdown(grace)
		if round%2 == 0 {
			close(grace)
			r.ends(over, "silent clients hold up the end although grace is over")
		} else {
			for _, c := range stay {
				all.Go(func() { c.CloseWrite() })
			}
			all.Wait()
			r.ends(over, nobody)
		}
		for _, c := range stay {
			if c.Peer().Ended() != "closed" {
				s.Fail("all connections closed", "one is open",
					"a client was left behind with an open connection")
			}
		}
	}
}

// whileOneComes calls Shutdown when Accept is about to return a client, ben, or
// is called again after him. If there is another, anna, she is in the middle.
func whileOneComes(s *check.Story, other, again bool) {
	r := &running{s: s, server: &Server{}, listener: s.Listener()}
	comes := make(chan struct{})
	var count atomic.Int32
	want := int32(1)
	if other {
		want = 2
	}
	hook := &r.listener.AtAccept
	if again {
		hook = &r.listener.AtNext
	}
	*hook = func() {
		if count.Add(1) == want {
			close(comes)
		}
	}
	r.serve()
	var anna *check.Conn
	if other {
		anna = r.dial()
		check.Settle()
	}
	grace := make(chan struct{})
	over := s.Go(func() {
		<-comes
		r.server.Shutdown(grace)
	})
	check.Settle()
	ben := r.dial()
	ben.Write([]byte("hello"))
	check.Settle()
	served := ben.Peer().Ended() == ""
	if other && check.Ended(over) {
		s.Fail("Shutdown waits for anna", "it has returned",
			"Shutdown returned while a client was in the middle, when another came just then")
	}
	if other {
		anna.CloseWrite()
		check.Settle()
	}
	if served && check.Ended(over) {
		s.Fail("Shutdown waits for the client that came just before it", "it has returned",
			"Shutdown does not know the client that came just before it: count it before its "+
				"goroutine starts")
	}
	if !served && ben.Take() != "" {
		s.Fail("a client that is served, or closed", "it was served and closed",
			"a client that came just before Shutdown was cut off in the middle")
	}
	close(grace)
	r.ends(over, "grace is over, and Shutdown waits")
	if ben.Peer().Ended() != "closed" {
		s.Fail("all connections closed", "one is open",
			"the client that came just before Shutdown was left behind with an open connection")
	}
}

// random lets clients come, speak and leave in any order, before and after
// Shutdown.
func random(s *check.Story, d *check.Draw, n, steps int) {
	r := start(s)
	var there []*check.Conn
	var over <-chan struct{}
	grace := make(chan struct{})
	for range n {
		there = append(there, r.dial())
	}
	check.Settle()
	for range steps {
		switch i := d.N(max(1, len(there))); d.N(5) {
		case 0, 1:
			if len(there) > 0 {
				r.echoes(fmt.Sprint("client ", i+1), there[i], string(d.Bytes(1+d.Size(5000))),
					unserved)
			}
		case 2:
			if len(there) > 0 {
				r.leaves(fmt.Sprint("client ", i+1), there[i])
				there = append(there[:i], there[i+1:]...)
			}
		case 3:
			if over == nil {
				there = append(there, r.dial())
				check.Settle()
			}
		case 4:
			if over == nil {
				over = r.shutdown(grace)
			}
		}
		if over != nil && len(there) > 0 {
			r.goesOn(over, 2*time.Second, early)
		}
	}
	if over == nil {
		over = r.shutdown(grace)
	}
	left := there
	if d.OneIn(2) {
		for _, c := range there {
			r.leaves("a client", c)
		}
	} else if len(there) > 0 {
		s.Did("grace was over")
		close(grace)
	}
	r.ends(over, "nobody is left, or grace is over, and Shutdown waits")
	for _, c := range left {
		if c.Peer().Ended() != "closed" {
			s.Fail("all connections closed", "one is open",
				"a client was left behind with an open connection when grace was over")
		}
	}
}

// overTCP is a round with real sockets.
func overTCP(s *check.Story) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check.Must(listener, err)
	s.Cleanup(func() { listener.Close() })
	server := &Server{}
	s.Did("called Serve, with a real listener")
	var served error
	over := s.Go(func() { served = server.Serve(listener) })
	var clients [2]net.Conn
	for i := range clients {
		c, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			s.Fail("a connection", err.Error(), unserved)
		}
		s.Cleanup(func() { c.Close() })
		check.Limit(c, check.Patience*2/3)
		clients[i] = c
	}
	for _, c := range clients {
		s.Did("a client sent \"hello\"")
		got := make([]byte, 5)
		io.WriteString(c, "hello")
		if n, err := io.ReadFull(c, got); err != nil {
			s.Fail("the echo hello", fmt.Sprintf("%q, error %v", got[:n], err),
				unserved+check.Where())
		}
	}
	stopped := s.Go(func() { server.Shutdown(make(chan struct{})) })
	for _, c := range clients {
		s.Did("a client half-closed")
		c.(*net.TCPConn).CloseWrite()
		if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
			s.Fail("the server's FIN", fmt.Sprintf("%q, error %v", rest, err),
				"a client in the middle lost its good end")
		}
	}
	for i, c := range []<-chan struct{}{stopped, over} {
		select {
		case <-c:
		case <-check.After(check.Patience * 2 / 3):
			s.Fail([]string{"Shutdown", "Serve"}[i]+" returns", "it waits",
				[]string{nobody,
					"a new client could still come: Serve goes on after Shutdown"}[i]+check.Where())
		}
	}
	check.Want(s, nil, served,
		"Serve returned an error: a listener that Shutdown has closed is no failure")
}
