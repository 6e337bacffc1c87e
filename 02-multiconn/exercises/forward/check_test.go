//go:build check

package forward

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"example.com/sockets/docs/exercises/check"
)

// start runs Forward between a client and a target, and gives the far ends.
func start(s *check.Story) (client, target, near *net.TCPConn, returned chan error) {
	client, nearClient := s.Pair()
	nearTarget, target := s.Pair()
	returned = make(chan error, 1)
	s.Did("called Forward between a client and a target")
	go func() { returned <- Forward(nearClient, nearTarget) }()
	for _, c := range []net.Conn{client, target} {
		c.SetDeadline(time.Now().Add(check.Patience / 3))
	}
	return client, target, nearClient, returned
}

// passes sends text from one end and reads it at the other.
func passes(s *check.Story, from, to net.Conn, what, text, symptom string) {
	s.Did("%s sent %.30q, %d bytes", what, text, len(text))
	go io.WriteString(from, text)
	got := make([]byte, len(text))
	n, err := io.ReadFull(to, got)
	if string(got[:n]) != text {
		s.Fail(fmt.Sprintf("%.30q at the other side", text), fmt.Sprintf("%.30q, %d bytes, error %v", got[:n], n, err), symptom+check.Where())
	}
}

func ends(s *check.Story, c net.Conn, symptom string) {
	rest, err := io.ReadAll(c)
	if err != nil || len(rest) > 0 {
		s.Fail("the end, and no more bytes", fmt.Sprintf("%.30q, error %v", rest, err), symptom+check.Where())
	}
}

func TestCheck(t *testing.T) {
	check.Run(t, []check.Case{
		{Name: "there", Do: func(s *check.Story) {
			client, target, _, _ := start(s)
			passes(s, client, target, "the client", "hello", "nothing came through from the client to the target")
		}},
		{Name: "there-and-back", Do: func(s *check.Story) {
			client, target, _, _ := start(s)
			for _, text := range []string{"one", "two"} {
				passes(s, client, target, "the client", text, "nothing came through from the client to the target")
				passes(s, target, client, "the target", strings.ToUpper(text), "the answer did not come before the client's end: both directions at once")
			}
		}},
		{Name: "target-speaks-first", Do: func(s *check.Story) {
			client, target, _, _ := start(s)
			passes(s, target, client, "the target", "220 welcome", "the answer did not come before the client's end: both directions at once")
		}},
		{Name: "half-close", Do: func(s *check.Story) {
			client, target, _, returned := start(s)
			passes(s, client, target, "the client", "a question", "nothing came through from the client to the target")
			s.Did("the client half-closed (FIN)")
			client.CloseWrite()
			ends(s, target, "the target never learned that the client has sent everything")
			passes(s, target, client, "the target", "the answer", "the answer after the half-close did not come: a FIN ends one direction only")
			s.Did("the target closed")
			target.Close()
			ends(s, client, "the client never learned that the target has closed")
			check.Want(s, nil, <-returned, "Forward returned an error, but all went well")
		}},
		{Name: "big", Do: func(s *check.Story) {
			client, target, _, _ := start(s)
			text := strings.Repeat("a line of text\n", 200_000)
			go io.Copy(target, target) // an echo server
			passes(s, client, client, "the client (of an echo)", text, "a large echo did not come back whole")
		}},
		{Name: "closed", Do: func(s *check.Story) {
			client, target, near, returned := start(s)
			s.Did("client and target closed")
			client.CloseWrite()
			target.CloseWrite()
			<-returned
			if _, err := near.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
				s.Fail("both connections closed", "the client's is open", "the connections are not closed when Forward has returned: files leak")
			}
		}},
		{Name: "reset", Do: func(s *check.Story) {
			client, target, _, returned := start(s)
			passes(s, client, target, "the client", "hello", "nothing came through from the client to the target")
			s.Did("the client reset the connection (RST)")
			client.SetLinger(0)
			client.Close()
			if _, err := io.ReadAll(target); err != nil && isTimeout(err) {
				s.Fail("an end at the target", "none", "the client is gone, and the other side still waits for it"+check.Where())
			}
			select {
			case err := <-returned:
				if err == nil {
					s.Fail("an error", "nil", "a connection that was reset looks like one that ended well")
				}
			case <-time.After(check.Patience / 3):
				s.Fail("Forward returns", "it did not", "the client is gone, and the other side still waits for it"+check.Where())
			}
		}},
	})
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}
