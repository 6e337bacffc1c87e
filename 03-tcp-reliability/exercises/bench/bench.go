// Package bench runs a sender or a receiver that a learner has written over the
// same network as this chapter's own, the reference, and shows where the two
// first differ. The learner's code deals in packet numbers and times alone:
// bytes, checksums and the network are the bench's.
package bench

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/arq"
	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/simulation"
	"example.com/sockets/03-tcp-reliability/engine/trace"
	"example.com/sockets/03-tcp-reliability/engine/views"
)

// Message is what is sent: each word in a packet of its own, all of them
// ready at the start. The packet after them is the fin: the end.
const Message = "Every word of this sentence arrives in order."

// Last is the number of the last packet, the fin. The first has number 1.
var Last = strings.Count(Message, " ") + 2

// End stands for a word in the fin.
const End = "FIN"

// A Protocol is one of the textbook's, with an end that a learner has written.
type Protocol struct {
	// stop-and-wait, go-back-n, selective-repeat, fast-retransmit,
	// selective-acks or congestion-window
	Name   string
	Window int // packets; stop-and-wait has 1
	RTO    time.Duration
	Last   int // the number of the last packet; 0 for that of Message

	// One of these makes the learner's end. The other end is the reference.
	Sender   func() Sender
	Other    func() Sender // with another setting: two of them may share nothing
	Receiver func() Receiver
	Sack     func() SackSender
	// Congestion has an initial window of Window, and a threshold of Threshold.
	Congestion func() Congestion
	Threshold  int // packets
}

// The bounds of a run. They end one that would never end by itself.
const (
	maxTime    = 10 * time.Second // virtual; 60 times as long with another Last
	maxPackets = 200              // of one end, for the packets of Message
	maxSteps   = 10_000
)

// last is the number of the last packet, the fin.
func (p Protocol) last() int {
	if p.Last == 0 {
		return Last
	}
	return p.Last
}

// words are those of Message, again and again if there must be more.
func (p Protocol) words() (words [][]byte) {
	all := strings.SplitAfter(Message, " ")
	for i := range p.last() - 1 {
		words = append(words, []byte(all[i%len(all)]))
	}
	return words
}

// transfer is the number of every transfer here.
const transfer = 0x0123_4567_0000_0000

// hosts makes both ends: the reference, or the learner's and the reference.
func (p Protocol) hosts(learner bool) (client, server simulation.Host) {
	wire, err := arq.ParseProtocol(p.Name)
	switch {
	case err == nil:
		client = arq.NewSender(wire, transfer, arq.Options{Window: max(p.Window, 1), RTO: p.RTO})
		server = arq.NewReceiver(wire, transfer)
	case p.Name == "fast-retransmit":
		wire = arq.GoBackN // the same packets
		reference := newSender(wire, newFast(p.last(), p.Window, p.RTO), p.last())
		reference.reason, reference.oneByOne = "3 duplicate acks", true
		client, server = reference, newReceiver(wire, &cumulative{next: 1, kept: map[int]string{}})
	case p.Name == "selective-acks":
		wire = arq.GoBackN
		s := newSender(wire, &sackHost{newScoreboard(p.last(), p.Window, p.RTO)}, p.last())
		if learner {
			s.Sender = &sackHost{p.Sack()}
		} else {
			s.reason = "3 duplicate acks"
		}
		s.oneByOne = true
		return s, newReceiver(wire, newSelective())
	case p.Name == "congestion-window":
		wire = arq.GoBackN
		var c Congestion = newReno(p.Window, p.Threshold)
		if learner {
			c = p.Congestion()
		}
		s := newSender(wire, newPaced(p.last(), p.RTO, c), p.last())
		// also of a learner's: the sender is the bench's
		s.reason, s.oneByOne = "3 duplicate acks", true
		return s, newReceiver(wire, &cumulative{next: 1, kept: map[int]string{}})
	default:
		panic("bench: no protocol " + p.Name)
	}
	switch {
	case learner && p.Sender != nil:
		mine := newSender(wire, p.Sender(), p.last())
		mine.oneByOne = p.Name == "fast-retransmit"
		client = mine
	case learner:
		server = newReceiver(wire, p.Receiver())
	}
	return client, server
}

// A Run is a transfer that is over.
type Run struct {
	trace.Trace
	Err  error // it did not come to a good end
	Read string
}

func (p Protocol) run(c network.Conditions, learner bool) *Run {
	client, server := p.hosts(learner)
	r := &Run{Trace: trace.Trace{Protocol: p.Name}}
	var read bytes.Buffer
	config := simulation.Config{Client: client, Server: server, Network: network.New(c),
		Writes: p.words(),
		Output: &read, Trace: &r.Trace, MaxTime: maxTime, MaxSteps: maxSteps}
	if p.Last != 0 {
		config.MaxTime, config.MaxSteps = 60*maxTime, 10*maxSteps
	}
	r.Err = simulation.Run(config).Err
	r.Read = read.String()
	return r
}

// A Comparison is the reference and the learner's end over the same network.
type Comparison struct {
	Reference, Yours *Run

	// Same says that there is no difference. Otherwise Want is what the
	// reference did first that the learner's did not, and Got is what that
	// did in its place. One of them may be nothing.
	Same      bool
	Want, Got Act
}

