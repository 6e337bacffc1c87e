//go:build check

package halfclose

import (
	"bytes"
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
		{Name: "answer-at-the-end", Do: func(s *check.Story) {
			s.Did("made a peer that reads to our end, and then answers")
			exchange(s, "how many bytes are these?", func(peer *net.TCPConn) (string, error) {
				got, err := io.ReadAll(peer)
				answer := fmt.Sprintf("%d bytes", len(got))
				io.WriteString(peer, answer)
				return answer, err
			})
		}},
		{Name: "empty", Do: func(s *check.Story) {
			s.Did("made a peer that answers when we have sent nothing")
			exchange(s, "", func(peer *net.TCPConn) (string, error) {
				_, err := io.ReadAll(peer)
				io.WriteString(peer, "nothing?")
				return "nothing?", err
			})
		}},
		{Name: "big-echo", Do: func(s *check.Story) {
			s.Did("made a peer that sends back what it reads, at once")
			text := strings.Repeat("a line of an echo\n", 150_000) // more than the buffers hold
			exchange(s, text, func(peer *net.TCPConn) (string, error) {
				_, err := io.Copy(peer, peer)
				return text, err
			})
		}},
		{Name: "broken-request", Do: func(s *check.Story) {
			broken := errors.New("the disk is gone")
			client, peer := s.Pair()
			peer.SetDeadline(time.Now().Add(check.Patience / 2))
			waited := make(chan string, 1)
			go func() {
				_, err := io.Copy(io.Discard, peer)
				if errors.Is(err, os.ErrDeadlineExceeded) {
					waited <- check.Where()
				}
				peer.Close()
			}()
			s.Did("gave a request that fails after 5 bytes with %q", broken)
			var answer bytes.Buffer
			_, err := Exchange(client, io.MultiReader(strings.NewReader("hello"), failing{broken}), &answer)
			select {
			case where := <-waited:
				s.Fail(fmt.Sprintf("the error %q, at once", broken), "none, until the peer gave up",
					"the request broke off, and Exchange still waits for an answer that can't come"+where)
			default:
			}
			if !errors.Is(err, broken) {
				s.Fail(fmt.Sprintf("the error %q", broken), fmt.Sprint(err),
					"the request could not be read, and Exchange does not say so")
			}
		}},
		{Name: "reset", Do: func(s *check.Story) {
			client, peer := s.Pair()
			s.Did("made a peer that resets the connection")
			peer.SetLinger(0)
			peer.Close()
			var answer bytes.Buffer
			if _, err := Exchange(client, strings.NewReader("hello"), &answer); err == nil {
				s.Fail("an error", "nil", "a connection that was reset looks like one that ended well")
			}
		}},
	})
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// exchange runs Exchange against a peer, which returns its answer and what
// went wrong when it read.
func exchange(s *check.Story, request string, peer func(*net.TCPConn) (string, error)) {
	client, server := s.Pair()
	// Fixed sizes, so that little fits between the two. A receive buffer made
	// smaller than it was would drop segments that it has promised to take.
	for _, conn := range []*net.TCPConn{client, server} {
		conn.SetReadBuffer(256 << 10)
		conn.SetWriteBuffer(256 << 10)
	}
	server.SetDeadline(time.Now().Add(check.Patience * 3 / 4))
	type outcome struct {
		answer string
		err    error
	}
	ended := make(chan outcome, 1)
	go func() {
		answer, err := peer(server)
		server.Close()
		ended <- outcome{answer, err}
	}()
	s.Did("called Exchange with a request of %d bytes", len(request))
	var got bytes.Buffer
	n, err := Exchange(client, strings.NewReader(request), &got)
	where := check.Where()
	client.Close()
	at := <-ended
	var timeout net.Error
	var op *net.OpError
	switch {
	case errors.As(at.err, &timeout) && timeout.Timeout() && got.Len() == 0 && request != "" && len(request) < 1000:
		s.Fail("our end (FIN)", "none", "the peer still waits for more: nobody told it that this was all"+where)
	case errors.As(at.err, &timeout) && timeout.Timeout():
		s.Fail("an end", "none", "both wait: the peer for us to read, and we for it, or it was never told that this was all"+where)
	case err != nil && errors.Is(err, net.ErrClosed):
		s.Fail("the answer", err.Error(), "it closed both halves: the answer can't come any more")
	case errors.As(err, &op) && op.Op != "read":
		s.Fail("the whole request, then the FIN", err.Error(), "it closed its half before the request was sent")
	case got.Len() == 0 && n == 0 && request != "" && at.answer != "" && at.answer != fmt.Sprintf("%d bytes", len(request)):
		s.Fail("a request of "+fmt.Sprint(len(request))+" bytes", fmt.Sprint(err), "the peer got nothing of the request: is Exchange written?")
	case err != nil:
		s.Fail("no error", err.Error(), "it returned an error although all went well")
	case got.String() != at.answer:
		s.Fail(fmt.Sprintf("the answer %.40q, %d bytes", at.answer, len(at.answer)),
			fmt.Sprintf("%.40q, %d bytes", got.String(), got.Len()), "other bytes came than the peer has sent")
	case n != int64(len(at.answer)):
		s.Fail(fmt.Sprint(len(at.answer), " bytes"), fmt.Sprint(n), "the number returned is not that of the answer's bytes")
	}
}
