// Package failures is a solution.
package failures

import (
	"errors"
	"io"
	"net"

	"example.com/sockets/01-echo/exercises/failures/errno"
)

// A Kind is what has happened, as far as a program must know it to decide what
// to do next.
type Kind string

const (
	Refused Kind = "refused" // the host answers, and nobody listens at the port
	Reset   Kind = "reset"   // the peer's RST ended the connection
	Timeout Kind = "timeout" // nothing came in time
	Closed  Kind = "closed"  // this side has closed the socket before
	NoHost  Kind = "no host" // nobody has this name
	End     Kind = "end"     // the peer's FIN: the good end
	Other   Kind = "other"   // none of these
)

// Tell says what kind of failure err is. It looks through whatever err wraps.
func Tell(err error) Kind {
	// errors.Is and errors.As look at err, at what it wraps, at what that
	// wraps, and so on. The words of err prove nothing: they differ from
	// system to system, and anybody may write them.
	var dns *net.DNSError
	var network net.Error
	switch {
	case errors.Is(err, io.EOF):
		return End
	case errors.Is(err, net.ErrClosed):
		return Closed
	case errors.Is(err, errno.Refused):
		return Refused
	// The first call after the RST learns of it. Later Writes learn only
	// that the connection is over.
	case errors.Is(err, errno.Reset), errors.Is(err, errno.BrokenPipe):
		return Reset
	// A lookup may also fail because no name server has answered. Then nobody
	// knows whether there is such a host.
	case errors.As(err, &dns) && dns.IsNotFound:
		return NoHost
	// Deadlines have two errors, that of Read and that of Dial. Both are a
	// net.Error, as are most others: only its method tells.
	case errors.As(err, &network) && network.Timeout():
		return Timeout
	}
	return Other
}
