package views

import (
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// A Live ladder is drawn while things happen: each packet gets its row when it
// has arrived or is lost, and what an application reads a row of its own. So
// the rows stand in the order of the arrivals.
type Live struct {
	d       drawing
	flying  map[packetName]*row
	readers map[int]*receiver // by connection
	begun   bool
	last    time.Duration
}

type packetName struct {
	direction network.Direction
	number    int
}

// NewLive makes a ladder that is drawn on w.
func NewLive(w io.Writer, color bool) *Live {
	return &Live{drawing{w, color, tenths}, map[packetName]*row{}, map[int]*receiver{}, false, 0}
}

// Add draws what there is to see of an event. It keeps a packet until it has
// arrived; Finished and Failed events of a connection end what is kept of it.
func (l *Live) Add(e *trace.Event) {
	id := packetName{e.Direction, e.Number}
	v := l.readers[e.Connection]
	if v == nil && e.Packet != nil {
		v = &receiver{keeps: true, bytes: true, texts: map[uint32]string{}}
		if !e.Packet.Kind.TCP() {
			v.texts = nil // what waits for what is not known
		}
		l.readers[e.Connection] = v
	}
	switch e.Kind {
	case trace.Sent:
		l.flying[id] = &row{at: e.At, connection: e.Connection, direction: e.Direction, number: e.Number, packet: e.Packet}
		if e.Direction == network.Up {
			v.sent(e.Packet)
		}
	case trace.Lost:
		if r := l.flying[id]; r != nil {
			r.loss = e.Loss
			l.draw(r, e.At)
			delete(l.flying, id)
		}
	case trace.Arrived, trace.Discarded:
		r := l.flying[id]
		if r == nil || e.Copy > 1 {
			r = &row{at: e.At, connection: e.Connection, direction: e.Direction, number: e.Number, packet: e.Packet, copy: true}
		}
		delete(l.flying, id)
		r.arrived, r.arrives, r.damaged = true, e.At, e.Kind == trace.Discarded
		if e.Direction == network.Up && !r.damaged {
			r.app = v.arrives(e.Packet)
		}
		l.draw(r, e.At)
	case trace.Read:
		what := fmt.Sprintf("reads %q", e.Text)
		if e.Length > longRead || !utf8.ValidString(e.Text) {
			what = fmt.Sprintf("reads %d bytes", e.Length)
		}
		if e.Direction == network.Down {
			what = "(client) " + what
		}
		l.draw(&row{at: e.At, app: tag(e.Connection) + what}, e.At)
	case trace.End:
		what := "reads the end"
		if e.Direction == network.Down {
			what = "(client) reads the end"
		}
		l.draw(&row{at: e.At, app: tag(e.Connection) + what}, e.At)
	case trace.Failed:
		l.draw(&row{at: e.At, app: tag(e.Connection) + e.Text}, e.At)
		delete(l.readers, e.Connection)
	case trace.Finished:
		delete(l.readers, e.Connection)
	}
}

func tag(connection int) string {
	if connection > 1 {
		return fmt.Sprintf("#%d ", connection)
	}
	return ""
}

func (l *Live) draw(r *row, now time.Duration) {
	if !l.begun {
		l.d.head()
		l.begun = true
	} else if pause := now - l.last; pause >= 150*time.Millisecond {
		l.d.pause(pause)
	}
	l.last = now
	l.d.row(r)
}
