// Package forward is a solution.
package forward

import (
	"io"
	"net"
)

// Forward carries the bytes of one client to a target, and back, until both
// have ended. A half-close passes as a half-close. When a connection fails,
// the other is ended too. Forward closes both, and returns the first error.
func Forward(client, target *net.TCPConn) error {
	defer client.Close()
	defer target.Close()
	ended := make(chan error, 2) // room for both: neither waits for us
	carry := func(from, to *net.TCPConn) {
		_, err := io.Copy(to, from)
		if err == nil {
			// from has sent everything. Say so to the other side, and leave
			// the way back open: the answer may still come.
			err = to.CloseWrite()
		}
		ended <- err
	}
	go carry(client, target)
	go carry(target, client)
	for range 2 {
		if err := <-ended; err != nil {
			// The deferred Closes wake the direction that still waits.
			return err
		}
	}
	return nil
}
