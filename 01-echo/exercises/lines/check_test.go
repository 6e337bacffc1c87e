//go:build check

package lines_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	. "example.com/sockets/01-echo/exercises/lines"
	"example.com/sockets/docs/exercises/check"
)

const maxLine = 100 // as the task has it

func TestCheck(t *testing.T) {
	broken := errors.New("connection reset by peer")
	noEnd := fmt.Errorf("the disk: %w", io.EOF) // another error, for whoever compares
	long := strings.Repeat("a", maxLine)
	one := func(name string, holds []int, err error, together bool, pieces ...string) check.Case {
		return check.Case{Name: name, Holds: holds, Do: func(s *check.Story) {
			s.Bubble(func() { all(s, err, together, pieces) })
		}}
	}
	check.Run(t, []check.Case{
		one("one-line", []int{1}, io.EOF, false, "hello\n"),
		one("in-pieces", []int{1}, io.EOF, false, "he", "l", "lo\n", "\n"),
		one("several-at-once", []int{2}, io.EOF, false, "one\ntwo\n\nfo", "ur\n"),
		one("the-peer-waits", []int{3}, nil, false, "one\ntwo\n"),
		one("blanks-and-zeros", []int{1}, io.EOF, false, "  one\t \n\x00two\x00\n \n\xff\xc3\n"),
		one("carriage-return", []int{1}, io.EOF, false, "one\r\ntwo\r",
			"\nth\rree\n\rfour\r\r\n\r\n"),
		one("the-end", []int{7}, io.EOF, false, "one\n"),
		one("the-end-together", []int{6, 7}, io.EOF, true, "one\ntwo\n"),
		one("cut-off", []int{7}, io.EOF, true, "one\ntw"),
		one("cut-off-after-return", []int{1, 7}, io.EOF, false, "one\r\n\r"),
		one("cut-off-after-one", []int{7}, io.EOF, false, "one\nt"),
		one("broken", []int{6, 8}, broken, true, "one\ntw"),
		one("broken-between", []int{6, 8}, broken, true, "one\ntwo\n"),
		one("longest", []int{4}, io.EOF, false, long+"\n"+long+"\r\n"),
		one("longest-in-pieces", []int{4}, io.EOF, false, long[:64], long[64:], "\r", "\n",
			long+"\r", "\n"),
		one("too-long", []int{4}, io.EOF, false, "one\n"+long+"a\n"),
		one("too-long-with-return", []int{4}, io.EOF, false, long+"\r\r\n"),
		{Name: "without-end", Holds: []int{5}, Do: func(s *check.Story) {
			s.Bubble(func() {
				r := s.Stream(nil, false, strings.Split(strings.Repeat("aaaaaaaaa\r,", 100),
					",")...)
				s.Did("opened a stream that gives 1,000 bytes without \"\\n\", and is then silent")
				next(s, r, New(r), "", ErrTooLong)
			})
		}},
		{Name: "for-a-long-time", Holds: []int{9}, Do: func(s *check.Story) {
			s.Did("opened a stream of 1 MB, with lines of 100 bytes")
			before := inUse()
			l := New(&endless{line: long + "\n", lines: 10_000})
			for range 10_000 {
				if line, err := l.Next(); line != long || err != nil {
					s.Fail(fmt.Sprintf("%.50q, error <nil>", long),
						fmt.Sprintf("%.50q, error %v", line, err),
						"in a long stream a line goes wrong")
				}
			}
			if used := inUse() - before; used > 400<<10 {
				s.Fail("little memory", fmt.Sprintf("%.1f MB in use after the last line",
					float64(used)/1e6), "it keeps the lines that it has returned")
			}
			runtime.KeepAlive(l)
		}},
		{Name: "two-readers", Holds: []int{2}, Do: func(s *check.Story) {
			s.Bubble(func() {
				a, b := s.Stream(io.EOF, false, "one\ntwo\nth", "ree\n"),
					s.Stream(io.EOF, false, "un\ndeux\ntr", "ois\n")
				s.Did("opened two streams, %v and %v", a, b)
				readerA, readerB := New(a), New(b)
				for i, line := range []string{"one", "two", "three"} {
					next(s, a, readerA, line, nil)
					next(s, b, readerB, []string{"un", "deux", "trois"}[i], nil)
				}
			})
		}},
		{Name: "two-at-once", Holds: []int{10}, Do: twoAtOnce},
		{Name: "at-random", Holds: []int{1, 2, 3, 4, 6, 7, 8}, Do: func(s *check.Story) {
			s.Random(400, func(d *check.Draw) {
				var text string
				for range d.N(6) {
					n := d.Size(130)
					if d.OneIn(3) {
						n = d.Between(98, 102)
					}
					text += strings.ReplaceAll(string(d.Bytes(n)), "\n", "b") + []string{"\n",
						"\r\n", "\r\r\n", " \n", "\n\r\n"}[d.N(5)]
				}
				text += strings.ReplaceAll(string(d.Bytes(d.N(2)*d.N(99))), "\n", "c")
				err := []error{io.EOF, broken, os.ErrDeadlineExceeded, nil,
					noEnd, net.ErrClosed, io.ErrUnexpectedEOF}[d.N(7)]
				together := d.OneIn(2)
				s.Bubble(func() { all(s, err, together, d.Pieces(text)) })
			})
		}},
	})
}

