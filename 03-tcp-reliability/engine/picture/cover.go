package picture

import (
	"fmt"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/story"
)

// covered says whether an end is covered, by the direction in which it sends.
func (p *picture) covered(end network.Direction) bool {
	return p.Cover == ends[end]
}

var ends = [...]string{"client", "server"}

// coverTopic has no mark.
const coverTopic story.Topic = -2

// told is all that is said above a picture of which one end is covered.
func (p *picture) told() []story.Sentence {
	end := ends[0]
	if p.covered(network.Up) {
		end = ends[1]
	}
	return []story.Sentence{{Topic: coverTopic, Key: "What the " + end + " can know",
		Rest: ": what it sends, what arrives, and when. What becomes of a packet it never sees."}}
}

// known is what the end that is not covered knows of a packet: how it leaves,
// or how it comes out of the network. All lines have the same slope, since a
// slope would tell how long a packet was under way; nil: it knows nothing.
func (p *picture) known(a *arrow) *arrow {
	half, middle := *a, (p.client+p.server)/2
	packet := *a.Packet
	half.Packet, half.half = &packet, true
	switch {
	case p.covered(a.Direction) && a.arrival == nil, !p.covered(a.Direction) && a.copied:
		return nil
	case p.covered(a.Direction): // it is the receiver: nobody tells it what is sent again
		packet.Retransmits, packet.Why, packet.Cause = 0, "", nil
		packet.Repeat = p.heard(a)
		half.x1, half.y1 = middle, a.y2-usual/2
	default:
		packet.Fate, packet.Loss = story.Arrived, network.NotLost
		half.arrival = nil
		half.x2, half.y2 = middle, a.y1+usual/2
	}
	return &half
}

// heard is for how many times an acknowledgement repeats one, for who receives
// them: what is lost on the way, it does not count.
func (p *picture) heard(a *arrow) (n int) {
	if a.Repeat == 0 {
		return 0
	}
	for _, b := range p.arrows {
		if b.arrival != nil && !b.copied && b.Direction == a.Direction && b.Ack == a.Ack &&
			b.end < a.end && b.Length == 0 {
			n++
		}
	}
	return n
}

// knownSentence says of a packet what one end knows.
func (p *picture) knownSentence(a *arrow) string {
	s := fmt.Sprintf("%s: the %s ", a.Label(false, 16), ends[a.Direction])
	if a.arrival != nil {
		return fmt.Sprintf("%s: arrives at %s%s", a.Label(false, 16), story.Millis(a.end),
			a.verdict())
	}
	s += "sends it at " + story.Millis(a.At)
	if a.Retransmits > 0 {
		s += fmt.Sprintf(", packet %d again: %s", a.Retransmits, a.Why)
	}
	return s
}

// cover hides the half of the picture in which the covered end is.
func (p *picture) cover(first, last int) {
	from, to := (p.client+p.server)/2, p.server+60
	if p.covered(network.Up) {
		from, to = p.client-60, from
	}
	top, bottom := max(p.top-20, first), min(p.height-120, last)
	fmt.Fprintf(&p.out,
		`<rect class="b" x="%s" y="%s" width="%s" height="%s" rx="6" stroke-width=".6"/>`+"\n",
		pt(from), pt(top), pt(to-from), pt(max(bottom-top, 0)))
}
