package document

import (
	"fmt"

	"example.com/sockets/03-tcp-reliability/engine/story"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// why says what became of a loss: how it was noticed that packet p of run r was
// missing, or what took its place. Without that loss the run was base. All of it
// is read off the runs.
func why(base, r *one, p *story.Packet) string {
	after := func(q *story.Packet) string { return story.Millis(q.At - p.At) }
	if said := repeated(r, p); said != "" {
		return said
	}
	switch {
	case p.Needless:
		return "an earlier one has arrived"
	case p.Length > 0 || p.Kind != trace.ACK && p.Kind != trace.Ack:
		return "nobody sends it again"
	}
	// An acknowledgement is never repeated for its own sake. What the other end
	// sends again only without it, or later, is its doing.
	was, _ := identities(base.digest)
	_, order := identities(r.digest)
	for i, q := range r.digest.Packets {
		before := was[order[i]]
		switch {
		case q.Direction == p.Direction || q.First == nil || q.At < p.At:
		case before == nil && q.Needless:
			return fmt.Sprintf("%s comes again after %s, needlessly", q.Name(), after(q))
		case before == nil || before.At < q.At:
			return fmt.Sprintf("%s is sent again later, %s", q.Name(), r.digest.How(q))
		}
	}
	covers := r.Protocol != "selective-repeat" // there, each stands for one packet
	for _, q := range r.digest.Packets {
		newer := int32(q.Ack - p.Ack) // RFC 1982
		if q.Direction == p.Direction && q.Number > p.Number && q.Fate == story.Arrived &&
			q.HasAck && (newer > 0 && covers || newer == 0 && q.Window >= p.Window) {
			if q.At == p.At {
				return q.Name() + " behind it says as much"
			}
			return q.Name() + ", sent " + after(q) + " later, says as much"
		}
	}
	return "nobody misses it"
}

// repeated says when and why a packet was sent again, or "".
func repeated(r *one, p *story.Packet) string {
	for _, q := range r.digest.Packets {
		if q.Previous == p {
			return "sent again after " + story.Millis(q.At-p.At) + ", " + r.digest.How(q) +
				patience(r, p, q)
		}
	}
	return ""
}

// patience says why nothing was faster than a timer that sent p again as again.
func patience(r *one, p, again *story.Packet) string {
	measured, behind, repeats, own := r.RTO > 0, false, 0, 0
	for _, q := range r.digest.Packets {
		switch {
		case q.Direction == p.Direction:
			behind = behind || q.At >= p.At && q.At < again.At && q != p && q.Number > p.Number &&
				(q.Length > 0 || q.Kind.Has("FIN") || q.Kind == trace.Fin)
		case !arrivedBy(q, again.At) || !q.HasAck:
		case q.Arrivals[0].Time <= p.At:
			measured = true
		case q.Repeat > 0:
			repeats++
			if q.Ack == p.Seq {
				own++
			}
		}
	}
	switch {
	case again.Why != trace.Timeout:
		return ""
	case !measured:
		return ": no round trip is measured yet"
	case !behind:
		return ": nothing comes behind it"
	case !p.Kind.TCP():
		return ""
	case repeats == 0:
		return ": no acknowledgement repeats"
	case own == 1:
		return ": one repeat is too few"
	case own == 2:
		return ": two repeats are too few"
	}
	return ""
}
