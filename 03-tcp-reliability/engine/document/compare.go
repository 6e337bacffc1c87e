package document

import (
	"fmt"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/story"
)

// sameness is what makes a packet the same in two runs: not its number, which
// changes with the packets before it, but what it carries and which sending of
// that it is.
type sameness struct {
	direction network.Direction
	kind      string
	seq, ack  uint32
	length    int
	nth       int
}

// identities gives each packet of a run its own, in the order of sending.
func identities(d *story.Digest) (all map[sameness]*story.Packet, order []sameness) {
	all = map[sameness]*story.Packet{}
	for _, p := range d.Packets {
		s := sameness{direction: p.Direction, kind: string(p.Kind), seq: p.Seq, ack: p.Ack,
			length: p.Length}
		for all[s] != nil {
			s.nth++
		}
		all[s] = p
		order = append(order, s)
	}
	return all, order
}

// difference says how a run differs from the one before.
func difference(before, now *one) string {
	const against = "Against the run before: "
	was, _ := identities(before.digest)
	is, _ := identities(now.digest)
	same := len(was) == len(is)
	for s, p := range is {
		q := was[s]
		same = same && q != nil && q.At == p.At && q.Fate == p.Fate && q.Due == p.Due
	}
	if same {
		return against + "nothing differs."
	}
	return against + whole(before, now) + "; " + more(len(is)-len(was)) + "."
}

func whole(before, now *one) string {
	was, is := string(before.Read) == string(before.Whole), string(now.Read) == string(now.Whole)
	later := now.LastRead - before.LastRead
	switch {
	case was && !is:
		return "the message is not whole any more"
	case !was && is:
		return "the message is whole now"
	case !is:
		return "the message is still not whole"
	case later > 0:
		return fmt.Sprintf("the message is whole %s later", story.Millis(later))
	case later < 0:
		return fmt.Sprintf("the message is whole %s earlier", story.Millis(-later))
	}
	return "the message is whole at the same time"
}

func more(n int) string {
	switch {
	case n > 0:
		return story.Count(n, "packet") + " more"
	case n < 0:
		return story.Count(-n, "packet") + " fewer"
	}
	return "as many packets"
}
