package document

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/picture"
	"example.com/sockets/03-tcp-reliability/engine/story"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// Of a run with more packets than manyPackets only a part is drawn, of partHeight
// points: a browser needs some 40 ms for 200 arrows, and a click should seem instant.
const (
	manyPackets = 100
	partHeight  = 3000
)

// draw makes the picture and the plots.
func draw(d *Document, r, before *one, v View) (err error) {
	var o picture.Options
	if before != nil {
		o.Before = before.trace
	}
	d.Picture, err = drawRun(d, r, v, o)
	at := r.Ended.Microseconds()
	if v.At >= 0 && v.At < len(d.Events) {
		at = d.Events[v.At].At
	}
	d.Plots = plotsOf(r, at, v.Width > 0 && v.Width < 600)
	return err
}

// drawRun draws a run for a page, with a link at each packet.
func drawRun(d *Document, r *one, v View, o picture.Options) (string, error) {
	many := !v.whole && len(r.digest.Packets) > manyPackets
	index := map[string]int{} // in a picture with an end covered, packets are copies
	for i, p := range r.digest.Packets {
		index[idOf(p)] = i
	}
	o.Title = fmt.Sprintf("%s over a network with %v", r.Protocol, r.Conditions)
	if v.Cover != "" {
		o.Title = string(r.Protocol) // what the network does, neither end knows
	}
	o.Width, o.Inline, o.Prefix, o.Cover = v.Width, true, v.prefix, v.Cover
	if !v.Still {
		o.Link = func(p *story.Packet) string {
			var to Packet
			if toggle(&to, r, index[idOf(p)]); to.Toggle == "" {
				return "?" + d.Address + "&see=" + idOf(p) + v.covering()
			}
			if many { // to come back to the same place
				to.Toggle += "&see=" + idOf(p)
			}
			return "?" + to.Toggle + v.covering()
		}
	}
	o.Part = func(height int, y func(time.Duration) int) (top, bottom int) {
		r.axis = axis{y, y(0), max(1, y(r.Ended)-y(0))}
		if !many {
			return 0, height
		}
		d.Part = partOf(d, r, v, height, y)
		return d.Part.Top, d.Part.Bottom
	}
	var out bytes.Buffer
	err := picture.Draw(&out, r.digest, o)
	return out.String(), err
}

// covering keeps an end covered at the next address.
func (v View) covering() string {
	if v.Cover == "" {
		return ""
	}
	return "&cover=" + v.Cover
}

// partOf is the part of a long picture that a page asks for: by its height, by
// an event, or by a packet.
func partOf(d *Document, r *one, v View, height int, y func(time.Duration) int) *Part {
	at := func(us int64) int { return y(microseconds(us)) / partHeight * partHeight }
	top := v.Top
	if p := r.packet(v.See); top < 0 && v.At < 0 && p != nil {
		top = at(p.At.Microseconds())
	}
	if top < 0 && v.At >= 0 && len(d.Events) > 0 {
		top = at(d.Events[min(v.At, len(d.Events)-1)].At)
	}
	top = min(max(top, 0), (height-1)/partHeight*partHeight)
	p := &Part{Top: top, Bottom: min(top+partHeight, height), Height: height}
	if top > 0 {
		p.Previous = fmt.Sprintf("%s&top=%d%s", d.Address, max(0, top-partHeight), v.covering())
	}
	if p.Bottom < height {
		p.Next = fmt.Sprintf("%s&top=%d%s", d.Address, p.Bottom, v.covering())
	}
	return p
}

// A Picture is that of a document, without the rest, which takes longer to make.
type Picture struct {
	Picture string `json:"picture"`
}

// PictureOf draws the run of an address. The view's At is of no account.
func PictureOf(address string, v View) (*Picture, error) {
	s, _ := settings(address)
	r, err := once(s, false)
	if err != nil {
		return nil, err
	}
	var o picture.Options
	if v.Before != "" {
		was, _ := settings(v.Before)
		before, err := once(was, false)
		if err != nil {
			return nil, err
		}
		o.Before = before.trace
	}
	v.At = -1
	drawn, err := drawRun(&Document{Address: s.Address()}, r, v, o)
	return &Picture{drawn}, err
}

// DrawBare draws an address without links, for a file of its own.
func DrawBare(address string, width int) ([]byte, error) {
	s, _ := settings(address)
	r, err := once(s, false)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = picture.Draw(&out, r.digest, picture.Options{Width: width,
		Title: fmt.Sprintf("%s over a network with %v", r.Protocol, r.Conditions)})
	return out.Bytes(), err
}

// An axis is the picture's: a time has a height, silences are cut, and what
// happens at once has some room. The plots lay it down.
type axis struct {
	y          func(time.Duration) int
	from, high int // what is drawn begins here, and is so high
}

// A curve is a value of the client over time, as steps or as dots.
type curve struct {
	name, class string
	dots        bool
	points      []point
}

type point struct {
	at    time.Duration
	value int64
}

