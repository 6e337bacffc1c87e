// Package script plays scripts against one end of a TCP connection, as packetdrill does: what arrives
// (<), what must leave (>), and when. The first words of a script say which end is played and with
// which options; a line beginning with # is the rule that it is about. What leaves unasked, or is
// not due at that moment, is an error.
//
//	+10ms                        the time goes on; nothing may leave before
//	< S. 0:0 ack 1 win 65535     a segment arrives: flags (. is ACK), numbers, options
//	> . 1:101 ack 1 = timeout    leaves, for this reason
//	nothing                      leaves
//	established                  a handshake of 10 ms, with these options in the SYN
//	write 100, read 100, close, abort
//	state FIN-WAIT-1, cwnd 14600, ssthresh 2920, rto 200ms, error gave up
//
// An end that lives by the machine's clock (Real) is asked what leaves and in which order, and not
// when to the millisecond: of a timer that a script names, only that it runs out.
//
// Numbers are relative to each end's SYN. Each byte written is the last digit of its number, and
// each that is read must be. Reasons, and what state, cwnd, ssthresh, rto and error tell, are asked
// of our TCP alone: others don't say.
package script

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/simulation"
	"example.com/sockets/03-tcp-reliability/engine/tcp"
)

// The addresses of the end that is played, and of its peer, which is the script.
var (
	Local  = netip.MustParseAddrPort("192.0.2.2:65432")
	Remote = netip.MustParseAddrPort("192.0.2.1:50000")
)

const (
	peerISS  = 0xffff_ff00
	firstISS = 0xffff_fff0 // of the end, as long as it has said none
)

// A Script is one of a file's: they are parted by blank lines.
type Script struct {
	Name string // the rule
	text string
}

// Split parts a file's scripts.
func Split(file string) (scripts []Script) {
	for _, part := range strings.Split(strings.ReplaceAll(file, "\r\n", "\n"), "\n\n") {
		name, _, _ := strings.Cut(strings.TrimLeft(part, "# \n"), "\n")
		scripts = append(scripts, Script{name, part})
	}
	return scripts
}

// Words are the first words: "client" or "server", and options.
func (s Script) Words() []string {
	for line := range strings.Lines(s.text) {
		if w := strings.Fields(line); len(w) > 0 && w[0] != "#" {
			return w
		}
	}
	return []string{""}
}

// Lasts is how long a script takes.
func (s Script) Lasts() (total time.Duration) {
	for line := range strings.Lines(s.text) {
		if d, err := time.ParseDuration(strings.TrimSpace(line)); err == nil && line[0] == '+' {
			total += d
		}
	}
	return total
}

// SACKs says whether the script's peer sends selective acknowledgements.
func (s Script) SACKs() bool {
	for line := range strings.Lines(s.text) {
		if line[0] == '<' && strings.Contains(line, " sack ") {
			return true
		}
	}
	return false
}

// A Real host is one whose time goes on by itself.
type Real interface {
	// Await waits until a packet leaves, at most so long.
	Await(most time.Duration)
}

const (
	settling = 10 * time.Millisecond // until a real host has answered, if it does
	patience = 3 * time.Second       // until its timer runs out
)

// A Difference is where an end left its script.
type Difference struct {
	Done        []string // lines before
	At          time.Duration
	Wanted, Got string
}

func (d *Difference) Error() string {
	return fmt.Sprintf("\n  %s\nwent well. Then, at %v, wanted:\n  %s\nand got:\n  %s",
		strings.Join(d.Done, "\n  "), d.At, d.Wanted, d.Got)
}

// player is one end in virtual time, with the lines that went well.
type player struct {
	host          simulation.Host
	own           *tcp.Conn // the same, if it is our TCP
	real          Real      // or if it is real
	slept         bool      // since then its timers may have run out
	now           time.Duration
	good          []string
	written, read int
	mss           int
	iss, stamps   uint32 // the end's first numbers
	known         bool   // since its SYN
}

// MSS is what the peer says in the SYN of "established", and what scripts take for a full segment.
const MSS = 1460

// Play plays a script against an end at Local. It returns a *Difference where the end does something
// else. An end that keeps room in every segment for options needs a larger mss than MSS.
func (s Script) Play(host simulation.Host, mss int) (err error) {
	p := &player{host: host, mss: mss, iss: firstISS, stamps: firstISS}
	p.own, _ = host.(*tcp.Conn)
	p.real, _ = host.(Real)
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *Difference:
			err = r
		default:
			panic(r)
		}
	}()
	first := true
	for line := range strings.Lines(s.text) {
		line = strings.TrimSpace(line)
		if words := strings.Fields(line); len(words) > 0 && words[0] != "#" {
			if !first {
				p.step(line, words)
			}
			first = false
		}
		p.good = append(p.good, line)
	}
	p.nothing("the end")
	return nil
}

