package document

import (
	"fmt"
	"slices"
	"strings"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/run"
	"example.com/sockets/03-tcp-reliability/engine/story"
)

// toggle gives the address of the run in which a packet meets the other fate:
// lost, if it arrived; spared, if it was lost. Nothing before its sending
// changes, since each packet takes the same random numbers whatever becomes of
// it. What comes later may become another run, in which a number means another
// packet: so losses by number of what was sent later are taken back.
func toggle(out *Packet, r *one, index int) {
	s, word, fixed := toggled(r, index)
	if out.ToggleWord, out.Fixed = word, fixed; fixed != "" {
		return
	}
	r.other = s
	out.Toggle = r.otherText()
}

// nameOf is what -drop and -spare call a packet.
func nameOf(p *story.Packet) string {
	if p.Direction == network.Up && p.Header.Data > 0 {
		return fmt.Sprintf("data:%d", p.Header.Data)
	}
	return fmt.Sprintf("%v:%d", p.Direction, p.Number)
}

// names says of the packets that the command names which they are, if they are few.
func (r *one) names() string {
	var list []string
	for i, p := range r.digest.Packets {
		name := nameOf(p)
		if slices.Contains(r.named, i) {
			name = fmt.Sprintf("%v:%d", p.Direction, p.Number)
		} else if data := p.Header.Data; !r.Drop.Names(p.Direction, 0, data) &&
			!r.Spare.Names(p.Direction, 0, data) {
			continue
		}
		list = append(list, name+" is the "+theirs(p))
	}
	if len(list) == 0 || len(list) > 3 {
		return ""
	}
	return strings.Join(list, ", ") + "."
}

// toggled gives the settings of that run, and "lose" or "spare"; or why there is none.
func toggled(r *one, index int) (s run.Settings, word, fixed string) {
	p := r.digest.Packets[index]
	s = r.Settings
	data := p.Header.Data
	if p.Direction != network.Up {
		data = 0
	}
	switch {
	case p.Fate == story.Lost && p.Loss == network.LostQueue:
		return s, "", "The link's queue was full: only a faster link or a longer queue spares it."
	case p.Fate == story.Lost && p.Loss == network.LostScript:
		s.Drop = s.Drop.Without(p.Direction, p.Number, data)
		word = "spare"
	case p.Fate == story.Lost:
		s.Spare = s.Spare.With(p.Direction, p.Number, data)
		word = "spare"
	case s.Spare.Names(p.Direction, p.Number, data):
		s.Spare = s.Spare.Without(p.Direction, p.Number, data)
		word = "lose"
	default:
		s.Drop = s.Drop.With(p.Direction, p.Number, data)
		word = "lose"
	}
	// Packets of the same moment may have been sent before it in one direction
	// and after it in the other: the order of the trace decides.
	for _, i := range slices.Backward(r.named) {
		if i <= index {
			break
		}
		q := r.digest.Packets[i]
		s.Drop = s.Drop.Without(q.Direction, q.Number, 0)
		s.Spare = s.Spare.Without(q.Direction, q.Number, 0)
	}
	return s, word, ""
}

// takenBack says how many losses of the run before are not in this one. One is
// what was asked for.
func takenBack(was, is run.Settings) []string {
	n := len(was.Drop.Except(is.Drop)) + len(was.Spare.Except(is.Spare))
	asked := 0
	if was.Drop.String() != is.Drop.String() || was.Spare.String() != is.Spare.String() {
		added := len(is.Drop.Except(was.Drop)) + len(is.Spare.Except(was.Spare))
		if added == 0 {
			asked = 1
		}
	}
	if n -= asked; n > 0 {
		return []string{fmt.Sprintf("%s taken back: it named packets that were sent later, and "+
			"these are others now.",
			story.Count(n, "later choice"))}
	}
	return nil
}
