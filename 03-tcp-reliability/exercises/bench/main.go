package bench

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"

	"example.com/sockets/03-tcp-reliability/engine/flags"
	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/terminal"
	"example.com/sockets/03-tcp-reliability/engine/views"
)

// Main is the whole of a command: it reads the conditions of the network from
// the flags, runs the reference and the learner's end, and shows both.
func (p Protocol) Main() {
	c, err := p.parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2) // the error is printed
	}
	if err := p.show(os.Stdout, c, terminal.Color(os.Stdout)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// folders are those of the exercises, by protocol.
var folders = map[string]string{"stop-and-wait": "stopwait", "go-back-n": "gobackn",
	"selective-repeat": "keep", "fast-retransmit": "fastretransmit",
	"selective-acks": "sack", "congestion-window": "cwnd"}

func (p Protocol) parse(args []string, w io.Writer) (c network.Conditions, err error) {
	c = network.Default()
	fs := flag.NewFlagSet("./03-tcp-reliability/exercises/"+folders[p.Name]+"/try", flag.ContinueOnError)
	c.Flags(fs)
	err = flags.Parse(fs, args, w, "It runs your "+p.Name+" and the reference over the same network,\n"+
		"and shows where they first differ.", func() error {
		given := flags.Given(fs)
		// With no fault asked for there is one, as in the simulator.
		if !slices.ContainsFunc(network.FaultFlags, func(name string) bool { return given[name] }) {
			c.Drop.Set("data:3")
		}
		return c.Check(given)
	})
	return c, err
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
