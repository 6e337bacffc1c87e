package bench

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"

	"example.com/sockets/03-tcp-reliability/engine/flags"
	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/picture"
	"example.com/sockets/03-tcp-reliability/engine/terminal"
	"example.com/sockets/03-tcp-reliability/engine/views"
)

// Main is the whole of a command: it reads the conditions of the network from
// the flags, runs the reference and the learner's end, and shows both.
func (p Protocol) Main() {
	c, svg, err := p.parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2) // the error is printed
	}
	err = p.show(os.Stdout, c, terminal.Color(os.Stdout))
	if err == nil && svg != "" {
		err = p.draw(svg, c)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// folders are those of the exercises, by protocol.
var folders = map[string]string{"stop-and-wait": "stopwait", "go-back-n": "gobackn",
	"selective-repeat": "keep", "fast-retransmit": "fastretransmit",
	"selective-acks": "sack", "congestion-window": "cwnd"}

func (p Protocol) parse(args []string, w io.Writer) (c network.Conditions, svg string, err error) {
	c = network.Default()
	fs := flag.NewFlagSet("./03-tcp-reliability/exercises/"+folders[p.Name]+"/try",
		flag.ContinueOnError)
	c.Flags(fs)
	fs.StringVar(&svg, "svg", "", "also draw both runs beside each other, in this `file`")
	err = flags.Parse(fs, args, w,
		"It runs your "+p.Name+" and the reference over the same network,\n"+
			"and shows where they first differ.", func() error {
			given := flags.Given(fs)
			// With no fault asked for there is one, as in the simulator.
			if !slices.ContainsFunc(network.FaultFlags,
				func(name string) bool { return given[name] }) {
				c.Drop.Set("data:3")
			}
			return c.Check(given)
		})
	return c, svg, err
}

// draw writes a picture of both runs to a file. What differs in the learner's
// has a mark.
func (p Protocol) draw(file string, conditions network.Conditions) error {
	c := p.Compare(conditions)
	var b bytes.Buffer
	err := picture.WritePair(&b, &c.Reference.Trace, &c.Yours.Trace,
		picture.Options{Title: "The reference", Theme: "light"}, "Yours")
	if err == nil {
		err = os.WriteFile(file, b.Bytes(), 0o644)
	}
	if err != nil {
		return fmt.Errorf("cannot draw the picture: %w\ngive -svg a file in a folder that exists",
			err)
	}
	return nil
}

func (p Protocol) show(w io.Writer, conditions network.Conditions, color bool) error {
	c := p.Compare(conditions)
	fmt.Fprintf(w, "%s over a network with %v\n", p.Name, conditions)
	fmt.Fprintf(w, "The timeout is %s", Millis(p.RTO))
	if p.Name != "stop-and-wait" {
		fmt.Fprintf(w, ", the window %d packets", p.Window)
	}
	fmt.Fprint(w, ".\n")
	for i, r := range []*Run{c.Reference, c.Yours} {
		fmt.Fprintf(w, "\n%s:\n\n", [...]string{"The reference", "Yours"}[i])
		if err := views.WriteLadder(w, &r.Trace, views.Style{Color: color}); err != nil {
			return err
		}
		if r.Err != nil {
			fmt.Fprintf(w, "\nThe run ended with: %v\n", r.Err)
		}
	}
	_, err := fmt.Fprintf(w, "\n%s\n", c.Difference())
	return err
}
