// Command lab shows runs of the simulator as a page: packets cross a bad
// network, a click loses one, and the rest of the run follows. It serves the
// page on this computer, or writes it as files for any web server.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"

	"example.com/sockets/03-tcp-reliability/engine/flags"
)

type options struct {
	addr   string
	export string
	open   bool
}

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		os.Exit(2) // the error is printed
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if o.export != "" {
		err = export(ctx, o.export, os.Stdout)
	} else {
		err = o.run(ctx, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// parse reads the command line. Errors are printed to w.
func parse(args []string, w io.Writer) (*options, error) {
	o := &options{addr: "127.0.0.1:8476"}
	fs := flag.NewFlagSet("./03-tcp-reliability/lab", flag.ContinueOnError)
	flags.Addr(fs, &o.addr, "tcp", "addr",
		"serve the page on `host:port`, of this computer; port 0 picks a free one")
	fs.StringVar(&o.export, "export", "",
		"write the page to this `folder`, for any web server, and end")
	fs.BoolVar(&o.open, "open", false, "open the page in the browser")
	return o, flags.Parse(fs, args, w,
		"It shows runs of the simulator as a page: click a packet to lose it.",
		func() error {
			host, _, _ := net.SplitHostPort(o.addr)
			if ip, err := netip.ParseAddr(host); host != "localhost" &&
				(err != nil || !ip.IsLoopback()) {
				return flags.Invalid("addr", fmt.Sprintf("%q", o.addr),
					"must be an address of this computer\nalone, such as 127.0.0.1:8476; for "+
						"others use -export")
			}
			if o.export != "" && (o.open || flags.Given(fs)["addr"]) {
				return errors.New("flag -export writes files and serves nothing: it excludes " +
					"-addr and -open")
			}
			return nil
		})
}

// run serves until ctx is cancelled.
func (o *options) run(ctx context.Context, out io.Writer) error {
	l, err := net.Listen("tcp", o.addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w\ntake a free port with -addr 127.0.0.1:0",
			o.addr, err)
	}
	address := "http://" + l.Addr().String() + "/"
	fmt.Fprintf(out, "Listening on %s\nOpen this address in your browser; Ctrl-C ends.\n", address)
	if o.open {
		if err := open(address); err != nil {
			fmt.Fprintf(os.Stderr, "cannot open a browser: %v\n", err)
		}
	}
	err = serve(ctx, l)
	fmt.Fprintln(out, "Stopped")
	return err
}

// open asks the system to show an address.
func open(address string) error {
	command := map[string][]string{
		"windows": {"rundll32", "url.dll,FileProtocolHandler"},
		"darwin":  {"open"},
	}[runtime.GOOS]
	if command == nil {
		command = []string{"xdg-open"}
	}
	return exec.Command(command[0], append(command[1:], address)...).Start()
}