// Compare runs both and marks the first difference in their traces.
func (p Protocol) Compare(c network.Conditions) *Comparison {
	r := &Comparison{Reference: p.run(c, false), Yours: p.run(c, true)}
	want, got := acts(&r.Reference.Trace), acts(&r.Yours.Trace)
	i := 0
	for i < len(want) && i < len(got) && want[i].same(got[i]) {
		i++
	}
	r.Same = i == len(want) && i == len(got) && r.Yours.Err == nil == (r.Reference.Err == nil)
	if i < len(want) {
		r.Want = want[i]
		r.Reference.Events[r.Want.index].Marked = true
	}
	if i < len(got) {
		r.Got = got[i]
		r.Yours.Events[r.Got.index].Marked = true
	}
	return r
}

// An Act is something that can differ: a packet was sent, or the receiving
// application has read something. The zero value is nothing.
type Act struct {
	At     time.Duration
	Up     bool // the sender sends packet Number
	Down   bool // the receiver acknowledges Number
	Again  bool // the sender has sent Number before
	Number int
	Text   string // the word, or what the application reads

	something bool
	index     int // in the trace
}

// None says that nothing happened, till the end of the run.
func (a Act) None() bool { return !a.something }

// same ignores why a packet is repeated, which a learner's sender doesn't say.
func (a Act) same(b Act) bool {
	b.index = a.index
	return a == b
}

// acts finds all of them in a trace.
func acts(t *trace.Trace) (list []Act) {
	for i, e := range t.Events {
		a := Act{At: e.At, index: i, something: true}
		switch {
		case e.Kind == trace.Read:
			a.Text = e.Text
		case e.Kind == trace.End:
			a.Text = End
		case e.Kind == trace.Sent && e.Direction == network.Up:
			a.Up, a.Number, a.Text, a.Again = true, int(e.Packet.Seq), e.Packet.Text,
				e.Packet.Retransmits > 0
		case e.Kind == trace.Sent:
			a.Down, a.Number = true, int(e.Packet.Ack)
		default:
			continue
		}
		list = append(list, a)
	}
	return list
}

// String says what is done, as in: "sends packet 3 again".
func (a Act) String() string {
	switch {
	case a.None():
		return "does nothing more"
	case a.Up && a.Again:
		return fmt.Sprintf("sends packet %d again", a.Number)
	case a.Up:
		return fmt.Sprintf("sends packet %d", a.Number)
	case a.Down:
		return fmt.Sprintf("acknowledges %d", a.Number)
	case a.Text == End:
		return "gives the application the end"
	}
	return fmt.Sprintf("gives the application %q", a.Text)
}

// Difference is the first difference, in a sentence.
func (c *Comparison) Difference() string {
	switch {
	case c.Same:
		return "No difference: yours does what the reference does."
	case c.Want.None() && c.Got.None():
		return fmt.Sprintf("The first difference is the end. The reference: %v. Yours: %v.",
			ended(c.Reference.Err), ended(c.Yours.Err))
	case c.Want.None():
		return fmt.Sprintf("The first difference: at %v yours %v, the reference %v.",
			Millis(c.Got.At), c.Got, c.Want)
	case c.Got.None():
		return fmt.Sprintf("The first difference: at %v the reference %v, yours %v.",
			Millis(c.Want.At), c.Want, c.Got)
	case c.Want.At == c.Got.At:
		return fmt.Sprintf("The first difference: at %v the reference %v, yours %v.",
			Millis(c.Want.At), c.Want, c.Got)
	}
	return fmt.Sprintf("The first difference: the reference %v at %v, yours %v at %v.",
		c.Want, Millis(c.Want.At), c.Got, Millis(c.Got.At))
}

func ended(err error) string {
	if err == nil {
		return "ended well"
	}
	return err.Error()
}

// Millis writes a time as the ladder does: "240 ms".
func Millis(d time.Duration) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(d.Microseconds())/1000), ".0") + " ms"
}

// Before is what happened in the learner's run before the first difference.
func (c *Comparison) Before() []trace.Event {
	if c.Got.None() {
		return c.Yours.Events
	}
	return c.Yours.Events[:c.Got.index]
}

// Picture is the learner's ladder up to the first difference.
func (c *Comparison) Picture() string {
	t := trace.Trace{Protocol: c.Yours.Protocol}
	over := false // the difference is passed
	type packet struct {
		direction network.Direction
		number    int
	}
	shown := map[packet]bool{}
	for i, e := range c.Yours.Events {
		id := packet{e.Direction, e.Number}
		over = over || !c.Got.None() && i > c.Got.index
		if e.Kind == trace.Sent && !over {
			shown[id] = true
		}
		if shown[id] || !over {
			t.Add(e)
		}
	}
	var b strings.Builder
	views.WriteLadder(&b, &t, views.Style{})
	return b.String()
}

// Told says what the reference does at the first difference, and what the
// learner's end does.
func (c *Comparison) Told() (expected, came string) {
	tell := func(a Act, err error) string {
		if a.None() {
			return ended(err)
		}
		return fmt.Sprintf("at %s: %v", Millis(a.At), a)
	}
	expected, came = tell(c.Want, c.Reference.Err), tell(c.Got, c.Yours.Err)
	return expected, came
}

// Conditions are those that flags such as "-drop data:3 -delay 10ms" ask for.
func Conditions(flags string) network.Conditions {
	c, err := network.Parse(flags)
	if err != nil {
		panic(err)
	}
	return c
}
