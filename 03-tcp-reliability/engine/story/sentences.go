package story

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// Topic says what a sentence of the story is about: a view has a mark for each.
type Topic int

const (
	LostTopic  Topic = iota // what was lost
	Noticed                 // who noticed it, and how
	Waited                  // what it cost: later data waited
	ThrownAway              // or were thrown away
	Torn                    // or the application got something else
)

// A Sentence is one of the story. Key is what matters most: its beginning.
type Sentence struct {
	Topic     Topic
	Key, Rest string
}

func (s Sentence) String() string { return s.Key + s.Rest }

// Story tells what was lost, who noticed it and how, and what it cost. There
// is nothing to tell when nothing happened to any packet.
func (d *Digest) Story() (story []Sentence) {
	add := func(topic Topic, key, rest string) {
		if key != "" {
			story = append(story, Sentence{topic, key, rest})
		}
	}
	key, rest := d.whatWasLost()
	add(LostTopic, key, rest)
	underWay := 0
	for _, p := range d.Packets {
		if p.Fate == UnderWay {
			underWay++
		}
	}
	if underWay > 0 {
		add(LostTopic, fmt.Sprintf("%s %s still under way", Count(underWay, "packet"),
			was(underWay)),
			" when the run ended.")
	}
	if d.Protocol == "udp" {
		d.torn(add)
		return story
	}
	key, rest = d.whoNoticed()
	add(Noticed, key, rest)
	d.cost(add)
	return story
}

// troubled are the packets that the network lost or damaged, or a host dropped.
func (d *Digest) troubled() (list []*Packet) {
	for _, p := range d.Packets {
		if p.Fate == Lost || p.is(Damaged) || p.is(Full) {
			list = append(list, p)
		}
	}
	return list
}

// is says whether the first copy of a packet met this end.
func (p *Packet) is(v Verdict) bool {
	return p.Fate == Arrived && len(p.Arrivals) == 1 && p.Arrivals[0].Is == v
}

// Name is a packet in a word or two: its text, or what it is for.
func (p *Packet) Name() string { return p.Label(true, 16) }

func (d *Digest) whatWasLost() (key, rest string) {
	var lost, damaged, full int
	var names []string
	queue := true
	list := d.troubled()
	for _, p := range list {
		switch {
		case p.Fate == Lost:
			lost++
			queue = queue && p.Loss == network.LostQueue
		case p.is(Damaged):
			damaged++
		default:
			full++
		}
		name := p.Name()
		if p.Retransmits > 0 {
			name += " again"
		}
		names = append(names, name)
	}
	of := ""
	if len(list) > 3 {
		of = fmt.Sprintf(" of %d", len(d.Packets))
	}
	part := func(n int, verb string) {
		if n == 0 {
			return
		}
		if key == "" {
			key = fmt.Sprintf("%s%s %s %s", Count(n, "packet"), of, was(n), verb)
		} else {
			key += fmt.Sprintf(", %d %s", n, verb)
		}
	}
	how := "lost"
	if lost > 0 && queue {
		how = "lost in a full queue"
	}
	part(lost, how)
	part(damaged, "damaged")
	part(full, "dropped by a full buffer")
	switch {
	case key == "":
		return "", ""
	case len(names) <= 3:
		rest = ": " + list3(names)
	}
	return key, rest + "."
}

