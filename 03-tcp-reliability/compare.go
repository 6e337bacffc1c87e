package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/hosts"
	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/run"
	"example.com/sockets/03-tcp-reliability/engine/simulation"
)

// A lossList is the value of -loss: one probability, or several with commas.
// The largest is that of the conditions, so that it is checked with them.
type lossList struct{ o *options }

func (l *lossList) String() string {
	if l.o == nil {
		return "0" // package flag asks a zero value for the default
	}
	return l.o.Loss.String()
}

func (l *lossList) Set(text string) error {
	l.o.Loss, l.o.losses = 0, nil
	for part := range strings.SplitSeq(text, ",") {
		var p network.Probability
		if err := p.Set(part); err != nil {
			return err
		}
		l.o.losses = append(l.o.losses, p)
		l.o.Loss = max(l.o.Loss, p)
	}
	return nil
}

// compareAll runs every protocol over the same network, once for each loss.
func (o *options) compareAll(out io.Writer) error {
	losses := o.losses
	if len(losses) == 0 {
		losses = []network.Probability{o.Loss}
	}
	for i, loss := range losses {
		if i > 0 {
			fmt.Fprintln(out)
		}
		c := *o
		c.Conditions.Loss = loss
		if err := c.table(out); err != nil {
			return err
		}
	}
	return nil
}

func (o *options) table(out io.Writer) error {
	_, whole := o.Writes()
	fmt.Fprintf(out, "%d bytes over a network with %v\n\n", len(whole), o.Conditions)
	fmt.Fprintf(out, "%-16s  %-24s %12s %8s %8s %6s\n",
		"protocol", "delivered", "time", "packets", "again", "link")
	notes := ""
	for _, name := range hosts.Names {
		o.Protocol = name
		r, err := o.Run(nil)
		if err != nil {
			return err
		}
		delivered, after := outcome(&r)
		share := "-"
		if o.Rate > 0 && r.LastRead > 0 {
			// What of the link's capacity carried the message's bytes.
			bits := int64(len(r.Read)) * 8 * int64(time.Second)
			share = fmt.Sprintf("%d%%", bits*100/int64(r.LastRead)/int64(o.Rate))
		}
		fmt.Fprintf(out, "%-16s  %-24s %12s %8d %8d %6s\n", name, delivered, millis(after),
			r.Sent[0]+r.Sent[1], r.Retransmits[0]+r.Retransmits[1], share)
		if n := r.Dropped[1]; n > 0 {
			notes += fmt.Sprintf("%s: %d packets arrived when the receiver's buffer was full\n",
				name, n)
		}
	}
	_, err := io.WriteString(out, notes)
	return err
}

// outcome says what was delivered, and when that was known: with the last
// read, or else when the run ended.
func outcome(r *run.Result) (delivered string, after time.Duration) {
	switch {
	case r.Limit != "":
		limit, _ := strings.CutSuffix(r.Limit, " of virtual time")
		return fmt.Sprintf("%d bytes in %s", len(r.Read), limit), r.Ended
	case errors.Is(r.Err, simulation.ErrStalled):
		return fmt.Sprintf("%d bytes, then stalled", len(r.Read)), r.Ended
	case r.Err != nil:
		return fmt.Sprintf("%d bytes, then gave up", len(r.Read)), r.Ended
	case !bytes.Equal(r.Read, r.Whole):
		return fmt.Sprintf("torn: %d bytes", len(r.Read)), r.LastRead
	}
	return "whole, in order", r.LastRead
}

// millis is a time in a column of the table.
func millis(d time.Duration) string {
	tenths := d.Round(100 * time.Microsecond).Microseconds()
	return strconv.FormatFloat(float64(tenths)/1000, 'f', -1, 64) + " ms"
}
