//go:build check

package halfclose_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	. "example.com/sockets/01-echo/exercises/halfclose"
	"example.com/sockets/01-echo/exercises/halfclose/inmemory"
	"example.com/sockets/docs/exercises/check"
)

func TestCheck(t *testing.T) {
	broken := errors.New("the disk is gone")
	// atEnd answers when all has come, echo at once.
	atEnd := func(peer end) (read, answer string, err error) {
		got, err := io.ReadAll(peer)
		answer = fmt.Sprintf("%d bytes", len(got))
		io.WriteString(peer, answer)
		return string(got), answer, err
	}
	echo := func(peer end) (read, answer string, err error) {
		var all strings.Builder
		_, err = io.Copy(io.MultiWriter(peer, &all), peer)
		return all.String(), all.String(), err
	}
	large := strings.Repeat("a line of an echo\n", 150_000) // more than the buffers hold
	check.Run(t, []check.Case{
		{Name: "answer-at-the-end", Holds: []int{1, 2, 8}, Do: func(s *check.Story) {
			s.Did("made a peer that reads to our end, and then answers")
			exchange(s, "how many bytes are these?", atEnd)
		}},
		{Name: "empty", Holds: []int{1}, Do: func(s *check.Story) {
			s.Did("made a peer that answers when we have sent nothing")
			exchange(s, "", atEnd)
		}},
		{Name: "no-answer", Holds: []int{2}, Do: func(s *check.Story) {
			s.Did("made a peer that reads to our end, and answers nothing")
			exchange(s, "thanks", func(peer end) (string, string, error) {
				got, err := io.ReadAll(peer)
				return string(got), "", err
			})
		}},
		{Name: "with-the-end", Holds: []int{1}, Do: func(s *check.Story) {
			s.Did("gave a request whose bytes come together with io.EOF, after a Read that " +
				"brings nothing")
			exchangeFrom(s, "hello", &inPieces{"hello", io.EOF, 3}, atEnd)
		}},
		{Name: "slow-peer", Holds: []int{2, 3}, Do: func(s *check.Story) {
			if inmemory.Exchange != nil {
				s.Bubble(func() { slow(s) })
				return
			}
			s.Did("made a peer that takes 1.1 seconds for its answer")
			exchange(s, "hello", func(peer end) (read, answer string, err error) {
				got, err := io.ReadAll(peer)
				<-check.After(1100 * time.Millisecond)
				io.WriteString(peer, "done")
				return string(got), "done", err
			})
		}},
		{Name: "big-echo", Holds: []int{3}, Do: func(s *check.Story) {
			s.Did("made a peer that sends back what it reads, at once")
			inMemory(s, large, echo)
		}},
		{Name: "big-request", Holds: []int{3}, Do: func(s *check.Story) {
			s.Did("made a peer that reads to our end, and then answers")
			inMemory(s, large, atEnd)
		}},
		{Name: "question-and-answer", Holds: []int{3}, Do: questions},
		{Name: "answer-ends-first", Holds: []int{1, 4}, Do: answerFirst},
		{Name: "broken-after-the-answer", Holds: []int{4, 5}, Do: func(s *check.Story) {
			client, server := s.Pair()
			s.Did("made a peer that answers \"yes\" and ends its half (FIN), and a request that fails "+
				"then with %q", broken)
			io.WriteString(server, "yes")
			server.CloseWrite()
			g := &gate{strings.NewReader("first half, "), make(chan struct{}), failing{broken}}
			answer := &arrivals{}
			var err error
			over := s.Go(func() { _, err = Exchange(client, g, answer) })
			answer.await(3)
			close(g.opened)
			<-over
			isOpen := open(client)
			client.Close()
			if !errors.Is(err, broken) {
				s.Fail(fmt.Sprintf("the error %q", broken), fmt.Sprint(err),
					"the answer ended well, and then the request could not be read: Exchange does "+
						"not say so")
			}
			leftOpen(s, isOpen)
		}},
		{Name: "reset-after-the-answer", Holds: []int{4, 6}, Do: func(s *check.Story) {
			if inmemory.Exchange == nil {
				s.Did("left this case to the command, which has connections in memory")
				return
			}
			s.Bubble(func() { resetLate(s) })
		}},
		{Name: "request-fails", Holds: []int{5}, Do: func(s *check.Story) {
			for _, cause := range []error{io.ErrUnexpectedEOF, net.ErrClosed, io.ErrClosedPipe} {
				s.Anew()
				s.Did("gave a request that fails after 5 bytes with %q", cause)
				brokenRequest(s, cause)
			}
		}},
		{Name: "two-at-once", Holds: []int{9}, Do: func(s *check.Story) {
			if inmemory.Exchange == nil {
				s.Did("left this case to the command, which has connections in memory")
				return
			}
			s.Bubble(func() { twoAtOnce(s) })
		}},
		{Name: "broken-request", Holds: []int{5, 8}, Do: func(s *check.Story) {
			s.Did("gave a request that fails after 5 bytes with %q", broken)
			brokenRequest(s, broken)
			s.Anew()
			if inmemory.Exchange != nil {
				s.Did("gave a request that fails after 5 bytes with %q, and let the Read that waits "+
					"for the answer run first, once it was woken", broken)
				for range 100 {
					s.Bubble(func() { wokenFirst(s, broken) })
				}
				return
			}
			s.Did("gave a request that fails after 5 bytes with %q, up to 300 times", broken)
			s.Again(300, 4, func(_ int) {
				brokenRequest(s, broken)
			})
		}},
		{Name: "reset", Holds: []int{6}, Do: func(s *check.Story) {
			client, peer := s.Pair()
			s.Did("made a peer that resets the connection")
			peer.SetLinger(0)
			peer.Close()
			var answer bytes.Buffer
			if _, err := Exchange(client, strings.NewReader("hello"), &answer); err == nil {
				s.Fail("an error", "nil",
					"a connection that was reset looks like one that ended well")
			}
		}},
		{Name: "reset-in-the-answer", Holds: []int{6}, Do: func(s *check.Story) {
			client, peer := s.Pair()
			s.Did("made a peer that reads to our end, answers \"hel\", and resets the connection")
			answer := &arrivals{}
			ended := s.Go(func() {
				io.ReadAll(peer)
				io.WriteString(peer, "hel")
				answer.await(3)
				peer.SetLinger(0)
				peer.Close()
			})
			_, err := Exchange(client, strings.NewReader("hello"), answer)
			client.Close()
			<-ended
			if err == nil {
				s.Fail("an error", "nil",
					"an answer that was broken off looks whole: a connection that was reset is "+
						"no end")
			}
		}},
		{Name: "answer-fails", Holds: []int{7}, Do: func(s *check.Story) {
			for _, cause := range []error{broken, net.ErrClosed, io.ErrClosedPipe} {
				s.Anew()
				answerFails(s, cause)
			}
		}},
		{Name: "answer-fails-early", Holds: []int{7}, Do: func(s *check.Story) {
			s.Did("made an answer that fails with %q, while the request waits for more", broken)
			failsEarly(s, broken, false)
		}},
		{Name: "reset-early", Holds: []int{6}, Do: func(s *check.Story) {
			s.Did("made a peer that resets the connection, while the request waits for more")
			failsEarly(s, broken, true)
		}},
		{Name: "at-random", Holds: []int{1, 2, 3}, Do: func(s *check.Story) {
			s.Random(30, func(d *check.Draw) {
				request := string(d.Bytes(d.Size(100_000)))
				if d.OneIn(2) {
					s.Did("made a peer that sends back what it reads, at once")
					inMemory(s, request, echo)
				} else {
					s.Did("made a peer that reads to our end, and then answers")
					inMemory(s, request, atEnd)
				}
			})
		}},
	})
}

