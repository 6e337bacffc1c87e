//go:build check

package shutdown

import (
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"example.com/sockets/docs/exercises/check"
)

// A door is a listener that tells when it is closed.
type door struct {
	net.Listener
	once   sync.Once
	closed chan struct{}
}

func (d *door) Close() error {
	defer d.once.Do(func() { close(d.closed) })
	return d.Listener.Close()
}

// A running server under test.
type running struct {
	door     *door
	s        *check.Story
	server   *Server
	addr     string
	returned chan error
}

func start(s *check.Story) *running {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	s.Cleanup(func() { listener.Close() })
	d := &door{Listener: listener, closed: make(chan struct{})}
	r := &running{d, s, &Server{}, listener.Addr().String(), make(chan error, 1)}
	s.Did("called Serve")
	go func() { r.returned <- r.server.Serve(d) }()
	return r
}

func (r *running) client(symptom string) *net.TCPConn {
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.s.Fail("a connection", err.Error(), symptom)
	}
	conn.SetDeadline(time.Now().Add(check.Patience / 4))
	r.s.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

// echoes sends text and reads its echo.
func (r *running) echoes(conn net.Conn, text, symptom string) {
	r.s.Did("a client sent %q", text)
	_, err := io.WriteString(conn, text)
	got := make([]byte, len(text))
	n := 0
	if err == nil {
		n, err = io.ReadFull(conn, got)
	}
	if err != nil || string(got) != text {
		r.s.Fail("the echo "+text, fmt.Sprintf("%q, error %v", got[:n], err), symptom+check.Where())
	}
}

// shutdown calls Shutdown, and returns when the listener is closed.
func (r *running) shutdown(grace chan struct{}) (over chan struct{}) {
	r.s.Did("called Shutdown")
	over = make(chan struct{})
	go func() {
		r.server.Shutdown(grace)
		close(over)
	}()
	select {
	case <-r.door.closed:
	case <-time.After(check.Patience / 4):
		r.s.Fail("the listener closed", "it is open", "a new client is still taken after Shutdown")
	}
	return over
}

func isTimeout(err error) bool {
	n, ok := err.(net.Error)
	return ok && n.Timeout()
}

func (r *running) ends(over chan struct{}, symptom string) {
	select {
	case <-over:
	case <-time.After(check.Patience / 4):
		r.s.Fail("Shutdown returns", "it waits", symptom+check.Where())
	}
	select {
	case err := <-r.returned:
		check.Want(r.s, nil, err, "Serve returned an error: a listener that Shutdown has closed is no failure")
	case <-time.After(check.Patience / 4):
		r.s.Fail("Serve returns", "it waits", "a new client could still come: Serve goes on after Shutdown"+check.Where())
	}
}

func TestCheck(t *testing.T) {
	const unserved = "nobody was served: is Serve written?"
	check.Run(t, []check.Case{
		{Name: "echo", Do: func(s *check.Story) {
			r := start(s)
			a, b := r.client(unserved), r.client(unserved)
			r.echoes(a, "one", unserved)
			r.echoes(b, "two", "the second client waits for the first")
			r.echoes(a, "three", unserved)
		}},
		{Name: "nobody-there", Do: func(s *check.Story) {
			r := start(s)
			c := r.client(unserved)
			r.echoes(c, "hello", unserved)
			s.Did("the client closed, and the server too")
			c.CloseWrite()
			io.ReadAll(c)
			r.ends(r.shutdown(make(chan struct{})), "nobody is left, and Shutdown waits for somebody")
		}},
		{Name: "in-the-middle", Do: func(s *check.Story) {
			r := start(s)
			c := r.client(unserved)
			r.echoes(c, "before", unserved)
			over := r.shutdown(make(chan struct{}))
			r.echoes(c, "after", "a client in the middle lost its echo")
			select {
			case <-over:
				s.Fail("Shutdown waits for the client", "it has returned", "Shutdown returned while a client was in the middle")
			default:
			}
			s.Did("the client half-closed")
			c.CloseWrite()
			if _, err := io.ReadAll(c); err != nil {
				s.Fail("the server's FIN", err.Error(), "a client in the middle lost its good end")
			}
			r.ends(over, "nobody is left, and Shutdown waits for somebody")
		}},
		{Name: "out-of-patience", Do: func(s *check.Story) {
			r := start(s)
			c := r.client(unserved)
			r.echoes(c, "hello", unserved)
			grace := make(chan struct{})
			over := r.shutdown(grace)
			s.Did("grace was over; the client says nothing")
			close(grace)
			r.ends(over, "a silent client holds up the end although grace is over")
			if _, err := io.ReadAll(c); isTimeout(err) {
				s.Fail("the connection closed", "it is open", "the silent client was left behind with an open connection")
			}
		}},
	})
}
