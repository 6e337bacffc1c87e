//go:build linux || darwin

// Command server is chapter 1's echo server again, in the calls of the
// classic flow diagram: socket, bind, listen, accept, recv, send, close.
// Each call is one system call, and blocks the thread that makes it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"example.com/sockets/01-echo/berkeley/raw"
)

const bufferSize = 1024

// What the last line says; Ctrl-C reads them from another goroutine.
var clients, echoed atomic.Int64

func main() {
	addr := flag.String("addr", "127.0.0.1:65432",
		"listen on `host:port`; port 0 picks a free one")
	idleTimeout := flag.Duration("idle-timeout", 30*time.Second,
		"hang up on a client that is silent, or does not read, for this `duration`")
	quiet := flag.Bool("quiet", false,
		"leave out the lines about single connections")
	flag.Parse()
	if err := checkFlags(*addr, *idleTimeout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		flag.Usage()
		os.Exit(2)
	}

	var log io.Writer = os.Stdout
	if *quiet {
		log = io.Discard
	}
	go exitOnCtrlC()
	err := run(*addr, *idleTimeout, log)
	fmt.Fprintf(os.Stderr, "cannot serve on %s: %s; %s\n", *addr, err, advice(err))
	os.Exit(1)
}

// exitOnCtrlC ends the program. The main thread is inside accept, read or
// write, which end only when the kernel has something for them; so nothing is
// closed here by hand: at exit the kernel closes every socket, and sends the
// FIN of a connection that was open.
func exitOnCtrlC() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	<-signals
	fmt.Printf("Stopped; clients served: %d, bytes echoed: %d\n",
		clients.Load(), echoed.Load())
	os.Exit(0)
}

// run serves one client after another. It returns only with an error.
func run(addr string, idleTimeout time.Duration, log io.Writer) error {
	family, sa, err := raw.Resolve(addr)
	if err != nil {
		return err
	}

	// socket: the kernel makes an endpoint and returns its number, a file
	// descriptor. It has no address yet; nothing is sent. State: CLOSED.
	listener, err := syscall.Socket(family, syscall.SOCK_STREAM, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer syscall.Close(listener)

	// Without SO_REUSEADDR, bind would refuse the port for a minute or so
	// after a server stopped, while an old connection is in TIME-WAIT.
	err = syscall.SetsockoptInt(listener,
		syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	if err != nil {
		return os.NewSyscallError("setsockopt", err)
	}

	// bind: the endpoint gets its address and port. Nothing is sent. This is
	// where "address already in use" comes from.
	if err := syscall.Bind(listener, sa); err != nil {
		return os.NewSyscallError("bind", err)
	}

	// listen: state LISTEN. From now on the kernel answers a SYN with
	// SYN-ACK, and when the ACK comes, puts the finished connection into the
	// queue whose length is the backlog, all without this program.
	if err := syscall.Listen(listener, syscall.SOMAXCONN); err != nil {
		return os.NewSyscallError("listen", err)
	}
	if sa, err = syscall.Getsockname(listener); err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	fmt.Printf("Listening on %s\n", raw.String(sa))

	for {
		// accept: takes the oldest connection from the queue, or waits for
		// one. Nothing is sent: the handshake is over. The result is a new
		// socket, in state ESTABLISHED; the listener stays as it is.
		conn, peer, err := syscall.Accept(listener)
		if err == syscall.EINTR || err == syscall.ECONNABORTED {
			continue // a signal, or a client that was gone before its turn
		}
		if err != nil {
			return os.NewSyscallError("accept", err)
		}
		clients.Add(1)
		serve(conn, raw.String(peer), idleTimeout, log)
	}
}

// serve echoes one client to its end. Whatever goes wrong here ends this
// connection and nothing else.
func serve(conn int, client string, idleTimeout time.Duration, log io.Writer) {
	fmt.Fprintf(log, "Connected by %s\n", client)
	n, err := echo(conn, idleTimeout)

	// close: our FIN goes out after what is still in the send buffer. The
	// client has sent its FIN already: LAST-ACK, and CLOSED with its ACK. If
	// bytes came that nobody has read, the kernel sends a RST in its place.
	syscall.Close(conn)

	fmt.Fprintf(log, "Closed %s after %d bytes", client, n)
	if errors.Is(err, syscall.EAGAIN) {
		fmt.Fprintf(log, ": silent, or not reading, for %s", idleTimeout)
	} else if err != nil {
		fmt.Fprintf(log, ": %s", err)
	}
	fmt.Fprintln(log)
}

// echo sends back what it reads until the client's FIN. It returns the number
// of bytes sent back.
func echo(conn int, idleTimeout time.Duration) (int64, error) {
	// A read or a write that waits for longer than this fails with EAGAIN.
	limit := syscall.NsecToTimeval(idleTimeout.Nanoseconds())
	for _, option := range []int{syscall.SO_RCVTIMEO, syscall.SO_SNDTIMEO} {
		err := syscall.SetsockoptTimeval(conn, syscall.SOL_SOCKET, option, &limit)
		if err != nil {
			return 0, os.NewSyscallError("setsockopt", err)
		}
	}

	var total int64
	buf := make([]byte, bufferSize)
	for {
		// recv: waits until something has arrived. How much it returns has
		// nothing to do with how much the client gave to one send.
		n, err := raw.Read(conn, buf)
		if err != nil {
			return total, os.NewSyscallError("read", err)
		}
		if n == 0 {
			return total, nil // the client's FIN came: state CLOSE-WAIT
		}
		// send: the bytes go into the send buffer and out as segments.
		n, err = raw.WriteAll(conn, buf[:n])
		total += int64(n)
		echoed.Add(int64(n))
		if err != nil {
			return total, os.NewSyscallError("write", err)
		}
	}
}

// checkFlags objects to what package flag lets pass.
func checkFlags(addr string, idleTimeout time.Duration) error {
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: settings are given as flags", flag.Arg(0))
	}
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return fmt.Errorf("invalid value %q for flag -addr: %w", addr, err)
	}
	if idleTimeout < time.Microsecond {
		return fmt.Errorf("invalid value %s for flag -idle-timeout: must be at least 1µs", idleTimeout)
	}
	return nil
}

// advice says what to try next when serving fails.
func advice(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "another program has this port: stop it, or take a free port with -addr 127.0.0.1:0"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "no interface of this machine has that address: try -addr 127.0.0.1:65432"
	case errors.Is(err, syscall.EACCES):
		return "the system reserves this port: take one above 1023, such as -addr 127.0.0.1:65432"
	}
	return "docs/errors.md explains the common errors"
}
