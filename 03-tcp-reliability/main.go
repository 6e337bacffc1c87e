// Command 03-tcp-reliability sends a sentence over a network that loses
// packets, in one of five ways, and shows what becomes of each packet. Time
// is virtual: nothing waits, and the same flags show the same run.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/hosts"
	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/simulation"
	"example.com/sockets/03-tcp-reliability/engine/story"
	"example.com/sockets/03-tcp-reliability/engine/terminal"
	"example.com/sockets/03-tcp-reliability/engine/trace"
	"example.com/sockets/03-tcp-reliability/engine/views"
)

const (
	maxBytes  = 100_000_000
	manyLines = 200 // packets; of more the default view is a summary
)

// options is the command line.
type options struct {
	hosts.Settings
	network.Conditions
	message  string
	every    time.Duration
	bytes    int
	readRate int
	view     string
	pcap     string
	compare  bool
	losses   []network.Probability // all that were given
}

// A lossList is the value of -loss: one probability, or several with commas.
type lossList struct{ o *options }

func (l *lossList) String() string {
	if l.o == nil {
		return "0" // package flag asks a zero value for the default
	}
	return l.o.Loss.String()
}

func (l *lossList) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		if err := l.o.Loss.Set(part); err != nil {
			return err
		}
		l.o.losses = append(l.o.losses, l.o.Loss)
	}
	return nil
}

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2) // the error is printed
	}
	if o.compare {
		err = o.compareAll(os.Stdout)
	} else {
		err = o.show(os.Stdout, views.Style{
			Color: terminal.Color(os.Stdout), Width: terminal.Width(os.Stdout)})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// parse reads the command line. Errors are printed to w, with the usage.
func parse(args []string, w io.Writer) (*options, error) {
	o := &options{
		Settings:   hosts.Settings{Window: 8, Congestion: "cubic"},
		Conditions: network.Conditions{Delay: 10 * time.Millisecond, Queue: 20, Seed: 1},
	}
	fs := flag.NewFlagSet("03-tcp-reliability", flag.ContinueOnError)
	fs.SetOutput(w)
	fs.StringVar(&o.Protocol, "protocol", "tcp", "how to send: "+strings.Join(hosts.Names, ", "))
	fs.StringVar(&o.message, "message", "Every word of this sentence arrives in order.",
		"the `text` that is sent, word by word")
	fs.DurationVar(&o.every, "every", 10*time.Millisecond, "the application writes a word each `duration`; 0: all at once")
	fs.IntVar(&o.bytes, "bytes", 0, "send this `number` of bytes at once, in place of the message")
	fs.IntVar(&o.Window, "window", o.Window, "go-back-n, selective-repeat: `packets` that may be under way")
	fs.DurationVar(&o.RTO, "rto", 0, "the textbook protocols: a fixed retransmission `timeout`; 0: an adaptive one")
	fs.StringVar(&o.Congestion, "congestion", o.Congestion, "tcp: congestion control, cubic or reno")
	fs.BoolVar(&o.RACK, "rack", false, "tcp: detect losses by time, too (RFC 8985)")
	fs.IntVar(&o.ReceiveBuffer, "receive-buffer", 0, "tcp: the server's receive buffer in `bytes`; 0: the stack's choice")
	fs.IntVar(&o.readRate, "read-rate", 0, "the server's application reads this many `bytes` a second; 0: all at once")
	fs.StringVar(&o.view, "view", "", "what to print: ladder, summary, cwnd or json (default ladder, of more than 200 packets summary)")
	fs.StringVar(&o.pcap, "pcap", "", "also write the captures `NAME`-client.pcapng and NAME-server.pcapng")
	fs.BoolVar(&o.compare, "compare", false, "send in every way over the same network, and print a table")
	o.Conditions.Flags(fs)
	loss := fs.Lookup("loss")
	loss.Value = &lossList{o}
	loss.Usage += "; with -compare several make a table each: 0,0.01,0.1"
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	// With no fault asked for there is one all the same: a network without
	// faults shows nothing of what this chapter is about.
	faults := []string{"loss", "burst", "drop", "duplicate", "reorder", "corrupt", "rate", "jitter",
		"bytes", "read-rate", "receive-buffer", "compare"}
	if !slices.ContainsFunc(faults, func(name string) bool { return given[name] }) {
		o.Drop.Set("data:3")
	}
	o.Settings.Seed = o.Conditions.Seed
	err := o.validate(fs, given)
	if err != nil {
		fmt.Fprintln(w, err)
		fs.Usage()
	}
	return o, err
}

func (o *options) validate(fs *flag.FlagSet, given map[string]bool) error {
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: settings are given as flags", fs.Arg(0))
	}
	if err := o.Settings.Validate(); err != nil {
		return err
	}
	if err := o.Conditions.Validate(); err != nil {
		return err
	}
	for _, loss := range o.losses {
		c := o.Conditions
		c.Loss = loss
		if err := c.Validate(); err != nil {
			return err
		}
	}
	for _, only := range []struct {
		flag      string
		protocols []string
	}{
		{"window", []string{"go-back-n", "selective-repeat"}},
		{"rto", []string{"stop-and-wait", "go-back-n", "selective-repeat"}},
		{"congestion", []string{"tcp"}},
		{"rack", []string{"tcp"}},
		{"receive-buffer", []string{"tcp"}},
	} {
		if given[only.flag] && !o.compare && !slices.Contains(only.protocols, o.Protocol) {
			return fmt.Errorf("flag -%s means nothing to -protocol %s: it is for %s",
				only.flag, o.Protocol, strings.Join(only.protocols, ", "))
		}
	}
	switch {
	case o.every < 0 || o.every > time.Hour:
		return fmt.Errorf("invalid value %v for flag -every: must be from 0 to 1h", o.every)
	case given["bytes"] && o.bytes < 1 || o.bytes > maxBytes:
		return fmt.Errorf("invalid value %d for flag -bytes: must be from 1 to %d", o.bytes, maxBytes)
	case given["bytes"] && given["every"]:
		return errors.New("flag -every means nothing with -bytes: they are written all at once")
	case given["bytes"] && given["message"]:
		return errors.New("flags -message and -bytes exclude each other")
	case len(o.message) > 10_000:
		return fmt.Errorf("invalid value for flag -message: %d bytes are too many, at most 10000", len(o.message))
	case o.readRate < 0:
		return fmt.Errorf("invalid value %d for flag -read-rate: must be 1 or more bytes a second, or 0 for no limit", o.readRate)
	case !slices.Contains([]string{"", "ladder", "summary", "cwnd", "json"}, o.view):
		return fmt.Errorf("invalid value %q for flag -view: must be ladder, summary, cwnd or json", o.view)
	case o.compare && (given["protocol"] || given["view"] || given["pcap"]):
		return errors.New("flag -compare runs every protocol and prints a table: it excludes -protocol, -view and -pcap")
	case len(o.losses) > 1 && !o.compare:
		return errors.New("flag -loss: several probabilities make sense with -compare only")
	}
	return nil
}

