package picture

import (
	"fmt"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/story"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// differences are what a run has that the one before had not.
type differences struct {
	new   map[*story.Packet]bool
	first time.Duration
	gone  int
	asked bool
}

// An identity is a packet's, whatever its number is: the k-th sending of the
// same thing.
type identity struct {
	direction network.Direction
	kind      trace.PacketKind
	seq, ack  uint32
	length, k int
}

// A fate is what became of it.
type fate struct {
	at, end time.Duration
	fate    story.Fate
}

func fates(d *story.Digest) (map[identity]fate, []identity) {
	list, order, times := map[identity]fate{}, []identity{}, map[identity]int{}
	for _, p := range d.Packets {
		id := identity{p.Direction, p.Kind, p.Seq, 0, p.Length, 0}
		if p.Length == 0 {
			id.ack = p.Ack
		}
		times[id]++
		id.k = times[id]
		f := fate{at: p.At, fate: p.Fate}
		if len(p.Arrivals) > 0 {
			f.end = p.Arrivals[0].Time
		}
		list[id], order = f, append(order, id)
	}
	return list, order
}

// compare finds the packets that the run before had not, or with another fate.
func compare(before *trace.Trace, d *story.Digest) differences {
	result := differences{new: map[*story.Packet]bool{}}
	if before == nil {
		return result
	}
	result.asked = true
	was, _ := fates(story.Of(before))
	is, order := fates(d)
	for i, id := range order {
		if f, ok := was[id]; !ok || f != is[id] {
			if len(result.new) == 0 {
				result.first = d.Packets[i].At
			}
			result.new[d.Packets[i]] = true
		}
	}
	for id := range was {
		if _, ok := is[id]; !ok {
			result.gone++
		}
	}
	return result
}

// String goes on from "Against the run before".
func (d differences) String() string {
	switch {
	case !d.asked:
		return ""
	case len(d.new) == 0 && d.gone == 0:
		return ": no difference."
	case len(d.new) == 0:
		return fmt.Sprintf(": %d fewer at the end.", d.gone)
	}
	return fmt.Sprintf(": %s, from %s on.", differ(len(d.new)), story.Millis(d.first))
}

func differ(n int) string {
	if n == 1 {
		return "1 packet differs"
	}
	return fmt.Sprintf("%d packets differ", n)
}
