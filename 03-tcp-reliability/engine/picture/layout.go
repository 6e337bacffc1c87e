package picture

import (
	"cmp"
	"slices"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/story"
)

// Heights, in tenths of a point.
const (
	usual      = 340  // of the usual flight
	sendRow    = 170  // from what is above it at the same host to a sending
	arrivalRow = 110  // and to an arrival
	doubled    = 40   // more below the two lines of what is sent again
	cutFrom    = 1100 // a silence that would be higher is cut
	cutHeight  = 460
	cutFlights = 5   // if it is as long as so many usual flights
	labelDrop  = 850 // how far down a label may go along its arrow, if it can be shorter
)

// An event is what needs a height: the end of an arrow, or a read.
type event struct {
	at    time.Duration
	order int
	host  int // 0 client, 1 server, 2 none
	row   int // how far it has to be below what is above it at its host
	below int // how much more room it leaves
	set   func(y int)
	after *arrow // it has left before, though at the same time
	label        // of a sending
}

// A label goes along the slant of its arrow.
type label struct {
	across, down int // how far
	slope        int // of the arrow, in thousandths
}

// layout gives everything its height.
func (p *picture) layout() {
	p.choose()
	p.flight = p.usualFlight()
	p.header()
	// The first time the slant is not known, and with it how far apart the
	// arrows are that leave at once.
	p.sweep()
	p.sweep()
	p.height = p.top + 300
	for _, m := range p.moments {
		p.height = max(p.height, m.bottom+260)
	}
}

// choose makes the arrows and reads that are drawn.
func (p *picture) choose() {
	within := func(at time.Duration) bool { return at >= p.From && (p.To == 0 || at <= p.To) }
	for _, packet := range p.d.Packets {
		if !within(packet.At) {
			continue
		}
		a := &arrow{Packet: packet, end: packet.Due,
			x1: p.side(packet.Direction), x2: p.side(1 - packet.Direction)}
		p.arrows = append(p.arrows, a)
		for i, arrival := range packet.Arrivals {
			if i > 0 {
				a = &arrow{Packet: packet, copied: true, x1: a.x1, x2: a.x2}
				p.arrows = append(p.arrows, a)
			}
			a.arrival, a.end = arrival, arrival.Time
		}
		if a.arrival == nil && a.end <= packet.At {
			a.end = packet.At + p.usualFlightOf()
		}
	}
	for _, r := range p.d.Reads {
		if within(r.At) {
			p.reads = append(p.reads, &read{Read: r})
		}
	}
	p.differs = compare(p.Before, p.d)
}

func (p *picture) usualFlightOf() time.Duration {
	if p.flight == 0 {
		p.flight = p.usualFlight()
	}
	return p.flight
}

// usualFlight is the median of all that arrived.
func (p *picture) usualFlight() time.Duration {
	var flights []time.Duration
	for _, packet := range p.d.Packets {
		if len(packet.Arrivals) > 0 {
			flights = append(flights, packet.Arrivals[0].Time-packet.At)
		}
	}
	slices.Sort(flights)
	if len(flights) == 0 || flights[len(flights)/2] <= 0 {
		return 10 * time.Millisecond
	}
	return flights[len(flights)/2]
}

// events lists what needs a height, in order of time; at one time what arrives
// comes before what is sent.
func (p *picture) events() []event {
	var list []event
	arrivals := map[*story.Arrival]*arrow{}
	for _, a := range p.arrows {
		host := int(a.Direction)
		if !a.copied {
			row, below, l := sendRow, 0, label{}
			if dx, dy := abs(a.x2-a.x1), a.y2-a.y1; dy > 0 && a.Loss != network.LostQueue {
				length := root(dx*dx + dy*dy)
				row = min(sendRow*length/dx, 260)
				along := p.usualLabel(a) + 150
				l = label{along * dx / length, along * dy / length, dy * 1000 / dx}
			}
			if a.Retransmits > 0 {
				below = doubled
			}
			list = append(list, event{a.At, 2, host, row, below,
				func(y int) { a.y1 = y }, nil, l})
		}
		if a.arrival != nil {
			arrivals[a.arrival] = a
			e := event{a.end, 0, 1 - host, arrivalRow, 0, func(y int) { a.y2 = y }, nil, label{}}
			if a.end == a.At { // a network without delay
				e.order, e.after = 3, a
			}
			list = append(list, e)
		} else {
			list = append(list, event{a.end, 0, 2, 0, 0, func(y int) { a.y2 = y }, nil, label{}})
		}
	}
	var own *read // the first of those that happen at one time
	for _, r := range p.reads {
		host := 1 - int(r.Direction)
		if a := arrivals[r.By]; a != nil && a.end == r.At {
			// Where the packet arrives: the list is in order, so that is known.
			list = append(list, event{r.At, 4, 2, 0, 0, func(int) { r.y = a.y2 }, nil, label{}})
		} else if first := own; first != nil && first.At == r.At {
			list = append(list, event{r.At, 4, 2, 0, 0, func(int) { r.y = first.y }, nil, label{}})
		} else {
			own = r
			list = append(list, event{r.At, 1, host, arrivalRow, 0,
				func(y int) { r.y = y }, nil, label{}})
		}
	}
	slices.SortStableFunc(list, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.order, b.order))
	})
	return list
}

