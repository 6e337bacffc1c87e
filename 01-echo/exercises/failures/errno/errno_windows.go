// Package errno names three errors of the kernel, for errors.Is. Each system has
// numbers of its own for them.
package errno

import "syscall"

// The numbers are those of winsock2.h. The constants of the same meaning in
// package syscall, such as ECONNREFUSED, never occur on Windows.
const (
	Refused    = syscall.Errno(10061)    // nobody listens there
	Reset      = syscall.WSAECONNRESET   // the peer's RST came
	BrokenPipe = syscall.WSAECONNABORTED // a Write on a connection that is over
)
