// Package failures is an exercise: README.md has the task.
package failures

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
	// TODO: write this. Package errno (in the folder errno) names the kernel's
	// errors.
	return "not written yet"
}
