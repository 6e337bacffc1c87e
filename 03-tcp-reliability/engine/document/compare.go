package document

import (
	"fmt"
	"strings"
	"time"

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

// identities gives each packet of a run its own.
func identities(d *story.Digest) map[sameness]*story.Packet {
	all := map[sameness]*story.Packet{}
	for _, p := range d.Packets {
		s := sameness{direction: p.Direction, kind: string(p.Kind), seq: p.Seq, ack: p.Ack,
			length: p.Length}
		for all[s] != nil {
			s.nth++
		}
		all[s] = p
	}
	return all
}

// differences says how a run differs from the one before, from when on, and in
// which packets.
func differences(d *Document, before, now *one) *Comparison {
	c := &Comparison{From: -1, Packets: []string{}}
	was := identities(before.digest)
	first := time.Duration(1<<63 - 1)
	gone := len(before.digest.Packets)
	for s, p := range identities(now.digest) {
		q := was[s]
		if q != nil {
			gone--
		}
		if q == nil || q.At != p.At || q.Fate != p.Fate || q.Due != p.Due {
			c.Packets = append(c.Packets, idOf(p))
			first = min(first, p.At)
			if q != nil {
				first = min(first, q.At)
			}
		}
	}
	sortIDs(c.Packets, now.digest)
	if len(c.Packets) == 0 && gone == 0 {
		c.Sentence = "Against the run before: nothing differs."
		return c
	}
	marked := map[string]bool{}
	for _, x := range c.Packets {
		marked[x] = true
	}
	for i := range d.Packets {
		d.Packets[i].Differs = marked[d.Packets[i].ID]
	}
	c.From = first.Microseconds()
	c.Sentence = "Against the run before: " + strings.Join([]string{whole(before, now),
		more(len(now.digest.Packets) - len(before.digest.Packets))}, "; ") + "."
	return c
}

// sortIDs puts ids into the order of sending.
func sortIDs(ids []string, d *story.Digest) {
	in := map[string]bool{}
	for _, x := range ids {
		in[x] = true
	}
	ids = ids[:0]
	for _, p := range d.Packets {
		if in[idOf(p)] {
			ids = append(ids, idOf(p))
		}
	}
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
