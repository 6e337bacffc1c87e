//go:build check

package deadline

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"example.com/sockets/docs/exercises/check"
)

const patience = time.Hour // of virtual time

// A piece comes after a time of silence.
type piece struct {
	after time.Duration
	text  string
}

// A peer is a connection with a clock of its own, which jumps instead of
// waiting.
type peer struct {
	net.Conn // nil: only what is below is used
	pieces   []piece
	err      error // after the last piece; nil for silence
	deadline *time.Duration
	now      time.Duration
}

var errForGood = errors.New("waited for good")

func (p *peer) SetDeadline(t time.Time) error { return p.SetReadDeadline(t) }

func (p *peer) SetReadDeadline(t time.Time) error {
	p.deadline = nil
	if !t.IsZero() {
		at := p.now + time.Until(t)
		p.deadline = &at
	}
	return nil
}

func (p *peer) Read(b []byte) (int, error) {
	if len(p.pieces) == 0 && p.err != nil {
		return 0, p.err
	}
	if len(p.pieces) == 0 || p.deadline != nil && p.now+p.pieces[0].after > *p.deadline {
		if p.deadline == nil {
			panic(errForGood)
		}
		p.now = max(p.now, *p.deadline)
		return 0, fmt.Errorf("read tcp: %w", os.ErrDeadlineExceeded)
	}
	p.now += p.pieces[0].after
	n := copy(b, p.pieces[0].text)
	p.pieces[0] = piece{0, p.pieces[0].text[n:]}
	if p.pieces[0].text == "" {
		p.pieces = p.pieces[1:]
	}
	return n, nil
}

func TestCheck(t *testing.T) {
	broken := errors.New("connection reset by peer")
	check.Run(t, []check.Case{
		{Name: "at-once", Do: func(s *check.Story) {
			read(s, "sends \"hello\", and closes", &peer{pieces: []piece{{0, "hello"}}, err: io.EOF},
				"hello", nil, "a good end is not reported as one")
		}},
		{Name: "steady", Do: func(s *check.Story) {
			const gap = 36 * time.Minute
			read(s, "sends a letter every 36 minutes, five in all, and closes",
				&peer{pieces: []piece{{gap, "h"}, {gap, "e"}, {gap, "l"}, {gap, "l"}, {gap, "o"}}, err: io.EOF},
				"hello", nil, "a slow but steady peer was cut off: each Read needs a new deadline")
		}},
		{Name: "silent", Do: func(s *check.Story) {
			read(s, "sends nothing", &peer{}, "", ErrSilent, "nothing came in time: that is ErrSilent, and silence is not the end")
		}},
		{Name: "silent-in-the-middle", Do: func(s *check.Story) {
			read(s, "sends \"hel\", and then nothing", &peer{pieces: []piece{{0, "hel"}}},
				"hel", ErrSilent, "silence is not the end: nobody knows whether more would have come")
		}},
		{Name: "too-late", Do: func(s *check.Story) {
			read(s, "sends \"hel\", and after 2 hours \"lo\"", &peer{pieces: []piece{{0, "hel"}, {2 * time.Hour, "lo"}}, err: io.EOF},
				"hel", ErrSilent, "it waited longer than its patience")
		}},
		{Name: "broken", Do: func(s *check.Story) {
			read(s, "sends \"hel\", and then a reset comes", &peer{pieces: []piece{{0, "hel"}}, err: broken},
				"hel", broken, "the connection broke: the peer was not silent")
		}},
	})
}

func read(s *check.Story, does string, p *peer, want string, wantErr error, symptom string) {
	s.Did("made a peer that %s", does)
	s.Did("called ReadAll with a patience of 1h (the clock is virtual)")
	expected := fmt.Sprintf("%q, error %v", want, wantErr)
	defer func() {
		if cause := recover(); cause == errForGood {
			s.Fail(expected, "no end", "it waited for good: there is no deadline"+check.Where())
		} else if cause != nil {
			panic(cause)
		}
	}()
	got, err := ReadAll(p, patience)
	came := fmt.Sprintf("%q, error %v", got, err)
	switch {
	case expected != came && errors.Is(err, wantErr) && string(got) != want:
		s.Fail(expected, came, "the bytes that came are missing, or others are there")
	case expected != came && len(got) == 0 && want != "" && wantErr == nil:
		s.Fail(expected, came, "the bytes that came are missing: is ReadAll written?")
	case !errors.Is(err, wantErr) || string(got) != want:
		s.Fail(expected, came, symptom)
	case p.deadline != nil:
		s.Fail("no deadline when ReadAll has returned", "one", "it left its deadline behind: the caller's next Read would fail")
	}
}
