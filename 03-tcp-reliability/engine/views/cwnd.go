package views

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

const (
	plotWidth  = 72 // with its axis 80
	plotHeight = 14
)

// WriteCwnd plots the client's congestion window over time, and below it the
// moments at which packets were lost and sent again. Only TCP has one.
func WriteCwnd(w io.Writer, t *trace.Trace) error {
	var end time.Duration
	var most int64
	for _, e := range t.Events {
		end = max(end, e.At)
		if isCwnd(&e) {
			most = max(most, e.Note.Value)
		}
	}
	out := bufio.NewWriter(w)
	if most == 0 {
		fmt.Fprintln(out, "No congestion window: only TCP has one.")
		return out.Flush()
	}

	// Each column is a span of time, and shows the window's largest value.
	column := func(at time.Duration) int {
		return min(int(int64(at)*plotWidth/int64(end+1)), plotWidth-1)
	}
	var high [plotWidth]int64
	now, filled := int64(0), 0
	lost := []rune(strings.Repeat(" ", plotWidth))
	again := []rune(strings.Repeat(" ", plotWidth))
	for _, e := range t.Events {
		switch {
		case isCwnd(&e):
			for ; filled < column(e.At); filled++ {
				high[filled] = max(high[filled], now)
			}
			now = e.Note.Value
			high[filled] = max(high[filled], now)
		case e.Kind == trace.Lost && e.Direction == network.Up:
			lost[column(e.At)] = '×'
		case e.Kind == trace.Sent && e.Direction == network.Up && e.Packet.Retransmits > 0:
			again[column(e.At)] = '='
		}
	}
	for ; filled < plotWidth; filled++ {
		high[filled] = max(high[filled], now)
	}

	fmt.Fprintln(out, "Congestion window of the client, in segments")
	lines := min(plotHeight, most) // so that no two have the same number
	for line := lines; line > 0; line-- {
		level := (most*line + lines - 1) / lines
		bars := make([]rune, plotWidth)
		for i, h := range high {
			switch {
			case h >= level:
				bars[i] = '█'
			case h*2 >= level+most*(line-1)/lines && h > most*(line-1)/lines:
				bars[i] = '▄'
			default:
				bars[i] = ' '
			}
		}
		fmt.Fprintln(out, strings.TrimRight(fmt.Sprintf("%6d │%s", level, string(bars)), " "))
	}
	fmt.Fprintf(out, "     0 └%s\n", strings.Repeat("─", plotWidth))
	right := fmt.Sprintf("%v", end.Round(time.Millisecond))
	fmt.Fprintf(out, "        0%*s\n", plotWidth-1, right)
	for _, mark := range []struct {
		name  string
		marks []rune
	}{{"lost", lost}, {"again", again}} {
		fmt.Fprintln(out, strings.TrimRight(fmt.Sprintf("%6s  %s", mark.name, string(mark.marks)), " "))
	}
	return out.Flush()
}

func isCwnd(e *trace.Event) bool {
	return e.Kind == trace.Noted && e.Direction == network.Up && e.Note.Name == "cwnd"
}
