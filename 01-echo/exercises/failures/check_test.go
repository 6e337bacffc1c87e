//go:build check

package failures_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	. "example.com/sockets/01-echo/exercises/failures"
	"example.com/sockets/01-echo/exercises/failures/errno"
	"example.com/sockets/docs/exercises/check"
)

// past is a deadline that is over.
var past = time.Unix(1, 0)

func TestCheck(t *testing.T) {
	check.Run(t, []check.Case{
		{Name: "refused", Holds: []int{1, 8, 9}, Do: func(s *check.Story) {
			client, _ := s.Pair()
			// The client's port is taken, and nobody listens at it.
			_, err := net.Dial("tcp", client.LocalAddr().String())
			tell(s, "dialed a port where nobody listens", err, Refused)
		}},
		{Name: "reset", Holds: []int{2, 8, 9}, Do: func(s *check.Story) {
			err := readAfterReset(s.Pair())
			tell(s, "read, and the peer's RST came", err, Reset)
		}},
		{Name: "write-after-reset", Holds: []int{2, 8, 9}, Do: func(s *check.Story) {
			client, server := s.Pair()
			readAfterReset(client, server)
			_, err := client.Write([]byte("hello"))
			tell(s, "wrote, after a Read had met the peer's RST", err, Reset)
		}},
		{Name: "read-timeout", Holds: []int{3, 8, 9}, Do: func(s *check.Story) {
			client, _ := s.Pair()
			client.SetReadDeadline(past)
			_, err := client.Read(make([]byte, 10))
			tell(s, "read, and the deadline passed", err, Timeout)
		}},
		{Name: "dial-timeout", Holds: []int{3, 8, 9}, Do: func(s *check.Story) {
			dialer := net.Dialer{Deadline: past}
			_, err := dialer.Dial("tcp", "127.0.0.1:1")
			tell(s, "dialed, and the deadline passed", err, Timeout)
		}},
		{Name: "closed", Holds: []int{4, 8, 9}, Do: func(s *check.Story) {
			client, _ := s.Pair()
			client.Close()
			_, err := client.Read(make([]byte, 10))
			tell(s, "closed a connection, and read from it", err, Closed)
		}},
		{Name: "closed-listener", Holds: []int{4, 8, 9}, Do: func(s *check.Story) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			check.Must(listener, err)
			listener.Close()
			_, err = listener.Accept()
			tell(s, "closed a listener, and called Accept", err, Closed)
		}},
		{Name: "no-host", Holds: []int{5, 8, 9}, Do: func(s *check.Story) {
			tell(s, "dialed a name, and the name server said that nobody has it",
				lookUp(answerNobody(s)), NoHost)
		}},
		{Name: "lookup-timeout", Holds: []int{3, 8, 9}, Do: func(s *check.Story) {
			err := lookUp(func() (net.Conn, error) { return nil, os.ErrDeadlineExceeded })
			tell(s, "dialed a name, and no name server answered in time", err, Timeout)
		}},
		{Name: "end", Holds: []int{6, 8, 9}, Do: func(s *check.Story) {
			client, server := s.Pair()
			server.Close()
			_, err := client.Read(make([]byte, 10))
			tell(s, "read, and the peer's FIN came", err, End)
		}},
		{Name: "connect-timeout", Holds: []int{3}, Do: func(s *check.Story) {
			err := &net.OpError{Op: "dial", Net: "tcp",
				Err: os.NewSyscallError("connect", syscall.ETIMEDOUT)}
			tell(s, "dialed, and the kernel gave up after some minutes", err, Timeout)
		}},
		{Name: "other", Holds: []int{7}, Do: func(s *check.Story) {
			tell(s, "wrote to a disk that is full", errors.New("no space left on device"), Other)
			_, err := net.Dial("tcp", "127.0.0.1")
			tell(s, "dialed an address without a port", err, Other)
			tell(s, "read a message that was cut off", io.ErrUnexpectedEOF, Other)
			near, far := net.Pipe()
			far.Close()
			_, err = near.Write([]byte("hello"))
			tell(s, "wrote to a pipe in memory whose other end was closed", err, Other)
			tell(s, "dialed a host that no router knows the way to",
				&net.OpError{Op: "dial", Net: "tcp",
					Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}, Other)
			tell(s, "called off a Dial", context.Canceled, Other)
			tell(s, "accepted a client that had gone away before",
				&net.OpError{Op: "accept", Net: "tcp",
					Err: os.NewSyscallError("accept", syscall.ECONNABORTED)}, Other)
		}},
		{Name: "lookup-failed", Holds: []int{5, 7}, Do: func(s *check.Story) {
			err := &net.DNSError{Err: "server misbehaving", Name: "example.com", IsTemporary: true}
			tell(s, "dialed a name, and the name server could not answer now", err, Other)
			err = &net.DNSError{Err: "no answer from DNS server", Name: "example.com"}
			tell(s, "dialed a name, and the name server's response had no answer in it", err, Other)
			err = &net.DNSError{UnwrapErr: context.Canceled, Err: "operation was canceled",
				Name: "example.com"}
			tell(s, "called off a Dial while the name was looked up", err, Other)
		}},
		{Name: "lookup-words", Holds: []int{3, 5, 9}, Do: func(s *check.Story) {
			for _, b := range []base{
				{&net.DNSError{Err: "this name is not known here", IsNotFound: true}, NoHost},
				{&net.DNSError{Err: "no such host, perhaps", IsTemporary: true}, Other},
				{&net.DNSError{Err: "no such host"}, Other},
				{&net.DNSError{Err: "the server took its time", IsTimeout: true}, Timeout},
				{&net.DNSError{Err: "i/o timeout"}, Other},
			} {
				s.Anew()
				s.Did("dialed a name; the error is %#v", b.err)
				if got := Tell(b.err); got != b.want {
					s.Fail(show(b.want), show(got),
						"the words of a lookup's error misled it: its fields IsNotFound and "+
							"IsTimeout count")
				}
			}
		}},
		{Name: "any-call", Holds: []int{1, 2, 3, 4}, Do: func(s *check.Story) {
			// The first call after a RST may be a Write; ICMP refuses a packet of UDP,
			// and a Read learns of it.
			for _, call := range []string{"dial", "read", "write", "accept", "close", "set"} {
				for _, b := range []base{{net.ErrClosed, Closed}, {os.ErrDeadlineExceeded, Timeout},
					{os.NewSyscallError(call, errno.Reset), Reset},
					{os.NewSyscallError(call, errno.BrokenPipe), Reset},
					{os.NewSyscallError(call, errno.Refused), Refused},
					{os.NewSyscallError(call, syscall.ETIMEDOUT), Timeout}} {
					s.Anew()
					err := &net.OpError{Op: call, Net: "tcp", Err: b.err}
					s.Did("took an error of %s: %v", call, err)
					if got := Tell(err); got != b.want {
						s.Fail(show(b.want), show(got),
							"the same error is told otherwise if another call has met it: what has "+
								"happened counts, and not who learned of it")
					}
				}
			}
		}},
		{Name: "other-numbers", Holds: []int{7}, Do: func(s *check.Story) {
			for _, e := range []syscall.Errno{syscall.EACCES, syscall.EPERM, syscall.EADDRINUSE,
				syscall.EADDRNOTAVAIL, syscall.EBADF, syscall.EINVAL, syscall.EINTR, syscall.EMFILE,
				syscall.ENETDOWN, syscall.EHOSTDOWN, syscall.ENETRESET, syscall.ENOBUFS,
				syscall.ENOTCONN, syscall.EISCONN, syscall.ENOENT, syscall.EPROTO} {
				s.Anew()
				err := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", e)}
				s.Did("took an error of another number: %v", err)
				if got := Tell(err); got != Other {
					s.Fail(show(Other), show(got), symptoms[Other])
				}
			}
		}},
		{Name: "words-alone", Holds: []int{7, 9}, Do: func(s *check.Story) {
			for _, words := range hollow {
				tell(s, mereWords, errors.New(words), Other)
			}
		}},
		{Name: "deep-inside", Holds: []int{8}, Do: func(s *check.Story) {
			for _, b := range bases() {
				err := b.err
				s.Anew()
				s.Did("took an error, and wrapped it 100 times: %v", err)
				for i := range 100 {
					err = fmt.Errorf("%d: %w", i, err)
				}
				if got := Tell(err); got != b.want {
					s.Fail(show(b.want), show(got),
						"an error deep inside is told otherwise than alone: look as deep as it goes")
				}
			}
		}},
		{Name: "in-company", Holds: []int{8}, Do: func(s *check.Story) {
			s.Random(200, func(d *check.Draw) {
				b := bases()[d.N(len(bases()))]
				err := b.err
				s.Did("took an error: %v", err)
				for range d.N(4) * d.Between(1, 4) {
					noise := errors.New(hollow[d.N(len(hollow))])
					switch d.N(6) {
					case 0:
						err = fmt.Errorf("the third request: %w", err)
					case 1:
						err = fmt.Errorf("%w, after %w", err, noise)
					case 2:
						err = fmt.Errorf("%w, before %w", noise, err)
					case 3:
						err = errors.Join(err, noise)
					case 4:
						err = errors.Join(noise, err)
					case 5:
						err = wrapper{err}
					}
					s.Did("wrapped it: %q", err)
				}
				if got := Tell(err); got != b.want {
					s.Fail(show(b.want), show(got),
						"an error among others is told otherwise than alone: errors.Is and "+
							"errors.As look at all that is inside, also at what errors.Join or two "+
							"%w have put side by side")
				}
			})
		}},
	})
}