// failing is a request that can't be read, and an answer that can't be written.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error)  { return 0, f.err }
func (f failing) Write([]byte) (int, error) { return 0, f.err }

// arrivals is an answer that can be waited for.
type arrivals struct {
	mu    sync.Mutex
	got   []byte
	wants int
	there chan struct{} // closed when so many have come
}

func (a *arrivals) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.got = append(a.got, p...)
	a.look()
	return len(p), nil
}

func (a *arrivals) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return string(a.got)
}

// await waits until n bytes are there, or says that they don't come.
func (a *arrivals) await(n int) bool {
	a.mu.Lock()
	a.wants, a.there = n, make(chan struct{})
	there := a.there
	a.look()
	a.mu.Unlock()
	select {
	case <-there:
		return true
	case <-check.After(check.Patience / 3):
		return false
	}
}

func (a *arrivals) look() {
	if a.there != nil && len(a.got) >= a.wants {
		close(a.there)
		a.there = nil
	}
}

// open says whether conn is.
func open(conn net.Conn) bool { return !errors.Is(conn.SetWriteDeadline(time.Time{}), net.ErrClosed) }

// exchange runs Exchange against a peer, which returns what it read, its
// answer, and what went wrong when it read.
func exchange(s *check.Story, request string,
	peer func(end) (read, answer string, err error)) {
	exchangeFrom(s, request, strings.NewReader(request), peer)
}

