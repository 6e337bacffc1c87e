// Package shutdown is a solution.
package shutdown

import (
	"io"
	"net"
	"sync"
)

// A Server echoes to many clients, until it is told to stop.
type Server struct {
	running sync.WaitGroup

	mu       sync.Mutex
	stopping bool
	listener net.Listener
	conns    map[net.Conn]bool
}

// Serve accepts clients and echoes to each in a goroutine of its own, until
// Shutdown is called. Then it returns nil. Any other error of Accept comes
// back as it is.
func (s *Server) Serve(listener net.Listener) error {
	s.mu.Lock()
	s.listener, s.conns = listener, map[net.Conn]bool{}
	s.mu.Unlock()
	for {
		conn, err := listener.Accept()
		// One lock for both questions: is it over, and if not, who is there?
		// So no client can slip in between Shutdown's first look and its last.
		s.mu.Lock()
		if s.stopping {
			s.mu.Unlock()
			if err == nil {
				conn.Close()
			}
			return nil
		}
		if err != nil {
			s.mu.Unlock()
			return err
		}
		s.conns[conn] = true
		s.running.Add(1)
		s.mu.Unlock()
		go s.echo(conn)
	}
}

func (s *Server) echo(conn net.Conn) {
	defer s.running.Done()
	io.Copy(conn, conn) // to the client's FIN, or until conn fails or is closed
	conn.Close()
	s.mu.Lock()
	delete(s.conns, conn)
	s.mu.Unlock()
}

// Shutdown closes the listener, lets the clients have the echo of everything
// that they have sent up to their FIN, and returns when the last has gone. When
// grace is closed before that, it closes the connections that are left.
func (s *Server) Shutdown(grace <-chan struct{}) {
	s.mu.Lock()
	s.stopping = true
	s.listener.Close() // nobody new; it also wakes Accept
	s.mu.Unlock()

	gone := make(chan struct{})
	go func() {
		s.running.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return
	case <-grace:
	}
	s.mu.Lock()
	for conn := range s.conns {
		conn.Close() // wakes the Read or Write that waits
	}
	s.mu.Unlock()
	<-gone
}
