package picture

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"example.com/sockets/03-tcp-reliability/engine/story"
)

// widths are the advance widths of the characters from space to ~ in DejaVu
// Sans, the widest common sans serif, in thousandths of the font's size. In a
// narrower font some air is left.
var widths = [95]int{
	318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337,
	636, 636, 636, 636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531,
	1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748, 787,
	603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500,
	500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612,
	635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
}

// A font is how big and how bold a text is.
type font struct {
	size int // in tenths of a point
	bold bool
}

// measure is how wide the text is at most, in tenths of a point.
func measure(text string, f font) int {
	n := 0
	for _, r := range text {
		switch {
		case r >= ' ' && r <= '~':
			n += widths[r-' ']
		case r == '\u00a0':
			n += 318
		case story.Width(string(r)) == 0:
		case r >= 0x1F000:
			n += 1350
		case story.Width(string(r)) == 2 || r == '…':
			n += 1000
		default:
			n += 850
		}
	}
	n = n * f.size / 1000
	if f.bold {
		n = n * 110 / 100
	}
	return n
}

// cut is the text, or as much of it as there is room for, and "…".
func fit(text string, f font, room int) string {
	if measure(text, f) <= room {
		return text
	}
	for len(text) > 0 {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
		if measure(text+"…", f) <= room {
			return text + "…"
		}
	}
	return ""
}

// wrapped breaks text into lines of at most this width, at spaces if there are
// any.
func wrapped(text string, f font, room int) (lines []string) {
	line := ""
	for _, word := range strings.SplitAfter(text, " ") {
		for measure(strings.TrimRight(word, " "), f) > room { // a word too long for any line
			if line != "" {
				lines, line = append(lines, line), ""
			}
			head := strings.TrimSuffix(fit(word, f, room), "…")
			if head == "" {
				return append(lines, fit(word, f, room))
			}
			lines, word = append(lines, head), word[len(head):]
		}
		if line != "" && measure(strings.TrimRight(line+word, " "), f) > room {
			lines, line = append(lines, line), ""
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// together keeps the space before a closing quote from breaking a line.
func together(text string) string {
	b := []byte(text)
	var out strings.Builder
	for i, c := range b {
		if c == ' ' && i > 0 && i+1 < len(b) && b[i+1] == '"' && (i+2 == len(b) || strings.IndexByte(" ,.;:)", b[i+2]) >= 0) {
			out.WriteString("\u00a0")
		} else {
			out.WriteByte(c)
		}
	}
	return out.String()
}

// escape makes text of any bytes that of an XML document.
func escape(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '"':
			b.WriteString("&quot;")
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xfffe || r == 0xffff || r == utf8.RuneError:
			b.WriteRune('\ufffd')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// pt writes tenths of a point as points.
func pt(n int) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	if n%10 == 0 {
		return fmt.Sprintf("%s%d", sign, n/10)
	}
	return fmt.Sprintf("%s%d.%d", sign, n/10, n%10)
}