// exchangeFrom has a reader of its own for the request.
func exchangeFrom(s *check.Story, request string, reader io.Reader,
	peer func(end) (read, answer string, err error)) {
	client, server := s.Pair()
	check.Limit(server, check.Patience*3/4)
	exchangeOver(s, client, server, request, peer, func(answer io.Writer) (int64, error) {
		return Exchange(client, reader, answer)
	})
}

// inMemory is exchange in virtual time, where little fits between the two, and who
// waits for good is found without a clock. Without the command it has real sockets.
func inMemory(s *check.Story, request string,
	peer func(end) (read, answer string, err error)) {
	if inmemory.Exchange == nil {
		exchange(s, request, peer)
		return
	}
	s.Bubble(func() {
		client, server := check.TCPLink(0)
		server.SetDeadline(time.Now().Add(time.Hour))
		exchangeOver(s, client, server, request, peer, func(answer io.Writer) (int64, error) {
			return inmemory.Exchange(client, strings.NewReader(request), answer)
		})
	})
}

// An end is one of a connection, over TCP or in memory.
type end interface {
	net.Conn
	CloseWrite() error
}

// exchangeOver has call, which is an Exchange, talk to a peer.
func exchangeOver(s *check.Story, client, server end, request string,
	peer func(end) (read, answer string, err error),
	call func(answer io.Writer) (int64, error)) {
	var read, answer string
	var peerErr error
	ended := s.Go(func() {
		if read, answer, peerErr = peer(server); peerErr != nil {
			server.Close()
		}
		server.CloseWrite()
	})
	s.Did("called Exchange with a request of %d bytes", len(request))
	var got bytes.Buffer
	n, err := call(&got)
	where := check.Where()
	isOpen := open(client)
	late := false
	if err == nil && isOpen {
		_, after := client.Read(make([]byte, 1))
		late = errors.Is(after, os.ErrDeadlineExceeded)
	}
	client.Close()
	<-ended
	server.Close()
	var timeout net.Error
	var op *net.OpError
	silent := errors.As(peerErr, &timeout) && timeout.Timeout()
	switch {
	case silent && got.Len() == 0 && request != "" && len(request) < 1000:
		s.Fail("our end (FIN)", "none",
			"the peer still waits for more: nobody told it that this was all"+where)
	case silent:
		s.Fail("an end", "none",
			"both wait: the peer for us to read, and we for it, or it was never told that this "+
				"was all"+where)
	case err != nil && errors.Is(err, net.ErrClosed):
		s.Fail("the answer", err.Error(), "it closed both halves: the answer can't come any more")
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.Fail("no error", err.Error(),
			"a peer that takes its time was cut off: nobody has asked for a limit")
	case errors.As(err, &op) && op.Op != "read":
		s.Fail("the whole request, then the FIN", err.Error(),
			"it closed its half before the request was sent")
	case read == "" && request != "" && got.Len() == 0:
		s.Fail(fmt.Sprintf("a request of %d bytes", len(request)), fmt.Sprint(err),
			"the peer got nothing of the request: is Exchange written?")
	case read != request && strings.HasPrefix(request, read):
		s.Fail(fmt.Sprintf("a request of %d bytes", len(request)),
			fmt.Sprintf("%d of them", len(read)),
			"the peer got only a part of the request, and then its end")
	case read != request:
		s.Fail(fmt.Sprintf("%.40q", request), fmt.Sprintf("%.40q, %d bytes", read, len(read)),
			"the peer got another request than was given")
	case err != nil:
		s.Fail("no error", err.Error(), "it returned an error although all went well")
	case got.String() != answer:
		s.Fail(fmt.Sprintf("the answer %.40q, %d bytes", answer, len(answer)),
			fmt.Sprintf("%.40q, %d bytes", got.String(), got.Len()),
			"other bytes came than the peer has sent")
	case n != int64(len(answer)):
		s.Fail(fmt.Sprint(len(answer), " bytes"), fmt.Sprint(n),
			"the number returned is not that of the answer's bytes")
	case !isOpen:
		s.Fail("an open connection", "a closed one",
			"it closed the connection: that is left to the caller")
	case late:
		s.Fail("no deadline when all went well", "one for Read",
			"it left its deadline behind: the caller's next call would fail")
	}
}

