//go:build check

package frames_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	. "example.com/sockets/02-multiconn/exercises/frames"
	"example.com/sockets/docs/exercises/check"
)

const maxMessage = 1000 // as the task has it

var broken = errors.New("connection reset by peer")

func frame(message string) string {
	return string([]byte{byte(len(message) >> 8), byte(len(message))}) + message
}

func TestCheck(t *testing.T) {
	long := strings.Repeat("long ", 200)
	noEnd := fmt.Errorf("the disk: %w", io.EOF) // another error, for whoever compares
	// from makes a case of a stream, and of as many calls of Read as it has messages.
	from := func(name string, holds []int, err error, together bool, pieces ...string) check.Case {
		return check.Case{Name: name, Holds: holds, Do: func(s *check.Story) {
			s.Bubble(func() { readAll(s, s.Stream(err, together, pieces...)) })
		}}
	}
	check.Run(t, []check.Case{
		{Name: "write", Holds: []int{1}, Do: func(s *check.Story) {
			for _, m := range []string{"hello", "", "\x00\xff", strings.Repeat("a", 255),
				strings.Repeat("a", 256), strings.Repeat("a", 257), long[:999], long} {
				write(s, m)
			}
		}},
		{Name: "write-nil", Holds: []int{1, 5}, Do: func(s *check.Story) {
			s.Did("called Write with nil")
			var got bytes.Buffer
			if err := Write(&got, nil); got.String() != frame("") || err != nil {
				s.Fail(fmt.Sprintf("%q, error <nil>", frame("")),
					fmt.Sprintf("%q, error %v", got.String(), err),
					"a nil message is an empty one: its length, 0, is sent")
			}
		}},
		{Name: "write-too-long", Holds: []int{2}, Do: func(s *check.Story) {
			for _, n := range []int{maxMessage + 1, 2 * maxMessage, 1<<16 - 1, 1 << 16, 1<<16 + 5} {
				write(s, strings.Repeat("a", n))
			}
		}},
		{Name: "write-fails", Holds: []int{3}, Do: func(s *check.Story) {
			for k := range 7 {
				s.Anew()
				s.Did("called Write with \"hello\" and a writer that fails once, after %d bytes", k)
				check.Want(s, true, errors.Is(Write(&failing{room: k}, []byte("hello")), broken),
					"the message was not sent whole, and Write does not say so: each call of "+
						"w.Write can fail")
			}
		}},
		from("read", []int{4}, io.EOF, false, frame("hello")),
		from("read-long", []int{4}, io.EOF, false, frame(long[:256])+frame(long[:999])+frame(long)),
		from("read-empty", []int{5}, io.EOF, false, frame("")+frame("")),
		from("the-peer-waits", []int{4}, nil, false, frame("hello"), frame("you")),
		{Name: "every-split", Holds: []int{4}, Do: func(s *check.Story) {
			all := frame("hello") + frame("") + frame("you")
			for i := 1; i < len(all); i++ {
				s.Anew()
				s.Bubble(func() { readAll(s, s.Stream(io.EOF, false, all[:i], all[i:])) })
			}
		}},
		from("byte-by-byte", []int{4}, io.EOF, false,
			strings.Split(frame("hello")+frame(long), "")...),
		from("ten-at-once", []int{4, 6}, io.EOF, false, strings.Repeat(frame("hello"), 10)),
		{Name: "cut-off", Holds: []int{6}, Do: func(s *check.Story) {
			all := frame("hello")
			for i := 1; i < len(all); i++ {
				for _, together := range []bool{false, true} {
					s.Anew()
					s.Bubble(func() { readAll(s, s.Stream(io.EOF, together, all[:i])) })
				}
			}
		}},
		from("broken", []int{7}, broken, false, "\x00\x05hel"),
		from("broken-in-the-length", []int{7}, broken, false, "\x00"),
		{Name: "two-at-once", Holds: []int{10}, Do: twoAtOnce},
		from("broken-between", []int{7}, broken, true, frame("hello")),
		from("read-too-long", []int{8}, io.EOF, false,
			frame("hello")+"\xff\xff"+strings.Repeat("a", 65535)),
		from("read-a-little-too-long", []int{8}, io.EOF, false,
			"\x03\xe9"+strings.Repeat("a", 1001)),
		from("too-long-and-silent", []int{8}, nil, false, "\x03\xe9", "a"),
		{Name: "at-random", Holds: []int{1, 2, 4, 5, 6, 7, 8, 9}, Do: func(s *check.Story) {
			s.Random(300, func(d *check.Draw) {
				var all string
				for range d.N(5) {
					n := d.Size(maxMessage)
					if d.OneIn(4) {
						n = []int{255, 256, 257, 999, 1000, 1001, 65535, 65536, 66000}[d.N(9)]
					}
					m := string(d.Bytes(n))
					write(s, m)
					all += frame(m[:min(len(m), 65535)])
				}
				all = all[:len(all)-d.N(2)*d.Size(len(all))] // cut off, perhaps
				err := []error{io.EOF, broken, os.ErrDeadlineExceeded, nil, noEnd,
					net.ErrClosed}[d.N(6)]
				together := d.OneIn(2)
				s.Bubble(func() { readAll(s, s.Stream(err, together, d.Pieces(all)...)) })
			})
		}},
	})
}

