// Package shortreads is a solution.
package shortreads

import "io"

// ReadExactly fills buf from r. It returns how many bytes came, and nil if
// that is all of buf. If r ends before the first byte, the error is io.EOF; if
// it ends in the middle, io.ErrUnexpectedEOF. Any other error of r comes back
// as it is.
func ReadExactly(r io.Reader, buf []byte) (n int, err error) {
	// Each Read gives a part. It gets only the room that is left, so that it
	// can't take what belongs to the next reader.
	for n < len(buf) && err == nil {
		var got int
		got, err = r.Read(buf[n:])
		n += got
	}
	switch {
	case n == len(buf):
		return n, nil // complete, whatever came with the last byte
	case err == io.EOF && n > 0:
		return n, io.ErrUnexpectedEOF
	}
	return n, err
}