// writes is what the client's application writes, one piece after the other.
func (o *options) writes() (pieces [][]byte, whole []byte) {
	if o.bytes == 0 {
		whole = []byte(o.message)
		for _, word := range bytes.SplitAfter(whole, []byte(" ")) {
			if len(word) > 0 {
				pieces = append(pieces, word)
			}
		}
		return pieces, whole
	}
	for line := 1; len(whole) < o.bytes; line++ {
		whole = fmt.Appendf(whole, "%09d\n", line) // no two pieces are alike
	}
	whole = whole[:o.bytes]
	return slices.Collect(slices.Chunk(whole, 1000)), whole
}

// A run is a transfer that is over.
type run struct {
	simulation.Result
	whole []byte // what the client's application wrote
	read  []byte // and the server's read
}

// run sends once. Without a trace it is much faster.
func (o *options) run(t *trace.Trace) (run, error) {
	client, server, free, err := hosts.Hosts(o.Settings)
	if err != nil {
		return run{}, err
	}
	defer free()
	pieces, whole := o.writes()
	every := o.every
	if o.bytes > 0 {
		every = 0
	}
	var read bytes.Buffer
	s := simulation.Run{
		Client: client, Server: server,
		Network: network.New(o.Conditions),
		Writes:  pieces, Every: every,
		Output: &read, ReadRate: o.readRate,
		Trace: t,
	}
	if t != nil {
		t.Protocol = o.Protocol
	}
	return run{s.Go(), whole, read.Bytes()}, nil
}

