package message

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// frame puts a message together by hand, right or wrong.
func frame(header, content string) string {
	return string(binary.BigEndian.AppendUint16(nil, uint16(len(header)))) + header + content
}

// header returns a good header with the length, which may be any JSON.
func header(length string) string {
	return `{"byteorder":"little","content-type":"text/json","content-encoding":"utf-8","content-length":` + length + `}`
}

func encode(t testing.TB, m Message) string {
	t.Helper()
	var b strings.Builder
	if err := Write(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var samples = []Message{
	{JSON, "utf-8", []byte(`{"action":"search","value":"morpheus"}`)},
	{"binary/any", "binary", []byte("\x00\xff😃\r\n")},
	{"", "", []byte{}},
	{"type \"quoted\" <&>  ", "世界", []byte("x")},
}

// readAll reads messages until the stream ends.
func readAll(r io.Reader) (all []Message, err error) {
	for {
		m, err := Read(r)
		if err != nil {
			return all, err
		}
		all = append(all, m)
	}
}

// The bytes on the wire, each one of them.
func TestFrame(t *testing.T) {
	got := encode(t, samples[0])
	want := "\x00\x5d" + // 93 bytes of header
		`{"byteorder":"big","content-type":"text/json","content-encoding":"utf-8","content-length":38}` +
		`{"action":"search","value":"morpheus"}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the frame (-want +got):\n%s", diff)
	}
}

// Wherever the stream is cut in two, the same messages come out.
func TestEverySplit(t *testing.T) {
	var stream string
	for _, m := range samples {
		stream += encode(t, m)
	}
	for at := range len(stream) + 1 {
		writer, reader := net.Pipe() // a Read sees one Write at most
		go func() {
			io.WriteString(writer, stream[:at])
			io.WriteString(writer, stream[at:])
			writer.Close()
		}()
		got, err := readAll(reader)
		if diff := cmp.Diff(samples, got); err != io.EOF || diff != "" {
			t.Errorf("cut after %d of %d bytes: the end is %v (-want +got):\n%s",
				at, len(stream), err, diff)
		}
	}
}

// Readers that give one byte at a time, half of what is asked, the error
// together with the last bytes, or everything at once.
func TestReaders(t *testing.T) {
	var stream string
	for _, m := range samples {
		stream += encode(t, m)
	}
	for name, reader := range map[string]io.Reader{
		"one byte at a time":  iotest.OneByteReader(strings.NewReader(stream)),
		"half of it":          iotest.HalfReader(strings.NewReader(stream)),
		"the end comes early": iotest.DataErrReader(strings.NewReader(stream)),
		"everything":          strings.NewReader(stream),
		"through a buffer":    bufio.NewReader(strings.NewReader(stream)),
	} {
		got, err := readAll(reader)
		if diff := cmp.Diff(samples, got); err != io.EOF || diff != "" {
			t.Errorf("%s: the end is %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// Read leaves what follows the message in the stream.
func TestNotAByteMore(t *testing.T) {
	r := strings.NewReader(encode(t, samples[0]) + "what follows")
	if _, err := Read(r); err != nil {
		t.Fatal(err)
	}
	if rest, _ := io.ReadAll(r); string(rest) != "what follows" {
		t.Errorf("after the message the stream holds %q", rest)
	}
}

// Every end inside a message is told apart from the end between two.
func TestEndInTheMiddle(t *testing.T) {
	stream := encode(t, samples[0])
	size := len(stream) - len(samples[0].Content)
	for n := range len(stream) {
		_, err := Read(strings.NewReader(stream[:n]))
		part := "header's length"
		switch {
		case n == 0:
			if err != io.EOF {
				t.Errorf("the empty stream gives %v", err)
			}
			continue
		case n >= size:
			part = fmt.Sprintf("the content, %d of %d bytes", n-size, len(stream)-size)
		case n >= 2:
			part = fmt.Sprintf("the header, %d of %d bytes", n-2, size-2)
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), part) {
			t.Errorf("after %d bytes the error is %v, and should tell of %s", n, err, part)
		}
	}
}

// Other errors of the stream come through.
func TestBrokenStream(t *testing.T) {
	broken := errors.New("the cable is cut")
	stream := encode(t, samples[0])
	for n := range len(stream) {
		_, err := Read(io.MultiReader(strings.NewReader(stream[:n]), iotest.ErrReader(broken)))
		if !errors.Is(err, broken) {
			t.Errorf("broken after %d bytes: %v", n, err)
		}
	}
}

func TestMalformed(t *testing.T) {
	without := func(key string) string {
		return strings.Replace(header("0"), key, "x-"+key, 1)
	}
	for name, test := range map[string]struct{ stream, want string }{
		"no header": {frame("", ""), `header is not a JSON object: ""`},
		"not JSON":  {frame("hello", ""), `header is not a JSON object: "hello"`},
		"an array":  {frame("[1]", ""), `header is not a JSON object: "[1]"`},
		"null":      {frame("null", ""), `header is not a JSON object: "null"`},
		"half an object": {frame(`{"byteorder":`, ""),
			`header is malformed JSON: unexpected end of JSON input`},
		"two objects": {frame(header("0")+"{}", ""),
			`header is malformed JSON: invalid character '{' after top-level value`},
		"broken UTF-8": {frame(strings.Replace(header("0"), "little", "\xff", 1), ""),
			`header is not valid UTF-8`},
		"no byteorder": {frame(without("byteorder"), ""), `header: "byteorder" is missing`},
		"no type": {frame(without("content-type"), ""),
			`header: "content-type" is missing`},
		"no encoding": {frame(without("content-encoding"), ""),
			`header: "content-encoding" is missing`},
		"no length": {frame(without("content-length"), ""),
			`header: "content-length" is missing`},
		"nothing": {frame("{}", ""), `header: "byteorder" is missing`},
		"large letters": {frame(strings.Replace(header("0"), "content-type", "Content-Type", 1),
			""), `header: "content-type" is missing`},
		"byteorder number": {frame(strings.Replace(header("0"), `"little"`, "1", 1), ""),
			`header: "byteorder" is not a string`},
		"type null": {frame(strings.Replace(header("0"), `"text/json"`, "null", 1), ""),
			`header: "content-type" is not a string`},
		"encoding object": {frame(strings.Replace(header("0"), `"utf-8"`, "{}", 1), ""),
			`header: "content-encoding" is not a string`},
		"length string": {frame(header(`"5"`), "12345"),
			`header: "content-length" is not a number`},
		"length null": {frame(header("null"), ""), `header: "content-length" is not a number`},
		"length array": {frame(header("[5]"), "12345"),
			`header: "content-length" is not a number`},
		"negative": {frame(header("-1"), ""),
			`header: "content-length" is -1, and must be a whole number from 0 to 1048576`},
		"a fraction": {frame(header("1.5"), "12345"),
			`header: "content-length" is 1.5, and must be`},
		"an exponent": {frame(header("1e3"), ""),
			`header: "content-length" is 1e3, and must be`},
		"too large": {frame(header("1048577"), ""),
			`header: "content-length" is 1048577, and must be`},
		"huge": {frame(header("99999999999999999999"), ""),
			`header: "content-length" is 99999999999999999999, and must be`},
		"infinite": {frame(header("1e999"), ""),
			`header: "content-length" is 1e999, and must be`},
		"header too long": {frame(strings.Repeat(" ", MaxHeader+1), ""),
			`header of 4097 bytes; 4096 at most`},
		"longest header": {frame(strings.Repeat(" ", 65535), ""),
			`header of 65535 bytes; 4096 at most`},
	} {
		m, err := Read(strings.NewReader(test.stream))
		if err == nil || !strings.HasPrefix(err.Error(), test.want) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: read %+v, error\n\t%v\nwant one line that begins\n\t%s", name, m, err,
				test.want)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: the stream did not end, but the error %v says so", name, err)
		}
	}
}

// What is unusual and right: more keys than we know, spaces, escapes, a key
// twice (the last one counts, as in most programs).
func TestUnusual(t *testing.T) {
	want := Message{JSON, "utf-8", []byte("12345")}
	for _, h := range []string{
		strings.Replace(header("5"), "{", `{"x-new":[{"a":null}],`, 1),
		" \n" + strings.ReplaceAll(header("5"), ",", " ,\t") + "\r\n",
		strings.Replace(header("5"), "text/json", `text\/json`, 1),
		strings.Replace(header("5"), "{", `{"content-length":4,`, 1),
		header("5") + strings.Repeat(" ", MaxHeader-len(header("5"))),
	} {
		got, err := Read(strings.NewReader(frame(h, "12345")))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("header %.200q: error %v (-want +got):\n%s", h, err, diff)
		}
	}
}

func TestLimits(t *testing.T) {
	largest := Message{"binary/any", "binary",
		bytes.Repeat([]byte("0123456789abcdef"), MaxContent/16)}
	got, err := Read(strings.NewReader(encode(t, largest)))
	if err != nil || !bytes.Equal(largest.Content, got.Content) {
		t.Errorf("the largest content came back as %d bytes, error %v", len(got.Content), err)
	}
	for name, m := range map[string]Message{
		"content of 1048577 bytes": {"binary/any", "binary", make([]byte, MaxContent+1)},
		"header of 5":              {strings.Repeat("t", 5000), "binary", nil},
	} {
		var b bytes.Buffer
		err := Write(&b, m)
		if err == nil || !strings.HasPrefix(err.Error(), name) || b.Len() > 0 {
			t.Errorf("%s: Write sent %d bytes, error %v", name, b.Len(), err)
		}
	}
}

// A peer that announces much and sends little costs us little.
func TestAnnouncementAlone(t *testing.T) {
	stream := frame(header("1048576"), "a few bytes")
	before := allocated()
	_, err := Read(strings.NewReader(stream))
	if used := allocated() - before; used > 64<<10 {
		t.Errorf("%d bytes announced, %d came, and Read allocated %d",
			1<<20, len("a few bytes"), used)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the error is %v", err)
	}
}

// allocated returns how many bytes this process has allocated so far.
func allocated() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}

func TestDecode(t *testing.T) {
	var v struct {
		Value string `json:"value"`
	}
	m, err := NewJSON(map[string]string{"value": "Grüße, 世界 <&> 😃"})
	if err != nil || m.Decode(&v) != nil || v.Value != "Grüße, 世界 <&> 😃" {
		t.Errorf("%s decodes to %q", m.Content, v.Value)
	}
	m.Encoding = "UTF-8"
	if err := m.Decode(&v); err != nil {
		t.Errorf("UTF-8 in capital letters: %v", err)
	}
	for name, test := range map[string]struct {
		m    Message
		want string
	}{
		"binary": {Message{"binary/any", "utf-8", []byte(`{}`)},
			`content-type is "binary/any" and not "text/json"`},
		"Latin-1": {Message{JSON, "latin-1", []byte(`{}`)},
			`content-encoding is "latin-1": JSON must be in utf-8`},
		"not UTF-8": {Message{JSON, "utf-8", []byte("{\"value\":\"\xe4\"}")},
			`content is not valid UTF-8`},
		"empty": {Message{JSON, "utf-8", nil}, `content is not a JSON object: ""`},
		"a string": {Message{JSON, "utf-8", []byte(`"hello"`)},
			`content is not a JSON object: "\"hello\""`},
		"half": {Message{JSON, "utf-8", []byte(`{"value"`)},
			`content is malformed JSON: unexpected end of JSON input`},
		"a number": {Message{JSON, "utf-8", []byte(`{"value":5}`)},
			`content: "value" has the wrong type: number`},
	} {
		if err := test.m.Decode(&v); err == nil || err.Error() != test.want {
			t.Errorf("%s: the error is\n\t%v\nand not\n\t%s", name, err, test.want)
		}
	}
	if _, err := NewJSON(make(chan int)); err == nil {
		t.Error("a channel has no JSON, and NewJSON made some")
	}
}

// Whatever comes in: no panic, no more memory than the bytes that came are
// worth, and what was decoded can be sent on and decoded to the same.
func FuzzRead(f *testing.F) {
	for _, m := range samples {
		f.Add([]byte(encode(f, m)))
	}
	for _, stream := range []string{
		"", "\x00", "\x00\x00", "\xff\xff", "\x00\x02{}",
		frame(header("1048576"), "few"), frame(header("-1"), ""), frame(header("1.5"), ""),
		frame(header("2"), "{}")[:50], frame(header("2"), "{}") + frame(header("0"), ""),
		frame(strings.Replace(header("2"), "little", `\ud800`, 1), "{}"),
	} {
		f.Add([]byte(stream))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		before := allocated()
		m, err := Read(bytes.NewReader(stream))
		if used := allocated() - before; used > uint64(256<<10+8*len(stream)) {
			t.Errorf("%d bytes came, and Read allocated %d", len(stream), used)
		}
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := Write(&b, m); err != nil {
			// Package json may escape one letter with six.
			if 6*(len(m.Type)+len(m.Encoding)) < MaxHeader-200 {
				t.Errorf("read %q and can't write it: %v", m, err)
			}
			return
		}
		got, err := Read(&b)
		if diff := cmp.Diff(m, got); err != nil || diff != "" {
			t.Errorf("read, written and read again: error %v (-first +second):\n%s", err, diff)
		}
		if b.Len() != 0 {
			t.Errorf("%d bytes are left", b.Len())
		}
		var v map[string]any
		m.Decode(&v)
	})
}
