//go:build check

package shortreads_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	. "example.com/sockets/01-echo/exercises/shortreads"
	"example.com/sockets/docs/exercises/check"
)

func TestCheck(t *testing.T) {
	broken := errors.New("connection reset by peer")
	noEnd := fmt.Errorf("the disk: %w", io.EOF) // another error, for whoever compares
	// one makes a case of one stream and one call.
	one := func(name string, holds []int, pieces []string, err error, together bool,
		sizes ...int) check.Case {
		return check.Case{Name: name, Holds: holds, Do: func(s *check.Story) {
			s.Bubble(func() {
				r := s.Stream(err, together, pieces...)
				for _, size := range sizes {
					read(s, r, size)
				}
			})
		}}
	}
	check.Run(t, []check.Case{
		one("in-one-piece", []int{1}, []string{"hello"}, io.EOF, false, 5),
		one("in-pieces", []int{1}, []string{"he", "l", "lo"}, io.EOF, false, 5),
		one("large", []int{1}, []string{strings.Repeat("ten bytes ", 5000),
			strings.Repeat("more bytes", 5000)}, io.EOF, false, 100_000),
		one("larger", []int{1}, slices.Repeat([]string{strings.Repeat("ten bytes ", 5000)}, 50),
			io.EOF, false, 2_500_000),
		one("no-more-than-asked", []int{2}, []string{"hel", "lo, and the next message"}, io.EOF,
			false, 5, 9),
		one("the-peer-waits", []int{2}, []string{"he", "llo"}, nil, false, 5),
		one("with-the-end", []int{3}, []string{"hel", "lo"}, io.EOF, true, 5),
		one("with-an-error", []int{3}, []string{"hel", "lo"}, broken, true, 5),
		one("nothing", []int{4}, nil, io.EOF, false, 5),
		one("cut-off", []int{4}, []string{"he", "l"}, io.EOF, false, 5),
		one("cut-off-after-one", []int{4}, []string{"h"}, io.EOF, false, 5),
		one("cut-off-with-the-end", []int{3, 4}, []string{"he", "l"}, io.EOF, true, 5),
		one("broken", []int{5}, []string{"hel"}, broken, false, 5),
		one("broken-at-once", []int{5}, nil, broken, false, 5),
		one("broken-with-bytes", []int{3, 5}, []string{"hel"}, broken, true, 5),
		one("empty-buffer", []int{6}, []string{"hello"}, io.EOF, false, 0, 5),
		one("empty-buffer-at-the-end", []int{6}, nil, io.EOF, false, 0),
		{Name: "told-once", Holds: []int{5}, Do: toldOnce},
		{Name: "no-read-for-nothing", Holds: []int{2, 6}, Do: func(s *check.Story) {
			s.Did("asked for 0 bytes of a stream")
			reads := 0
			r := &check.DuringRead{Reader: strings.NewReader("hello"), Do: func() { reads++ }}
			if n, err := ReadExactly(r, []byte{}); n != 0 || err != nil || reads > 0 {
				s.Fail("0 bytes, error <nil>, without a Read",
					fmt.Sprintf("%d bytes, error %v, %d of them", n, err, reads),
					"it calls Read though buf is full from the start: there are Readers that wait "+
						"for a byte even then")
			}
		}},
		{Name: "no-buffer", Holds: []int{6}, Do: func(s *check.Story) {
			s.Did("asked for 0 bytes: buf is nil")
			n, err := ReadExactly(strings.NewReader("hello"), nil)
			if n != 0 || err != nil {
				s.Fail("0 bytes, error <nil>", fmt.Sprintf("%d bytes, error %v", n, err),
					"an empty buffer is full from the start, a nil one, too")
			}
		}},
		one("byte-by-byte", []int{1}, append(strings.SplitAfter(strings.Repeat("many bytes. ", 5000),
			"."), strings.Split(strings.Repeat("ten bytes ", 1000), "")...), io.EOF, false, 70_000),
		one("nothing-for-once", []int{7}, []string{"", "he", "", "", "llo"}, io.EOF, false, 5),
		one("nothing-for-long", []int{7}, slices.Concat([]string{"he"}, make([]string, 120),
			[]string{"llo"}), io.EOF, false, 5),
		{Name: "two-at-once", Holds: []int{8}, Do: twoAtOnce},
		{Name: "at-random", Holds: []int{1, 2, 3, 4, 5, 6, 7}, Do: func(s *check.Story) {
			s.Random(400, func(d *check.Draw) {
				text := string(d.Bytes(d.Size(5000)))
				err := []error{io.EOF, broken, io.ErrUnexpectedEOF, os.ErrDeadlineExceeded,
					nil, noEnd, net.ErrClosed, io.ErrClosedPipe}[d.N(8)]
				together := d.OneIn(2)
				s.Bubble(func() {
					r := s.Stream(err, together, d.Pieces(text)...)
					for range d.Between(1, 3) {
						if most := len(r.Rest()) + d.N(2)*9; err == nil {
							read(s, r, min(d.Size(most), len(r.Rest())))
						} else {
							read(s, r, d.Size(most))
						}
					}
				})
			})
		}},
	})
}

