package cli

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
)

// How an exchange with an echo server may fail, apart from errors of the
// network.
var (
	ErrHungUp  = errors.New("hung up before it had everything")
	ErrLost    = errors.New("lost") // the connection broke after it had worked
	ErrDiffers = errors.New("what came back is not what was sent")
	ErrStopped = errors.New("Stopped") // by Ctrl-C
	ErrInput   = errors.New("cannot read the input")
	ErrOutput  = errors.New("cannot write the output")
)

// Fail ends the program with status 1, after it has said what happened and,
// on a line of its own, what to try next.
func Fail(what error, try string) {
	report(os.Stderr, what, try)
	os.Exit(1)
}

func report(w io.Writer, what error, try string) {
	for _, text := range []string{what.Error(), try} {
		if text != "" {
			fmt.Fprintln(w, wrap(text))
		}
	}
}

// wrap breaks text between words, so that no line is longer than 80 columns
// unless a single word is.
func wrap(text string) string {
	var lines []string
	for _, word := range strings.Split(text, " ") {
		last := len(lines) - 1
		if last >= 0 && len([]rune(lines[last]+" "+word)) <= 80 {
			lines[last] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return strings.Join(lines, "\n")
}

// Cause leaves out what Go's network errors say of the addresses, because the
// programs' own lines name them already: "connect: connection refused".
func Cause(err error) error {
	var op *net.OpError
	for errors.As(err, &op) { // one may be inside another
		err = op.Err
	}
	return err
}

const explained = "docs/errors.md explains the common errors"

// ListenAdvice says what a server's user can try when listening has failed.
func ListenAdvice(err error) string {
	var dns *net.DNSError
	switch {
	case errors.Is(err, ErrOutput):
		return outputAdvice
	case errors.As(err, &dns):
		return "give an address of this computer, such as -addr 127.0.0.1:65432"
	case errors.Is(err, addressInUse):
		return "another program has this port: stop it, or add -addr 127.0.0.1:0"
	case errors.Is(err, addressNotAvailable):
		return "no interface of this computer has that address: try -addr 127.0.0.1:65432"
	case errors.Is(err, permissionDenied):
		return "the system reserves this port: take one above 1023"
	}
	return explained
}

const outputAdvice = "is the disk full, or has the program that reads the output ended?"

// DialAdvice says what a client's user can try next. server is the command
// that starts a server for it.
func DialAdvice(err error, server string) string {
	var dns *net.DNSError
	var netErr net.Error
	timeout := errors.As(err, &netErr) && netErr.Timeout()
	switch {
	case errors.Is(err, ErrStopped):
		return ""
	case errors.Is(err, ErrOutput):
		return outputAdvice
	case errors.Is(err, ErrInput):
		return "standard input must be a terminal, a pipe or a file"
	case errors.Is(err, ErrDiffers):
		return "is that an echo server? start ours: " + server
	case errors.Is(err, ErrLost) && timeout:
		return "the server's computer does not answer any more: is it on, and its network?"
	case errors.Is(err, ErrHungUp), errors.Is(err, connectionReset), errors.Is(err, brokenPipe):
		return "look at the server's terminal: was it stopped, or did its -idle-timeout pass?"
	// A name that can't be looked up may hide a refused connection, namely to
	// the name server: so this case comes first.
	case errors.As(err, &dns):
		return "is the name spelled right? try the number: -addr 127.0.0.1:65432"
	case errors.Is(err, connectionRefused):
		return "is the server running? start it first: " + server
	case timeout:
		return "nothing answered: is the address right, and does a firewall drop packets?"
	case errors.Is(err, addressNotAvailable):
		return "no port is left for another connection to there: wait a minute"
	case errors.Is(err, invalidArgument):
		return "a link-local address needs its interface, as in [fe80::1%eth0]:65432"
	case errors.Is(err, messageTooLong):
		return "one datagram carries 65507 bytes at most, on some systems less"
	case errors.Is(err, networkUnreachable):
		return "this computer has no way there: is the cable in, the Wi-Fi on?"
	case errors.Is(err, hostUnreachable):
		return "is the other computer on, in the same network, and let through by firewalls?"
	}
	return explained
}

// OneAddress is what a server adds to its first line when it was given a name:
// a name may stand for several addresses, and a server listens on one of them.
// It is "" for a number and for no host, which means every address.
func OneAddress(addr string) string {
	host, _, _ := net.SplitHostPort(addr)
	if _, err := netip.ParseAddr(host); err == nil || host == "" {
		return ""
	}
	return fmt.Sprintf("The name %s may stand for more addresses; this is the only one served.\n",
		host)
}

// WasCut tells whether a datagram was longer than the buffer, of which Windows
// makes an error. The rest of it is lost.
func WasCut(err error) bool { return errors.Is(err, messageTooLong) }
