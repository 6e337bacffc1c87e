//go:build linux || darwin

// Command client is chapter 1's echo client again, in the calls of the
// classic flow diagram: socket, connect, send, shutdown, recv, close.
package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"example.com/sockets/01-echo/berkeley/raw"
	"example.com/sockets/01-echo/internal/cli"
)

const bufferSize = 1024

func main() {
	c := fromFlags()
	// Before anything is printed: a signal that comes now waits in the
	// channel, and doesn't kill the program.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go c.exitOnCtrlC(signals)

	var in io.Reader = strings.NewReader(c.message)
	var reply bytes.Buffer
	var out io.Writer = &reply
	if c.message == "-" {
		in, out = os.Stdin, os.Stdout
	}
	err := c.run(in, out)
	if c.message != "-" && (err == nil || reply.Len() > 0) {
		if _, writeErr := fmt.Printf("Received %q\n", reply.String()); writeErr != nil {
			err = fmt.Errorf("%w: %w", cli.ErrOutput, writeErr)
		}
	}
	if err != nil {
		fail(err)
	}
}

// fail says what happened and what to try, and ends the program.
func fail(err error) {
	cli.Fail(err, cli.DialAdvice(err, "go run ./01-echo/berkeley/server"))
}

// exitOnCtrlC ends the program. The main thread is inside connect or read,
// which end only when the kernel has something for them; at exit the kernel
// closes the socket.
func (c *client) exitOnCtrlC(signals <-chan os.Signal) {
	<-signals
	fail(fmt.Errorf("%w after %d bytes had come back", cli.ErrStopped, c.received.Load()))
}

// run makes one connection, sends in and writes what comes back to out.
func (c *client) run(in io.Reader, out io.Writer) error {
	conn, err := connect(c.addr, c.timeout)
	if err != nil {
		return fmt.Errorf("cannot connect to %s: %w", c.addr, err)
	}
	// close: our FIN, if shutdown has not sent it already. This side sent the
	// first FIN, so it is the one that stays in TIME-WAIT.
	defer syscall.Close(conn)

	if c.message == "-" && c.terminal {
		ours, err := syscall.Getsockname(conn) // the kernel chose the port
		if err != nil {
			return os.NewSyscallError("getsockname", err)
		}
		cli.Connected(os.Stderr, c.addr, raw.String(ours))
	}

	// Sending and receiving are two jobs at the same time, so two threads.
	sent, back := sha256.New(), sha256.New()
	sending := make(chan error, 1)
	go func() {
		sending <- send(conn, io.TeeReader(in, sent))
		// shutdown: our FIN goes out, state FIN-WAIT-1, and FIN-WAIT-2 with
		// its ACK. That is half of a close: the other direction stays open.
		syscall.Shutdown(conn, syscall.SHUT_WR)
	}()

	buf := make([]byte, bufferSize)
	for {
		// recv: waits until something has arrived.
		n, err := raw.Read(conn, buf)
		if err != nil {
			return fmt.Errorf("connection to %s %w after %d bytes: %w",
				c.addr, cli.ErrLost, c.received.Load(), os.NewSyscallError("read", err))
		}
		if n == 0 {
			break // the server's FIN
		}
		c.received.Add(int64(n))
		back.Write(buf[:n])
		if _, err := out.Write(buf[:n]); err != nil {
			return fmt.Errorf("%w: %w", cli.ErrOutput, err)
		}
	}
	// The server's FIN has come. Had we sent everything?
	hungUp := fmt.Errorf("%s %w; %d bytes had come back", c.addr, cli.ErrHungUp, c.received.Load())
	if c.message == "-" {
		// There may be more to come, and nobody knows when: don't wait for it.
		select {
		case err = <-sending:
		default:
			return hungUp
		}
	} else {
		syscall.Shutdown(conn, syscall.SHUT_WR) // wakes a write that waits
		err = <-sending
	}
	switch {
	case errors.Is(err, cli.ErrInput):
		return err
	case err != nil:
		return hungUp
	case !bytes.Equal(sent.Sum(nil), back.Sum(nil)):
		return fmt.Errorf("%w: %d bytes came back from %s", cli.ErrDiffers, c.received.Load(),
			c.addr)
	}
	return nil
}

// connect returns the descriptor of a socket in state ESTABLISHED.
func connect(addr string, timeout time.Duration) (int, error) {
	family, sa, err := raw.Resolve(addr)
	if err != nil {
		return 0, err
	}
	// A thread inside connect can't be called back. So when time is up the
	// program ends, and the kernel gives up the connection with it.
	timer := time.AfterFunc(timeout, func() {
		fail(fmt.Errorf("cannot connect to %s: %w", addr, syscall.ETIMEDOUT))
	})
	defer timer.Stop()
	for {
		// socket: the kernel makes an endpoint. Nothing is sent. CLOSED.
		conn, err := syscall.Socket(family, syscall.SOCK_STREAM, 0)
		if err != nil {
			return 0, os.NewSyscallError("socket", err)
		}
		// connect: the kernel chooses a free port on our side and sends a SYN
		// (SYN-SENT). When SYN-ACK comes it answers with an ACK, and connect
		// returns: ESTABLISHED. A RST makes it "connection refused". To a
		// SYN that nobody answers it sends more SYNs, about a second apart at
		// first.
		err = syscall.Connect(conn, sa)
		if err == nil {
			return conn, nil
		}
		syscall.Close(conn)
		// A signal may interrupt connect, and to call it a second time on the
		// same socket is an error. A new socket is the plain way out.
		if err != syscall.EINTR {
			return 0, os.NewSyscallError("connect", err)
		}
	}
}

// send gives all that in holds to the kernel.
func send(conn int, in io.Reader) error {
	buf := make([]byte, bufferSize)
	for {
		n, readErr := in.Read(buf)
		if _, err := raw.WriteAll(conn, buf[:n]); err != nil {
			return os.NewSyscallError("write", err)
		}
		if readErr == io.EOF {
			return nil
		}
		if readErr != nil {
			return fmt.Errorf("%w: %w", cli.ErrInput, readErr)
		}
	}
}