// show runs one protocol and prints the view that was asked for.
func (o *options) show(out io.Writer, style views.Style) error {
	var t trace.Trace
	r, err := o.run(&t)
	if err != nil {
		return err
	}
	if o.pcap != "" {
		if err := o.capture(&t); err != nil {
			return err
		}
	}
	view := o.view
	if view == "" {
		view = "ladder"
		if r.Sent[0]+r.Sent[1] > manyLines {
			view = "summary"
		}
	}
	if view == "json" {
		return views.WriteJSON(out, &t)
	}
	fmt.Fprintf(out, "%s over a network with %v\n\n", o.Protocol, o.Conditions)
	switch view {
	case "ladder":
		err = views.WriteLadder(out, &t, style)
	case "cwnd":
		err = views.WriteCwnd(out, &t)
	}
	if err != nil {
		return err
	}
	if view != "summary" {
		fmt.Fprintln(out)
	}
	fmt.Fprintln(out, r.verdict())
	if r.Err != nil {
		fmt.Fprintf(out, "The run ended with: %v\n", r.Err)
	}
	if err := views.WriteSummary(out, &t); err != nil {
		return err
	}
	if o.Loss > 0 && r.Lost[0]+r.Lost[1] == 0 {
		fmt.Fprintln(out, "Nothing was lost; try another -seed")
	}
	return nil
}

// verdict says what the receiving application got.
func (r run) verdict() string {
	took := "after " + story.Millis(r.LastRead)
	switch {
	case bytes.Equal(r.read, r.whole):
		return fmt.Sprintf("Whole and in order: %s, %s.", story.Count(len(r.read), "byte"), took)
	case len(r.read) == 0:
		return fmt.Sprintf("Nothing of %s was read.", story.Count(len(r.whole), "byte"))
	case bytes.HasPrefix(r.whole, r.read):
		return fmt.Sprintf("Not whole: the first %d of %s were read.", len(r.read), story.Count(len(r.whole), "byte"))
	case len(r.whole) <= 100:
		return fmt.Sprintf("Torn: %d bytes were written, and %d read:\n  %.100q", len(r.whole), len(r.read), r.read)
	}
	return fmt.Sprintf("Torn: %d bytes were written, and %d others read.", len(r.whole), len(r.read))
}

// millis is a time in a table.
func millis(d time.Duration) string {
	d = d.Round(100 * time.Microsecond)
	return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', -1, 64) + " ms"
}

// capture writes the two files of -pcap, or none: each takes its name, maybe
// that of an earlier run's capture, when both are whole.
func (o *options) capture(t *trace.Trace) (err error) {
	var written []string
	defer func() {
		for _, name := range written {
			os.Remove(name) // those without their final name
		}
		if err != nil {
			err = fmt.Errorf("cannot write the captures: %w; give -pcap a name in a folder that exists and may be written to", err)
		}
	}()
	suffixes := []string{"-client.pcapng", "-server.pcapng"}
	for end, suffix := range suffixes {
		if info, err := os.Stat(o.pcap + suffix); err == nil && info.IsDir() {
			return fmt.Errorf("%s is a folder", o.pcap+suffix)
		}
		f, err := os.Create(o.pcap + suffix + ".part")
		if err != nil {
			return err
		}
		written = append(written, f.Name())
		err = views.WritePcapng(f, t, network.Direction(end))
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	for end, suffix := range suffixes {
		if err := os.Rename(written[end], o.pcap+suffix); err != nil {
			return err
		}
	}
	return nil
}

// compareAll runs every protocol over the same network.
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
		_, whole := c.writes()
		fmt.Fprintf(out, "%d bytes over a network with %v\n\n", len(whole), c.Conditions)
		fmt.Fprintf(out, "%-17s  %-24s %12s %8s %8s %6s\n", "protocol", "delivered", "time", "packets", "again", "link")
		for _, p := range hosts.Names {
			c.Protocol = p
			r, err := c.run(nil)
			if err != nil {
				return err
			}
			delivered := "whole, in order"
			switch {
			case r.Err != nil:
				delivered = fmt.Sprintf("%d bytes, then gave up", len(r.read))
			case !bytes.Equal(r.read, r.whole):
				delivered = fmt.Sprintf("torn: %d bytes", len(r.read))
			}
			share := "-"
			if c.Rate > 0 && r.LastRead > 0 {
				// What of the link's capacity carried the message's bytes.
				share = fmt.Sprintf("%d%%", int64(r.Read)*8*int64(time.Second)*100/int64(r.LastRead)/int64(c.Rate))
			}
			fmt.Fprintf(out, "%-17s  %-24s %12s %8d %8d %6s\n", p, delivered, millis(r.LastRead),
				r.Sent[0]+r.Sent[1], r.Retransmits[0]+r.Retransmits[1], share)
		}
	}
	return nil
}
