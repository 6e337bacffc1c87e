// Package message puts borders into a byte stream: it writes messages so that
// the other end can tell where each begins and ends, and reads them back. What
// the messages ask for, and over which connection they go, is left to others.
//
// A message travels as a frame of three parts:
//
//	2 bytes            length of the header, big-endian
//	that many bytes    the header: a JSON object in UTF-8
//	content-length     the content
//
// The frame is that of Real Python's guide, https://realpython.com/python-sockets/
package message

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The largest header and the largest content, in bytes. The frame itself
// allows 65,535 and any number; a peer must not make us hold that much.
const (
	MaxHeader  = 4 << 10
	MaxContent = 1 << 20
)

// JSON is the content type of text in JSON. Every other type is binary.
const JSON = "text/json"

// A Message is what one end tells the other at a time.
type Message struct {
	Type     string // "content-type": JSON, or a name for binary content
	Encoding string // "content-encoding": "utf-8" for JSON
	Content  []byte
}

// Read reads one message from r and not a byte more. Where r ends between two
// messages it returns io.EOF as it is. An end in the middle of a message is an
// error that wraps io.ErrUnexpectedEOF. After an error other than io.EOF
// nobody can say where the next message begins: give up the stream.
func Read(r io.Reader) (Message, error) {
	// One Read may return less than it is asked for. ReadFull goes on until
	// it has everything.
	var prefix [2]byte
	if _, err := io.ReadFull(r, prefix[:]); err == io.EOF {
		return Message{}, err
	} else if err != nil {
		return Message{}, fmt.Errorf("reading the header's length: %w", err)
	}
	size := binary.BigEndian.Uint16(prefix[:])
	if size > MaxHeader {
		return Message{}, fmt.Errorf("header of %d bytes; %d at most", size, MaxHeader)
	}
	header := make([]byte, size)
	if n, err := io.ReadFull(r, header); err != nil {
		return Message{}, fmt.Errorf("reading the header, %d of %d bytes: %w",
			n, size, unexpected(err))
	}
	m, length, err := parseHeader(header)
	if err != nil {
		return Message{}, err
	}
	// The buffer grows with what arrives. To announce a megabyte costs the
	// peer nothing, so the announcement alone must not cost us one.
	var content bytes.Buffer
	if n, err := io.CopyN(&content, r, length); err != nil {
		return Message{}, fmt.Errorf("reading the content, %d of %d bytes: %w",
			n, length, unexpected(err))
	}
	m.Content = content.Bytes()
	return m, nil
}

// unexpected turns the end of the stream into the end at a wrong place.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// parseHeader returns the message that a header announces, still without its
// content, and the content's length in bytes. Keys that it does not know are
// passed over, so that a newer peer may send more of them.
func parseHeader(header []byte) (m Message, length int64, err error) {
	var fields map[string]json.RawMessage
	if err := unmarshal("header", header, &fields); err != nil {
		return m, 0, err
	}
	// The byteorder is for numbers inside a binary content, which only the
	// two programs can know of. It must be there, and is not used.
	var byteOrder string
	for _, field := range []struct {
		key   string
		value *string
	}{
		{"byteorder", &byteOrder},
		{"content-type", &m.Type},
		{"content-encoding", &m.Encoding},
	} {
		text, ok := fields[field.key]
		if !ok {
			return m, 0, fmt.Errorf("header: %q is missing", field.key)
		}
		if text[0] != '"' || json.Unmarshal(text, field.value) != nil {
			return m, 0, fmt.Errorf("header: %q is not a string", field.key)
		}
	}
	const key = "content-length"
	text, ok := fields[key]
	if !ok {
		return m, 0, fmt.Errorf("header: %q is missing", key)
	}
	if !strings.ContainsAny(string(text[:1]), "-0123456789") {
		return m, 0, fmt.Errorf("header: %q is not a number", key)
	}
	length, err = strconv.ParseInt(string(text), 10, 64)
	if err != nil || length < 0 || length > MaxContent {
		return m, 0, fmt.Errorf("header: %q is %.40s, and must be a whole number from 0 to %d",
			key, text, MaxContent)
	}
	return m, length, nil
}

// Write writes m to w in one piece. It refuses a message that Read would.
func Write(w io.Writer, m Message) error {
	if len(m.Content) > MaxContent {
		return fmt.Errorf("content of %d bytes: at most %d can be sent",
			len(m.Content), MaxContent)
	}
	// "big" is the order of any numbers in the content: the network's own.
	header, err := json.Marshal(struct {
		ByteOrder string `json:"byteorder"`
		Type      string `json:"content-type"`
		Encoding  string `json:"content-encoding"`
		Length    int    `json:"content-length"`
	}{"big", m.Type, m.Encoding, len(m.Content)})
	if err != nil {
		return err
	}
	if len(header) > MaxHeader {
		return fmt.Errorf("header of %d bytes: at most %d can be sent",
			len(header), MaxHeader)
	}
	// A single Write: three of them would send up to three small segments.
	frame := binary.BigEndian.AppendUint16(nil, uint16(len(header)))
	frame = append(frame, header...)
	frame = append(frame, m.Content...)
	_, err = w.Write(frame)
	return err
}

// NewJSON returns the message that holds v in JSON.
func NewJSON(v any) (Message, error) {
	content, err := json.Marshal(v)
	return Message{JSON, "utf-8", content}, err
}

// Decode decodes a message of type JSON into v, as json.Unmarshal does.
func (m Message) Decode(v any) error {
	if m.Type != JSON {
		return fmt.Errorf("content-type is %.40q and not %q", m.Type, JSON)
	}
	// RFC 8259 section 8.1: JSON between systems is in UTF-8 and nothing else.
	if !strings.EqualFold(m.Encoding, "utf-8") {
		return fmt.Errorf("content-encoding is %.40q: JSON must be in utf-8", m.Encoding)
	}
	return unmarshal("content", m.Content, v)
}

// unmarshal decodes JSON, and names what is wrong with it.
func unmarshal(what string, text []byte, v any) error {
	// Package json would put U+FFFD in place of broken UTF-8, without a word.
	if !utf8.Valid(text) {
		return fmt.Errorf("%s is not valid UTF-8", what)
	}
	if !bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) {
		return fmt.Errorf("%s is not a JSON object: %.40q", what, text)
	}
	err := json.Unmarshal(text, v)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("%s: %q has the wrong type: %s", what, wrong.Field, wrong.Value)
	}
	if err != nil {
		return fmt.Errorf("%s is malformed JSON: %w", what, err)
	}
	return nil
}
