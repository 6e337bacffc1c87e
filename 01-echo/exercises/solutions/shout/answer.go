// Package shout is a solution.
package shout

import (
	"bytes"
	"io"
	"net"
)

// Serve answers one client: every byte that comes goes back, letters as
// capitals, until the client has no more to send. It returns nil after the
// client's FIN, and otherwise the error. It does not close conn.
func Serve(conn net.Conn) error {
	buf := make([]byte, 1024)
	for {
		// One Read gives what there is: a part of a message, or several.
		n, err := conn.Read(buf)
		// First the bytes, then the error: both can come at once. Only the
		// first n bytes are new; behind them stand those of earlier Reads.
		if n > 0 {
			if _, err := conn.Write(bytes.ToUpper(buf[:n])); err != nil {
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
