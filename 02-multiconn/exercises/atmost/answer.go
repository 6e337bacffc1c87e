// Package atmost is an exercise: README.md has the task.
package atmost

import (
	"errors"
	"net"
)

// Serve accepts clients and calls handle for each, at most n at a time, each
// in a goroutine of its own. Further clients are not accepted before one has
// left: they wait in the backlog. Serve closes each connection when its handle
// is over. When Accept fails, Serve waits for the handlers that still run, and
// returns Accept's error.
func Serve(listener net.Listener, n int, handle func(net.Conn)) error {
	// TODO: write this.
	return errors.New("not written yet")
}
