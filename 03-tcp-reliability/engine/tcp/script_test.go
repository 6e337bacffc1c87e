package tcp_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/tcp"
)

// TestScripts plays the scripts in testdata: what arrives (<), what must leave
// (>), and when, as packetdrill's do. The first words of a script say which end
// is played and with which options; a line beginning with # is the rule that it
// is about. What leaves unasked, or is not due at that moment, is an error.
//
//	+10ms                        the time goes on; nothing may be due before
//	< S. 0:0 ack 1 win 65535     a segment arrives: flags (. is ACK), numbers, options
//	> . 1:101 ack 1 = timeout    leaves, for this reason
//	nothing                      leaves
//	established                  a handshake of 10 ms, with these options in the SYN
//	write 100, read 100, close, abort
//	state FIN-WAIT-1, cwnd 14600, ssthresh 2920, rto 200ms, error gave up
//
// Numbers are relative to each end's SYN. Each byte written is the last digit of
// its number, and each that is read must be.
func TestScripts(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	if len(files) == 0 {
		t.Fatal("no scripts")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n\n") {
			name, _, _ := strings.Cut(strings.TrimLeft(part, "# \n"), "\n")
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+name, func(t *testing.T) {
				play(t, part)
			})
		}
	}
}

const (
	ourISS  = 0xffff_fff0
	peerISS = 0xffff_ff00
)

// A script is one end in virtual time, with the lines that went well.
type script struct {
	*testing.T
	c             *tcp.Conn
	now           time.Duration
	good          []string
	written, read int
}

func play(t *testing.T, text string) {
	s := &script{T: t}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if words := strings.Fields(line); len(words) > 0 && words[0] != "#" {
			s.step(line, words)
		}
		s.good = append(s.good, line)
	}
	s.nothing("the end")
}

// step does one line.
func (s *script) step(line string, w []string) {
	if s.c == nil {
		s.c = open(w)
		return
	}
	if w[0] == ">" {
		got, ok := s.next(w)
		if want := strings.Join(w[1:], " "); !ok || want != got {
			s.fail(line, got)
		}
		return
	}
	if w[0] != "state" && w[0] != "cwnd" && w[0] != "ssthresh" && w[0] != "rto" {
		s.nothing(line)
	}
	state := s.c.State()
	number := func() int { n, _ := strconv.Atoi(w[1]); return n }
	compare := func(got any) {
		if want := strings.Join(w[1:], " "); fmt.Sprint(got) != want {
			s.fail(line, fmt.Sprint(got))
		}
	}
	switch w[0] {
	case "nothing":
	case "established":
		for _, l := range []string{"< S 0:0 mss 1460 sackok 1 " + strings.Join(w[1:], " "),
			"> S. 0:0 ack 1", "+10ms", "< . 1:1 ack 1 " + strings.Join(w[1:], " ")} {
			s.step(l, strings.Fields(l))
		}
	case "<":
		s.c.Receive(s.now, parse(w[1:]))
	case "write":
		n := s.c.Write(s.now, digits(s.written, number()))
		s.written += n
		compare(n)
	case "read":
		p := make([]byte, number())
		n, err := s.c.Read(s.now, p)
		if string(p[:n]) != string(digits(s.read, n)) {
			s.fail(line, fmt.Sprintf("%q", p[:n]))
		}
		if s.read += n; err == io.EOF {
			compare("EOF")
		} else if err == nil {
			compare(n)
		}
	case "close":
		s.c.Close(s.now)
	case "abort":
		s.c.Abort(s.now)
	case "state":
		compare(state.Name)
	case "cwnd":
		compare(state.Out.Cwnd)
	case "ssthresh":
		compare(state.Out.Ssthresh)
	case "rto":
		compare(state.Out.RTO)
	case "error":
		if _, err := s.c.Done(); err == nil || !strings.Contains(err.Error(), strings.Join(w[1:], " ")) {
			s.fail(line, fmt.Sprint(err))
		}
	default:
		d, err := time.ParseDuration(strings.TrimPrefix(w[0], "+"))
		if err != nil {
			s.Fatalf("no such step: %s", line)
		}
		if due, ok := s.c.Deadline(); ok && due < s.now+d {
			s.fail(line, fmt.Sprintf("a timer is due after %v", due-s.now))
		}
		s.now += d
	}
}

func (s *script) fail(want, got string) {
	s.Helper()
	s.Fatalf("\n  %s\nwent well. Then, at %v, wanted:\n  %s\nand got:\n  %s",
		strings.Join(s.good, "\n  "), s.now, want, got)
}