// step does one line.
func (s *player) step(line string, w []string) {
	if w[0] == ">" {
		s.slept = false
		if s.real != nil {
			s.real.Await(patience)
		}
		got, ok := s.next(w)
		want := strings.Join(w[1:], " ")
		if s.own == nil {
			want, _, _ = strings.Cut(want, " = ")
		}
		if !ok || want != got {
			s.fail(line, got)
		}
		return
	}
	if slices.Contains([]string{"state", "cwnd", "ssthresh", "rto", "error"}, w[0]) {
		if s.own != nil {
			s.inside(line, w)
		}
		return
	}
	s.nothing(line)
	s.slept = s.slept && w[0] == "nothing"
	number := func() int { n, _ := strconv.Atoi(w[1]); return n }
	compare := func(got any) { s.compare(line, w, got) }
	switch w[0] {
	case "nothing":
	case "established":
		for _, l := range []string{fmt.Sprintf("< S 0:0 mss %d sackok 1 ", s.mss) +
			strings.Join(w[1:], " "),
			"> S. 0:0 ack 1", "+10ms", "< . 1:1 ack 1 " + strings.Join(w[1:], " ")} {
			s.step(l, strings.Fields(l))
		}
	case "<":
		s.host.Receive(s.now, s.parse(w[1:]))
	case "write":
		n := s.host.Write(s.now, digits(s.written, number()))
		s.written += n
		compare(n)
	case "read":
		p := make([]byte, number())
		n, err := s.host.Read(s.now, p)
		if string(p[:n]) != string(digits(s.read, n)) {
			s.fail(line, fmt.Sprintf("%q", p[:n]))
		}
		if s.read += n; err == io.EOF {
			compare("EOF")
		} else if err == nil {
			compare(n)
		}
	case "close":
		s.host.Close(s.now)
	case "abort":
		s.host.(interface{ Abort(time.Duration) }).Abort(s.now)
	default:
		d, err := time.ParseDuration(strings.TrimPrefix(w[0], "+"))
		if err != nil {
			panic("no such step: " + line)
		}
		s.advance(line, s.now+d)
	}
}

// compare objects unless the rest of a line is what came.
func (s *player) compare(line string, w []string, got any) {
	if want := strings.Join(w[1:], " "); fmt.Sprint(got) != want {
		s.fail(line, fmt.Sprint(got))
	}
}

// inside looks at what only our own TCP tells.
func (s *player) inside(line string, w []string) {
	if w[0] == "error" {
		s.nothing(line)
		if _, err := s.own.Done(); err == nil ||
			!strings.Contains(err.Error(), strings.Join(w[1:], " ")) {
			s.fail(line, fmt.Sprint(err))
		}
		return
	}
	state := s.own.State()
	switch w[0] {
	case "state":
		s.compare(line, w, state.Name)
	case "cwnd":
		s.compare(line, w, state.Out.Cwnd)
	case "ssthresh":
		s.compare(line, w, state.Out.Ssthresh)
	case "rto":
		s.compare(line, w, state.Out.RTO)
	}
}

// advance lets the time go on. A timer of our TCP that is due before is an error; of others, what
// they send before.
func (s *player) advance(line string, to time.Duration) {
	if s.real != nil {
		time.Sleep(to - s.now)
		s.now, s.slept = to, true
		return
	}
	for {
		due, ok := s.host.Deadline()
		if !ok || due >= to {
			s.now = to
			return
		}
		if s.own != nil {
			s.fail(line, fmt.Sprintf("a timer is due after %v", due-s.now))
		}
		s.now = max(s.now, due)
		s.nothing(line)
	}
}

func (s *player) fail(want, got string) {
	panic(&Difference{s.good, s.now, want, got})
}

func (s *player) nothing(before string) {
	if s.real != nil {
		if s.slept {
			return
		}
		s.real.Await(settling)
	}
	if got, ok := s.next(nil); ok {
		s.fail("nothing to leave before "+before, "> "+got)
	}
}

// next is what leaves now, as a script has it: the window and the timestamps
// only if the script asks for them.
func (s *player) next(asked []string) (string, bool) {
	p, ok := s.host.Send(s.now)
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
	if g.Flags&tcp.SYN != 0 && (!s.known || s.real != nil) {
		s.known, s.iss = true, g.Seq
		s.stamps = g.TSVal - uint32(s.now.Milliseconds())
	}
	seq := int32(g.Seq - s.iss)
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
func (s *player) parse(w []string) []byte {
	g := tcp.Segment{Src: Remote, Dst: Local, Window: 65535}
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
			g.Ack = s.iss + uint32(n)
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
			g.TSEcr = s.stamps + uint32(n)
		case "sack":
			for _, b := range strings.Split(w[i+1], ",") {
				from, to := pair(b)
				g.SACK = append(g.SACK, tcp.Block{From: s.iss + uint32(from), To: s.iss +
					uint32(to)})
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
