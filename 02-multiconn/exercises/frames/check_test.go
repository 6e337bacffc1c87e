//go:build check

package frames

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"example.com/sockets/docs/exercises/check"
)

// A stream gives its pieces, one a Read, and then the end.
type stream struct {
	pieces []string
	err    error
}

func (r *stream) Read(p []byte) (int, error) {
	if len(r.pieces) == 0 {
		return 0, r.err
	}
	n := copy(p, r.pieces[0])
	if r.pieces[0] = r.pieces[0][n:]; r.pieces[0] == "" {
		r.pieces = r.pieces[1:]
	}
	return n, nil
}

func frame(message string) string {
	return string([]byte{byte(len(message) >> 8), byte(len(message))}) + message
}

func TestCheck(t *testing.T) {
	long := strings.Repeat("long ", 200)
	check.Run(t, []check.Case{
		{Name: "write", Do: func(s *check.Story) {
			for _, m := range []string{"hello", "", long} {
				var got bytes.Buffer
				s.Did("called Write with %.20q, %d bytes", m, len(m))
				err := Write(&got, []byte(m))
				want := frame(m)
				symptom := "other bytes were written than the length and the message: is Write written?"
				if got.Len() == len(want) && got.Len() >= 2 && got.String()[:2] == want[1:2]+want[:1] && len(m) > 0 {
					symptom = "the two bytes of the length are in the wrong order: the high byte comes first"
				}
				if got.String() != want || err != nil {
					s.Fail(fmt.Sprintf("%.30q, error <nil>", want), fmt.Sprintf("%.30q, error %v", got.String(), err), symptom)
				}
			}
		}},
		{Name: "write-too-long", Do: func(s *check.Story) {
			var got bytes.Buffer
			s.Did("called Write with %d bytes", MaxMessage+1)
			err := Write(&got, make([]byte, MaxMessage+1))
			if err != ErrTooLong || got.Len() > 0 {
				s.Fail("ErrTooLong, and 0 bytes written", fmt.Sprintf("error %v, and %d bytes written", err, got.Len()),
					"the message is too long: send nothing of it, and say so")
			}
		}},
		{Name: "read", Do: func(s *check.Story) {
			for _, m := range []string{"hello", "", long} {
				read(s, &stream{[]string{frame(m), "\x00"}, io.EOF}, m, nil, "the message is there, and does not come")
			}
		}},
		{Name: "every-split", Do: func(s *check.Story) {
			all := frame("hello") + frame("") + frame("you")
			for i := 1; i < len(all); i++ {
				r := &stream{[]string{all[:i], all[i:]}, io.EOF}
				for _, m := range []string{"hello", "", "you"} {
					read(s, r, m, nil, "a message that came in pieces is not put together, or a byte of the next message was taken")
				}
			}
		}},
		{Name: "byte-by-byte", Do: func(s *check.Story) {
			r := &stream{strings.Split(frame("hello")+frame(long), ""), io.EOF}
			read(s, r, "hello", nil, "a message that came in pieces is not put together")
			read(s, r, long, nil, "a message that came in pieces is not put together")
		}},
		{Name: "ten-at-once", Do: func(s *check.Story) {
			r := &stream{[]string{strings.Repeat(frame("hello"), 10)}, io.EOF}
			for range 10 {
				read(s, r, "hello", nil, "messages that came together are not taken apart: leave the next message to the next Read")
			}
			read(s, r, "", io.EOF, "the end between two messages is io.EOF")
		}},
		{Name: "cut-off", Do: func(s *check.Story) {
			all := frame("hello")
			for i := 1; i < len(all); i++ {
				read(s, &stream{[]string{all[:i]}, io.EOF}, "", io.ErrUnexpectedEOF,
					"the stream ended in the middle of a message: that is io.ErrUnexpectedEOF, and no message came")
			}
		}},
		{Name: "broken", Do: func(s *check.Story) {
			broken := errors.New("connection reset by peer")
			read(s, &stream{[]string{"\x00\x05hel"}, broken}, "", broken, "an error of the stream comes back as it is, and no message came")
		}},
		{Name: "read-too-long", Do: func(s *check.Story) {
			read(s, &stream{[]string{"\xff\xff" + strings.Repeat("a", 65535)}, io.EOF}, "", ErrTooLong,
				"a stranger announced a message longer than MaxMessage, and it was taken")
		}},
	})
}

func read(s *check.Story, r *stream, want string, wantErr error, symptom string) {
	s.Did("called Read on a stream that gives %.60q and then %v", r.pieces, r.err)
	got, err := Read(r)
	if string(got) != want || err != wantErr {
		s.Fail(fmt.Sprintf("%.30q, error %v", want, wantErr), fmt.Sprintf("%.30q, error %v", got, err), symptom)
	}
}