// sweep goes down the list and gives each event its height. A later moment is
// never higher than an earlier one.
func (p *picture) sweep() {
	p.moments, p.cuts = p.moments[:0], p.cuts[:0]
	last := [3]int{p.top - 100, p.top - 100, p.top - 100} // the lowest at each host
	var latest [3]label                                   // at each host
	list := p.events()
	for len(list) > 0 {
		m := moment{at: list[0].at, top: p.top + 200}
		if n := len(p.moments); n > 0 {
			before := p.moments[n-1]
			silence := m.at - before.at
			high := int64(silence) / max(1, int64(p.flight)/usual)
			if high > cutFrom && silence >= cutFlights*p.flight {
				m.top = before.bottom + cutHeight
				p.cuts = append(p.cuts, cut{before.bottom + 100, m.top - 100, silence})
			} else {
				m.top = max(before.top+int(min(high, 3*cutFrom)), before.bottom+60)
			}
		}
		// Its top is where its first event has room.
		for first := true; len(list) > 0 && list[0].at == m.at; list = list[1:] {
			e := list[0]
			y := m.top
			m.shown = m.shown || e.host < 2 && !p.covered(network.Direction(e.host))
			if e.host < 2 {
				y = max(y, last[e.host]+e.row)
				if e.order == 2 {
					// The label of a steeper arrow reaches down to this one's.
					l := latest[e.host]
					y = max(y, last[e.host]+e.row+l.down-l.across*e.slope/1000)
					latest[e.host] = e.label
				}
				if e.after != nil {
					y = max(y, e.after.y1+usual/2)
				}
				last[e.host] = y + e.below
				if first {
					m.top, first = y, false
				}
			}
			m.bottom = max(m.bottom, m.top, y)
			e.set(y)
		}
		p.moments = append(p.moments, m)
	}
	for i, a := range p.arrows {
		if a.copied { // it follows the first copy
			a.y1 = p.arrows[i-1].y1
		}
	}
}

// y is the height of a time.
func (p *picture) y(at time.Duration) int {
	i, found := slices.BinarySearchFunc(p.moments, at, func(m moment, at time.Duration) int {
		return cmp.Compare(m.at, at)
	})
	switch {
	case len(p.moments) == 0:
		return p.top
	case found:
		return p.moments[i].top
	case i == 0:
		return p.moments[0].top
	case i == len(p.moments):
		return p.moments[i-1].bottom
	}
	a, b := p.moments[i-1], p.moments[i]
	return a.bottom + int(int64(b.top-a.bottom)*int64(at-a.at)/int64(b.at-a.at))
}

// A bracket joins a packet to what it repeats.
type bracket struct{ y1, y2, lane int }

// brackets of the client's repetitions: of a burst only the first, and of those
// that merely follow another one none.
func (p *picture) brackets() (list []bracket) {
	at := map[*story.Packet]*arrow{}
	for _, a := range p.arrows {
		if !a.copied {
			at[a.Packet] = a
		}
	}
	free := make([]int, p.lanes) // below this height each lane is free
	last := time.Duration(-1)
	for _, a := range p.arrows {
		from := at[a.Previous]
		if a.copied || a.Retransmits == 0 || from == nil || a.Direction != network.Up ||
			a.At == last {
			continue
		}
		last = a.At
		for lane, y := range free {
			if y < from.y1 {
				list = append(list, bracket{from.y1, a.y1, lane})
				free[lane] = a.y1 + 30
				break
			}
		}
	}
	return list
}

func abs(n int) int { return max(n, -n) }

// root is the whole part of a square root.
func root(n int) int {
	if n < 2 {
		return n
	}
	r := n
	for next := (r + 1) / 2; next < r; next = (r + n/r) / 2 {
		r = next
	}
	return r
}
