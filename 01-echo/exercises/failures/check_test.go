//go:build check

package failures

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"example.com/sockets/docs/exercises/check"
)

// past is a deadline that is over.
var past = time.Unix(1, 0)

func TestCheck(t *testing.T) {
	check.Run(t, []check.Case{
		{Name: "refused", Do: func(s *check.Story) {
			client, _ := s.Pair()
			// The client's port is taken, and nobody listens at it.
			_, err := net.Dial("tcp", client.LocalAddr().String())
			tell(s, "dialed a port where nobody listens", err, Refused)
		}},
		{Name: "reset", Do: func(s *check.Story) {
			err := readAfterReset(s.Pair())
			tell(s, "read, and the peer's RST came", err, Reset)
		}},
		{Name: "write-after-reset", Do: func(s *check.Story) {
			client, server := s.Pair()
			readAfterReset(client, server)
			_, err := client.Write([]byte("hello"))
			tell(s, "wrote, after a Read had met the peer's RST", err, Reset)
		}},
		{Name: "read-timeout", Do: func(s *check.Story) {
			client, _ := s.Pair()
			client.SetReadDeadline(past)
			_, err := client.Read(make([]byte, 10))
			tell(s, "read, and the deadline passed", err, Timeout)
		}},
		{Name: "dial-timeout", Do: func(s *check.Story) {
			dialer := net.Dialer{Deadline: past}
			_, err := dialer.Dial("tcp", "127.0.0.1:1")
			tell(s, "dialed, and the deadline passed", err, Timeout)
		}},
		{Name: "closed", Do: func(s *check.Story) {
			client, _ := s.Pair()
			client.Close()
			_, err := client.Read(make([]byte, 10))
			tell(s, "closed a connection, and read from it", err, Closed)
		}},
		{Name: "closed-listener", Do: func(s *check.Story) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				panic(err)
			}
			listener.Close()
			_, err = listener.Accept()
			tell(s, "closed a listener, and called Accept", err, Closed)
		}},
		{Name: "no-host", Do: func(s *check.Story) {
			tell(s, "dialed a name, and the name server said that nobody has it", lookUp(answerNobody(s)), NoHost)
		}},
		{Name: "lookup-timeout", Do: func(s *check.Story) {
			err := lookUp(func() (net.Conn, error) { return nil, os.ErrDeadlineExceeded })
			tell(s, "dialed a name, and no name server answered in time", err, Timeout)
		}},
		{Name: "end", Do: func(s *check.Story) {
			client, server := s.Pair()
			server.Close()
			_, err := client.Read(make([]byte, 10))
			tell(s, "read, and the peer's FIN came", err, End)
		}},
		{Name: "other", Do: func(s *check.Story) {
			tell(s, "wrote to a disk that is full", errors.New("no space left on device"), Other)
			_, err := net.Dial("tcp", "127.0.0.1")
			tell(s, "dialed an address without a port", err, Other)
		}},
	})
}

func readAfterReset(client, server *net.TCPConn) error {
	server.SetLinger(0)
	server.Close()
	_, err := client.Read(make([]byte, 10))
	return err
}

// lookUp dials a name, and asks the name server that dial connects to.
func lookUp(dial func() (net.Conn, error)) error {
	resolver := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return dial()
	}}
	dialer := net.Dialer{Resolver: resolver}
	// The last dot says that the name is whole: no domain is put behind it.
	_, err := dialer.Dial("tcp", "nobody.invalid.:65432")
	return err
}

// answerNobody is a name server that knows no name.
func answerNobody(s *check.Story) (dial func() (net.Conn, error)) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	s.Cleanup(func() { server.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			if n >= 12 {
				buf[2] |= 0x80 // a response
				buf[3] = 3     // RCODE 3: name error (RFC 1035 section 4.1.1)
				server.WriteTo(buf[:n], from)
			}
		}
	}()
	return func() (net.Conn, error) { return net.Dial("udp", server.LocalAddr().String()) }
}

// symptoms is what it looks like when an error of this kind is told wrongly.
var symptoms = map[Kind]string{
	Refused: "a server that does not run looks like something else",
	Reset:   "a connection that the peer has broken off looks like something else",
	Timeout: "a peer that is silent looks like something else",
	Closed:  "what this program itself has closed looks like something else: every Ctrl-C would be reported as a failure",
	NoHost:  "a name that nobody has looks like something else",
	End:     "the good end looks like a failure",
	Other:   "an error of no known kind was taken for one: what it advises would mislead",
}

// tell compares what Tell says of an error, alone and wrapped.
func tell(s *check.Story, what string, err error, want Kind) {
	s.Did("%s: %v", what, err)
	got := Tell(err)
	if got == "not written yet" {
		s.Fail(show(want), show(got), "Tell is not written")
	}
	if got != want {
		s.Fail(show(want), show(got), symptom(what, err, want, got))
	}
	wrapped := fmt.Errorf("the first of three requests: %w", err)
	s.Did("wrapped it, as callers do: %v", wrapped)
	if got := Tell(wrapped); got != want {
		s.Fail(show(want), show(got), "a wrapped error is not known any more: errors.Is and errors.As look inside, == and err.(T) don't")
	}
	misleading := fmt.Errorf("not refused, reset, a timeout, closed, EOF or no such host: %w", err)
	s.Did("wrapped it in misleading words: %v", misleading)
	if got := Tell(misleading); got != want {
		s.Fail(show(want), show(got), "the words of the error misled it: they are for people, and differ from system to system")
	}
}

func show(k Kind) string { return fmt.Sprintf("%q", string(k)) }

// symptom is a sentence on what was told wrongly.
func symptom(what string, err error, want, got Kind) string {
	var dns *net.DNSError
	var network net.Error
	switch {
	case got == Refused:
		return symptoms[want] + ": a Dial can fail in several ways, and refused is one of them"
	case want == Timeout && errors.As(err, &dns):
		return "nobody has said that there is no such host: no name server answered"
	case got == Timeout && errors.As(err, &network) && !network.Timeout():
		return "nothing has timed out: most errors of package net are a net.Error, and its method Timeout tells"
	case want == Timeout && !errors.Is(err, os.ErrDeadlineExceeded):
		return "a Dial that timed out looks like something else: its error is not os.ErrDeadlineExceeded"
	case want == Closed && got == End, want == Reset && got == End, errors.Is(err, io.EOF) && got != End:
		return symptoms[want] + ": io.EOF alone is the peer's FIN"
	case want == Reset && what[0] == 'w':
		return "only the first call after a RST has the error Reset: a later Write has BrokenPipe"
	}
	return symptoms[want]
}
