package document

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/picture"
	"example.com/sockets/03-tcp-reliability/engine/story"
)

// MaxHarm is how many packets a run may have whose harm is worked out: for each
// there is a run of its own.
const MaxHarm = 200

// A HarmTable says what losing each packet would cost.
type HarmTable struct {
	Rows []*HarmRow `json:"rows"` // the worst first: by Later, then by Waits
	Says string     `json:"says"` // which is the worst

	// The run, with the cost of each packet behind its label and as the shadow
	// of its arrow.
	Picture string `json:"picture"`
}

// A HarmRow is the harm of one packet.
type HarmRow struct {
	ID    string `json:"id"`
	Label string `json:"label"` // whose it is, its number, and what it carries
	Later string `json:"later"` // how much later the message is whole
	Waits string `json:"waits"` // the longest wait of a word that is there
	Why   string `json:"why"`   // how the run went on without it

	packet       *story.Packet
	later, waits time.Duration
	cost         string // later in short, as in the picture: "+200 ms"
	level        int    // 0 nothing, 1 to 4 more and more
}

// Name is the packet as -drop names it, and what it carries.
func (row *HarmRow) Name() string {
	p := row.packet
	return fmt.Sprintf("%v:%d %s", p.Direction, p.Number, p.Label(true, 24))
}

// The harm of a loss that nobody repairs, and of one that is there already.
const (
	never   = time.Duration(1<<63 - 1)
	already = -never
)

// HarmOf runs an address once for each of its packets, with that one lost.
func HarmOf(address string, v View) (*HarmTable, error) {
	s, _ := settings(address)
	base, err := once(s, false)
	if err != nil {
		return nil, err
	}
	if n := len(base.digest.Packets); n > MaxHarm {
		return nil,
			fmt.Errorf("the run has %d packets: the harm of each is worked out for at most %d", n,
				MaxHarm)
	}
	table := &HarmTable{Rows: []*HarmRow{}}
	rows := map[*story.Packet]*HarmRow{}
	for i, p := range base.digest.Packets {
		row := &HarmRow{packet: p, ID: idOf(p), Label: theirs(p)}
		if p.Retransmits > 0 {
			row.Label += ", again"
		}
		if p.Fate == story.Lost {
			row.later, row.Later = already, "it is lost already"
		} else if err := row.measure(base, i); err != nil {
			return nil, err
		}
		table.Rows = append(table.Rows, row)
		rows[p] = row
	}
	slices.SortStableFunc(table.Rows, func(a, b *HarmRow) int {
		return cmp.Or(cmp.Compare(b.later, a.later), cmp.Compare(b.waits, a.waits))
	})
	if len(table.Rows) > 0 {
		table.Says = table.Worst("the " + table.Rows[0].Label)
	} else {
		table.Says = "No packet was sent."
	}
	table.levels()
	d := &Document{Address: s.Address()}
	table.Picture, err = drawRun(d, base, View{Width: v.Width, whole: true}, picture.Options{
		Harm: func(p *story.Packet) (string, int) { return rows[p].cost, rows[p].level },
	})
	return table, err
}

// measure loses the packet, as a click on it does.
func (row *HarmRow) measure(base *one, index int) error {
	s, _, _ := toggled(base, index)
	r, err := once(s, false)
	if err != nil {
		return err
	}
	row.later = r.LastRead - base.LastRead
	switch whole := string(r.Read) == string(r.Whole); {
	case !whole:
		row.later, row.Later, row.cost = never, "never", "never whole"
	case row.later > 0:
		row.Later = story.Millis(row.later) + " later"
		row.cost = "+" + story.Millis(row.later)
	case row.later < 0:
		row.Later = story.Millis(-row.later) + " earlier"
		row.cost = "-" + story.Millis(-row.later)
	default:
		row.Later, row.cost = "at the same time", "+0"
	}
	for _, g := range r.digest.Gaps {
		if g.Until > 0 {
			row.waits = max(row.waits, g.Until-g.Known())
		}
	}
	row.Waits = story.Millis(row.waits)
	row.Why = why(base, r, r.digest.Packets[index])
	return nil
}

// Worst says which loss costs most, and why. It is the first row's, by this name.
func (t *HarmTable) Worst(name string) string {
	row := t.Rows[0]
	if row.later <= 0 {
		return "No single loss makes the message later."
	}
	when := "whole " + row.Later
	if row.later == never {
		when = "never whole"
	}
	return "The worst packet to lose is " + name + ": the message is " + when + " (" + row.Why + ")."
}

// levels cuts the harm into four: never, the half of the worst, a tenth, less.
func (t *HarmTable) levels() {
	most := time.Duration(0)
	for _, row := range t.Rows {
		if row.later != never {
			most = max(most, row.later)
		}
	}
	for _, row := range t.Rows {
		switch later := row.later; {
		case later == never:
			row.level = 4
		case later <= 0:
		case 2*later >= most:
			row.level = 3
		case 10*later >= most:
			row.level = 2
		default:
			row.level = 1
		}
	}
}

// ErrTooMany is what Compare says of runs that are too long for a page.
var ErrTooMany = errors.New("too many packets for pictures side by side: try a shorter message")
