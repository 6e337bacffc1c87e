package picture

import (
	"cmp"
	"html"
	"math"
	"regexp"
	"strconv"
	"testing"
)

// A segment is the middle line of a label, in points.
type segment struct {
	text           string
	x1, y1, x2, y2 float64
	end            bool // it belongs to the server
}

// labels finds those of the arrows, and of what a full queue drops at once.
func labels(svg string) (list []segment) {
	for _, m := range onSlant.FindAllStringSubmatch(svg, -1) {
		list = append(list, newSegment(m[7], m[6] != "", number(m[1]), number(m[2]), number(m[3]),
			number(m[4]), cmp.Or(number(m[5]), 13)))
	}
	for _, m := range level.FindAllStringSubmatch(svg, -1) {
		list = append(list, newSegment(m[5], m[4] != "", 1, 0, number(m[1]), number(m[2]),
			cmp.Or(number(m[3]), 13)))
	}
	return list
}

var (
	onSlant = regexp.MustCompile(`<text transform="matrix\(([-.\d]+) ([-.\d]+) [-.\d]+ [-.\d]+ ` +
		`([-.\d]+) ([-.\d]+)\)"(?: font-size="([.\d]+)")?[^>]*?( text-anchor="end")?>([^<]*)</text>`)
	level = regexp.MustCompile(`<text x="([.\d]+)" y="([.\d]+)"(?: font-size="([.\d]+)")?[^>]*?` +
		`( text-anchor="end")?>([^<]*queue full)</text>`)
)

func number(text string) float64 {
	n, _ := strconv.ParseFloat(text, 64)
	return n
}

func newSegment(text string, end bool, cos, sin, x, y, size float64) segment {
	text = html.UnescapeString(text)
	long := float64(measure(text, font{int(10 * size), false})) / 10
	if end {
		long = -long
	}
	x, y = x+sin*size/3, y-cos*size/3 // the middle of its letters
	return segment{text, x, y, x + cos*long, y + sin*long, end}
}

// gap is how far a label's middle line is from another one's.
func (s segment) gap(o segment) float64 {
	least := math.Inf(1)
	for i := range 41 {
		f := float64(i) / 40
		x, y := s.x1+f*(s.x2-s.x1), s.y1+f*(s.y2-s.y1)
		dx, dy := o.x2-o.x1, o.y2-o.y1
		g := min(max(((x-o.x1)*dx+(y-o.y1)*dy)/(dx*dx+dy*dy), 0), 1)
		least = min(least, math.Hypot(x-o.x1-g*dx, y-o.y1-g*dy))
	}
	return least
}

// The labels of one end don't lie on each other.
func TestLabels(t *testing.T) {
	for _, address := range []string{"drop=data:3", "protocol=udp&duplicate=0.3&reorder=0.4&seed=3",
		"protocol=go-back-n&drop=data:3", "rack=true&drop=up:11,data:8",
		"every=2ms&reorder=0.3&seed=7", "bytes=9000&receive-buffer=3000&read-rate=20000",
		"bytes=60000&rate=1Mbit&queue=5"} {
		for _, width := range []int{390, 735, 900} {
			list := labels(drawn(t, traced(t, address), Options{Width: width}))
			if len(list) < 8 {
				t.Fatalf("%s has %d labels", address, len(list))
			}
			for i, a := range list {
				for _, b := range list[:i] {
					if a.end == b.end && a.gap(b) < 7 {
						t.Errorf("%s, %d wide: %q lies on %q", address, width, a.text, b.text)
					}
				}
			}
		}
	}
}
