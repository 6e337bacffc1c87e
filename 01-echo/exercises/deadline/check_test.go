//go:build check

package deadline_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	. "example.com/sockets/01-echo/exercises/deadline"
	"example.com/sockets/docs/exercises/check"
)

// A piece comes after a time of silence.
type piece struct {
	after time.Duration
	text  string
}

// A peer sends its pieces. Then it closes, is silent, or its connection fails.
type peer struct {
	pieces   []piece
	silent   bool
	err      error
	together bool
}

func TestCheck(t *testing.T) {
	broken := errors.New("the network is down")
	one := func(name string, holds []int, patience time.Duration, p peer) check.Case {
		return check.Case{Name: name, Holds: holds, Do: func(s *check.Story) {
			s.Bubble(func() { read(s, p, patience) })
		}}
	}
	const minute, hour = time.Minute, time.Hour
	lines := 100_000
	if check.Races { // which takes ten times as long
		lines = 10_000
	}
	check.Run(t, []check.Case{
		one("at-once", []int{1, 6}, hour, peer{pieces: []piece{{0, "hello"}}}),
		one("large", []int{1}, hour, peer{pieces: []piece{{0,
			strings.Repeat("a line of text\n", 10_000)}, {0, "end"}}}),
		one("larger", []int{1}, hour, peer{pieces: []piece{{0,
			strings.Repeat("a line of text\n", lines)}, {0, "end"}}}),
		one("steady", []int{3}, hour, peer{pieces: []piece{{36 * minute, "h"}, {36 * minute, "e"},
			{36 * minute, "l"}, {36 * minute, "l"}, {36 * minute, "o"}}}),
		one("steady-for-days", []int{3}, hour,
			peer{pieces: slices.Repeat([]piece{{59 * minute, "."}}, 100)}),
		one("just-in-time", []int{2, 3}, hour,
			peer{pieces: []piece{{59 * minute, "hel"}, {59 * minute, "lo"}}}),
		one("silent", []int{2, 5, 6}, hour, peer{silent: true}),
		one("silent-in-the-middle", []int{2, 5}, hour,
			peer{pieces: []piece{{0, "hel"}}, silent: true}),
		one("too-late", []int{2}, hour, peer{pieces: []piece{{0, "hel"}, {61 * minute, "lo"}}}),
		one("less-patience", []int{2}, 50*time.Millisecond,
			peer{pieces: []piece{{0, "hel"}, {49 * time.Millisecond, "l"},
				{51 * time.Millisecond, "o"}}}),
		one("least-patience", []int{2, 3}, 300*time.Microsecond,
			peer{pieces: []piece{{0, "hel"}, {290 * time.Microsecond, "l"},
				{310 * time.Microsecond, "o"}}}),
		one("broken", []int{4, 5}, hour, peer{pieces: []piece{{0, "hel"}}, err: broken}),
		one("broken-together", []int{4}, hour,
			peer{pieces: []piece{{0, "hel"}}, err: broken, together: true}),
		one("end-together", []int{1, 4}, hour,
			peer{pieces: []piece{{0, "hel"}, {0, "lo"}}, together: true}),
		{Name: "two-calls", Holds: []int{1}, Do: func(s *check.Story) {
			s.Bubble(func() { twoCalls(s) })
		}},
		{Name: "two-at-once", Holds: []int{7}, Do: func(s *check.Story) {
			s.Bubble(func() { twoAtOnce(s) })
		}},
		{Name: "at-random", Holds: []int{1, 2, 3, 4, 5, 6}, Do: func(s *check.Story) {
			s.Random(300, func(d *check.Draw) {
				patience := []time.Duration{time.Second, time.Millisecond, hour,
					100 * hour}[d.N(4)] * time.Duration(d.Between(1, 9))
				p := peer{silent: d.OneIn(3), together: d.OneIn(3)}
				if d.OneIn(3) {
					p.err = []error{broken, io.ErrUnexpectedEOF, net.ErrClosed, io.ErrClosedPipe}[d.N(4)]
				}
				for range d.N(6) {
					after := patience / 100 * time.Duration([]int{0, 50, 90, 99, 101, 150,
						300}[d.N(7)])
					p.pieces = append(p.pieces, piece{after, string(d.Bytes(1 + d.Size(3000)))})
				}
				s.Bubble(func() { read(s, p, patience) })
			})
		}},
	})
}

// told says what the peer does.
func (p peer) told() string {
	var b strings.Builder
	for i, piece := range p.pieces {
		if i == 8 {
			fmt.Fprintf(&b, "… (%d in all), ", len(p.pieces))
			break
		}
		if piece.after > 0 {
			fmt.Fprintf(&b, "%v later ", piece.after)
		}
		fmt.Fprintf(&b, "%.30q, ", piece.text)
	}
	switch {
	case p.silent:
		return "sends " + b.String() + "and then nothing"
	case p.err != nil:
		return "sends " + b.String() + "and then its connection fails"
	}
	return "sends " + b.String() + "and closes"
}

// outcome is what ReadAll should return, and when.
func (p peer) outcome(patience time.Duration) (want string, err error, at time.Duration) {
	for _, piece := range p.pieces {
		if piece.after > patience {
			return want, ErrSilent, at + patience
		}
		want += piece.text
		at += piece.after
	}
	if p.silent {
		return want, ErrSilent, at + patience
	}
	return want, p.err, at
}