// twoAtOnce has other calls begin and end in the middle of one.
func twoAtOnce(s *check.Story) {
	const anna, ben = "anna's own", "ben has one, too"
	others := func() {
		Write(io.Discard, []byte(ben))
		Read(strings.NewReader(frame(ben)))
	}
	const symptom = "two calls at once disturb each other: what do they share?"
	s.Did("called Write with %q; in each w.Write, others write and read %q", anna, ben)
	var out bytes.Buffer
	err := Write(&check.DuringWrite{Writer: &out, Do: others}, []byte(anna))
	if out.String() != frame(anna) {
		s.Fail(fmt.Sprintf("%q", frame(anna)), fmt.Sprintf("%q, error %v", out.String(), err), symptom)
	}
	s.Anew()
	s.Did("called Read for %q; in each r.Read, others write and read %q", anna, ben)
	got, err := Read(&check.DuringRead{Reader: iotest.OneByteReader(strings.NewReader(frame(anna))),
		Do: others})
	if string(got) != anna {
		s.Fail(fmt.Sprintf("%q", anna), fmt.Sprintf("%q, error %v", got, err), symptom)
	}
}

// failing is a writer that fails once, after room bytes.
type failing struct{ room int }

func (f *failing) Write(p []byte) (int, error) {
	if f.room < 0 || len(p) <= f.room {
		f.room -= len(p)
		return len(p), nil
	}
	n := f.room
	f.room = -1
	return n, broken
}

// write calls Write, and looks at what was sent.
func write(s *check.Story, m string) {
	s.Did("called Write with %.20q, %d bytes", m, len(m))
	var got bytes.Buffer
	// Behind the message is more of the caller's.
	const more = "and more of the caller's"
	lent := append([]byte(m), more...)
	err := Write(&got, lent[:len(m)])
	want, wantErr := frame(m), error(nil)
	if len(m) > maxMessage {
		want, wantErr = "", ErrTooLong
	}
	tell := func(text string, err error) string {
		return fmt.Sprintf("%.30q, %d bytes in all, error %v", text, len(text), err)
	}
	expected, came := tell(want, wantErr), tell(got.String(), err)
	switch sent := got.String(); {
	case err != nil && err.Error() == "not written yet":
		s.Fail(expected, came, "nothing was sent: is Write written?")
	case wantErr != nil && (!errors.Is(err, wantErr) || sent != ""):
		s.Fail(expected, came,
			fmt.Sprintf("a message of more than %d bytes is too long: send nothing of it, and "+
				"say so", maxMessage))
	case errors.Is(err, ErrTooLong) && wantErr == nil:
		s.Fail(expected, came, fmt.Sprintf("a message of %d bytes may be sent", len(m)))
	case err != nil && wantErr == nil:
		s.Fail(expected, came, "the message was sent, and Write returns an error")
	case len(sent) >= 2 && len(want) >= 2 && sent[:2] == want[1:2]+want[:1] && sent[:2] != want[:2]:
		s.Fail(expected, came,
			"the two bytes of the length are in the wrong order: the high byte comes first")
	case len(sent) >= 2 && len(want) >= 2 && sent[:2] != want[:2]:
		s.Fail(expected, came,
			fmt.Sprintf("the length is %d, and the first two bytes say something else", len(m)))
	case sent != want:
		s.Fail(expected, came, "other bytes were written than the length and the message")
	case string(lent) != m+more:
		s.Fail("the caller's bytes as they were", fmt.Sprintf("%.60q", lent),
			"Write has changed what was lent to it: append writes behind a slice, if there is room")
	}
}

