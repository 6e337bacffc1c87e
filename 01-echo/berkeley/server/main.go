//go:build linux || darwin

// Command server is chapter 1's echo server again, in the calls of the
// classic flow diagram: socket, bind, listen, accept, recv, send, close.
// Each call is one system call, and blocks the thread that makes it.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"example.com/sockets/01-echo/berkeley/raw"
	"example.com/sockets/01-echo/internal/cli"
)

func main() {
	s := fromFlags()
	// Before the first line is printed: a signal that comes now waits in the
	// channel, and doesn't kill the program.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go s.exitOnCtrlC(signals)
	err := s.run()
	if !errors.Is(err, cli.ErrOutput) {
		err = fmt.Errorf("cannot serve on %s: %w", s.addr, err)
	}
	cli.Fail(err, cli.ListenAdvice(err))
}

// exitOnCtrlC ends the program. The main thread is inside accept, read or
// write, which end only when the kernel has something for them; so nothing is
// closed here by hand: at exit the kernel closes every socket, and sends the
// FIN of a connection that was open.
func (s *server) exitOnCtrlC(signals <-chan os.Signal) {
	<-signals
	_, err := fmt.Printf("Stopped; clients served: %d, bytes echoed: %d\n",
		s.clients.Load(), s.echoed.Load())
	if err != nil {
		err = fmt.Errorf("%w: %w", cli.ErrOutput, err)
		cli.Fail(err, cli.ListenAdvice(err))
	}
	os.Exit(0)
}

// run serves one client after another. It returns only with an error.
func (s *server) run() error {
	family, sa, err := raw.Resolve(s.addr)
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
	_, err = fmt.Printf("Listening on %s\n%s", raw.String(sa), cli.OneAddress(s.addr))
	if err != nil {
		return fmt.Errorf("%w: %w", cli.ErrOutput, err)
	}

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
		s.clients.Add(1)
		s.serve(conn, raw.String(peer))
	}
}

// serve echoes one client to its end. Whatever goes wrong here ends this
// connection and nothing else.
func (s *server) serve(conn int, client string) {
	fmt.Fprintf(s.log, "Connected by %s\n", client)
	n, err := s.echo(conn)

	// close: our FIN goes out after what is still in the send buffer. The
	// client has sent its FIN already: LAST-ACK, and CLOSED with its ACK. If
	// bytes came that nobody has read, the kernel sends a RST in its place.
	syscall.Close(conn)

	fmt.Fprintf(s.log, "Closed %s after %d bytes", client, n)
	if errors.Is(err, syscall.EAGAIN) {
		fmt.Fprintf(s.log, ": silent, or not reading, for %s", s.idleTimeout)
	} else if err != nil {
		fmt.Fprintf(s.log, ": %s", err)
	}
	fmt.Fprintln(s.log)
}

// echo sends back what it reads until the client's FIN. It returns the number
// of bytes sent back.
func (s *server) echo(conn int) (int64, error) {
	// A read or a write that waits for longer than this fails with EAGAIN.
	limit := syscall.NsecToTimeval(s.idleTimeout.Nanoseconds())
	for _, option := range []int{syscall.SO_RCVTIMEO, syscall.SO_SNDTIMEO} {
		err := syscall.SetsockoptTimeval(conn, syscall.SOL_SOCKET, option, &limit)
		if err != nil {
			return 0, os.NewSyscallError("setsockopt", err)
		}
	}

	var total int64
	buf := make([]byte, 1024)
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
		s.echoed.Add(int64(n))
		if err != nil {
			return total, os.NewSyscallError("write", err)
		}
	}
}
