package document

import (
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
	Rows []HarmRow `json:"rows"` // in the order of sending
	Says string    `json:"says"` // which is the worst

	// The run, with the cost of each packet behind its label and as the shadow
	// of its arrow.
	Picture string `json:"picture"`
}

// A HarmRow is the harm of one packet.
type HarmRow struct {
	ID    string `json:"id"`
	Label string `json:"label"`
	Later string `json:"later"` // how much later the message is whole
	Waits string `json:"waits"` // the longest wait of a word that is there
	Cost  string `json:"cost"`  // the same in short, as in the picture: "+200 ms"
	Level int    `json:"level"` // 0 nothing, 1 to 4 more and more

	later time.Duration
}

// never is the harm of a loss that nobody repairs.
const never = time.Duration(1<<63 - 1)

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
	table := &HarmTable{Rows: []HarmRow{}}
	for i, p := range base.digest.Packets {
		row := HarmRow{ID: idOf(p), Label: fmt.Sprintf("%v:%d %s", p.Direction, p.Number,
			p.Label(true, 24))}
		if p.Fate == story.Lost {
			row.Later, row.Waits = "it is lost already", ""
		} else if err := row.measure(base, i); err != nil {
			return nil, err
		}
		table.Rows = append(table.Rows, row)
	}
	table.Says = table.worst()
	table.levels()
	rows := map[string]HarmRow{}
	for _, row := range table.Rows {
		rows[row.ID] = row
	}
	d := &Document{Address: s.Address()}
	table.Picture, err = drawRun(d, base, View{Width: v.Width}, picture.Options{
		Harm: func(p *story.Packet) (string, int) { return rows[idOf(p)].Cost, rows[idOf(p)].Level },
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
		row.later, row.Later, row.Cost = never, "never", "never whole"
	case row.later > 0:
		row.Later = story.Millis(row.later) + " later"
		row.Cost = "+" + story.Millis(row.later)
	case row.later < 0:
		row.Later = story.Millis(-row.later) + " earlier"
		row.Cost = "-" + story.Millis(-row.later)
	default:
		row.Later, row.Cost = "at the same time", "+0"
	}
	longest := time.Duration(0)
	for _, g := range r.digest.Gaps {
		if g.Until > 0 {
			longest = max(longest, g.Until-g.Since)
		}
	}
	row.Waits = story.Millis(longest)
	return nil
}

func (t *HarmTable) worst() string {
	if len(t.Rows) == 0 {
		return "No packet was sent."
	}
	worst := slices.MaxFunc(t.Rows, func(a, b HarmRow) int {
		switch {
		case a.later < b.later:
			return -1
		case a.later > b.later:
			return 1
		}
		return 0
	})
	if worst.later <= 0 {
		return "No single loss makes the message later."
	}
	return fmt.Sprintf("The worst packet to lose is %s: the message is whole %s.", worst.Label,
		worst.Later)
}

// levels cuts the harm into four: never, the half of the worst, a tenth, less.
func (t *HarmTable) levels() {
	most := time.Duration(0)
	for _, row := range t.Rows {
		if row.later != never {
			most = max(most, row.later)
		}
	}
	for i := range t.Rows {
		switch later := t.Rows[i].later; {
		case later == never:
			t.Rows[i].Level = 4
		case later <= 0:
		case 2*later >= most:
			t.Rows[i].Level = 3
		case 10*later >= most:
			t.Rows[i].Level = 2
		default:
			t.Rows[i].Level = 1
		}
	}
}

// ErrTooMany is what Compare says of runs that are too long for a page.
var ErrTooMany = errors.New("too many packets for pictures side by side: try a shorter message")
