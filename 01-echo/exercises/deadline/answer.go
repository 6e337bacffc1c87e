// Package deadline is an exercise: README.md has the task.
package deadline

import (
	"errors"
	"net"
	"time"
)

// ErrSilent says that the peer sent nothing for too long.
var ErrSilent = errors.New("the peer is silent")

// ReadAll reads what the peer sends, up to its end. It gives up with ErrSilent
// when no byte has come for patience. What came before is returned all the
// same.
func ReadAll(conn net.Conn, patience time.Duration) ([]byte, error) {
	// TODO: write this.
	return nil, errors.New("not written yet")
}