// answerFails has the answer fail when it is written.
func answerFails(s *check.Story, cause error) {
	client, peer := s.Pair()
	check.Limit(peer, check.Patience/2)
	s.Did("made a peer that sends back what it reads, and an answer that fails with %q when it is "+
		"written", cause)
	ended := s.Go(func() { io.Copy(peer, peer); peer.CloseWrite() })
	_, err := Exchange(client, strings.NewReader("hello"), failing{cause})
	isOpen := open(client)
	client.Close()
	<-ended
	if !errors.Is(err, cause) {
		s.Fail(fmt.Sprintf("the error %q", cause), fmt.Sprint(err),
			"the answer could not be written, and Exchange does not say so")
	}
	leftOpen(s, isOpen)
}

// failsEarly has the answer fail, or the connection, while the request waits for
// what will never come.
func failsEarly(s *check.Story, broken error, reset bool) {
	client, server := s.Pair()
	g := &gate{strings.NewReader("hello"), make(chan struct{}), strings.NewReader("")}
	peer := s.Go(func() {
		io.ReadFull(server, make([]byte, 5))
		if reset {
			server.SetLinger(0)
			server.Close()
			return
		}
		io.WriteString(server, "no")
	})
	var err error
	over := s.Go(func() { _, err = Exchange(client, g, failing{broken}) })
	where := ""
	select {
	case <-over:
	case <-check.After(check.Patience / 3):
		where = check.Where() + " "
	}
	close(g.opened)
	<-over
	<-peer
	isOpen := open(client)
	client.Close()
	switch {
	case where != "":
		s.Fail("the error", "none, as long as the request had more to come",
			"it waits for the rest of the request, which nobody can use any more, before it "+
				"returns the error"+strings.TrimRight(where, " "))
	case err == nil, !reset && !errors.Is(err, broken):
		s.Fail("the error", fmt.Sprint(err), "the exchange failed, and Exchange does not say so")
	}
	leftOpen(s, isOpen)
}

// leftOpen fails if Exchange has closed the connection.
func leftOpen(s *check.Story, isOpen bool) {
	if !isOpen {
		s.Fail("an open connection", "a closed one",
			"it closed the connection: that is left to the caller")
	}
}

// resetLate has the connection break while the request is sent, when the answer has
// ended.
func resetLate(s *check.Story) {
	client, server := check.TCPLink(0)
	s.Cleanup(func() { client.Close() })
	s.Did("made a peer that answers \"yes\", ends its half (FIN), and then resets the connection, " +
		"while the request is still being sent")
	io.WriteString(server, "yes")
	server.CloseWrite()
	g := &gate{strings.NewReader("first half, "), make(chan struct{}),
		strings.NewReader("second half")}
	var err error
	over := s.Go(func() { _, err = inmemory.Exchange(client, g, io.Discard) })
	check.Settle()
	server.Reset()
	close(g.opened)
	check.Settle()
	switch {
	case !check.Ended(over):
		s.Fail("an error", "no end", "Exchange goes on although the connection is broken"+check.Where())
	case err == nil:
		s.Fail("an error", "nil",
			"the connection broke before the whole request was sent, and Exchange does not say so")
	}
}

// twoAtOnce has one Exchange wait in the middle of its Writes, while another goes on
// from the beginning to the end.
func twoAtOnce(s *check.Story) {
	const anna, ben = "anna's own request, or answer", "ben has another"
	const symptom = "two calls at once disturb each other: what do they share?"
	others := func() {
		client, server := check.TCPLink(0)
		io.WriteString(server, ben)
		server.CloseWrite()
		inmemory.Exchange(client, strings.NewReader(ben), io.Discard)
		client.Close()
		server.Close()
	}
	s.Did("sent a request of %d bytes to a peer that reads 10 of them, and waits", len(anna))
	client, server := check.TCPLink(10)
	s.Cleanup(func() { client.Close(); server.Close() })
	var got bytes.Buffer
	answer := &check.DuringWrite{Writer: &got, Do: others}
	over := s.Go(func() { inmemory.Exchange(client, strings.NewReader(anna), answer) })
	check.Settle()
	s.Did("sent another request to another peer, and had its answer")
	others()
	s.Did("had the first peer read on, and answer; in each Write of that answer another call " +
		"begins and ends")
	read, _ := io.ReadAll(server)
	s.Go(func() { io.WriteString(server, anna); server.CloseWrite() })
	check.Settle()
	if !check.Ended(over) {
		s.Fail("an end", "none", symptom+check.Where())
	}
	if string(read) != anna || got.String() != anna {
		s.Fail(fmt.Sprintf("%q, both ways", anna), fmt.Sprintf("%q and %q", read, got.String()), symptom)
	}
}

