//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

// Command eventloop is the echo server of chapter 2 as an event loop: one
// thread, which asks the kernel which sockets are ready and serves those.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"example.com/sockets/02-multiconn/neterror"
)

func main() {
	l := &loop{out: os.Stdout, errOut: os.Stderr}
	addr := flag.String("addr", "127.0.0.1:65432",
		"listen on `host:port`; port 0 picks a free one, no host means every address of this computer")
	flag.IntVar(&l.maxConns, "max-conns", 10000,
		"serve at most this `number` of connections at once; further clients wait")
	flag.DurationVar(&l.idleTimeout, "idle-timeout", 5*time.Minute,
		"hang up on a client that is silent, or does not read, for this `duration`; 0 means never")
	flag.DurationVar(&l.grace, "grace", 5*time.Second,
		"on Ctrl-C, let echoes in the middle finish for this `duration` at most")
	flag.BoolVar(&l.quiet, "quiet", false,
		"leave out the lines about single connections")
	flag.Parse()
	if err := checkFlags(*addr, l); err != nil {
		fmt.Fprintln(os.Stderr, err)
		flag.Usage()
		os.Exit(2)
	}

	// From here on Ctrl-C does not kill the program: it cancels ctx.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := listenAndRun(ctx, *addr, l); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// listenAndRun opens what the loop needs, and runs it until ctx is cancelled.
func listenAndRun(ctx context.Context, addr string, l *loop) error {
	// Socket, bind and listen are as in chapter 1, so net.Listen does them
	// here. From then on the loop works on the bare file descriptor.
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return neterror.Listen(addr, err)
	}
	file, err := listener.(*net.TCPListener).File() // a duplicate of its descriptor
	listener.Close()
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w", addr, neterror.Cause(err))
	}
	defer file.Close()
	l.listener, l.addr = int(file.Fd()), listener.Addr().String()

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
