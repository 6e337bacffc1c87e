package views

import (
	"io"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/story"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// A Live ladder is drawn while things happen: each packet gets its row when it
// has arrived or is lost, and what an application reads a row of its own. So
// the rows stand in the order of the arrivals.
type Live struct {
	d           *drawing
	connections map[int]*story.Digest
	rows        []*row // not yet drawn: what the first means is not yet known
	begun       bool
	last        time.Duration
}

// patience is how long a row waits for the receiver's acknowledgement, which
// says what the receiver has done with the packet.
const patience = 20 * time.Millisecond

// NewLive makes a ladder that is drawn on w.
func NewLive(w io.Writer, style Style) *Live {
	return &Live{d: newDrawing(w, style, tenths, 8, 8, 0, 0), connections: map[int]*story.Digest{}}
}

// Add draws what there is to see of an event. It keeps a packet until it has
// arrived; Finished and Failed events of a connection end what is kept of it.
func (l *Live) Add(e *trace.Event) {
	d := l.connections[e.Connection]
	if d == nil {
		protocol := "tcp"
		if e.Packet == nil || !e.Packet.Kind.TCP() {
			protocol = "" // what waits for what is not known
		}
		d = story.New(protocol)
		d.Live = true
		l.connections[e.Connection] = d
	}
	switch it := d.Add(e).(type) {
	case *story.Packet:
		if it.Fate == story.Lost {
			l.rows = append(l.rows, &row{at: it.At, packet: it})
		}
	case *story.Arrival:
		r := &row{at: it.At, packet: it.Packet, arrival: it}
		if it.Copy > 1 {
			r.at = it.Time
		}
		l.rows = append(l.rows, r)
	case []*story.Read:
		l.rows = append(l.rows, &row{at: e.At, reads: it})
	case *story.Failure:
		l.rows = append(l.rows, &row{at: e.At, text: tag(e.Connection) + it.Text})
	}
	over := e.Kind == trace.Finished || e.Kind == trace.Failed
	if over {
		delete(l.connections, e.Connection)
	}
	l.draw(e.At, over)
}

// Say draws a row of text, of a moment when nothing happens.
func (l *Live) Say(at time.Duration, connection int, text string) {
	l.rows = append(l.rows, &row{at: at, text: tag(connection) + text})
	l.draw(at, false)
}

// Settle draws the rows that have waited long enough although nothing happens.
func (l *Live) Settle(now time.Duration) { l.draw(now, false) }

// draw draws the rows of which all is known, or will not be known.
func (l *Live) draw(now time.Duration, all bool) {
	for len(l.rows) > 0 {
		r := l.rows[0]
		if a := r.arrival; a != nil && !all && !a.Settled() && now-a.Time < patience {
			return
		}
		l.rows = l.rows[1:]
		at := max(r.at, r.arrives())
		if !l.begun {
			l.d.head()
			l.begun = true
		} else if pause := at - l.last; pause >= 150*time.Millisecond {
			l.d.pause(pause)
		}
		l.last = at
		l.d.row(r)
	}
}
