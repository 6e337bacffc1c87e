package views

import (
	"io"

	"example.com/sockets/03-tcp-reliability/engine/json"
	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// jsonEvent is an event as a line of JSON shows it. The fields without
// omitempty are always there.
type jsonEvent struct {
	At             int64       `json:"at_us"`
	Event          string      `json:"event"`
	Connection     int         `json:"connection,omitempty"`
	Direction      string      `json:"direction"`
	Number         int         `json:"number"`
	Copy           int         `json:"copy,omitempty"`
	Kind           string      `json:"kind,omitempty"`
	Seq            *uint32     `json:"seq,omitempty"`
	Ack            *uint32     `json:"ack,omitempty"`
	Window         *int        `json:"window,omitempty"`
	SACK           [][2]uint32 `json:"sack,omitempty"`
	Data           int         `json:"data,omitempty"`
	Retransmission bool        `json:"retransmission"`
	Of             int         `json:"of,omitempty"`
	Previous       int         `json:"previous,omitempty"`
	Cause          int         `json:"cause,omitempty"`
	Why            string      `json:"why"`
	Loss           string      `json:"loss,omitempty"`
	Length         int         `json:"length"`
	Text           string      `json:"text"`
	Note           string      `json:"note,omitempty"`
	Value          *int64      `json:"value,omitempty"`
	Unit           string      `json:"unit,omitempty"`
}

var losses = map[network.Loss]string{
	network.LostRandom: "random",
	network.LostScript: "script",
	network.LostQueue:  "queue",
}

// WriteJSON writes the events to w, one a line, times in microseconds.
func WriteJSON(w io.Writer, t *trace.Trace) error {
	for i := range t.Events {
		if err := WriteEventJSON(w, &t.Events[i]); err != nil {
			return err
		}
	}
	return nil
}

// WriteEventJSON writes one event to w, as a line.
func WriteEventJSON(w io.Writer, e *trace.Event) error {
	_, err := w.Write(json.Encode(jsonOf(e)))
	return err
}

func jsonOf(e *trace.Event) *jsonEvent {
	j := &jsonEvent{
		At:         e.At.Microseconds(),
		Event:      e.Kind.String(),
		Connection: e.Connection,
		Direction:  e.Direction.String(),
		Number:     e.Number,
		Copy:       e.Copy,
		Loss:       losses[e.Loss],
		Length:     e.Length,
		Text:       e.Text,
	}
	if p := e.Packet; p != nil {
		j.Kind, j.Length, j.Text = string(p.Kind), p.Length, p.Text
		j.SACK, j.Data, j.Previous, j.Cause = p.SACK, p.Data, p.Previous, p.Cause
		j.Retransmission, j.Of = p.Retransmits > 0, p.Retransmits
		j.Why = string(p.Why)
		if p.Kind != trace.Ack && p.Kind != trace.Datagram { // those have no number
			j.Seq = &p.Seq
		}
		if p.HasAck {
			j.Ack = &p.Ack
		}
		if p.HasWindow {
			j.Window = &p.Window
		}
	}
	if e.Kind == trace.Noted {
		j.Note, j.Value, j.Unit = e.Note.Name, &e.Note.Value, e.Note.Unit
	}
	return j
}