const mereWords = "made an error of mere words"

// hollow are words that mean nothing.
var hollow = []string{"no such file", "connection refused", "connection reset by peer",
	"broken pipe", "i/o timeout",
	"use of closed network connection", "no such host", "EOF", "unexpected EOF",
	"network is unreachable", "forcibly closed by the remote host"}

// A wrapper is an error type of somebody's program.
type wrapper struct{ inner error }

func (w wrapper) Error() string { return "connection refused? " + w.inner.Error() }
func (w wrapper) Unwrap() error { return w.inner }

type base struct {
	err  error
	want Kind
}

// bases are errors as package net makes them.
func bases() []base {
	op := func(name string, err error) error { return &net.OpError{Op: name, Net: "tcp", Err: err} }
	return []base{
		{io.EOF, End},
		{net.ErrClosed, Closed},
		{os.ErrDeadlineExceeded, Timeout},
		{os.NewSyscallError("read", errno.Reset), Reset},
		// as net.LookupHost has it
		{&net.DNSError{Err: "no such host", Name: "nobody", IsNotFound: true}, NoHost},
		{op("accept", os.NewSyscallError("accept", syscall.EMFILE)), Other},
		{op("dial", os.NewSyscallError("connect", errno.Refused)), Refused},
		{op("read", os.NewSyscallError("read", errno.Reset)), Reset},
		{op("write", os.NewSyscallError("write", errno.BrokenPipe)), Reset},
		{op("read", os.ErrDeadlineExceeded), Timeout},
		{op("accept", net.ErrClosed), Closed},
		{op("dial", &net.DNSError{Err: "no such host", Name: "nobody", IsNotFound: true}), NoHost},
		{op("dial", &net.DNSError{Err: "i/o timeout", Name: "nobody", IsTimeout: true,
			IsTemporary: true}), Timeout},
		{op("dial", &net.DNSError{Err: "server misbehaving", Name: "nobody", IsTemporary: true}),
			Other},
		{op("dial", os.NewSyscallError("connect", syscall.ENETUNREACH)), Other},
		{op("dial", &net.AddrError{Err: "missing port in address", Addr: "127.0.0.1"}), Other},
		{io.ErrUnexpectedEOF, Other},
		// numbers without an os.SyscallError, as package syscall has them
		{errno.Refused, Refused}, {op("write", errno.BrokenPipe), Reset},
	}
}

