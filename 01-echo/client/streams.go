package main

import (
	"bytes"
	"crypto/sha256"
	"hash"
	"io"
)

// A tally counts the bytes written to it and keeps their SHA-256: enough to
// compare two streams of any length in little memory.
type tally struct {
	n      int64
	digest hash.Hash
}

func newTally() *tally { return &tally{digest: sha256.New()} }

func (t *tally) Write(p []byte) (int, error) {
	t.n += int64(len(p))
	return t.digest.Write(p)
}

func (t *tally) equal(u *tally) bool {
	return t.n == u.n && bytes.Equal(t.digest.Sum(nil), u.digest.Sum(nil))
}

// A reader remembers its error, so that a broken input isn't blamed on the
// network: io.Copy returns one error for both.
type reader struct {
	io.Reader
	err error
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != io.EOF {
		r.err = err
	}
	return n, err
}

// A writer does the same for the output.
type writer struct {
	io.Writer
	err error
}

func (w *writer) Write(p []byte) (n int, err error) {
	n, w.err = w.Writer.Write(p)
	return n, w.err
}
