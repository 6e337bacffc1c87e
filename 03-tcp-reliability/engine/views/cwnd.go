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
	out := bufio.NewWriter(w)
	p := plotOf(t)
	if p.most == 0 {
		fmt.Fprintln(out, "No congestion window: only TCP has one.")
		return out.Flush()
	}
	fmt.Fprintln(out, "Congestion window of the client, in segments")
	lines := min(plotHeight, p.most) // so that no two have the same number
	for line := lines; line > 0; line-- {
		level := (p.most*line + lines - 1) / lines
		below := p.most * (line - 1) / lines
		writeRow(out, fmt.Sprintf("%6d │", level), p.bars(below, level))
	}
	fmt.Fprintf(out, "     0 └%s\n", strings.Repeat("─", plotWidth))
	fmt.Fprintf(out, "        0%*v\n", plotWidth-1, p.end.Round(time.Millisecond))
	writeRow(out, "  lost  ", p.lost)
	writeRow(out, " again  ", p.again)
	return out.Flush()
}

func writeRow(w io.Writer, name string, columns []rune) {
	fmt.Fprintln(w, strings.TrimRight(name+string(columns), " "))
}

// A cwndPlot has a column for each span of time.
type cwndPlot struct {
	end         time.Duration
	most        int64            // the largest window of all
	high        [plotWidth]int64 // the largest window of the span
	lost, again []rune           // × and = where packets were
}

func plotOf(t *trace.Trace) *cwndPlot {
	p := &cwndPlot{
		lost:  []rune(strings.Repeat(" ", plotWidth)),
		again: []rune(strings.Repeat(" ", plotWidth)),
	}
	for _, e := range t.Events {
		p.end = max(p.end, e.At)
	}
	window, filled := int64(0), 0
	fill := func(to int) { // what the window was stays until it changes
		for ; filled < to; filled++ {
			p.high[filled] = max(p.high[filled], window)
		}
	}
	for _, e := range t.Events {
		column := min(int(int64(e.At)*plotWidth/int64(p.end+1)), plotWidth-1)
		switch {
		case isCwnd(&e):
			fill(column)
			window = e.Note.Value
			p.high[column] = max(p.high[column], window)
			p.most = max(p.most, window)
		case e.Kind == trace.Lost && e.Direction == network.Up:
			p.lost[column] = '×'
		case e.Kind == trace.Sent && e.Direction == network.Up && e.Packet.Retransmits > 0:
			p.again[column] = '='
		}
	}
	fill(plotWidth)
	return p
}

// bars is a line of the plot: full where the window reaches its level, and half
// where it comes closer to it than to the line below.
func (p *cwndPlot) bars(below, level int64) []rune {
	bars := make([]rune, plotWidth)
	for i, h := range p.high {
		switch {
		case h >= level:
			bars[i] = '█'
		case h > below && h*2 >= level+below:
			bars[i] = '▄'
		default:
			bars[i] = ' '
		}
	}
	return bars
}

func isCwnd(e *trace.Event) bool {
	return e.Kind == trace.Noted && e.Direction == network.Up && e.Note.Name == "cwnd"
}