func (s *script) nothing(before string) {
	if got, ok := s.next(nil); ok {
		s.fail("nothing to leave before "+before, "> "+got)
	}
}

// open makes the end that a script plays.
func open(w []string) *tcp.Conn {
	o := tcp.Options{Local: serverAddr, Remote: clientAddr, ISS: ourISS,
		Congestion: "reno", NoTimestamps: true, Trace: true}
	for _, word := range w[1:] {
		name, value, _ := strings.Cut(word, "=")
		n, _ := strconv.Atoi(value)
		switch name {
		case "rack":
			o.RACK = true
		case "cubic":
			o.Congestion = "cubic"
		case "nosack":
			o.NoSACK = true
		case "timestamps":
			o.NoTimestamps = false
		case "nagle":
			o.Nagle = true
		case "delayed":
			o.DelayedACK = true
		case "buffer":
			o.ReceiveBuffer = n
		}
	}
	if w[0] == "client" {
		return tcp.Dial(o)
	}
	return tcp.Accept(o)
}

// next is what leaves now, as a script has it: the window and the timestamps
// only if the script asks for them.
func (s *script) next(asked []string) (string, bool) {
	p, ok := s.c.Send(s.now)
	if !ok {
		return "nothing", false
	}
	g, err := tcp.Decode(p.Bytes)
	if err != nil {
		return err.Error(), true
	}
	has := func(word string) bool {
		for _, a := range asked {
			if a == word {
				return true
			}
		}
		return false
	}
	seq := int32(g.Seq - ourISS)
	out := fmt.Sprintf("%s %d:%d", flagNames(g.Flags), seq, seq+int32(len(g.Payload)))
	add := func(format string, a ...any) { out += fmt.Sprintf(" "+format, a...) }
	if g.Flags&tcp.ACK != 0 {
		add("ack %d", int32(g.Ack-peerISS))
	}
	if has("win") {
		add("win %d", g.Window)
	}
	for i, b := range g.SACK {
		out += fmt.Sprintf("%s%d:%d", [...]string{" sack ", ","}[min(i, 1)],
			int32(b.From-peerISS), int32(b.To-peerISS))
	}
	if has("mss") {
		add("mss %d", g.MSS)
	}
	if has("scale") && g.HasScale {
		add("scale %d", g.Scale)
	}
	if has("ecr") {
		add("ecr %d", g.TSEcr)
	}
	if p.Why != "" {
		add("= %s", p.Why)
	}
	if g.Payload != nil && string(g.Payload) != string(digits(int(seq)-1, len(g.Payload))) {
		add("with wrong bytes")
	}
	return out, true
}

// parse makes the packet of a line.
func parse(w []string) []byte {
	g := tcp.Segment{Src: clientAddr, Dst: serverAddr, Window: 65535}
	for _, f := range w[0] {
		g.Flags |= map[rune]tcp.Flags{'S': tcp.SYN, 'F': tcp.FIN, 'R': tcp.RST, '.': tcp.ACK}[f]
	}
	pair := func(s string) (from, to int) {
		fmt.Sscanf(s, "%d:%d", &from, &to)
		return from, to
	}
	from, to := pair(w[1])
	g.Seq = peerISS + uint32(from)
	g.Payload = digits(from-1, to-from)
	for i := 2; i+1 < len(w); i += 2 {
		n, _ := strconv.Atoi(w[i+1])
		switch w[i] {
		case "ack":
			g.Ack = ourISS + uint32(n)
		case "win":
			g.Window = uint16(n)
		case "mss":
			g.MSS = uint16(n)
		case "scale":
			g.HasScale, g.Scale = true, uint8(n)
		case "sackok":
			g.SACKPermitted = true
		case "ts":
			g.HasTimestamps, g.TSVal = true, uint32(n)
		case "ecr":
			g.TSEcr = ourISS + uint32(n)
		case "sack":
			for _, b := range strings.Split(w[i+1], ",") {
				from, to := pair(b)
				g.SACK = append(g.SACK, tcp.Block{From: ourISS + uint32(from), To: ourISS + uint32(to)})
			}
		}
	}
	return g.Encode(nil)
}

func flagNames(f tcp.Flags) (s string) {
	for i, name := range []string{"F", "S", "R"} {
		if f>>i&1 != 0 {
			s += name
		}
	}
	if f&tcp.ACK != 0 {
		s += "."
	}
	return s
}

// digits are n bytes from a place in the stream.
func digits(at, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('0' + (at+i)%10)
	}
	return b
}
