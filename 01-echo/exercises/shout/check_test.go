//go:build check

package shout

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"example.com/sockets/docs/exercises/check"
)

func TestCheck(t *testing.T) {
	check.Run(t, []check.Case{
		{Name: "one-word", Do: func(s *check.Story) {
			exchange(s, "hello")
		}},
		{Name: "digits-and-signs", Do: func(s *check.Story) {
			exchange(s, "4 cups of tea, please!")
		}},
		{Name: "two-messages", Do: func(s *check.Story) {
			exchange(s, "a long first message", "second")
		}},
		{Name: "long", Do: func(s *check.Story) {
			exchange(s, strings.Repeat("ten bytes ", 10_000))
		}},
		{Name: "the-end", Do: func(s *check.Story) {
			client, server := s.Pair()
			done := make(chan error, 1)
			go func() { done <- Serve(server) }()
			s.Did("connected, and sent a FIN at once")
			client.CloseWrite()
			check.Want(s, nil, <-done, "Serve returned an error, but the client's FIN is the good end")
		}},
		{Name: "with-the-end", Do: func(s *check.Story) {
			s.Did("gave Serve a connection whose Read returns \"bye\" together with io.EOF")
			conn := &lastWords{}
			err := Serve(conn)
			if conn.written != "BYE" || err != nil {
				s.Fail("\"BYE\", error <nil>", fmt.Sprintf("%q, error %v", conn.written, err),
					"bytes that came together with the end were lost: first the bytes, then the error")
			}
		}},
		{Name: "a-reset", Do: func(s *check.Story) {
			client, server := s.Pair()
			s.Did("connected, and sent a reset (RST)")
			client.SetLinger(0)
			client.Close()
			if err := Serve(server); err == nil {
				s.Fail("an error", "nil", "a connection that was reset looks like one that ended well")
			}
		}},
	})
}

// lastWords is a connection whose last bytes come together with the end.
type lastWords struct {
	net.Conn // nil: only Read and Write are used
	read     bool
	written  string
}

func (c *lastWords) Read(p []byte) (int, error) {
	if c.read {
		return 0, io.EOF
	}
	c.read = true
	return copy(p, "bye"), io.EOF
}

func (c *lastWords) Write(p []byte) (int, error) {
	c.written += string(p)
	return len(p), nil
}

// exchange sends messages, one after the echo of the other, and compares what
// comes back.
func exchange(s *check.Story, messages ...string) {
	client, server := s.Pair()
	done := make(chan error, 1)
	go func() {
		err := Serve(server)
		server.CloseWrite() // so that a client that waits learns of the end
		done <- err
	}()
	for i, m := range messages {
		s.Did("sent %.40q, %d bytes", m, len(m))
		go client.Write([]byte(m)) // while reading, or both may wait for good
		client.SetReadDeadline(time.Now().Add(check.Patience / 2))
		got := make([]byte, len(m))
		n, err := io.ReadFull(client, got)
		where := check.Where()
		compare(s, i, m, string(got[:n]), err, where)
	}
	s.Did("sent the FIN")
	client.CloseWrite()
	rest, _ := io.ReadAll(client)
	if len(rest) > 0 {
		s.Fail("no more bytes", fmt.Sprintf("%d more, such as %.20q", len(rest), rest),
			"more came back than was sent: does Write get buf[:n], or the whole buffer?")
	}
	check.Want(s, nil, <-done, "Serve returned an error, but the client's FIN is the good end")
}

func compare(s *check.Story, earlier int, sent, got string, err error, where string) {
	want := strings.ToUpper(sent)
	expected, came := fmt.Sprintf("%.40q", want), fmt.Sprintf("%.40q, %d bytes", got, len(got))
	switch {
	case got == want:
	case got == sent:
		s.Fail(expected, came, "what came back is not in capitals")
	case strings.HasPrefix(want, got) && errors.Is(err, os.ErrDeadlineExceeded):
		s.Fail(expected, came, "Serve waits although bytes have come: answer what there is, it may be all"+where)
	case got == "" && earlier == 0:
		s.Fail(expected, "nothing, and then the end", "nothing came back: did Serve write anything?")
	case strings.HasPrefix(want, got):
		s.Fail(expected, came+", and then the end", "Serve stopped before the client's end")
	default:
		s.Fail(expected, came, "other bytes came back than were sent")
	}
}
