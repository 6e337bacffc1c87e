//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

// Command eventloop is the echo server of chapter 2 as an event loop: one
// thread, which asks the kernel which sockets are ready and serves those.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"

	"example.com/sockets/02-multiconn/internal/cli"
	"example.com/sockets/02-multiconn/internal/neterror"
)

func main() {
	l := fromFlags()
	ctx := cli.Interrupt() // from here on Ctrl-C does not kill the program: it cancels ctx
	cli.Exit(l.listenAndRun(ctx))
}

// listenAndRun opens what the loop needs, and runs it until ctx is cancelled.
func (l *loop) listenAndRun(ctx context.Context) error {
	// Socket, bind and listen are as in chapter 1, so net.Listen does them
	// here. From then on the loop works on the bare file descriptor.
	listener, err := net.Listen("tcp", l.addr)
	if err != nil {
		return neterror.Listen(l.addr, err)
	}
	file, err := listener.(*net.TCPListener).File() // a duplicate of its descriptor
	listener.Close()
	if err != nil {
		return neterror.Listen(l.addr, err)
	}
	defer file.Close()
	l.listener, l.listensOn = int(file.Fd()), listener.Addr()

	// Ctrl-C comes while the loop waits for sockets. So it is made a socket
	// event too: a byte that is written into a pipe, the "self-pipe trick".
	wakeRead, wakeWrite, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("cannot make a pipe: %w", err)
	}
	defer wakeRead.Close()
	defer wakeWrite.Close()
	l.wake = int(wakeRead.Fd())
	defer context.AfterFunc(ctx, func() { wakeWrite.Write([]byte{0}) })()

	runtime.LockOSThread() // one thread, in the strictest sense
	defer runtime.UnlockOSThread()
	return l.run()
}
