package bench

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/terminal"
	"example.com/sockets/03-tcp-reliability/engine/views"
)

// Main is the whole of a command: it reads the conditions of the network from
// the flags, runs the reference and the learner's end, and shows both.
func (p Protocol) Main() {
	c, err := parse(os.Args[1:], os.Stderr)
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

func parse(args []string, w io.Writer) (c network.Conditions, err error) {
	c = network.Conditions{Delay: 10 * time.Millisecond, Queue: 20, Seed: 1}
	fs := flag.NewFlagSet("try", flag.ContinueOnError)
	fs.SetOutput(w)
	c.Flags(fs)
	if err := fs.Parse(args); err != nil {
		return c, err
	}
	// With no fault asked for there is one, as in the simulator.
	faults := map[string]bool{"loss": true, "burst": true, "drop": true, "duplicate": true,
		"reorder": true, "corrupt": true, "rate": true, "jitter": true}
	asked := false
	fs.Visit(func(f *flag.Flag) { asked = asked || faults[f.Name] })
	if !asked {
		c.Drop.Set("data:3")
	}
	if fs.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q: settings are given as flags", fs.Arg(0))
	} else {
		err = c.Validate()
	}
	if err != nil {
		fmt.Fprintln(w, err)
		fs.Usage()
	}
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