// A once gives its bytes together with an error, and after that the end: nothing
// tells the error again.
type once struct {
	text string
	err  error
}

func (o *once) Read(p []byte) (int, error) {
	n := copy(p, o.text)
	if o.text = o.text[n:]; o.text != "" {
		return n, nil
	}
	err := o.err
	o.err = io.EOF
	return n, err
}

func toldOnce(s *check.Story) {
	broken := errors.New("connection reset by peer")
	s.Did("asked for 5 bytes of a stream that gives \"hel\" together with the error %q, and then "+
		"io.EOF", broken)
	n, err := ReadExactly(&once{"hel", broken}, make([]byte, 5))
	if n != 3 || err != broken {
		s.Fail(fmt.Sprint("3 bytes, error ", broken), fmt.Sprintf("%d bytes, error %v", n, err),
			"the error that came together with bytes was forgotten: no later Read tells it again")
	}
}

// twoAtOnce has a second call begin and end in the middle of the first: in its Read.
func twoAtOnce(s *check.Story) {
	s.Did("asked for 10 bytes of a stream; in each of its Reads, another call reads " +
		"\"ben's own b\" from another stream")
	annas := &check.DuringRead{Reader: iotest.OneByteReader(strings.NewReader("anna's own"))}
	annas.Do = func() { ReadExactly(strings.NewReader("ben's own b"), make([]byte, 11)) }
	buf := make([]byte, 10)
	n, err := ReadExactly(annas, buf)
	if got := string(buf[:max(0, min(n, len(buf)))]); got != "anna's own" || err != nil {
		s.Fail(`"anna's own", error <nil>`, fmt.Sprintf("%q, error %v", got, err),
			"two calls at once disturb each other: what do they share?")
	}
}

// read calls ReadExactly, and compares with what r can give.
func read(s *check.Story, r *check.Stream, size int) {
	s.Did("asked for %d bytes of %v", size, r)
	rest := r.Rest()
	want := rest[:min(size, len(rest))]
	var wantErr error
	switch {
	case len(want) == size:
	case r.Err == io.EOF && want != "":
		wantErr = io.ErrUnexpectedEOF
	default:
		wantErr = r.Err
	}

	// Behind buf is more of the caller's.
	const behind = "more of the caller's"
	all := append(make([]byte, size, size+100), behind...)
	buf := all[:size]
	var n int
	var err error
	over := s.Go(func() { n, err = ReadExactly(r, buf) })
	check.Settle()
	expected := fmt.Sprintf("%d bytes %.60q, error %v", len(want), want, wantErr)
	if !check.Ended(over) {
		symptom := "it reads on although all that was asked for has come: the peer waits for the " +
			"answer, and sends no more"
		if !r.Waits {
			symptom = "it waits"
		}
		s.Fail(expected, "it does not return", symptom+check.Where())
	}
	came := fmt.Sprintf("%d bytes, error %v", n, err)
	if n >= 0 && n <= len(buf) {
		came = fmt.Sprintf("%d bytes %.60q, error %v", n, buf[:n], err)
	}
	wrongBytes := n != len(want) || string(buf[:n]) != want
	switch {
	case n == 0 && err != nil && err.Error() == "not written yet":
		s.Fail(expected, came, "it did not read: is ReadExactly written?")
	case string(all[size:]) != behind:
		s.Fail("what stands behind buf as it was", fmt.Sprintf("%.30q", all[size:]),
			"it writes behind the end of buf, into memory that was not lent: len(buf) is the "+
				"bound, and not cap(buf)")
	case err == wantErr && n < len(want) && wantErr == nil:
		s.Fail(expected, came, "a short Read was taken for all: read on until the buffer is full")
	case err == wantErr && n != len(want):
		s.Fail(expected, came,
			fmt.Sprintf("%d bytes came before the end, and it says %d: bytes that came are not "+
				"counted, or counted twice", len(want), n))
	case err == wantErr && wrongBytes:
		s.Fail(expected, came,
			"other bytes are in the buffer than those that came: where does each Read write to?")
	case err != wantErr && wantErr == nil && n == size:
		s.Fail(expected, came,
			"all is there, and the error won: what came with the last byte is for the next Read "+
				"to find")
	case err != wantErr && wantErr == nil && n < len(want) && r.Together:
		s.Fail(expected, came, "the bytes that came together with the error were lost")
	case err != wantErr && wantErr == nil:
		s.Fail(expected, came, "it gave up although more would have come")
	case err != wantErr && wantErr == io.ErrUnexpectedEOF && r.Err == io.EOF:
		s.Fail(expected, came, "the message was cut off in the middle: that is io.ErrUnexpectedEOF")
	case err != wantErr && wantErr == io.EOF:
		s.Fail(expected, came, "the end came before the first byte: that is io.EOF, a good end")
	case err != wantErr:
		s.Fail(expected, came, "an error of the stream comes back as it is")
	case r.Rest() != rest[len(want):]:
		s.Fail(fmt.Sprintf("%d bytes left in the stream", len(rest)-len(want)),
			fmt.Sprint(len(r.Rest())),
			"bytes of the next message are gone: read only into the room that is left")
	}
}
