package story

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// Label says what a packet is, in the field's terms and without its number:
// ranges of numbers are inclusive, so that what is acknowledged looks like what
// was sent. short leaves out the sequence numbers.
func (p *Packet) Label(short bool, text int) string {
	if p.Why == trace.WindowProbe || p.Why == trace.KeepAlive {
		return string(p.Why)
	}
	var s string
	switch {
	case p.Kind == trace.Datagram:
		return Carried(p.Header, text)
	case p.Length > 0 && p.Kind.TCP():
		return p.segment(short, text)
	case p.Length > 0 && !p.HasAck:
		return p.data(short, text)
	case p.Kind == trace.ACK:
		s = p.acknowledgement(short, text)
	case p.Kind.TCP() && p.Kind.Has("FIN"):
		s = strings.TrimSuffix(string(p.Kind), " ACK")
		if !short {
			s += fmt.Sprintf(" seq %d", p.Seq)
		}
		if p.Direction == network.Down && p.HasAck {
			s += fmt.Sprintf(" ACK %d", p.Ack)
		}
	case p.Kind.TCP():
		s = string(p.Kind)
	case p.HasAck:
		s = fmt.Sprintf("ack %d", p.Ack)
		if len(p.SACK) > 0 { // of packets, in an exercise
			s += ", has" + ranges(p.SACK)
		}
	case short:
		return string(p.Kind)
	default:
		return fmt.Sprintf("%s %d", p.Kind, p.Seq)
	}
	if p.Repeat > 0 {
		s += ", " + Ordinal(p.Repeat) + " repeat"
	}
	return s
}

// data is a packet of a textbook protocol that has some.
func (p *Packet) data(short bool, text int) string {
	carried := Carried(p.Header, text)
	switch {
	case short:
		return carried
	case carried[0] == '"':
		return fmt.Sprintf("data %d %s", p.Seq, carried)
	}
	return fmt.Sprintf("data %d, %s", p.Seq, carried)
}

// segment is one of TCP's that has data, and maybe a SYN or FIN with it.
func (p *Packet) segment(short bool, text int) string {
	s := Carried(p.Header, text)
	if !short {
		s += " seq " + span{from: p.Seq, to: p.Seq + uint32(p.Length)}.String()
	}
	if p.Kind != trace.ACK {
		s += " " + strings.TrimSuffix(string(p.Kind), " ACK")
	}
	return s
}

// acknowledgement is TCP's, with the ranges for which there is room.
func (p *Packet) acknowledgement(short bool, text int) string {
	s := fmt.Sprintf("ACK %d", p.Ack)
	switch {
	case len(p.SACK) == 0 || text < 10:
	case short && len(p.SACK) > 1:
		s += " SACK" + ranges(p.SACK[:1]) + " …"
	default:
		s += " SACK" + ranges(p.SACK)
	}
	if p.HasWindow && p.Window < smallWindow {
		s += fmt.Sprintf(" window %d", p.Window)
	}
	return s
}

func ranges(sack [][2]uint32) (s string) {
	for _, b := range sack {
		s += " " + span{from: b[0], to: b[1]}.String()
	}
	return s
}

const smallWindow = 5000 // bytes: a smaller window is shown

// String is the range with its last number in it.
func (s span) String() string {
	if s.to-s.from == 1 {
		return strconv.Itoa(int(s.from))
	}
	return fmt.Sprintf("%d-%d", s.from, s.to-1)
}

// Ordinal is 1st, 2nd, 3rd, 4th …
func Ordinal(n int) string {
	suffix := "th"
	if n/10%10 != 1 && n%10 >= 1 && n%10 <= 3 {
		suffix = [...]string{"", "st", "nd", "rd"}[n%10]
	}
	return strconv.Itoa(n) + suffix
}

// Count is "1 packet" or "3 packets".
func Count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// Carried is the payload, in quotes and cut to so many columns if it is text.
func Carried(p *trace.Header, columns int) string {
	text := p.Text
	if len(text) < p.Length { // cut, maybe in the middle of a character
		for i := 0; i < utf8.UTFMax && !utf8.ValidString(text); i++ {
			text = text[:len(text)-1]
		}
	}
	if !Readable(text) || p.Length > columns && strings.Contains(text, "\n") {
		return Count(p.Length, "byte")
	}
	return Quoted(text, columns)
}

// Lack names what is missing in so many columns: by its text, or its number.
func (p *Packet) Lack(columns int) string {
	name := Carried(p.Header, columns)
	switch {
	case p.Length > 0 && name[0] == '"':
		return name
	case p.Kind.TCP() && p.Length > 0:
		return fmt.Sprintf("seq %d", p.Seq)
	case p.Kind.TCP():
		return string(p.Kind)
	}
	return fmt.Sprintf("%s %d", p.Kind, p.Seq)
}

// Readable says whether text is text, and not bytes of any kind.
func Readable(text string) bool {
	for _, r := range text {
		if r == utf8.RuneError || r < ' ' && r != '\n' && r != '\r' && r != '\t' {
			return false
		}
	}
	return true
}

// Quoted is text as Go writes it, in at most so many columns with its quotes.
func Quoted(text string, columns int) string {
	s := strconv.Quote(text)
	if Width(s) <= columns {
		return s
	}
	return Cut(s, columns-2) + `…"`
}

// Cut is as much of the text as fits into so many columns.
func Cut(text string, columns int) string {
	used := 0
	for i, r := range text {
		if used += runeWidth(r); used > columns {
			return text[:i]
		}
	}
	return text
}

