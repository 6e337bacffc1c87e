// Package shutdown is an exercise: README.md has the task.
package shutdown

import (
	"errors"
	"net"
)

// A Server echoes to many clients, until it is told to stop.
type Server struct {
	// TODO: what must it remember?
}

// Serve accepts clients and echoes to each in a goroutine of its own, until
// Shutdown is called. Then it returns nil. Any other error of Accept comes
// back as it is.
func (s *Server) Serve(listener net.Listener) error {
	// TODO: write this.
	return errors.New("not written yet")
}

// Shutdown closes the listener, lets the clients have the echo of everything
// that they have sent up to their FIN, and returns when the last has gone. When
// grace is closed before that, it closes the connections that are left.
func (s *Server) Shutdown(grace <-chan struct{}) {
	// TODO: write this.
}
