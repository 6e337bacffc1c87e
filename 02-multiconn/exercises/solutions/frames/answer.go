// Package frames is a solution.
package frames

import (
	"encoding/binary"
	"errors"
	"io"
)

// MaxMessage is the longest message, in bytes.
const MaxMessage = 1000

// ErrTooLong says that a message has more than MaxMessage bytes.
var ErrTooLong = errors.New("message too long")

// Write sends one message: its length in 2 bytes, the high one first, and then
// its bytes. Of a message that is too long it sends nothing.
func Write(w io.Writer, message []byte) error {
	if len(message) > MaxMessage {
		return ErrTooLong
	}
	// Length and bytes go out in one Write: one system call, and no other
	// goroutine's message can come between them.
	frame := binary.BigEndian.AppendUint16(nil, uint16(len(message)))
	_, err := w.Write(append(frame, message...))
	return err
}

// Read takes the next message from r, and not a byte of the one after it. At
// an end between two messages the error is io.EOF, in the middle of one it is
// io.ErrUnexpectedEOF.
func Read(r io.Reader) ([]byte, error) {
	// ReadFull waits for all, in as many Reads as it takes. Its io.EOF means
	// that not a byte came: here, the good end.
	var length [2]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	// Look at the length before you trust it with memory.
	n := int(binary.BigEndian.Uint16(length[:]))
	if n > MaxMessage {
		return nil, ErrTooLong
	}
	message := make([]byte, n)
	_, err := io.ReadFull(r, message)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF // the length came, and nothing after it
	}
	if err != nil {
		return nil, err
	}
	return message, nil
}