// inPieces is a reader that gives nothing at first, then the text with the error.
type inPieces struct {
	text  string
	err   error
	empty int // Reads that bring nothing
}

func (r *inPieces) Read(p []byte) (int, error) {
	if r.empty > 0 {
		r.empty--
		return 0, nil
	}
	n := copy(p, r.text)
	if r.text = r.text[n:]; r.text == "" {
		return n, r.err
	}
	return n, nil
}

// A gate is a request whose second part waits until it is opened.
type gate struct {
	first  io.Reader
	opened chan struct{}
	then   io.Reader
}

func (g *gate) Read(p []byte) (int, error) {
	if n, err := g.first.Read(p); err == nil {
		return n, nil
	}
	<-g.opened
	return g.then.Read(p)
}

// questions has a request whose second part is there only when the answer to
// the first has come.
func questions(s *check.Story) {
	client, server := s.Pair()
	s.Did("made a peer that sends back what it reads, and a request whose second half comes when " +
		"the first is answered")
	echoed := s.Go(func() { io.Copy(server, server); server.CloseWrite() })
	g := &gate{strings.NewReader("1"), make(chan struct{}), strings.NewReader(" and 2")}
	var answer arrivals
	over := s.Go(func() { Exchange(client, g, &answer) })
	came := answer.await(1)
	close(g.opened)
	<-over
	client.Close()
	<-echoed
	if !came {
		s.Fail("\"1\" in the answer", "nothing, before the request's second half",
			"it collects the request, or the answer, before it passes it on")
	}
	if answer.String() != "1 and 2" {
		s.Fail(`"1 and 2"`, fmt.Sprintf("%q", answer.String()),
			"other bytes came than the peer has sent")
	}
}

// answerFirst has a peer whose answer ends in the middle of the request.
func answerFirst(s *check.Story) {
	if inmemory.Exchange == nil {
		client, server := s.Pair()
		answerFirstOver(s, client, server, Exchange, func() {
			<-time.After(50 * time.Millisecond) // who returns too early does so at once
		})
		return
	}
	s.Bubble(func() {
		client, server := check.TCPLink(0)
		answerFirstOver(s, client, server, inmemory.Exchange, check.Settle)
	})
}

func answerFirstOver[C end](s *check.Story, client, server C,
	exchange func(C, io.Reader, io.Writer) (int64, error), settle func()) {
	s.Did("made a peer that answers \"yes\" and ends its half (FIN), while the request is still " +
		"being sent")
	io.WriteString(server, "yes")
	server.CloseWrite()
	read := ""
	ended := s.Go(func() { got, _ := io.ReadAll(server); read = string(got) })
	g := &gate{strings.NewReader("first half, "), make(chan struct{}),
		strings.NewReader("second half")}
	var answer arrivals
	var n int64
	var err error
	over := s.Go(func() { n, err = exchange(client, g, &answer) })
	settle()
	early := check.Ended(over)
	close(g.opened)
	<-over
	client.Close()
	<-ended
	switch {
	case early:
		s.Fail("Exchange sends the second half, too", fmt.Sprintf("it has returned %d, %v", n, err),
			"it returned when the answer had ended, in the middle of the request")
	case err != nil:
		s.Fail("no error", err.Error(), "it returned an error although all went well")
	case read != "first half, second half":
		s.Fail(`"first half, second half"`, fmt.Sprintf("%q", read),
			"the peer got only a part of the request")
	case answer.String() != "yes":
		s.Fail(`"yes"`, fmt.Sprintf("%q", answer.String()),
			"other bytes came than the peer has sent")
	}
}

