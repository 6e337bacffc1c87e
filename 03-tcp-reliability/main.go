// Command 03-tcp-reliability sends a sentence over a network that loses
// packets, in one of five ways, and shows what becomes of each packet. Time
// is virtual: nothing waits, and the same flags show the same run.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"example.com/sockets/03-tcp-reliability/engine/document"
	"example.com/sockets/03-tcp-reliability/engine/flags"
	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/picture"
	"example.com/sockets/03-tcp-reliability/engine/run"
	"example.com/sockets/03-tcp-reliability/engine/story"
	"example.com/sockets/03-tcp-reliability/engine/terminal"
	"example.com/sockets/03-tcp-reliability/engine/trace"
	"example.com/sockets/03-tcp-reliability/engine/views"
)

// options are the command line: a run, and what to show of it.
type options struct {
	run.Settings
	view    string
	picture picture.Options // of -view svg
	pcap    string
	compare bool
	losses  []network.Probability // all that were given
}

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		os.Exit(2) // the error is printed
	case o.compare:
		err = o.compareAll(os.Stdout)
	default:
		err = o.show(os.Stdout, views.Style{
			Color: terminal.Color(os.Stdout), Width: terminal.Width(os.Stdout)})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// harm prints what losing each packet would cost, with a run for each.
func (o *options) harm(out io.Writer) error {
	table, err := document.HarmOf(o.Address(), document.View{})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s over a network with %v\n\n", o.Protocol, o.Conditions)
	fmt.Fprintf(out, "%-40s %-20s %s\n", "lost packet, as -drop names it", "the message is whole",
		"longest wait")
	for _, row := range table.Rows {
		line := fmt.Sprintf("%-40s %-20s %s", story.Cut(row.Name(), 39), row.Later, row.Waits)
		fmt.Fprintln(out, strings.TrimRight(line, " "))
	}
	fmt.Fprintln(out)
	says := table.Says
	if len(table.Rows) > 0 {
		says = table.Worst(table.Rows[0].Name())
	}
	views.WriteWrapped(out, says)
	return nil
}

// show runs one protocol and prints the view that was asked for.
func (o *options) show(out io.Writer, style views.Style) error {
	if o.view == "harm" {
		return o.harm(out)
	}
	var t trace.Trace
	r, err := o.Run(&t)
	if err != nil {
		return err
	}
	if o.pcap != "" {
		if err := capture(o.pcap, &t); err != nil {
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
	switch view {
	case "json":
		return views.WriteJSON(out, &t)
	case "svg":
		o.picture.Title = fmt.Sprintf("%s over a network with %v", o.Protocol, o.Conditions)
		return picture.Write(out, &t, o.picture)
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
	fmt.Fprintln(out, r.Verdict())
	if r.Err != nil {
		fmt.Fprintf(out, "The run ended with:\n  %v\n", r.Err)
	}
	if err := views.WriteSummary(out, &t); err != nil {
		return err
	}
	isLoss := func(e trace.Event) bool { return e.Kind == trace.Lost }
	if !slices.ContainsFunc(t.Events, isLoss) {
		switch {
		case o.Loss > 0:
			fmt.Fprintln(out, "Nothing was lost; try another -seed")
		case o.Drop.String() != "":
			fmt.Fprintf(out, "Nothing was lost: no packet of -drop %v was sent\n", o.Drop)
		}
	}
	if o.pcap != "" {
		names := views.CaptureNames(o.pcap)
		fmt.Fprintf(out, "Captures: %s and %s\n", names[0], names[1])
	}
	return nil
}

// manyLines is how many packets a ladder draws; of more the default view is a
// summary.
const manyLines = 200

var viewNames = []string{"ladder", "summary", "cwnd", "json", "svg", "harm"}

// parse reads the command line. Errors are printed to w.
func parse(args []string, w io.Writer) (*options, error) {
	o := &options{Settings: run.Default()}
	fs := flag.NewFlagSet("./03-tcp-reliability", flag.ContinueOnError)
	o.Settings.Flags(fs)
	fs.StringVar(&o.view, "view", "", "what to print: "+strings.Join(viewNames, ", ")+
		"\n(default ladder, of more than 200 packets summary)")
	pictureFlags(fs, &o.picture)
	fs.StringVar(&o.pcap, "pcap", "",
		"also write the captures `NAME`-client.pcapng and NAME-server.pcapng")
	fs.BoolVar(&o.compare, "compare", false,
		"send in every way over the same network, and print a table")
	loss := fs.Lookup("loss")
	loss.Value = &lossList{o}
	loss.Usage += "; with -compare\nseveral make a table each: 0,0.01,0.1"
	return o, flags.Parse(fs, args, w, "It sends a sentence over a network that loses packets, "+
		"and shows what becomes\nof each packet.", func() error { return o.check(flags.Given(fs)) })
}

var pictureNames = []string{"width", "theme", "from", "to", "animate"}

// pictureFlags defines the flags of -view svg.
func pictureFlags(fs *flag.FlagSet, o *picture.Options) {
	o.Width = 900
	fs.Func("width", "svg: how wide the picture is, in `points` (default 900)",
		func(text string) error {
			n, err := strconv.Atoi(text)
			if err != nil || n < picture.MinWidth || n > picture.MaxWidth {
				return fmt.Errorf("must be from %d to %d points", picture.MinWidth,
					picture.MaxWidth)
			}
			o.Width = n
			return nil
		})
	fs.Func("theme", "svg: light or `dark` (default the reader's)", func(text string) error {
		if text != "light" && text != "dark" {
			return errors.New("must be light or dark")
		}
		o.Theme = text
		return nil
	})
	flags.Duration(fs, &o.From, "from", "svg: leave out what happened before this `time`")
	flags.Duration(fs, &o.To, "to", "svg: leave out what happened after this `time`; 0: nothing")
	fs.BoolVar(&o.Animate, "animate", false, "svg: let time pass, once, for five seconds")
}

// check objects to what the flags mean together.
func (o *options) check(given map[string]bool) error {
	if err := o.Settings.Check(given, o.compare); err != nil {
		return err
	}
	if o.view != "svg" {
		for _, name := range pictureNames {
			if given[name] {
				return fmt.Errorf("flag -%s is for -view svg", name)
			}
		}
	}
	switch {
	case o.view == "harm" && o.pcap != "":
		return errors.New("flag -pcap means nothing to -view harm: it makes many runs")
	case !slices.Contains(append(viewNames, ""), o.view):
		return flags.Invalid("view", strconv.Quote(o.view), "must be one of %s",
			strings.Join(viewNames, ", "))
	case o.compare && (given["protocol"] || given["view"] || given["pcap"]):
		return errors.New("flag -compare runs every protocol and prints a table:\n" +
			"it excludes -protocol, -view and -pcap")
	case o.picture.To > 0 && o.picture.To <= o.picture.From:
		return flags.Invalid("to", o.picture.To, "must be later than -from")
	case len(o.losses) > 1 && !o.compare:
		return errors.New("flag -loss: several probabilities make sense with -compare only")
	}
	return nil
}
