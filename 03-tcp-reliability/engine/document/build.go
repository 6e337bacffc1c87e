package document

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/run"
	"example.com/sockets/03-tcp-reliability/engine/story"
	"example.com/sockets/03-tcp-reliability/engine/trace"
	"example.com/sockets/03-tcp-reliability/engine/views"
)

// The bounds of what a page may ask for: work that ends within a second or so.
const (
	MaxAddress = 4096    // bytes
	MaxBytes   = 500_000 // of -bytes
	maxEvents  = 60_000  // a longer run is not taken apart
	shownBytes = 128     // of a packet
)

// A View says how a run is drawn: what of the page's address is no setting.
type View struct {
	Width  int    // of the picture, in points; 0: 900
	Before string // address of the run before, to mark what differs; "": none
	Top    int    // of a long picture: from where it is drawn, in points; -1: where At or See is
	At     int    // index of the event that is looked at; -1: the last
	See    string // id of the packet that is looked at; "": none
	Cover  string // "client" or "server": only what the other end can know is drawn
	Still  bool   // the picture has no links
	wrong  []string
	whole  bool   // the picture, however long it is
	prefix string // of the picture's ids, where a page has several
}

// Of makes the document of an address. What the address asks for and can't be
// is in Problems.
func Of(address string, v View) (*Document, error) {
	s, problems := settings(address)
	r, err := once(s, true)
	if err != nil {
		return nil, err
	}
	d := &Document{Version: 1, Command: s.Command(), Address: s.Address(), Protocol: s.Protocol,
		Settings: settingsOf(s, problems), Problems: problems, Result: resultOf(r)}
	if len(r.trace.Events) > maxEvents {
		return nil, fmt.Errorf("%d events are too many for a page: try fewer -bytes",
			len(r.trace.Events))
	}
	for _, s := range r.digest.Story() {
		d.Story = append(d.Story, s.String())
	}
	var text strings.Builder
	if err := views.WriteLadder(&text, r.trace, views.Style{}); err != nil {
		return nil, err
	}
	d.Text = text.String()
	d.Names = r.names()
	d.Packets = packetsOf(r)
	eventsOf(d, r)
	d.Fields, d.Facts, d.Sources = r.fields.list, r.facts.list, r.sources.list

	var before *one
	if v.Before != "" {
		was, _ := settings(v.Before)
		if before, err = once(was, false); err != nil {
			return nil, err
		}
		d.Before = difference(before, r)
		d.Notes = append(d.Notes, takenBack(was, s)...)
	}
	d.Problems = append(d.Problems, v.wrong...)
	if v.See != "" && r.packet(v.See) == nil {
		d.Problems = append(d.Problems, fmt.Sprintf("see: there is no packet %.40q in this run",
			v.See))
	}
	return d, draw(d, r, before, v)
}

// packet is the one with an id, or nil.
func (r *one) packet(id string) *story.Packet {
	i := slices.IndexFunc(r.digest.Packets, func(p *story.Packet) bool { return idOf(p) == id })
	if i < 0 {
		return nil
	}
	return r.digest.Packets[i]
}

// settings reads an address, within the bounds of a page.
func settings(address string) (s run.Settings, problems []string) {
	if len(address) > MaxAddress {
		return run.Default(), []string{fmt.Sprintf("the address is longer than %d bytes",
			MaxAddress)}
	}
	s, problems = run.FromAddress(address)
	if s.Bytes > MaxBytes {
		problems = append(problems, fmt.Sprintf("bytes: a page shows at most %d", MaxBytes))
		s.Bytes = MaxBytes
	}
	return s, problems
}

// One run, and all that is known of it.
type one struct {
	run.Settings
	run.Result
	trace  *trace.Trace
	digest *story.Digest

	axis      axis          // of the picture, as soon as it is drawn
	named     []int         // indexes of the packets that -drop and -spare name by number
	other     run.Settings  // those of a click, and their address
	otherText func() string // where they are

	fields  rows[Field]
	facts   rows[Fact]
	sources sources
}

// rows are those of a table in which each is once.
type rows[T comparable] struct {
	list  []T
	index map[T]int
}

// of is the index of a row.
func (r *rows[T]) of(row T) int {
	i, ok := r.index[row]
	if !ok {
		if r.index == nil {
			r.index = map[T]int{}
		}
		i = len(r.list)
		r.index[row] = i
		r.list = append(r.list, row)
	}
	return i
}

// once makes the run. With states it knows those of both ends, for a whole
// document.
func once(s run.Settings, states bool) (*one, error) {
	r := &one{Settings: s, trace: &trace.Trace{States: states}}
	r.fields.list, r.facts.list, r.sources.list = []Field{}, []Fact{}, []Source{}
	var err error
	if r.Result, err = s.Run(r.trace); err != nil {
		return nil, err
	}
	r.digest = story.Of(r.trace)
	for i, p := range r.digest.Packets {
		if s.Drop.Names(p.Direction, p.Number, 0) || s.Spare.Names(p.Direction, p.Number, 0) {
			r.named = append(r.named, i)
		}
	}
	r.otherText = r.other.Addresser()
	return r, nil
}