func read(s *check.Story, p peer, patience time.Duration) {
	s.Did("made a peer that %s", p.told())
	s.Did("called ReadAll with a patience of %v (the clock is virtual)", patience)
	client, server := check.Link(4 << 20)
	s.Cleanup(func() { client.Close(); server.Close() })
	server.Together = p.together
	stop := make(chan struct{})
	stopped := s.Go(func() {
		for i, piece := range p.pieces {
			if piece.after > 0 {
				select {
				case <-time.After(piece.after):
				case <-stop:
					return
				}
			}
			write := func() { client.Write([]byte(piece.text)) }
			if i < len(p.pieces)-1 || p.silent || !p.together {
				write()
				continue
			}
			server.Hold(func() {
				write()
				p.end(client)
			})
		}
		if !p.silent {
			p.end(client)
		}
	})
	began := time.Now()
	var got []byte
	var err error
	over := s.Go(func() { got, err = ReadAll(server, patience) })
	want, wantErr, at := p.outcome(patience)
	select {
	case <-over:
	case <-time.After(at + 10*patience):
	}
	took := time.Since(began)
	close(stop)
	<-stopped
	expected := fmt.Sprintf("%.60q, error %v", want, wantErr)
	if !check.Ended(over) {
		s.Fail(expected, "no end", "it waited for good: there is no deadline"+check.Where())
	}
	came := fmt.Sprintf("%.60q, error %v", got, err)
	right := err == nil
	if wantErr != nil {
		right = errors.Is(err, wantErr)
	}
	early, late := took < at-patience/1000, took > at+patience/100
	switch {
	case err != nil && err.Error() == "not written yet":
		s.Fail(expected, came, "the bytes that came are missing: is ReadAll written?")
	case wantErr == ErrSilent && late:
		s.Fail(fmt.Sprintf("%s, after %v", expected, at), fmt.Sprintf("%s, after %v", came, took),
			"it waited longer than its patience")
	case errors.Is(err, ErrSilent) && (early || wantErr == nil):
		s.Fail(fmt.Sprintf("%s, after %v", expected, at), fmt.Sprintf("%s, after %v", came, took),
			fmt.Sprintf(
				"a peer that is slow but steady was cut off before its patience of %v was over: "+
					"each Read needs a new deadline", patience))
	case right && string(got) != want && strings.HasPrefix(want, string(got)):
		s.Fail(expected, came,
			fmt.Sprintf("%d bytes came, and %d are returned: bytes that came are missing",
				len(want), len(got)))
	case right && string(got) != want:
		s.Fail(expected, came, "other bytes are returned than came")
	case !right && wantErr == nil:
		s.Fail(expected, came, "a good end is not reported as one")
	case !right && wantErr == ErrSilent:
		s.Fail(expected, came,
			"nothing came in time: that is ErrSilent, and silence is not the end: nobody knows "+
				"whether more would have come")
	case !right && errors.Is(err, ErrSilent):
		s.Fail(expected, came, "the connection broke: the peer was not silent")
	case !right:
		s.Fail(expected, came, "the connection broke, and the error does not come back")
	case server.Ended() != "":
		s.Fail("an open connection", "ReadAll has "+server.Ended()+" it",
			"it ended the connection: that is left to the caller")
	case server.Deadlines() != "":
		s.Fail("no deadline when ReadAll has returned", "one for "+server.Deadlines(),
			"it left its deadline behind: the caller's next call would fail")
	}
	s.Pass(2 * patience)
	switch {
	case server.Deadlines() != "":
		s.Fail("no deadline when ReadAll has returned", "one for "+server.Deadlines()+", set later",
			"a timer of its own sets a deadline after ReadAll has returned: stop it")
	case server.Reading():
		s.Fail("nobody reads from conn any more", "a goroutine does",
			"it left a goroutine behind that takes what comes later: that is the caller's"+check.Where())
	}
}

// end closes the peer's end, or has the connection fail.
func (p peer) end(client *check.Conn) {
	if p.err != nil {
		client.Fail(p.err)
		return
	}
	client.CloseWrite()
}

// A during is a connection in each of whose Reads something else is done.
type during struct {
	*check.Conn
	do func()
}

func (c *during) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.do()
	return n, err
}

// twoAtOnce has another call begin and end in the middle of one: in its Read.
func twoAtOnce(s *check.Story) {
	s.Did("called ReadAll for \"anna's own\"; in each of its Reads, another call reads \"ben's own\"")
	sends := func(text string) *check.Conn {
		client, server := check.Link(0)
		s.Cleanup(func() { client.Close(); server.Close() })
		io.WriteString(client, text)
		client.CloseWrite()
		return server
	}
	annas := &during{sends("anna's own"), func() { ReadAll(sends("ben's own"), time.Hour) }}
	if got, err := ReadAll(annas, time.Hour); string(got) != "anna's own" || err != nil {
		s.Fail(`"anna's own", error <nil>`, fmt.Sprintf("%q, error %v", got, err),
			"two calls at once disturb each other: what do they share?")
	}
}

// twoCalls looks at what the first call has returned after the second.
func twoCalls(s *check.Story) {
	var got [2][]byte
	for i, text := range []string{"first", "second"} {
		s.Did("made a peer that sends %q and closes, and called ReadAll", text)
		client, server := check.Link(0)
		client.Write([]byte(text))
		client.CloseWrite()
		got[i], _ = ReadAll(server, time.Hour)
		server.Close()
	}
	if string(got[0]) != "first" {
		s.Fail(`"first" still, of the first call`, fmt.Sprintf("%q", got[0]),
			"a later call changed what an earlier one had returned: that is the caller's")
	}
}