// readAll calls Read until the stream's end.
func readAll(s *check.Story, r *check.Stream) {
	s.Did("made %v", r)
	var kept [][]byte
	var wants []string
	for {
		rest := r.Rest()
		if rest == "" && r.Err == nil {
			break
		}
		want, wantErr, taken := "", error(nil), len(rest)
		n := 0
		if len(rest) >= 2 {
			n = int(rest[0])<<8 | int(rest[1])
		}
		switch {
		case len(rest) >= 2 && n > maxMessage:
			wantErr, taken = ErrTooLong, 2
		case len(rest) >= 2 && len(rest) >= 2+n:
			want, taken = rest[2:2+n], 2+n
		case r.Err == nil:
			return // it would wait
		case r.Err != io.EOF:
			wantErr = r.Err
		case rest == "":
			wantErr = io.EOF
		default:
			wantErr = io.ErrUnexpectedEOF
		}
		got := read(s, r, want, wantErr, taken)
		if wantErr != nil {
			break
		}
		kept, wants = append(kept, got), append(wants, want)
	}
	intact := func(symptom string) {
		for i := range kept {
			if string(kept[i]) == wants[i] {
				continue
			}
			s.Fail(fmt.Sprintf("message %d still %.30q", i+1, wants[i]),
				fmt.Sprintf("%.30q", kept[i]),
				symptom)
		}
	}
	intact("a later Read has overwritten a message that was returned before: each needs a buffer " +
		"of its own")
	for i := range kept {
		_ = append(kept[i], "what the caller puts behind it"...)
	}
	intact("what the caller puts behind a message has overwritten another: messages share their " +
		"memory, and each needs its own")
}

// read calls Read once, and looks also at how much it has taken.
func read(s *check.Story, r *check.Stream, want string, wantErr error, taken int) (got []byte) {
	s.Did("called Read")
	before := r.Taken
	var err error
	over := s.Go(func() { got, err = Read(r) })
	check.Settle()
	tell := func(text string, err error) string {
		return fmt.Sprintf("%.30q, %d bytes in all, error %v", text, len(text), err)
	}
	expected, came := tell(want, wantErr), tell(string(got), err)
	switch {
	case !check.Ended(over) && wantErr == ErrTooLong:
		s.Fail(expected, "Read waits for more",
			"a stranger announced a message longer than MaxMessage, and Read waits for it")
	case !check.Ended(over):
		s.Fail(expected, "Read waits for more",
			"the message is there, and Read reads on: the peer waits for the answer to it"+check.Where())
	case err != nil && err.Error() == "not written yet":
		s.Fail(expected, came, "the message is there, and does not come: is Read written?")
	case wantErr == nil && errors.Is(err, ErrTooLong):
		s.Fail(expected, came, fmt.Sprintf("a message of %d bytes may come", len(want)))
	case wantErr == nil && err != nil:
		s.Fail(expected, came,
			"the message is there, whole, and an error comes in its place: it may come in "+
				"pieces, or together with the end")
	case wantErr == nil && string(got) != want && len(got) != len(want):
		s.Fail(expected, came,
			fmt.Sprintf("a message of %d bytes was announced, and %d came: is the length read "+
				"right, and all of the message, if it comes in pieces?", len(want), len(got)))
	case wantErr == nil && string(got) != want:
		s.Fail(expected, came, "a message that came in pieces is not put together")
	case wantErr == nil && got == nil:
		s.Fail("an empty message, []byte{}", "nil",
			"an empty message is a message, and nil is none")
	case wantErr == ErrTooLong && !errors.Is(err, wantErr):
		s.Fail(expected, came,
			"a stranger announced a message longer than MaxMessage, and it was taken")
	case wantErr == io.ErrUnexpectedEOF && err != wantErr:
		s.Fail(expected, came,
			"the stream ended in the middle of a message: that is io.ErrUnexpectedEOF, and no "+
				"message came")
	case wantErr == io.EOF && err != wantErr:
		s.Fail(expected, came, "the end between two messages is io.EOF")
	case err != wantErr && wantErr != ErrTooLong:
		s.Fail(expected, came, "an error of the stream comes back as it is")
	case wantErr != nil && got != nil:
		s.Fail("nil, error "+wantErr.Error(), fmt.Sprintf("%.30q, error %v", got, err),
			"with an error no message came: nil")
	case r.Taken-before > taken && wantErr == ErrTooLong:
		s.Fail("2 bytes taken from the stream", fmt.Sprint(r.Taken-before),
			"of a message that is too long nothing is read: it may never come")
	case r.Taken-before > taken:
		s.Fail(fmt.Sprintf("%d bytes taken from the stream", taken), fmt.Sprint(r.Taken-before),
			"bytes of the next message were taken: leave them to the next Read")
	}
	return got
}
