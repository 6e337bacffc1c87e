//go:build linux || darwin

// Command client is chapter 1's echo client again, in the calls of the
// classic flow diagram: socket, connect, send, shutdown, recv, close.
package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"example.com/sockets/01-echo/berkeley/raw"
)

const bufferSize = 1024

// What the last line says; Ctrl-C reads it from another goroutine.
var received atomic.Int64

func main() {
	addr := flag.String("addr", "127.0.0.1:65432",
		"connect to the server at `host:port`")
	message := flag.String("message", "Hello, world",
		"the `text` to send; - sends standard input and writes the echo to standard output")
	timeout := flag.Duration("timeout", 5*time.Second,
		"give up connecting after this `duration`")
	flag.Parse()
	if err := checkFlags(*addr, *timeout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		flag.Usage()
		os.Exit(2)
	}

	go exitOnCtrlC()
	var in io.Reader = strings.NewReader(*message)
	var reply bytes.Buffer
	var out io.Writer = &reply
	if *message == "-" {
		in, out = os.Stdin, os.Stdout
	}
	err := run(*addr, *timeout, in, out)
	if *message != "-" && (err == nil || reply.Len() > 0) {
		fmt.Printf("Received %q\n", reply.String())
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s; %s\n", err, advice(err))
		os.Exit(1)
	}
}

// exitOnCtrlC ends the program. The main thread is inside connect or read,
// which end only when the kernel has something for them; at exit the kernel
// closes the socket.
func exitOnCtrlC() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	<-signals
	fmt.Fprintf(os.Stderr, "Stopped: %d bytes had come back\n", received.Load())
	os.Exit(0)
}

// run makes one connection, sends in and writes what comes back to out.
func run(addr string, timeout time.Duration, in io.Reader, out io.Writer) error {
	conn, err := connect(addr, timeout)
	if err != nil {
		return fmt.Errorf("cannot connect to %s: %w", addr, err)
	}
	// close: our FIN, if shutdown has not sent it already. This side sent the
	// first FIN, so it is the one that stays in TIME-WAIT.
	defer syscall.Close(conn)

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
			return fmt.Errorf("the exchange with %s broke off after %d bytes came back: %w",
				addr, received.Load(), os.NewSyscallError("read", err))
		}
		if n == 0 {
			break // the server's FIN
		}
		received.Add(int64(n))
		back.Write(buf[:n])
		if _, err := out.Write(buf[:n]); err != nil {
			return fmt.Errorf("cannot write the echo: %w", err)
		}
	}
	select {
	case err := <-sending:
		if err != nil {
			return fmt.Errorf("cannot send everything to %s: %w", addr, err)
		}
	default: // the server's FIN came before ours
		return fmt.Errorf("%s %w (%d bytes had come back)",
			addr, errClosedEarly, received.Load())
	}
	if !bytes.Equal(sent.Sum(nil), back.Sum(nil)) {
		return fmt.Errorf("%w: %d bytes came back from %s",
			errDiffers, received.Load(), addr)
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
		fmt.Fprintf(os.Stderr, "cannot connect to %s: no answer for %s; %s\n",
			addr, timeout, advice(syscall.ETIMEDOUT))
		os.Exit(1)
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
			return readErr
		}
	}
}

var (
	errClosedEarly = errors.New("closed the connection before it had everything")
	errDiffers     = errors.New("what came back is not what was sent")
)

// checkFlags objects to what package flag lets pass.
func checkFlags(addr string, timeout time.Duration) error {
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
	if timeout <= 0 {
		return fmt.Errorf("invalid value %s for flag -timeout: must be more than 0", timeout)
	}
	return nil
}

// advice says what to try next.
func advice(err error) string {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return "is the name spelled right? try the number instead: -addr 127.0.0.1:65432"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "is the server running? start it first: go run ./01-echo/berkeley/server"
	case errors.Is(err, errClosedEarly), errors.Is(err, syscall.ECONNRESET),
		errors.Is(err, syscall.EPIPE):
		return "look at the server's terminal: was it stopped, or did its -idle-timeout pass?"
	case errors.Is(err, errDiffers):
		return "is that an echo server? start ours: go run ./01-echo/berkeley/server"
	case errors.Is(err, syscall.ETIMEDOUT):
		return "nothing answered: is the address right, and does a firewall drop packets on the way?"
	}
	return "docs/errors.md explains the common errors"
}
