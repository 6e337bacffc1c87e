//go:build check

package shortreads

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"example.com/sockets/docs/exercises/check"
)

// A stream gives its pieces, one a Read, and then its error; with together,
// the error comes along with the last bytes.
type stream struct {
	pieces   []string
	err      error
	together bool
}

func (r *stream) Read(p []byte) (int, error) {
	if len(r.pieces) == 0 {
		return 0, r.err
	}
	n := copy(p, r.pieces[0])
	r.pieces[0] = r.pieces[0][n:]
	if r.pieces[0] == "" {
		r.pieces = r.pieces[1:]
	}
	if r.together && len(r.pieces) == 0 {
		return n, r.err
	}
	return n, nil
}

func (r *stream) String() string {
	text := fmt.Sprintf("a stream that gives %q and then %v", r.pieces, r.err)
	if r.together {
		text = fmt.Sprintf("a stream that gives %q, and %v together with the last bytes", r.pieces, r.err)
	}
	return text
}

func TestCheck(t *testing.T) {
	broken := errors.New("connection reset by peer")
	check.Run(t, []check.Case{
		{Name: "in-one-piece", Do: func(s *check.Story) {
			read(s, &stream{pieces: []string{"hello"}, err: io.EOF}, 5, "hello", nil, "it did not read what was there")
		}},
		{Name: "in-pieces", Do: func(s *check.Story) {
			read(s, &stream{pieces: []string{"he", "l", "lo"}, err: io.EOF}, 5, "hello", nil, "a short Read was taken for all, or the pieces are in the wrong place")
		}},
		{Name: "no-more-than-asked", Do: func(s *check.Story) {
			r := &stream{pieces: []string{"hel", "lo, and the next message"}, err: io.EOF}
			read(s, r, 5, "hello", nil, "a short Read was taken for all, or too much was read")
			read(s, r, 9, ", and the", nil, "bytes of the next message are gone: read only into the room that is left")
		}},
		{Name: "with-the-error", Do: func(s *check.Story) {
			read(s, &stream{pieces: []string{"hel", "lo"}, err: io.EOF, together: true}, 5, "hello", nil,
				"the bytes that came together with io.EOF were lost, or the error won although all is there")
		}},
		{Name: "nothing", Do: func(s *check.Story) {
			read(s, &stream{err: io.EOF}, 5, "", io.EOF, "the end came before the first byte: that is io.EOF, a good end")
		}},
		{Name: "cut-off", Do: func(s *check.Story) {
			read(s, &stream{pieces: []string{"he", "l"}, err: io.EOF}, 5, "hel", io.ErrUnexpectedEOF,
				"the message was cut off in the middle: that is io.ErrUnexpectedEOF")
		}},
		{Name: "broken", Do: func(s *check.Story) {
			read(s, &stream{pieces: []string{"hel"}, err: broken}, 5, "hel", broken, "an error of the stream comes back as it is")
		}},
		{Name: "empty-buffer", Do: func(s *check.Story) {
			read(s, &stream{pieces: []string{"hello"}, err: io.EOF}, 0, "", nil, "nothing was asked for, so nothing can be missing")
		}},
	})
}

func read(s *check.Story, r *stream, size int, want string, wantErr error, symptom string) {
	s.Did("asked for %d bytes of %v", size, r)
	buf := make([]byte, size)
	n, err := ReadExactly(r, buf)
	expected := fmt.Sprintf("%d bytes %q, error %v", len(want), want, wantErr)
	came := fmt.Sprintf("%d bytes, error %v", n, err)
	if n >= 0 && n <= len(buf) {
		came = fmt.Sprintf("%d bytes %q, error %v", n, buf[:n], err)
	}
	switch {
	case expected == came:
	case n == len(want) && err == wantErr:
		s.Fail(expected, came, "other bytes are in the buffer than those that came: where does each Read write to?")
	default:
		s.Fail(expected, came, symptom)
	}
}
