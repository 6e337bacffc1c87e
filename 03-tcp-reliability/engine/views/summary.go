package views

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// listed is how many losses and retransmissions a summary names one by one.
const listed = 8

// WriteSummary says in words what was lost and what was sent again, and why.
func WriteSummary(w io.Writer, t *trace.Trace) error {
	type packet struct {
		trace.Event
		lost network.Loss
	}
	var packets []*packet
	type name struct {
		direction network.Direction
		number    int
	}
	byName := map[name]*packet{}
	sent, lost := [2]int{}, [2]int{}
	damaged, doubled := 0, 0
	for _, e := range t.Events {
		id := name{e.Direction, e.Number}
		switch e.Kind {
		case trace.Sent:
			p := &packet{Event: e}
			packets, byName[id] = append(packets, p), p
			sent[e.Direction]++
		case trace.Lost:
			byName[id].lost = e.Loss
			lost[e.Direction]++
		case trace.Discarded:
			damaged++
		case trace.Arrived:
			if e.Copy > 1 {
				doubled++
			}
		}
	}

	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "Packets: %d up (%d lost), %d down (%d lost)", sent[0], lost[0], sent[1], lost[1])
	if damaged > 0 {
		fmt.Fprintf(out, ", %d damaged", damaged)
	}
	if doubled > 0 {
		fmt.Fprintf(out, ", %d arrived twice", doubled)
	}
	fmt.Fprintln(out)
	n := 0
	for _, p := range packets {
		if p.lost == network.NotLost {
			continue
		}
		if n++; n > listed {
			continue
		}
		how := ""
		if p.lost == network.LostQueue {
			how = ", the queue was full"
		}
		fmt.Fprintf(out, "  lost: %v:%d %s%s\n", p.Direction, p.Number, what(p.Packet), how)
	}
	more(out, n)

	n = 0
	reasons := map[trace.Reason]int{}
	for _, p := range packets {
		c := p.Packet
		if c.Retransmits == 0 {
			continue
		}
		reasons[c.Why]++
		n++
	}
	fmt.Fprintf(out, "Sent again: %d", n)
	var why []string
	for reason, count := range reasons {
		why = append(why, fmt.Sprintf("%d by %s", count, reason))
	}
	slices.Sort(why)
	if n > 0 {
		fmt.Fprintf(out, " (%s)", strings.Join(why, ", "))
	}
	fmt.Fprintln(out)
	n = 0
	for _, p := range packets {
		c := p.Packet
		if c.Retransmits == 0 {
			continue
		}
		if n++; n > listed {
			continue
		}
		after := time.Duration(0)
		if first := byName[name{p.Direction, c.Retransmits}]; first != nil {
			after = p.At - first.At
		}
		fmt.Fprintf(out, "  again: %v:%d as %v:%d %s, %s after: %s\n", p.Direction, c.Retransmits,
			p.Direction, p.Number, what(c), after.Round(100*time.Microsecond), c.Why)
	}
	more(out, n)
	return out.Flush()
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
		return carried(c)
	case c.HasAck && (c.Kind == trace.Ack || c.Kind == trace.ACK):
		return fmt.Sprintf("%s %d", c.Kind, c.Ack)
	}
	return string(c.Kind)
}
