// Package halfclose is a solution.
package halfclose

import (
	"cmp"
	"io"
	"net"
	"time"
)

// Exchange sends all of request, says that there is no more, and writes what
// the peer answers to answer, up to the peer's own end. It returns how many
// bytes of the answer came. It does not close conn.
func Exchange(conn *net.TCPConn, request io.Reader, answer io.Writer) (int64, error) {
	// Sending has a goroutine of its own. If we read only after the last
	// write, a peer that answers while we send fills all buffers between us,
	// and both sides wait for good.
	sent := make(chan error, 1) // room for one: the sender never waits for us
	go func() {
		_, err := io.Copy(conn, request)
		if err == nil {
			// The FIN: "that is all". The other direction stays open.
			err = conn.CloseWrite()
		}
		sent <- err
		if err != nil {
			// No answer will come: wake the Read below. (CloseRead wakes
			// it too, but not on Windows.)
			conn.SetReadDeadline(time.Unix(1, 0))
		}
	}()
	n, err := io.Copy(answer, conn)
	if err == nil {
		return n, <-sent
	}
	select {
	case sendErr := <-sent: // may be why Read was woken
		return n, cmp.Or(sendErr, err)
	default:
		return n, err
	}
}