func was(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// list3 is "a", "a and b" or "a, b and c".
func list3(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// ends are the hosts, by the direction in which they send.
var ends = [2]string{"client", "server"}

// whoNoticed tells of the repetitions that followed a loss.
func (d *Digest) whoNoticed() (key, rest string) {
	repeated, needless := d.repetitions()
	lost := d.troubled()
	noticed, least, most := d.repaired(lost)
	switch {
	case len(noticed) == 0 && needless > 0:
		return Count(needless, "repetition") + " " + was(needless) + " needless",
			": the receiver had it all."
	case len(noticed) == 0 && len(lost) > 0:
		return d.unnoticed(lost)
	case len(noticed) == 0:
		return "", ""
	}
	vain := ""
	if needless > 0 {
		vain = fmt.Sprintf(" %d of %s %s needless.",
			needless, Count(repeated, "repetition"), was(needless))
	}
	if len(noticed) == 1 {
		return "The " + who(noticed) + " noticed after " + Millis(least),
			", " + d.How(noticed[0]) + ", and sent it again." + vain
	}
	span := Millis(least)
	if most != least {
		span += " to " + Millis(most)
	}
	these := "them"
	if len(noticed) < len(lost) {
		these = fmt.Sprintf("%d of them", len(noticed))
	}
	key = fmt.Sprintf("The %s noticed %s after %s", who(noticed), these, span)
	how := manners(noticed)
	if strings.Contains(who(noticed), " and ") {
		how = strings.ReplaceAll(how, "its timer", "their timers")
	}
	return key, ", " + how + ", and sent them again." + vain
}

func (d *Digest) repetitions() (repeated, needless int) {
	for _, p := range d.Packets {
		if p.Retransmits > 0 {
			repeated++
			if p.Needless {
				needless++
			}
		}
	}
	return repeated, needless
}

// repaired are the repetitions that were for a loss, and the shortest and the
// longest time from a sending to its repetition.
func (d *Digest) repaired(lost []*Packet) (noticed []*Packet, least, most time.Duration) {
	again := map[*Packet]*Packet{} // the next sending
	for _, p := range d.Packets {
		if p.Previous != nil {
			again[p.Previous] = p
		}
	}
	for _, p := range lost {
		q := again[p]
		if q == nil {
			continue
		}
		after := q.At - p.At
		if len(noticed) == 0 {
			least = after
		}
		least, most = min(least, after), max(most, after)
		noticed = append(noticed, q)
	}
	return noticed, least, most
}

// who sent them.
func who(packets []*Packet) string {
	for _, p := range packets {
		if p.Direction != packets[0].Direction {
			return "client and the server"
		}
	}
	return ends[packets[0].Direction]
}

// manners lists by what the losses were noticed, with counts if there are two ways.
func manners(noticed []*Packet) string {
	var ways []string
	counts := map[string]int{}
	for _, q := range noticed {
		way := manner(q.Why)
		if counts[way]++; counts[way] == 1 {
			ways = append(ways, way)
		}
	}
	if len(ways) > 1 {
		for i, way := range ways {
			ways[i] = fmt.Sprintf("%d %s", counts[way], way)
		}
	}
	return list3(ways)
}

// unnoticed is a loss that nobody repeats.
func (d *Digest) unnoticed(lost []*Packet) (key, rest string) {
	for _, p := range lost {
		if p.Kind != trace.Ack && (p.Kind != trace.ACK || p.Length > 0) {
			return "Nothing was sent again", "."
		}
	}
	return "Nothing had to be sent again", ": a later acknowledgement said as much."
}

// manner says by what a loss was noticed.
func manner(why trace.Reason) string {
	switch why {
	case trace.Timeout:
		return "by its timer"
	case trace.FastRetransmit:
		return "by repeated acknowledgements"
	case trace.GoBack:
		return "when it went back"
	case trace.AfterTimeout:
		return "after a timeout"
	case trace.TailLossProbe:
		return "by a tail loss probe"
	case trace.DuplicateSYN:
		return "by a repeated SYN"
	}
	return "by " + string(why)
}

// How says by what the loss was noticed that a packet repairs: of repeated
// acknowledgements also which one.
func (d *Digest) How(q *Packet) string {
	if q.Why != trace.FastRetransmit && q.Why != trace.RACK {
		return manner(q.Why)
	}
	var newest *Packet
	for _, p := range d.Packets {
		if p.Direction != q.Direction && p.Repeat > 0 && p.Ack == q.Seq && p.Fate == Arrived &&
			p.Arrivals[0].Time <= q.At && p.Arrivals[0].Is != Damaged &&
			(newest == nil || newest.Repeat < 3 || p.Arrivals[0].Time > newest.Arrivals[0].Time) {
			newest = p // of those that come in one moment, the third is the one that counts
		}
	}
	if newest == nil {
		return manner(q.Why)
	}
	return fmt.Sprintf("by the %s repeat of ACK %d", Ordinal(newest.Repeat), newest.Ack)
}

// A Wait is how long something was missing that is there in the end.
type Wait struct {
	Packet     *Packet // its first transmission
	From, Till time.Duration
}

// Waits lists what was missing: what was lost at first, from when it should
// have come, and what later packets overtook, from when they came.
func (d *Digest) Waits() (waits []Wait) {
	came := map[*Packet]*Arrival{} // by the first transmission
	for _, p := range d.Packets {
		first := p
		if p.First != nil {
			first = p.First
		}
		for _, a := range p.Arrivals {
			if (a.Is == Taken || a.Is == Kept) && came[first] == nil {
				came[first] = a
			}
		}
	}
	since := map[*Packet]time.Duration{}
	for _, g := range d.Gaps {
		if g.Missing != nil {
			since[g.Missing] = g.Known()
		}
	}
	for _, p := range d.Packets {
		a := came[p]
		if p.First != nil || a == nil || p.Fate == UnderWay {
			continue
		}
		from, waited := since[p]
		if p.Fate == Lost || p.is(Damaged) || p.is(Full) || p.is(NotKept) {
			from, waited = p.Due, true
		}
		if waited && a.Time > from {
			waits = append(waits, Wait{p, from, a.Time})
		}
	}
	return waits
}

// cost tells what was missing, for how long, and what waited for it.
func (d *Digest) cost(add func(Topic, string, string)) {
	waits := d.Waits()
	later, thrown := 0, 0
	longest := time.Duration(0)
	counted := map[*Packet]bool{}
	for _, g := range d.Gaps {
		for _, a := range g.Later {
			switch {
			case a.Is == Thrown:
				thrown++
			case a.Is == Kept && a.Length > 0 && !counted[a.Packet] && a.Until > a.Time:
				counted[a.Packet] = true
				later++
				longest = max(longest, a.Until-a.Time)
			}
		}
	}
	isEnd := func(w Wait) bool { return w.Packet.Length == 0 }
	if data := slices.DeleteFunc(slices.Clone(waits), isEnd); len(data) > 0 {
		waits = data // the end counts if nothing else was missing
	}
	if len(waits) > 0 {
		w := waits[0]
		for _, o := range waits {
			if o.Till-o.From > w.Till-w.From {
				w = o
			}
		}
		key, rest := fmt.Sprintf("%s was missing for %s",
			w.Packet.Name(), Millis(w.Till-w.From)), ""
		if len(waits) > 1 {
			name := w.Packet.Name()
			if d.Unit() != "word" {
				name = ""
			} else {
				name = ", " + name + ","
			}
			key = fmt.Sprintf("%s were missing, the longest%s for %s", Count(len(waits), d.Unit()),
				name, Millis(w.Till-w.From))
		}
		switch {
		case later == 1:
			rest = fmt.Sprintf("; 1 later %s waited %s", d.Unit(), Millis(longest))
		case later > 1:
			rest = fmt.Sprintf("; %d later %ss waited, the longest %s",
				later, d.Unit(), Millis(longest))
		}
		add(Waited, key, rest+".")
	}
	if thrown > 0 {
		add(ThrownAway, fmt.Sprintf("%s %s thrown away", Count(thrown, "packet"), was(thrown)),
			": this receiver keeps nothing out of order.")
	}
}

// Unit is what a packet carries: a word each, or some bytes.
func (d *Digest) Unit() string {
	for _, p := range d.Packets {
		if p.Length > 0 && strings.ContainsAny(strings.TrimSuffix(p.Text, " "), " \n") {
			return "packet"
		}
	}
	return "word"
}

// torn tells what the application misses and gets twice where nobody repeats.
func (d *Digest) torn(add func(Topic, string, string)) {
	missed, twice, late := 0, 0, 0
	var names []string
	newest := 0
	for _, p := range d.Packets {
		got := 0
		for _, a := range p.Arrivals {
			if a.Is == Taken {
				got++
			}
		}
		switch {
		case got == 0 && p.Fate != UnderWay:
			missed++
			names = append(names, p.Name())
		case got > 1:
			twice++
		}
	}
	for _, r := range d.Reads {
		if r.By != nil && r.By.Copy == 1 {
			if r.By.Number < newest {
				late++
			}
			newest = max(newest, r.By.Number)
		}
	}
	if missed > 0 {
		add(Noticed, "Nobody noticed", ": nothing is sent again.")
	}
	var parts []string
	if missed > 0 && len(names) <= 3 {
		parts = append(parts, "never gets "+list3(names))
	} else if missed > 0 {
		parts = append(parts, fmt.Sprintf("never gets %s", Count(missed, d.Unit())))
	}
	if twice > 0 {
		parts = append(parts, fmt.Sprintf("reads %s twice", Count(twice, d.Unit())))
	}
	if late > 0 {
		parts = append(parts, fmt.Sprintf("reads %s too late", Count(late, d.Unit())))
	}
	if len(parts) > 0 {
		rest := strings.Join(append([]string{""}, parts[1:]...), ", ")
		add(Torn, "The application "+parts[0], rest+".")
	}
}
