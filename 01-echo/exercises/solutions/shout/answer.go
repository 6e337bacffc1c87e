// Package shout is a solution.
package shout

import (
	"io"
	"net"
)

// Serve answers one client: every byte that comes goes back, the letters a to z
// of ASCII as capitals, until the client has no more to send. It returns nil
// after the client's FIN, and otherwise the error. It does not close conn.
func Serve(conn net.Conn) error {
	buf := make([]byte, 1024)
	for {
		// One Read gives what there is: a part of a message, or several.
		n, err := conn.Read(buf)
		// First the bytes, then the error: both can come at once. Only the
		// first n bytes are new; behind them stand those of earlier Reads.
		if n > 0 {
			shout(buf[:n])
			if _, err := conn.Write(buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil // the client's FIN: the good end
		}
		if err != nil {
			return err
		}
	}
}

// shout makes capitals of bytes, not of text: a Read may end in the middle of
// a letter, and what comes may be no text at all.
func shout(b []byte) {
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
}
