//go:build check

package lines

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"example.com/sockets/docs/exercises/check"
)

// A stream gives one piece a Read, and its error together with the last.
type stream struct {
	pieces []string
	err    error
	reads  int
	limit  int // of Reads, 0 for none
}

func (r *stream) Read(p []byte) (int, error) {
	if r.reads++; r.limit > 0 && r.reads > r.limit {
		panic("the check stops a reader that collects for ever")
	}
	if len(r.pieces) == 0 {
		return 0, r.err
	}
	n := copy(p, r.pieces[0])
	if r.pieces[0] = r.pieces[0][n:]; r.pieces[0] == "" {
		r.pieces = r.pieces[1:]
	}
	if len(r.pieces) == 0 {
		return n, r.err
	}
	return n, nil
}

func open(s *check.Story, err error, pieces ...string) *Reader {
	s.Did("opened a stream that gives %q, with %v at its end", pieces, err)
	return New(&stream{pieces: pieces, err: err})
}

func TestCheck(t *testing.T) {
	check.Run(t, []check.Case{
		{Name: "one-line", Do: func(s *check.Story) {
			l := open(s, io.EOF, "hello\n", "x")
			next(s, l, "hello", nil, "the line is there, and does not come: is Next written?")
		}},
		{Name: "in-pieces", Do: func(s *check.Story) {
			l := open(s, io.EOF, "he", "l", "lo\n", "\n", "x")
			next(s, l, "hello", nil, "half a line was taken for a whole one: read on until \"\\n\" comes")
			next(s, l, "", nil, "an empty line is a line")
		}},
		{Name: "several-at-once", Do: func(s *check.Story) {
			l := open(s, io.EOF, "one\ntwo\n\nfo", "ur\n", "x")
			for _, line := range []string{"one", "two", "", "four"} {
				next(s, l, line, nil, "what came in the same Read as an earlier line is lost or mixed up")
			}
		}},
		{Name: "carriage-return", Do: func(s *check.Story) {
			l := open(s, io.EOF, "one\r\ntwo\r", "\nth\rree\n", "x")
			for _, line := range []string{"one", "two", "th\rree"} {
				next(s, l, line, nil, "a \"\\r\" just before \"\\n\" belongs to the line's end, any other to the line")
			}
		}},
		{Name: "the-end", Do: func(s *check.Story) {
			l := open(s, io.EOF, "one\n")
			next(s, l, "one", nil, "a line that came together with the error is lost")
			next(s, l, "", io.EOF, "after the last whole line comes io.EOF")
			next(s, l, "", io.EOF, "the end stays the end")
		}},
		{Name: "cut-off", Do: func(s *check.Story) {
			l := open(s, io.EOF, "one\ntw")
			next(s, l, "one", nil, "a line that came together with the error is lost")
			next(s, l, "", io.ErrUnexpectedEOF, "the last line was cut off: without \"\\n\" nobody knows whether it is whole")
		}},
		{Name: "broken", Do: func(s *check.Story) {
			broken := errors.New("connection reset by peer")
			l := open(s, broken, "one\ntw")
			next(s, l, "one", nil, "a line that came together with the error is lost")
			next(s, l, "", broken, "an error of the stream comes back as it is")
		}},
		{Name: "longest", Do: func(s *check.Story) {
			long := strings.Repeat("a", MaxLine)
			l := open(s, io.EOF, long+"\n"+long+"\r\n", "x")
			next(s, l, long, nil, "a line of exactly MaxLine bytes is allowed")
			next(s, l, long, nil, "a line of exactly MaxLine bytes is allowed, and its \"\\r\\n\" does not count")
		}},
		{Name: "too-long", Do: func(s *check.Story) {
			l := open(s, io.EOF, strings.Repeat("a", MaxLine+1)+"\n")
			next(s, l, "", ErrTooLong, "a line of MaxLine+1 bytes is too long")
		}},
		{Name: "without-end", Do: func(s *check.Story) {
			s.Did("opened a stream that gives \"aaaa…\" and never \"\\n\"")
			r := &stream{pieces: []string{strings.Repeat("a", 100_000)}, limit: 100}
			defer func() {
				if recover() != nil {
					s.Fail("ErrTooLong", "a Reader that still read after 100 Reads",
						"it collects without a bound: a stranger can fill your memory")
				}
			}()
			next(s, New(r), "", ErrTooLong, "it collects without a bound: a stranger can fill your memory")
		}},
	})
}

func next(s *check.Story, l *Reader, want string, wantErr error, symptom string) {
	s.Did("called Next")
	line, err := l.Next()
	expected := fmt.Sprintf("%.50q, error %v", want, wantErr)
	came := fmt.Sprintf("%.50q, error %v", line, err)
	if line != want || err != wantErr {
		s.Fail(expected, came, symptom)
	}
}