// wokenFirst has whoever is woken by a deadline run before SetReadDeadline returns.
// It does not wait until all others wait: they may wait for a lock that the caller
// of SetReadDeadline holds.
func wokenFirst(s *check.Story, broken error) {
	client, server := check.TCPLink(0)
	client.AtWake = func() {
		for range 1000 {
			runtime.Gosched()
		}
	}
	s.Cleanup(func() { client.Close(); server.Close() })
	_, err := inmemory.Exchange(client,
		io.MultiReader(strings.NewReader("hello"), failing{broken}), io.Discard)
	if !errors.Is(err, broken) {
		s.Fail(fmt.Sprintf("the error %q", broken), fmt.Sprint(err),
			"the request could not be read, and Exchange does not say so")
	}
}

func brokenRequest(s *check.Story, broken error) {
	client, peer := s.Pair()
	check.Limit(peer, check.Patience/2)
	var where string
	waited := false
	over := make(chan struct{})
	ended := s.Go(func() {
		_, err := io.Copy(io.Discard, peer)
		if err == nil { // a FIN: the peer answers nothing, and does not end either
			select {
			case <-over:
			case <-check.After(check.Patience / 2):
				err = os.ErrDeadlineExceeded
			}
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			waited, where = true, check.Where()
		}
		peer.CloseWrite()
	})
	var answer bytes.Buffer
	_, err := Exchange(client, io.MultiReader(strings.NewReader("hello"), failing{broken}), &answer)
	close(over)
	isOpen := open(client)
	client.Close()
	<-ended
	peer.Close()
	switch {
	case waited:
		s.Fail(fmt.Sprintf("the error %q, at once", broken), "none, until the peer gave up",
			"the request broke off, and Exchange still waits for an answer that can't come"+where)
	case !errors.Is(err, broken):
		s.Fail(fmt.Sprintf("the error %q", broken), fmt.Sprint(err),
			"the request could not be read, and Exchange does not say so")
	case !isOpen:
		s.Fail("an open connection", "a closed one",
			"it closed the connection: that is left to the caller")
	}
}

// A slowly is a request whose parts come after ever longer times, in virtual time.
type slowly struct {
	s     *check.Story
	parts []string
}

// silences are those between the parts.
var silences = []time.Duration{time.Second, time.Minute, time.Hour, 365 * 24 * time.Hour}

func (r *slowly) Read(p []byte) (int, error) {
	if len(r.parts) == 0 {
		return 0, io.EOF
	}
	r.s.Pass(silences[len(silences)-len(r.parts)])
	n := copy(p, r.parts[0])
	r.parts = r.parts[1:]
	return n, nil
}

// slow has the request come slowly, the peer read slowly, and answer slowly.
func slow(s *check.Story) {
	client, peer := check.TCPLink(1000)
	s.Did("gave a request whose parts come after a second, a minute, an hour and a year, to a " +
		"peer that answers as slowly")
	var read strings.Builder
	var peerErr error
	s.Go(func() {
		buf := make([]byte, 100)
		for peerErr == nil {
			var n int
			n, peerErr = peer.Read(buf)
			read.Write(buf[:n])
		}
		for _, d := range silences {
			s.Pass(d)
			io.WriteString(peer, "done ")
		}
		peer.CloseWrite()
	})
	var answer bytes.Buffer
	n, err := inmemory.Exchange(client, &slowly{s, []string{"a", "b", "c", "d"}}, &answer)
	took := strings.Count(answer.String(), "done ")
	switch {
	case err != nil && read.String() != "abcd":
		s.Fail("the whole request", fmt.Sprintf("%q of it, error %v", read.String(), err),
			"a request that takes its time was cut off: nobody has asked for a limit")
	case err != nil:
		s.Fail("the whole answer", fmt.Sprintf("%d of 4 parts of it, error %v", took, err),
			"a peer that takes its time was cut off: nobody has asked for a limit")
	case read.String() != "abcd" || peerErr != io.EOF:
		s.Fail(`the request "abcd", and its end`, fmt.Sprintf("%q, %v", read.String(), peerErr),
			"the peer got only a part of a request that takes its time")
	case took != 4 || n != 20:
		s.Fail("20 bytes, 4 parts of an answer", fmt.Sprintf("%d bytes, %d parts", n, took),
			"only a part of an answer that takes its time has come")
	case client.Ended() == "closed":
		s.Fail("an open connection", "a closed one",
			"it closed the connection: that is left to the caller")
	case client.Deadlines() != "":
		s.Fail("no deadline when all went well", "one for "+client.Deadlines(),
			"it left its deadline behind: the caller's next call would fail")
	}
}
