// Package picture draws a trace as an SVG: time goes down, each packet is an
// arrow between two lifelines, and what waited stands beside the server's. It
// knows neither protocols nor networks; what happened is told by package story.
//
// All lengths are whole tenths of a point, because floating point is not the
// same on every processor, and the same run is to be the same picture.
package picture

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/story"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// Options say how a trace is drawn. The zero Options draw all of it, 900 points
// wide, in the reader's colours.
type Options struct {
	Title string // above the picture, such as the conditions of the run
	Width int    // in points, 0: 900; narrow pictures have shorter words
	Theme string // light or dark; "": what the reader's system is set to

	// What is drawn of a long run: what happened From … To (0: to the end), or
	// of the whole picture the part between two heights, in points.
	From, To time.Duration
	Window   [2]int

	// Part chooses the window when the heights are known, all in points: that of
	// the whole picture and, by y, that of each moment.
	Part func(height int, y func(time.Duration) int) (top, bottom int)

	Animate bool   // time passes, once and for five seconds, where the reader allows motion
	Inline  bool   // for a page that has Style and shows more than one: see Prefix
	Prefix  string // of every id
	// "client" or "server": what the other end can know is drawn, at the same heights
	Cover  string
	Before *trace.Trace // what differs from this run is marked

	// Harm says what losing a packet would cost: a few signs behind its label,
	// and how bad that is, from 0 to 4, by which its arrow gets a broad shadow.
	Harm func(*story.Packet) (cost string, level int)

	// Link makes a link of a packet's arrow: its address, or "".
	Link func(*story.Packet) string
}

// MinWidth and MaxWidth are the bounds of a picture's width, in points.
const (
	MinWidth = 300
	MaxWidth = 4000
)

// Write draws the trace.
func Write(w io.Writer, t *trace.Trace, o Options) error {
	return Draw(w, story.Of(t), o)
}

// Draw draws a finished digest.
func Draw(w io.Writer, d *story.Digest, o Options) error {
	if o.Width == 0 {
		o.Width = 900
	}
	o.Width = min(max(o.Width, MinWidth), MaxWidth)
	p := newPicture(d, o)
	p.layout()
	p.draw()
	_, err := w.Write(p.out.Bytes())
	return err
}

// WritePair draws two runs beside each other, each as wide as Options.Width:
// the first under Options.Title, the second under title. Where the second
// differs from the first it is marked.
func WritePair(w io.Writer, first, second *trace.Trace, o Options, title string) error {
	if o.Width == 0 {
		o.Width = 600
	}
	left := newPicture(story.Of(first), o)
	o.Title, o.Prefix, o.Before = title, o.Prefix+"b-", first
	right := newPicture(story.Of(second), o)
	right.x, right.against = left.width, "the first"
	if left.Title != "" {
		right.against = strings.ToLower(left.Title[:1]) + left.Title[1:]
	}
	for _, p := range []*picture{left, right} {
		p.layout()
		p.draw()
	}
	back := themes[cmpOr(o.Theme, "light")].back
	var out bytes.Buffer
	fmt.Fprintf(&out,
		`<svg xmlns="http://www.w3.org/2000/svg" width="%s" height="%s"><rect width="100%%" height="100%%" fill="%s"/>`+"\n",
		pt(2*left.width), pt(max(left.height, right.height)), back)
	out.Write(left.out.Bytes())
	out.Write(right.out.Bytes())
	out.WriteString("</svg>\n")
	_, err := w.Write(out.Bytes())
	return err
}

// A picture is one that is being drawn. Lengths are tenths of a point.
type picture struct {
	Options
	d     *story.Digest
	out   bytes.Buffer
	notes []note

	x              int    // in a picture that has several
	against        string // what it is compared with
	width, height  int
	client, server int // the lifelines' places from the left
	lanes          int // for brackets, left of the client
	right          int // where the notes begin
	top            int // where the lifelines begin

	arrows  []*arrow
	reads   []*read
	moments []moment
	flight  time.Duration // the usual one
	cuts    []cut
	differs differences
}

// An arrow is one way of a packet: a second copy has one of its own.
type arrow struct {
	*story.Packet
	arrival        *story.Arrival // nil: it does not arrive
	copied         bool
	half           bool // of a picture with a covered end
	x1, y1, x2, y2 int
	end            time.Duration // when it arrives, or would have
}

// A read is what the application reads at a moment.
type read struct {
	*story.Read
	y int
}

// A moment is a time at which something happens: it has a height of its own,
// so that what happens at once does not lie on itself.
type moment struct {
	at          time.Duration
	top, bottom int
	shown       bool // something really happens
}

// A cut is a silence that is drawn shorter than it was.
type cut struct {
	top, bottom int
	length      time.Duration
}

func newPicture(d *story.Digest, o Options) *picture {
	p := &picture{Options: o, d: d, width: 10 * o.Width}
	switch {
	case o.Width < 600:
		p.lanes = 2
	case o.Width < 1200:
		p.lanes = 4
	default:
		p.lanes = 6
	}
	p.client = 400 + 60*p.lanes
	right := min(max(p.width*22/100, 1080), 2800)
	p.server = p.width - right
	p.right = p.server + 250
	return p
}

// narrow says whether there is room for few words only.
func (p *picture) narrow() bool { return p.Width < 600 }

// side is the place of the lifeline from which packets go in a direction.
func (p *picture) side(d network.Direction) int {
	if d == network.Up {
		return p.client
	}
	return p.server
}
