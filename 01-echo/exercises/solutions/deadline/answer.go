// Package deadline is a solution.
package deadline

import (
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// ErrSilent says that the peer sent nothing for too long.
var ErrSilent = errors.New("the peer is silent")

// ReadAll reads what the peer sends, up to its end. It gives up with ErrSilent
// when no byte has come for patience. What came before is returned all the
// same.
func ReadAll(conn net.Conn, patience time.Duration) ([]byte, error) {
	defer conn.SetReadDeadline(time.Time{}) // the caller's later Reads are its own
	var all []byte
	buf := make([]byte, 1024)
	for {
		// A deadline is a moment, not a duration. It stays where it is when
		// bytes come, so each Read gets a new one.
		conn.SetReadDeadline(time.Now().Add(patience))
		n, err := conn.Read(buf)
		all = append(all, buf[:n]...)
		switch {
		case err == io.EOF:
			return all, nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return all, ErrSilent
		case err != nil:
			return all, err
		}
	}
}