func readAfterReset(client, server *net.TCPConn) error {
	server.SetLinger(0)
	server.Close()
	_, err := client.Read(make([]byte, 10))
	return err
}

// lookUp dials a name, and asks the name server that dial connects to.
func lookUp(dial func() (net.Conn, error)) error {
	resolver := &net.Resolver{PreferGo: true,
		Dial: func(context.Context, string, string) (net.Conn, error) {
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
	check.Must(server, err)
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
	s.Anew()
	s.Did("%s: %v", what, err)
	got := Tell(err)
	if got == "not written yet" {
		s.Fail(show(want), show(got), "Tell is not written")
	}
	if what == mereWords && got != want {
		s.Fail(show(want), show(got),
			"the words of the error misled it: they are for people, and differ from system to "+
				"system")
	}
	if got != want {
		s.Fail(show(want), show(got), symptom(what, err, want, got))
	}
	wrapped := fmt.Errorf("the first of three requests: %w", err)
	s.Did("wrapped it, as callers do: %v", wrapped)
	if got := Tell(wrapped); got != want {
		s.Fail(show(want), show(got),
			"a wrapped error is not known any more: errors.Is and errors.As look inside, == and "+
				"err.(T) don't")
	}
	joined := errors.Join(errors.New("the log can't be written"), err)
	s.Did("joined it with another: %q", joined)
	if got := Tell(joined); got != want {
		s.Fail(show(want), show(got),
			"an error among others is not known any more: errors.Is and errors.As look at all "+
				"that is inside, also at what errors.Join or two %w have put side by side")
	}
	misleading := fmt.Errorf("not refused, reset, a timeout, closed, EOF or no such host: %w", err)
	s.Did("wrapped it in misleading words: %v", misleading)
	if got := Tell(misleading); got != want {
		s.Fail(show(want), show(got),
			"the words of the error misled it: they are for people, and differ from system to "+
				"system")
	}
}

func show(k Kind) string { return fmt.Sprintf("%q", string(k)) }

// symptom is a sentence on what was told wrongly.
func symptom(what string, err error, want, got Kind) string {
	var dns *net.DNSError
	var network net.Error
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "a message that was cut off is no good end: io.ErrUnexpectedEOF is not io.EOF"
	case errors.Is(err, io.ErrClosedPipe):
		return "io.ErrClosedPipe comes whichever end of the pipe was closed, and here this side " +
			"had closed nothing"
	case got == Refused && errors.Is(err, syscall.EHOSTUNREACH):
		return "a host that can't be reached has not answered: refused is the answer of a host"
	case want == Other && errors.As(err, &dns):
		return "the name server has not said that there is no such host, and nothing has timed " +
			"out: nobody knows"
	case want == Timeout && errors.Is(err, syscall.ETIMEDOUT):
		return "the kernel, too, gives up when nothing comes: ask Timeout, which knows both"
	case got == Refused:
		return symptoms[want] + ": a Dial can fail in several ways, and refused is one of them"
	case want == Timeout && errors.As(err, &dns):
		return "nobody has said that there is no such host: no name server answered"
	case got == Timeout && errors.As(err, &network) && !network.Timeout():
		return "nothing has timed out: most errors of package net are a net.Error, and its " +
			"method Timeout tells"
	case want == Timeout && !errors.Is(err, os.ErrDeadlineExceeded):
		return "a Dial that timed out looks like something else: its error is not " +
			"os.ErrDeadlineExceeded"
	case want == Closed && got == End, want == Reset && got == End, errors.Is(err, io.EOF) &&
		got != End:
		return symptoms[want] + ": io.EOF alone is the peer's FIN"
	case want == Reset && what[0] == 'w':
		return "only the first call after a RST has the error Reset: a later Write has BrokenPipe"
	}
	return symptoms[want]
}