// plotsOf draws what the client's state says over time: round trips and the
// timeout, and of TCP the congestion window and its threshold. Narrow plots are
// for narrow pages.
func plotsOf(r *one, at int64, narrow bool) []Plot {
	plots := []Plot{}
	samples := curve{name: "round trip", class: "r", dots: true}
	trip := curve{name: "mean (SRTT)", class: "d"}
	rto := curve{name: "timeout (RTO)", class: "l"}
	window := curve{name: "congestion window", class: "d"}
	threshold := curve{name: "threshold", class: "w"}
	var before trace.Out
	for i := range r.trace.Events {
		e := &r.trace.Events[i]
		if e.Kind != trace.Changed || e.Direction != network.Up || e.State.Out == nil {
			continue
		}
		s := e.State.Out
		if s.Sample != before.Sample || s.SRTT != before.SRTT || s.RTTVar != before.RTTVar {
			samples.points = append(samples.points, point{e.At, s.Sample.Microseconds()})
		}
		before = *s
		trip.add(e, s.SRTT.Microseconds())
		rto.add(e, s.RTO.Microseconds())
		window.add(e, int64(s.Cwnd))
		threshold.add(e, int64(s.Ssthresh))
	}
	if svg := plot(r, at, narrow, "ms", 1000, samples, trip, rto); svg != "" {
		plots = append(plots, Plot{"Round trip and timeout", svg,
			"how long an answer takes, and how long the client waits for one"})
	}
	if svg := plot(r, at, narrow, "bytes", 1, window, threshold); svg != "" {
		plots = append(plots, Plot{"Congestion window", svg,
			"how much the client lets into the network at once"})
	}
	return plots
}

func (c *curve) add(e *trace.Event, value int64) {
	last := len(c.points) - 1
	if value == 0 || last >= 0 && c.points[last].value == value {
		return
	}
	c.points = append(c.points, point{e.At, value})
}

// plot draws curves over the picture's axis of time, with a line at a moment, or
// "" where there is nothing to draw. A page moves the line: the root says where
// the axis begins and ends, here and in the picture.
func plot(r *one, now int64, narrow bool, unit string, scale int64, curves ...curve) string {
	const height, left, bottom = 150, 60, 20
	width := 600
	if narrow {
		width = 390
	}
	most, n, shown := int64(1), 0, 0
	for _, c := range curves {
		for _, p := range c.points {
			most = max(most, p.value)
		}
		if n += len(c.points); len(c.points) > 0 {
			shown++
		}
	}
	if n < 2 || r.Ended == 0 || r.axis.y == nil {
		return ""
	}
	right := width - 10
	x := func(at time.Duration) int { return left + (r.axis.y(at)-r.axis.from)*(right-left)/r.axis.high }
	y := func(value int64) int64 { return height - bottom - value*(height-bottom-20)/most }
	var out strings.Builder
	fmt.Fprintf(&out,
		`<svg xmlns="http://www.w3.org/2000/svg" class="lad" viewBox="0 0 %d %d" role="img" font-size="12" stroke-width="1.6" data-left="%d" data-right="%d" data-from="%d" data-to="%d"><title>%s</title>`,
		width, height, left, right, r.axis.from, r.axis.from+r.axis.high,
		names(curves))
	fmt.Fprintf(&out,
		`<path class="le" d="M%d 20V%dH%d"/><text class="q" x="%d" y="26" text-anchor="end">%d</text><text class="q" x="%d" y="14" text-anchor="end">%s</text><text class="q" x="%d" y="%d" text-anchor="end">%s</text>`,
		left, height-bottom, right, left-6, most/scale, left-6, unit, right, height-4,
		story.Millis(r.Ended))
	named := 0
	for _, c := range curves {
		if len(c.points) == 0 {
			continue
		}
		text := left + 26 + (right-left-26)*named/shown
		named++
		fmt.Fprintf(&out, `<text x="%d" y="14">%s</text>`, text, c.name)
		if c.dots {
			fmt.Fprintf(&out, `<circle class="%s" cx="%d" cy="10" r="3"/>`, c.class, text-12)
			for _, p := range c.points {
				fmt.Fprintf(&out, `<circle class="%s" cx="%d" cy="%d" r="2.4"/>`, c.class, x(p.at),
					y(p.value))
			}
			continue
		}
		fmt.Fprintf(&out, `<path class="%s" d="M%d 10h12M%d %d`, c.class, text-18,
			x(c.points[0].at), y(c.points[0].value))
		for _, p := range c.points[1:] {
			fmt.Fprintf(&out, "H%dV%d", x(p.at), y(p.value))
		}
		fmt.Fprintf(&out, `H%d"/>`, x(r.Ended))
	}
	fmt.Fprintf(&out, `<path class="ll now" d="M0 18V%d" transform="translate(%d)"/>`,
		height-bottom, x(microseconds(now)))
	out.WriteString("</svg>")
	return out.String()
}

func names(curves []curve) string {
	var list []string
	for _, c := range curves {
		if len(c.points) > 0 {
			list = append(list, c.name)
		}
	}
	return strings.Join(slices.Compact(list), " and ") + " over time"
}
