// Package questions makes questions about runs of the textbook protocols, other
// ones for each seed, and knows the answers, because it has seen the runs.
package questions

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"example.com/sockets/03-tcp-reliability/engine/arq"
	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/simulation"
	"example.com/sockets/03-tcp-reliability/engine/trace"
	"example.com/sockets/03-tcp-reliability/engine/views"
)

// Number is how many questions there are for a seed.
const Number = 6

// A Question has one answer: a number, or a word.
type Question struct {
	Text    string
	Picture string
	Answer  string
	Explain string
	hints   map[string]string // what a certain wrong answer shows
	general string            // what any other wrong answer shows
}

// Right compares an answer, forgiving spaces, capitals, signs around it, and the
// word ack or packet.
func (q Question) Right(answer string) bool { return clean(answer) == q.Answer }

func clean(answer string) string {
	const around = " \t\r\n.,:;=#\"'"
	answer = strings.Trim(strings.ToLower(answer), around)
	answer = strings.TrimPrefix(strings.TrimPrefix(answer, "ack"), "packet")
	return strings.Trim(answer, around)
}

// Symptom says what a wrong answer shows, without giving the right one away.
func (q Question) Symptom(answer string) string {
	answer = clean(answer)
	if s, ok := q.hints[answer]; ok {
		return s
	}
	if _, err := strconv.Atoi(q.Answer); err == nil && !digits(answer) {
		return "that is not a number: the question asks for one, such as \"7\""
	}
	return q.general
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// For makes the questions of a seed.
func For(seed uint64) []Question {
	r := rand.New(rand.NewPCG(seed, 0))
	lost := func() int { return 2 + r.IntN(4) } // a packet in the middle
	return []Question{
		nextAck(r, "go-back-n", lost()),
		nextAck(r, "selective-repeat", lost()),
		whichLost("go-back-n", lost()),
		whichLost("selective-repeat", lost()),
		cause(r, lost()),
		nextAck(r, "go-back-n", lost()),
	}
}

var words = strings.SplitAfter("one two three four five six seven eight", " ")

// run sends the words while one packet of the client is lost.
func run(protocol string, lost int) []trace.Event {
	const transfer, window, rto = 0x0123_4567_ffff_fffd, 8, 120 * time.Millisecond
	p, err := arq.ParseProtocol(protocol)
	if err != nil {
		panic(err)
	}
	c := network.Default()
	if err := c.Drop.Set(fmt.Sprint("up:", lost)); err != nil {
		panic(err)
	}
	var writes [][]byte
	for _, w := range words {
		writes = append(writes, []byte(w))
	}
	t := trace.Trace{Protocol: protocol}
	result := simulation.Run(simulation.Config{
		Client:  arq.NewSender(p, transfer, arq.Options{Window: window, RTO: rto}),
		Server:  arq.NewReceiver(p, transfer),
		Network: network.New(c), Writes: writes, Every: 10 * time.Millisecond, Trace: &t})
	if result.Err != nil {
		panic(result.Err)
	}
	return t.Events
}

// ladder draws events, but for packets of which nothing is known yet.
func ladder(protocol string, events []trace.Event) string {
	type name struct {
		direction network.Direction
		number    int
	}
	known := map[name]bool{}
	for _, e := range events {
		if e.Kind == trace.Arrived || e.Kind == trace.Lost {
			known[name{e.Direction, e.Number}] = true
		}
	}
	t := trace.Trace{Protocol: protocol}
	for _, e := range events {
		if e.Kind != trace.Sent || known[name{e.Direction, e.Number}] {
			t.Add(e)
		}
	}
	var b strings.Builder
	if err := views.WriteLadder(&b, &t, views.Style{}); err != nil {
		panic(err)
	}
	return b.String()
}

// asked adds the row of an acknowledgement whose number is asked for.
func asked(ladder string) string {
	lines := strings.Split(ladder, "\n") // the second has nothing but the lifelines
	before, lane, _ := strings.Cut(lines[1], "│")
	lane, _, _ = strings.Cut(lane, "│")
	const label = " ack ? ─"
	return ladder + strings.Repeat(" ", len(before)) + "│◄" +
		strings.Repeat("─", len(lane)-1-utf8.RuneCountInString(label)) + label + "┤\n"
}

// nextAck leaves out the acknowledgement of a packet that came after the lost
// one.
func nextAck(r *rand.Rand, protocol string, lost int) Question {
	events := run(protocol, lost)
	after := lost + 1 + r.IntN(len(words)-lost)
	at := slices.IndexFunc(events, func(e trace.Event) bool {
		return e.Kind == trace.Arrived && e.Direction == network.Up && e.Number == after
	})
	reply := at + slices.IndexFunc(events[at:], func(e trace.Event) bool {
		return e.Kind == trace.Sent && e.Direction == network.Down
	})
	answer := events[reply].Packet.Ack
	q := Question{
		Text: fmt.Sprintf("%s. Packet %d has just arrived at the server. Which number does "+
			"the server acknowledge now? ack ?", protocol, after),
		Picture: asked(ladder(protocol, events[:at+1])),
		Answer:  fmt.Sprint(answer),
		general: "that number acknowledges nothing that makes sense here: look at what has arrived, and what the protocol's acknowledgement stands for",
		hints:   map[string]string{},
	}
	first := fmt.Sprint(lost) // packets and words have the same numbers before a repetition
	q.hints[first] = "that is the packet that is missing: an acknowledgement of these protocols names what has arrived, not what is awaited (TCP's names what is awaited)"
	if protocol == "go-back-n" {
		q.hints[fmt.Sprint(after)] = "that is the packet that has just arrived: go-back-N's acknowledgement stands for all packets up to it, and one before it is missing"
		q.Explain = fmt.Sprintf("The acknowledgement is cumulative. Packet %d is missing, so the "+
			"last in order is %d, and the server says so again for each packet that it discards.",
			lost, answer)
	} else {
		q.hints[fmt.Sprint(lost-1)] = "that is the last packet in order: selective repeat acknowledges each packet by itself, in order or not"
		q.Explain = fmt.Sprintf("Selective repeat acknowledges each packet by itself: %d has "+
			"arrived, and is kept, though %d is missing.", answer, lost)
	}
	return q
}

// whichLost shows what the client knows, up to its timeout.
func whichLost(protocol string, lost int) Question {
	var b strings.Builder
	for _, e := range run(protocol, lost) {
		switch {
		case e.Kind == trace.Sent && e.Direction == network.Up && e.Packet.Retransmits == 0:
			fmt.Fprintf(&b, "%4d ms   sends packet %d\n", e.At.Milliseconds(), e.Number)
		case e.Kind == trace.Arrived && e.Direction == network.Down:
			fmt.Fprintf(&b, "%4d ms                       receives ack %d\n", e.At.Milliseconds(),
				e.Packet.Ack)
		}
		if e.Kind == trace.Sent && e.Packet.Retransmits > 0 {
			fmt.Fprintf(&b, "%4d ms   its timer runs out\n", e.At.Milliseconds())
			break
		}
	}
	q := Question{
		Text: protocol +
			". This is all that the client sees. One of its packets was lost. Which number has it?",
		Picture: b.String(), Answer: fmt.Sprint(lost),
		general: "the acknowledgements say otherwise: which is the first packet that none of them stands for?",
		hints:   map[string]string{},
		Explain: fmt.Sprintf("No acknowledgement ever stands for packet %d: they stop before it.",
			lost),
	}
	if protocol == "go-back-n" {
		q.hints[fmt.Sprint(lost-1)] = "that packet was acknowledged, even more than once: a repeated acknowledgement names the last packet in order"
		q.hints[fmt.Sprint(lost+1)] = "that packet may have arrived: the server has discarded it, because one before it is missing"
	} else {
		q.Explain = fmt.Sprintf("Each packet that arrives has its own acknowledgement. That of "+
			"%d is missing.", lost)
		q.hints[fmt.Sprint(lost-1)] = "that packet was acknowledged"
		q.hints[fmt.Sprint(lost+1)] = "that packet was acknowledged"
	}
	return q
}

// cause leaves out why a packet was sent again.
func cause(r *rand.Rand, lost int) Question {
	const protocol = "go-back-n"
	events := run(protocol, lost)
	var again []int // indices of the retransmissions
	for i, e := range events {
		if e.Kind == trace.Sent && e.Packet.Retransmits > 0 {
			again = append(again, i)
		}
	}
	at := again[r.IntN(min(2, len(again)))]
	e := events[at]
	hidden := *e.Packet
	answer := hidden.Why
	hidden.Why = "?"
	shown := slices.Clone(events[:at+1])
	for i := range shown {
		if shown[i].Kind == trace.Sent && i != at && shown[i].Packet.Retransmits > 0 {
			other := *shown[i].Packet
			other.Why = "…"
			shown[i].Packet = &other
		}
	}
	shown[at].Packet = &hidden
	// It is drawn as if it had arrived, which says nothing of the cause.
	arrived := e
	arrived.Kind, arrived.At, arrived.Copy, arrived.Packet = trace.Arrived,
		e.At+10*time.Millisecond, 1, &hidden
	q := Question{
		Text: fmt.Sprintf("go-back-N. Why is packet %d sent again, as packet %d? Answer "+
			"timeout or go-back.", hidden.Retransmits, e.Number),
		Picture: ladder(protocol, append(shown, arrived)),
		Answer:  string(answer),
		general: "answer with one of the two words: timeout or go-back",
	}
	if answer == trace.Timeout {
		q.Explain = "It is the oldest packet under way, and its own timer has run out."
		q.hints = map[string]string{"go-back": "it is the oldest packet that is not " +
			"acknowledged: nobody went back before it"}
	} else {
		q.Explain = "The timer of the packet before it ran out. The sender went back to that " +
			"one, and repeats all that follow."
		q.hints = map[string]string{"timeout": "only the oldest packet has a timer that counts: " +
			"this one follows it"}
	}
	return q
}
