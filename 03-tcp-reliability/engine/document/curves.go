package document

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/arq"
	"example.com/sockets/03-tcp-reliability/engine/hosts"
	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/simulation"
)

// Curves is the efficiency of the protocols over the loss, as a picture: the share of a link's time that carries packets which arrive for the
// first time.
type Curves struct {
	Text string `json:"text"`
	SVG  string `json:"svg"`

	curves []efficiencies
}

// efficiencies are those of one protocol, in thousandths, at each of Losses.
type efficiencies struct {
	name     string
	measured []int
	expected []int // by its formula; none: there is none
}

// Losses are the probabilities that are tried, in thousandths.
var Losses = []int{0, 20, 50, 100, 150, 200, 300}

// The setting of docs/theory.md: a packet takes one slot to send and five to
// arrive, so that a = 5; the timer waits for one round trip.
const (
	ratio     = 5
	slot      = time.Millisecond
	kbit      = 9792 // a second: 1,224 bytes in a slot
	ackTime   = 19608 * time.Nanosecond
	roundTrip = slot + 2*ratio*slot + ackTime
	length    = 2000 // packets
)

// CurvesOf measures every protocol that repeats what was lost.
func CurvesOf() (*Curves, error) {
	c := &Curves{Text: fmt.Sprintf("What share of the link carries the message, over the loss: "+
		"dots are measured, "+
		"lines are the formulas of docs/theory.md, for a = %d. TCP has no such formula: it takes "+
		"a loss for congestion.", ratio)}
	for _, p := range []struct {
		name     string
		window   int
		expected func(p int) int // in thousandths
	}{
		{"stop-and-wait", 1, func(p int) int { return (1000 - p) / (1 + 2*ratio) }},
		{"go-back-n", 1 + 2*ratio,
			func(p int) int { return (1000 - p) * 1000 / (1000 + 2*ratio*p) }},
		{"selective-repeat", 4 * (1 + 2*ratio), func(p int) int { return 1000 - p }},
		{hosts.TCP, 1, nil},
	} {
		curve := efficiencies{name: p.name}
		for _, loss := range Losses {
			share, err := efficiency(p.name, p.window, loss)
			if err != nil {
				return nil, err
			}
			curve.measured = append(curve.measured, share)
			if p.expected != nil {
				curve.expected = append(curve.expected, p.expected(loss))
			}
		}
		c.curves = append(c.curves, curve)
	}
	c.SVG = c.draw()
	return c, nil
}

func efficiency(protocol string, window, loss int) (thousandths int, err error) {
	s := hosts.Default()
	s.Protocol, s.Window, s.RTO = protocol, window, roundTrip
	client, server, err := hosts.New(s, 1, false)
	if err != nil {
		return 0, err
	}
	c, err := network.Parse(fmt.Sprintf("-delay %v -queue 1 -rate %dkbit", ratio*slot, kbit))
	if err != nil {
		return 0, err
	}
	c.Loss = network.Certain * network.Probability(loss) / 1000
	c.Only.Set("up")
	if protocol == hosts.TCP {
		c.Queue = 100
	}
	result := simulation.Run(simulation.Config{Client: client, Server: server,
		Network: network.New(c),
		Writes:  slices.Repeat([][]byte{make([]byte, arq.MaxPayload)}, length),
		Paced:   protocol != hosts.TCP})
	if result.Err != nil || result.LastRead == 0 {
		return 0, nil
	}
	return int(length * 1000 * int64(slot) / int64(result.LastRead)), nil
}

// draw puts the curves into one picture: the name stands at each line's end.
func (c *Curves) draw() string {
	const width, height, left, bottom, right = 600, 320, 50, 30, 130
	x := func(p int) int { return left + p*(width-left-right)/Losses[len(Losses)-1] }
	y := func(share int) int { return height - bottom - min(share, 1000)*(height-bottom-20)/1000 }
	var out strings.Builder
	fmt.Fprintf(&out,
		`<svg xmlns="http://www.w3.org/2000/svg" class="lad" viewBox="0 0 %d %d" role="img" font-size="12" stroke-width="1.6"><title>Efficiency over loss</title>`, width, height)
	fmt.Fprintf(&out, `<path class="le" d="M%d 20V%dH%d"/>`, left, height-bottom, width-right)
	for _, share := range []int{0, 500, 1000} {
		fmt.Fprintf(&out, `<text class="q" x="%d" y="%d" text-anchor="end">%d %%</text>`, left-6,
			y(share)+4, share/10)
	}
	for _, loss := range Losses {
		fmt.Fprintf(&out, `<text class="q" x="%d" y="%d" text-anchor="middle">%d</text>`, x(loss),
			height-12, loss/10)
	}
	fmt.Fprintf(&out, `<text class="q" x="%d" y="%d">%% lost</text>`, width-right+12, height-12)
	for i, curve := range c.curves {
		class := []string{"k", "a", "d", "w"}[i]
		if len(curve.expected) > 0 {
			fmt.Fprintf(&out, `<path class="%s" d="M%d %d`, class, x(0), y(curve.expected[0]))
			for j, share := range curve.expected[1:] {
				fmt.Fprintf(&out, "L%d %d", x(Losses[j+1]), y(share))
			}
			out.WriteString(`"/>`)
		}
		for j, share := range curve.measured {
			fmt.Fprintf(&out, `<circle class="%s" fill="none" cx="%d" cy="%d" r="3.5"/>`, class,
				x(Losses[j]), y(share))
		}
		last := curve.measured[len(curve.measured)-1]
		if len(curve.expected) > 0 {
			last = curve.expected[len(curve.expected)-1]
		}
		fmt.Fprintf(&out, `<text x="%d" y="%d">%s</text>`, x(Losses[len(Losses)-1])+10, y(last)+4,
			curve.name)
	}
	out.WriteString("</svg>")
	return out.String()
}
