// Package lines is a solution.
package lines

import (
	"bytes"
	"errors"
	"io"
)

// MaxLine is the longest line that is taken, in bytes, without its end.
const MaxLine = 100

// ErrTooLong says that a line had more than MaxLine bytes.
var ErrTooLong = errors.New("line too long")

// A Reader takes lines from a stream.
type Reader struct {
	r    io.Reader
	rest []byte // what came behind the last line: often a part of the next
	err  error  // of the stream, kept until the lines before it are taken
}

// New makes a Reader of r.
func New(r io.Reader) *Reader { return &Reader{r: r} }

// Next returns the next line without its "\n", or without its "\r\n".
func (l *Reader) Next() (string, error) {
	for {
		// A line may be here already: one Read can bring several.
		if line, rest, ok := bytes.Cut(l.rest, []byte("\n")); ok {
			l.rest = rest
			line = bytes.TrimSuffix(line, []byte("\r"))
			if len(line) > MaxLine {
				return "", ErrTooLong
			}
			return string(line), nil
		}
		// No end in sight: don't collect for ever. One more byte may be the
		// "\r" of a line that is just as long as it may be.
		if len(l.rest) > MaxLine+1 {
			return "", ErrTooLong
		}
		if l.err == io.EOF && len(l.rest) > 0 {
			return "", io.ErrUnexpectedEOF // the last line has no end
		}
		if l.err != nil {
			return "", l.err
		}
		var buf [64]byte
		n, err := l.r.Read(buf[:])
		l.rest = append(l.rest, buf[:n]...)
		l.err = err
	}
}