// twoAtOnce has another Reader take a line in the middle of a Next: in its Read.
func twoAtOnce(s *check.Story) {
	s.Did("called Next; in each of its Reads, another Reader reads \"ben's own\"")
	annas := &check.DuringRead{Reader: iotest.OneByteReader(strings.NewReader("anna's own\n"))}
	annas.Do = func() { New(strings.NewReader("ben's own\n")).Next() }
	if line, err := New(annas).Next(); line != "anna's own" || err != nil {
		s.Fail(`"anna's own", error <nil>`, fmt.Sprintf("%.60q, error %v", line, err),
			"two Readers at once disturb each other: what do they share?")
	}
}

func inUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// endless gives a line again and again.
type endless struct {
	line  string
	lines int
	at    int
}

func (e *endless) Read(p []byte) (n int, err error) {
	for n < len(p) && e.lines > 0 {
		k := copy(p[n:], e.line[e.at:])
		n += k
		if e.at += k; e.at == len(e.line) {
			e.at = 0
			e.lines--
		}
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// all takes every line of a stream.
func all(s *check.Story, end error, together bool, pieces []string) {
	r := s.Stream(end, together, pieces...)
	s.Did("opened %v", r)
	l := New(r)
	rest := strings.Join(pieces, "")
	var kept, wants []string
	defer func() {
		if !slices.Equal(kept, wants) && !s.Failed() {
			s.Fail(fmt.Sprintf("the lines as they were, %.60q", wants), fmt.Sprintf("%.60q", kept),
				"a later Next has changed a line that was returned before")
		}
	}()
	for {
		line, after, whole := strings.Cut(rest, "\n")
		line = strings.TrimSuffix(line, "\r")
		switch {
		case whole && len(line) <= maxLine:
			kept, wants = append(kept, next(s, r, l, line, nil)), append(wants, line)
			rest = after
			continue
		case whole && together && end != nil && end != io.EOF && len(after) < 200: // in either way
		case whole:
			next(s, r, l, "", ErrTooLong)
		case len(rest) > maxLine: // told in either way
		case end == nil:
		case end == io.EOF && rest == "":
			next(s, r, l, "", io.EOF)
			next(s, r, l, "", io.EOF)
		case end == io.EOF:
			next(s, r, l, "", io.ErrUnexpectedEOF)
		default:
			next(s, r, l, "", end)
		}
		return
	}
}

func next(s *check.Story, r *check.Stream, l *Reader, want string, wantErr error) (line string) {
	s.Did("called Next")
	var err error
	over := s.Go(func() { line, err = l.Next() })
	check.Settle()
	expected := fmt.Sprintf("%.120q, error %v", want, wantErr)
	came := fmt.Sprintf("%.120q, error %v", line, err)
	switch {
	case !check.Ended(over) && wantErr == ErrTooLong:
		s.Fail(expected, "Next waits for more",
			"it collects without a bound: a stranger can fill your memory")
	case !check.Ended(over):
		s.Fail(expected, "Next waits for more",
			"it reads on although a whole line is there: the peer waits for the answer to it"+check.Where())
	case line == want && (err == wantErr || wantErr == ErrTooLong && errors.Is(err, wantErr)):
	case err != nil && err.Error() == "not written yet":
		s.Fail(expected, came, "the line is there, and does not come: is Next written?")
	case err == nil && wantErr == nil:
		s.Fail(expected, came, difference(line, want))
	case wantErr == nil && errors.Is(err, ErrTooLong):
		s.Fail(expected, came,
			fmt.Sprintf("a line of %d bytes is allowed, and its end does not count", len(want)))
	case wantErr == nil && r.Err != nil && (err == r.Err || err == io.ErrUnexpectedEOF):
		s.Fail(expected, came, "a line that came before the error, or together with it, is lost")
	case wantErr == nil:
		s.Fail(expected, came, "the line is there, and an error comes in its place")
	case err == wantErr || wantErr == ErrTooLong && errors.Is(err, wantErr):
		s.Fail(expected, came, "with an error there is no line: \"\"")
	case wantErr == ErrTooLong && err == nil:
		s.Fail(expected, came, fmt.Sprintf("a line of more than MaxLine = %d bytes is too long",
			maxLine))
	case wantErr == ErrTooLong:
		s.Fail(expected, came, "the line is too long, and the error does not say so")
	case wantErr == io.EOF:
		s.Fail(expected, came, "after the last whole line comes io.EOF, each time")
	case wantErr == io.ErrUnexpectedEOF:
		s.Fail(expected, came,
			"the last line was cut off: without \"\\n\" nobody knows whether it is whole")
	default:
		s.Fail(expected, came, "an error of the stream comes back as it is")
	}
	return line
}

// difference says what another line than the one expected looks like.
func difference(got, want string) string {
	switch {
	case strings.Trim(got, "\r") == strings.Trim(want, "\r"):
		return "one \"\\r\" just before \"\\n\" belongs to the line's end, any other to the line"
	case strings.TrimSpace(got) == strings.TrimSpace(want) ||
		strings.Trim(got, "\x00\r\t ") == strings.Trim(want, "\x00\r\t "):
		return "blanks, tabs and zero bytes at the ends of a line belong to it"
	case want != "" && strings.HasPrefix(want, got):
		return "half a line was taken for a whole one: read on until \"\\n\" comes"
	case strings.HasPrefix(got, want+"\n") || strings.HasPrefix(got, want+"\r\n"):
		return "what came in the same Read as an earlier line is lost or mixed up: a line ends " +
			"at the first \"\\n\""
	case want == "":
		return "an empty line is a line"
	}
	return "what came in the same Read as an earlier line is lost or mixed up"
}
