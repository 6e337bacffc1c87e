package document

import (
	"fmt"
	"strings"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/story"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// stateOf puts the state of an end into ranges and words. An end that sends
// and receives is shown by the half that carries the message.
func stateOf(s *trace.State, end network.Direction, r *one) State {
	out := State{Name: s.Name, Ranges: []Range{}, Facts: []int{}}
	if s.Out != nil && (end == network.Up || s.In == nil) {
		sender(&out, s.Out, r)
	} else if s.In != nil {
		receiver(&out, s.In, r)
	}
	if s.Name == "TIME-WAIT" || s.Name == "CLOSED" {
		out.Window = "" // it has no use any more
	}
	if means := meanings[s.Name]; means != "" {
		out.Says = means + " " + out.Says
	}
	return out
}

// meanings of TCP's states while a connection begins and ends (RFC 9293, section 3.3.2).
var meanings = map[string]string{
	"SYN-SENT":     "It asks for a connection.",
	"SYN-RECEIVED": "It agrees to a connection, and waits for the client's ACK.",
	"FIN-WAIT-1":   "It has sent its FIN: it writes nothing more, and still reads.",
	"FIN-WAIT-2":   "Its FIN is acknowledged; now the other end's FIN is to come.",
	"CLOSE-WAIT":   "The other end has sent its FIN; this one may still write.",
	"CLOSING":      "Both have sent a FIN at the same time.",
	"LAST-ACK":     "Both have sent a FIN; the ACK of its own is to come.",
	"TIME-WAIT": "Both ends are done. It stays for a minute: if its last ACK is lost, the FIN " +
		"comes again.",
}

// phases of congestion control, and how the window grows in each (RFC 5681).
var phases = map[trace.Phase]string{
	trace.SlowStart:           ": the window doubles in a round trip",
	trace.CongestionAvoidance: ": one segment more in a round trip",
	trace.FastRecovery:        ": until what was lost is acknowledged",
}

func sender(out *State, s *trace.Out, r *one) {
	out.Ranges = ranges(s.Ranges, r)
	out.Window = window(s.Window, "It may send up to %s", r)
	fact := func(name, value, meaning string) {
		out.Facts = append(out.Facts, r.facts.of(Fact{name, value, meaning}))
	}
	if s.Timer != (trace.Timer{}) {
		out.Timer = &Timer{s.Timer.Set.Microseconds(), s.Timer.Due.Microseconds(),
			string(s.Timer.For)}
	}
	if s.RTO > 0 {
		fact("timeout (RTO)", story.Millis(s.RTO),
			"how long it waits for an acknowledgement (RFC 6298)")
	}
	if s.SRTT > 0 {
		fact("newest round trip", story.Millis(s.Sample), "from a sending to its acknowledgement")
		fact("smoothed round trip (SRTT)", story.Millis(s.SRTT),
			"a running mean, an eighth of it new each time")
		fact("its variation (RTTVAR)", story.Millis(s.RTTVar),
			"the timeout is SRTT + 4 RTTVAR, or the least one")
	}
	if s.Cwnd > 0 {
		fact("congestion window", story.Count(s.Cwnd, "byte"),
			"how much may be in the network at once (RFC 5681)")
		if s.Ssthresh > 0 {
			fact("threshold", story.Count(s.Ssthresh, "byte"), "where slow start ends")
		}
		fact("phase", string(s.Phase)+phases[s.Phase], "")
	}
	if s.Duplicates > 0 {
		fact("repeated acknowledgements", itoa(s.Duplicates),
			"the third one says that a packet is lost")
	}
	if s.Retransmits > 0 {
		fact("sent again", itoa(s.Retransmits), "")
	}
	out.Says = says(s.Ranges, "It knows of nothing that is under way.",
		[]phrase{{trace.UnderWay, "%s under way"}, {trace.Again, "%s under way again"},
			{trace.Held, "%s arrived ahead"}, {trace.Missing, "%s taken for lost"},
			{trace.Written, "%s not yet sent"},
			{trace.Forgotten, "%s sent and forgotten"}}, r)
}

func receiver(out *State, s *trace.In, r *one) {
	out.Ranges = ranges(s.Ranges, r)
	out.Window = window(s.Window, "It would take up to %s", r)
	if s.Thrown > 0 {
		out.Facts = append(out.Facts, r.facts.of(Fact{"thrown away",
			story.Count(s.Thrown, "packet"), "whole, but not wanted: again, or too early"}))
	}
	out.Says = says(s.Ranges, "It has nothing yet.",
		[]phrase{{trace.Delivered, "%s read"}, {trace.Ready, "%s to be read"},
			{trace.Kept, "%s kept for later"}, {trace.Gap, "%s missing"}}, r)
}

type phrase struct {
	is   trace.Fate
	form string
}

// says sums the ranges up.
func says(list []trace.Range, none string, phrases []phrase, r *one) string {
	var parts []string
	for _, p := range phrases {
		if what := amount(list, p.is, r); what != "" {
			parts = append(parts, fmt.Sprintf(p.form, what))
		}
	}
	if len(parts) == 0 {
		return none
	}
	s := strings.Join(parts, ", ")
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// amount is how much is in the ranges of one kind. TCP's SYN and FIN have
// numbers, and are no bytes of the application.
func amount(list []trace.Range, is trace.Fate, r *one) string {
	n := 0
	var parts []string
	add := func(name string, wanted bool) {
		if wanted {
			parts = append(parts, name)
		}
	}
	first, end := uint32(0), ^uint32(0)
	if unit(r) == "byte" {
		first, end = 1, uint32(len(r.Whole))+1
	}
	syn, fin := false, false
	for _, x := range list {
		if x.Is == is && x.From < x.To {
			n += max(0, int(min(x.To, end))-int(max(x.From, first)))
			syn = syn || x.From < first
			fin = fin || x.To > end
		}
	}
	received := is == trace.Delivered || is == trace.Ready
	add("the SYN", syn && !received)
	add(story.Count(n, unit(r)), n > 0)
	if received {
		add("the end", fin)
	} else {
		add("the FIN", fin)
	}
	return strings.Join(parts, " and ")
}

// unit is what the numbers count.
func unit(r *one) string {
	if r.Protocol == "tcp" {
		return "byte"
	}
	return "packet"
}

// window says up to where a window reaches.
func window(x trace.Range, form string, r *one) string {
	if x.From >= x.To {
		if unit(r) == "byte" && x.To > 0 {
			return "The window is closed."
		}
		return ""
	}
	return fmt.Sprintf(form, fmt.Sprintf("%s %d: the window is %s.", unit(r), x.To-1,
		story.Count(int(x.To-x.From), unit(r))))
}

// ranges names each part, and gives its text where that is short.
func ranges(list []trace.Range, r *one) []Range {
	out := make([]Range, 0, len(list))
	for _, x := range list {
		out = append(out, Range{x.From, x.To, string(x.Is), text(x, r)})
	}
	return out
}

// text is what a range carries, if the message is one that can be read.
func text(x trace.Range, r *one) string {
	if r.Bytes > 0 || len(r.Whole) > 200 || !story.Readable(string(r.Whole)) {
		return ""
	}
	// Both kinds of number begin with 1; TCP's 0 is the SYN.
	from, to := max(0, int(x.From)-1), int(x.To)-1
	if unit(r) == "packet" {
		pieces, _ := r.Writes()
		if from < 0 || to > len(pieces) {
			return ""
		}
		var s strings.Builder
		for _, p := range pieces[from:to] {
			s.Write(p)
		}
		return s.String()
	}
	if from >= len(r.Whole) || to <= from {
		return ""
	}
	return string(r.Whole[from:min(to, len(r.Whole))])
}
