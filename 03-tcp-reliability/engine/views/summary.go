package views

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/story"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// listed is how many packets of a kind a summary names one by one.
const listed = 8

// WriteSummary says in words what was lost and who noticed it, what it cost,
// and which packets were lost and sent again, and why.
func WriteSummary(w io.Writer, t *trace.Trace) error {
	d := story.Of(t)
	out := bufio.NewWriter(w)
	for _, s := range d.Story() {
		WriteWrapped(out, s.String())
	}
	writeCounts(out, d)
	list(out, d, "lost", func(p *story.Packet) (string, bool) {
		how := ""
		if p.Loss == network.LostQueue {
			how = ", the queue was full"
		}
		return how, p.Fate == story.Lost
	})
	list(out, d, "damaged", met(story.Damaged))
	list(out, d, "buffer full", met(story.Full))
	list(out, d, "under way", func(p *story.Packet) (string, bool) {
		return "", p.Fate == story.UnderWay
	})
	writeAgain(out, d)
	return out.Flush()
}

// WriteWrapped breaks a sentence into lines of at most 80 columns.
func WriteWrapped(out io.Writer, sentence string) {
	used := 0
	for i, word := range strings.Split(sentence, " ") {
		switch size := story.Width(word); {
		case i == 0:
			used = size
		case used+1+size > 80:
			fmt.Fprint(out, "\n  ")
			used = 2 + size
		default:
			fmt.Fprint(out, " ")
			used += 1 + size
		}
		fmt.Fprint(out, word)
	}
	fmt.Fprintln(out)
}

// met picks the packets of which a copy met an end.
func met(end story.Verdict) func(*story.Packet) (string, bool) {
	return func(p *story.Packet) (string, bool) {
		is := func(a *story.Arrival) bool { return a.Is == end }
		return "", slices.ContainsFunc(p.Arrivals, is)
	}
}

// writeCounts is the line that counts the packets.
func writeCounts(out io.Writer, d *story.Digest) {
	var sent, lost, underWay [2]int
	damaged, full, doubled := 0, 0, 0
	for _, p := range d.Packets {
		sent[p.Direction]++
		switch p.Fate {
		case story.Lost:
			lost[p.Direction]++
		case story.UnderWay:
			underWay[p.Direction]++
		}
		for _, a := range p.Arrivals {
			switch {
			case a.Is == story.Damaged:
				damaged++
			case a.Is == story.Full:
				full++
			case a.Copy > 1:
				doubled++
			}
		}
	}
	line := fmt.Sprintf("Packets: %d up (%d lost), %d down (%d lost)",
		sent[0], lost[0], sent[1], lost[1])
	for _, count := range []struct {
		n    int
		what string
	}{{damaged, "damaged"}, {full, "dropped by a full buffer"}, {doubled, "arrived twice"},
		{underWay[0] + underWay[1], "under way at the end"}} {
		if count.n > 0 {
			line += fmt.Sprintf(", %d %s", count.n, count.what)
		}
	}
	WriteWrapped(out, line)
}

// list names the packets that are chosen, with what choose adds.
func list(out io.Writer, d *story.Digest, kind string, choose func(*story.Packet) (string, bool)) {
	n := 0
	for _, p := range d.Packets {
		how, ok := choose(p)
		if !ok {
			continue
		}
		if n++; n <= listed {
			fmt.Fprintf(out, "  %s: %v:%d %s%s\n", kind, p.Direction, p.Number, what(p.Header), how)
		}
	}
	more(out, n)
}

// writeAgain counts the repetitions and the timeouts, which are not the same,
// and names the repetitions.
func writeAgain(out io.Writer, d *story.Digest) {
	n, timeouts, needless := 0, 0, 0
	reasons := map[trace.Reason]int{}
	for _, p := range d.Packets {
		if p.Retransmits > 0 {
			n++
			reasons[p.Why]++
			if p.Needless {
				needless++
			}
			if p.Why == trace.Timeout {
				timeouts++
			}
		}
	}
	line := fmt.Sprintf("Sent again: %d", n)
	if n > 0 {
		line += fmt.Sprintf(" (%s); timeouts: %d; needless: %d", Reasons(reasons), timeouts,
			needless)
	}
	WriteWrapped(out, line)
	n = 0
	for _, p := range d.Packets {
		if p.Retransmits == 0 {
			continue
		}
		if n++; n > listed {
			continue
		}
		first, after := p.Retransmits, ""
		if p.First != nil {
			after = ", " + story.Millis(p.At-p.First.At) + " after"
		}
		fmt.Fprintf(out, "  again: %v:%d as %v:%d %s%s: %s\n", p.Direction, first,
			p.Direction, p.Number, what(p.Header), after, p.Why)
	}
	more(out, n)
}

// Reasons lists repetitions by their reasons: "2 by go-back, 1 by timeout".
func Reasons(counts map[trace.Reason]int) string {
	var list []string
	for _, reason := range slices.SortedFunc(maps.Keys(counts), cmp.Compare) {
		by := "by "
		if reason == trace.AfterTimeout {
			by = ""
		}
		list = append(list, fmt.Sprintf("%d %s%s", counts[reason], by, reason))
	}
	return strings.Join(list, ", ")
}

func more(w io.Writer, n int) {
	if n > listed {
		fmt.Fprintf(w, "  … and %d more\n", n-listed)
	}
}

// what names the packet in a word or two.
func what(c *trace.Header) string {
	switch {
	case c.Length > 0:
		return story.Carried(c, 16)
	case c.HasAck && (c.Kind == trace.Ack || c.Kind == trace.ACK):
		return fmt.Sprintf("%s %d", c.Kind, c.Ack)
	}
	return string(c.Kind)
}