func resultOf(r *one) Result {
	result := Result{
		Whole:   string(r.Whole) == string(r.Read),
		Verdict: r.Verdict(),
		Ended:   r.Ended.Microseconds(),
		Read:    r.LastRead.Microseconds(),
	}
	if r.Err != nil {
		result.Error = r.Err.Error()
		result.Verdict += " The run ended with: " + result.Error + "."
	}
	return result
}

// id names a packet, here and in the picture: up-5.
func id(d network.Direction, number int) string { return fmt.Sprintf("%v-%d", d, number) }

func idOf(p *story.Packet) string {
	if p == nil {
		return ""
	}
	return id(p.Direction, p.Number)
}

func packetsOf(r *one) []Packet {
	bytes := map[string][]byte{}
	for i := range r.trace.Events {
		if e := &r.trace.Events[i]; e.Kind == trace.Sent {
			bytes[id(e.Direction, e.Number)] = e.Bytes
		}
	}
	packets := make([]Packet, 0, len(r.digest.Packets))
	for i, p := range r.digest.Packets {
		b := bytes[idOf(p)]
		out := Packet{
			ID:        idOf(p),
			Direction: p.Direction.String(),
			Number:    p.Number,
			Label:     fmt.Sprintf("%d: %s", p.Number, p.Label(false, 24)),
			Name:      nameOf(p),
			Sentence:  sentence(p),
			Sent:      p.At.Microseconds(),
			Fate:      fate(p),
			Source:    r.sources.of(p.Line),
			Fields:    []int{},
			Bytes:     hex.EncodeToString(b[:min(len(b), shownBytes)]),
		}
		for _, f := range fieldsOf(b, p.Kind.TCP()) {
			out.Fields = append(out.Fields, r.fields.of(f))
		}
		if p.Fate == story.Lost {
			if said := repeated(r, p); said != "" {
				out.Sentence += " It is " + said + "."
			} else if p.Length > 0 {
				out.Sentence += " Nobody sends it again."
			}
		}
		toggle(&out, r, i)
		packets = append(packets, out)
	}
	return packets
}

// fate is what became of a packet, in a word or two.
func fate(p *story.Packet) string {
	switch {
	case p.Fate == story.Lost && p.Loss == network.LostQueue:
		return "queue full"
	case p.Fate == story.Lost:
		return "lost"
	case p.Fate == story.UnderWay:
		return "under way"
	}
	switch p.Arrivals[0].Is {
	case story.Damaged:
		return "damaged"
	case story.Full:
		return "buffer full"
	}
	return "arrived"
}

var ends = [...]string{"client", "server"}

// sentence says of a packet who sent it when and why, and what became of it.
func sentence(p *story.Packet) string {
	s := fmt.Sprintf("The %s sends it at %s", ends[p.Direction], story.Millis(p.At))
	if p.First != nil {
		s += fmt.Sprintf(", again: it is packet %d", p.First.Number)
		if p.Previous != p.First {
			s += fmt.Sprintf(", last sent as %d", p.Previous.Number)
		}
	}
	if p.Why != "" {
		s += " (" + string(p.Why) + ")"
	}
	switch {
	case p.Cause != nil:
		s += fmt.Sprintf(", because %s arrives", named(p.Cause.Packet))
	case p.Why == trace.Timeout:
		s += ", because its timer has run out"
	}
	switch f := fate(p); f {
	case "lost":
		s += ". The network loses it"
	case "queue full":
		s += ". The link's queue is full, so it is lost"
	case "under way":
		s += ". It is still under way at the end"
	default:
		for i, a := range p.Arrivals {
			if i == 0 {
				s += fmt.Sprintf(". It arrives at %s", story.Millis(a.Time))
			} else {
				s += fmt.Sprintf("; a second copy at %s", story.Millis(a.Time))
			}
			s += verdict(a, true)
		}
	}
	return s + "."
}

// verdict says what the receiver does with an arrival, and with later until
// when it has to be kept.
func verdict(a *story.Arrival, later bool) string {
	missing := "what is missing"
	if a.Missing != nil {
		missing = a.Missing.Lack(16)
	}
	switch a.Is {
	case story.Kept:
		s := ", and waits for " + missing
		if later && a.Until > 0 {
			s += " until " + story.Millis(a.Until)
		}
		return s
	case story.Already:
		return ", where it is known already"
	case story.Thrown:
		return ", and is thrown away: " + missing + " is missing"
	case story.NotKept:
		return ", and is not kept"
	case story.Damaged:
		return ", damaged, and is discarded"
	case story.Full:
		return ", and is dropped: the buffer is full"
	}
	return ""
}

func microseconds(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
