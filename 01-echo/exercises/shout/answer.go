// Package shout is an exercise: README.md has the task.
package shout

import (
	"errors"
	"net"
)

// Serve answers one client: every byte that comes goes back, the letters a to z
// of ASCII as capitals, until the client has no more to send. It returns nil
// after the client's FIN, and otherwise the error. It does not close conn.
func Serve(conn net.Conn) error {
	// TODO: write this.
	return errors.New("not written yet")
}
