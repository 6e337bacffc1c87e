package check

import (
	"fmt"
	"io"
	"strings"
)

// A Stream is an io.Reader that gives one piece a Read, or less if that asks for
// less, and then its error. An empty piece is a Read that brings nothing.
type Stream struct {
	Pieces   []string
	Err      error // after the last piece; nil for silence: Read waits
	Together bool  // the error comes along with the last bytes

	Reads int // calls of Read that asked for something
	Taken int // bytes
	Waits bool

	s       *Story
	ends    int // how often the error was given
	release chan struct{}
}

// Stream makes one.
func (s *Story) Stream(err error, together bool, pieces ...string) *Stream {
	r := &Stream{Pieces: append([]string(nil), pieces...), Err: err, Together: together, s: s,
		release: make(chan struct{})}
	s.Cleanup(func() { close(r.release) })
	return r
}

func (r *Stream) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	r.Reads++
	if len(r.Pieces) == 0 {
		return 0, r.end()
	}
	n := copy(p, r.Pieces[0])
	r.Taken += n
	if r.Pieces[0] = r.Pieces[0][n:]; r.Pieces[0] == "" {
		r.Pieces = r.Pieces[1:]
	}
	if r.Together && r.Err != nil && len(r.Pieces) == 0 {
		return n, r.end()
	}
	return n, nil
}

func (r *Stream) end() error {
	if r.Err == nil {
		r.Waits = true
		<-r.release
		return io.ErrClosedPipe
	}
	if r.ends++; r.ends > 100 {
		r.s.Fail("an end", "one Read after another",
			fmt.Sprintf("your code goes on reading although the stream has ended (%v)",
				r.Err)+Where())
	}
	return r.Err
}

// Rest is what was not read.
func (r *Stream) Rest() string { return strings.Join(r.Pieces, "") }

func (r *Stream) String() string {
	pieces := fmt.Sprintf("%.20q", r.Pieces)
	if len(pieces) > 150 {
		pieces = fmt.Sprintf("%.150s … (%d pieces)", pieces, len(r.Pieces))
	}
	switch {
	case r.Err == nil:
		return fmt.Sprintf("a stream that gives %s and is then silent", pieces)
	case r.Together:
		return fmt.Sprintf("a stream that gives %s, and %v together with the last bytes", pieces,
			r.Err)
	}
	return fmt.Sprintf("a stream that gives %s and then %v", pieces, r.Err)
}

// Pieces cuts text: in pieces of one byte, in one, or anywhere; sometimes a
// piece is empty.
func (d *Draw) Pieces(text string) []string {
	var pieces []string
	how := d.N(3)
	for len(text) > 0 {
		n := len(text)
		switch how {
		case 1:
			n = 1
		case 2:
			n = 1 + d.Size(len(text)-1)
			if d.OneIn(8) {
				pieces = append(pieces, "")
			}
		}
		pieces, text = append(pieces, text[:n]), text[n:]
	}
	return pieces
}

// A DuringRead is a stream in each of whose Reads something else is done, such as
// another call of the answer.
type DuringRead struct {
	io.Reader
	Do func()
}

func (d *DuringRead) Read(p []byte) (int, error) {
	n, err := d.Reader.Read(p)
	d.Do()
	return n, err
}

// A DuringWrite does the same in each Write, before anything is written.
type DuringWrite struct {
	io.Writer
	Do func()
}

func (d *DuringWrite) Write(p []byte) (int, error) {
	d.Do()
	return d.Writer.Write(p)
}