// Width is how many columns of a terminal the text takes.
func Width(text string) (columns int) {
	for _, r := range text {
		columns += runeWidth(r)
	}
	return columns
}

// wide are the characters that take two columns: East Asian Wide and
// Fullwidth (Unicode Standard Annex #11), and pictures.
var wide = [][2]rune{
	{0x1100, 0x115F}, {0x231A, 0x231B}, {0x2329, 0x232A}, {0x23E9, 0x23EC}, {0x23F0, 0x23F0},
	{0x23F3, 0x23F3}, {0x25FD, 0x25FE}, {0x2614, 0x2615}, {0x2648, 0x2653}, {0x267F, 0x267F},
	{0x2693, 0x2693}, {0x26A1, 0x26A1}, {0x26AA, 0x26AB}, {0x26BD, 0x26BE}, {0x26C4, 0x26C5},
	{0x26CE, 0x26CE}, {0x26D4, 0x26D4}, {0x26EA, 0x26EA}, {0x26F2, 0x26F3}, {0x26F5, 0x26F5},
	{0x26FA, 0x26FA}, {0x26FD, 0x26FD}, {0x2705, 0x2705}, {0x270A, 0x270B}, {0x2728, 0x2728},
	{0x274C, 0x274C}, {0x274E, 0x274E}, {0x2753, 0x2755}, {0x2757, 0x2757}, {0x2795, 0x2797},
	{0x27B0, 0x27B0}, {0x27BF, 0x27BF}, {0x2B1B, 0x2B1C}, {0x2B50, 0x2B50}, {0x2B55, 0x2B55},
	{0x2E80, 0x303E}, {0x3041, 0x33FF}, {0x3400, 0x4DBF}, {0x4E00, 0x9FFF}, {0xA000, 0xA4CF},
	{0xA960, 0xA97F}, {0xAC00, 0xD7A3}, {0xF900, 0xFAFF}, {0xFE10, 0xFE19}, {0xFE30, 0xFE6F},
	{0xFF00, 0xFF60}, {0xFFE0, 0xFFE6}, {0x16FE0, 0x18AFF}, {0x1B000, 0x1B2FF}, {0x1F004, 0x1F004},
	{0x1F0CF, 0x1F0CF}, {0x1F18E, 0x1F18E}, {0x1F191, 0x1F19A}, {0x1F200, 0x1F320},
	{0x1F32D, 0x1F335}, {0x1F337, 0x1F37C}, {0x1F37E, 0x1F393}, {0x1F3A0, 0x1F3CA},
	{0x1F3CF, 0x1F3D3}, {0x1F3E0, 0x1F3F0}, {0x1F3F4, 0x1F3F4}, {0x1F3F8, 0x1F43E},
	{0x1F440, 0x1F440}, {0x1F442, 0x1F4FC}, {0x1F4FF, 0x1F53D}, {0x1F54B, 0x1F567},
	{0x1F57A, 0x1F57A}, {0x1F595, 0x1F596}, {0x1F5A4, 0x1F5A4}, {0x1F5FB, 0x1F64F},
	{0x1F680, 0x1F6C5}, {0x1F6CC, 0x1F6CC}, {0x1F6D0, 0x1F6D2}, {0x1F6D5, 0x1F6DF},
	{0x1F6EB, 0x1F6EC}, {0x1F6F4, 0x1F6FC}, {0x1F7E0, 0x1F7F0}, {0x1F90C, 0x1F93A},
	{0x1F93C, 0x1F945}, {0x1F947, 0x1F9FF}, {0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD},
}

// combining are the characters that take no column of their own, as far as
// strconv.Quote leaves them as they are.
var combining = [][2]rune{
	{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A}, {0x064B, 0x065F},
	{0x0900, 0x0902}, {0x093C, 0x093C}, {0x0941, 0x0948}, {0x094D, 0x094D}, {0x0E31, 0x0E31},
	{0x0E34, 0x0E3A}, {0x0E47, 0x0E4E}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x20D0, 0x20FF},
	{0x302A, 0x302D}, {0x3099, 0x309A}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xE0100, 0xE01EF},
}

func runeWidth(r rune) int {
	if r < 0x300 {
		return 1
	}
	for _, c := range combining {
		if c[0] <= r && r <= c[1] {
			return 0
		}
	}
	for _, w := range wide {
		if w[0] <= r && r <= w[1] {
			return 2
		}
	}
	return 1
}

// Millis is a time in the unit of the ladder: "240 ms", "0.5 ms"; from a
// minute on also in words: "63000 ms (1 minute and 3 seconds)".
func Millis(d time.Duration) string {
	d = d.Round(100 * time.Microsecond)
	s := strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', -1, 64) + " ms"
	if d < time.Minute {
		return s
	}
	return s + " (" + InWords(d) + ")"
}

// InWords is a time of a minute or more: "2 hours and 5 minutes".
func InWords(d time.Duration) string {
	d = d.Round(time.Second)
	h, m, s := int(d/time.Hour), int(d/time.Minute%60), int(d/time.Second%60)
	var parts []string
	for _, part := range []struct {
		n    int
		unit string
	}{{h, "hour"}, {m, "minute"}, {s, "second"}} {
		if part.n > 0 && len(parts) < 2 {
			parts = append(parts, Count(part.n, part.unit))
		}
	}
	return strings.Join(parts, " and ")
}
