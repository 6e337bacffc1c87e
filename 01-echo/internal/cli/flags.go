// Package cli is the command line of this chapter's programs: flags that check
// themselves, the help text, Ctrl-C, and errors in two lines: what happened,
// and what to try next.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// Parse reads the command line. name is the program's folder and about one
// sentence on what it does: -h prints both, and the flags. check, if there is
// one, objects to what the flags by themselves let pass. A command line that
// can't be understood ends the program with status 2.
func Parse(name, about string, check func() error) {
	flag.CommandLine.Init(name, flag.ContinueOnError)
	status := parse(flag.CommandLine, os.Args[1:], about, check, os.Stdout, os.Stderr)
	if status >= 0 {
		os.Exit(status)
	}
}

// parse returns the status with which to exit, or -1 if the program may run.
func parse(flags *flag.FlagSet, args []string, about string, check func() error,
	out, errOut io.Writer) int {
	flags.SetOutput(io.Discard) // package flag would print the whole help after an error
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(out, "%s\n\n    go run ./%s [flags]\n\n", about, flags.Name())
		flags.SetOutput(out)
		flags.PrintDefaults()
		return 0
	}
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q: settings are given as flags", flags.Arg(0))
	}
	if err == nil && check != nil {
		err = check()
	}
	if err != nil {
		report(errOut, err, "-h shows the flags")
		return 2
	}
	return -1
}

// CtrlC returns a context that Ctrl-C and SIGTERM cancel. A program calls it
// before it prints anything, so that it ends in order from its first line on.
// The second Ctrl-C kills the program, whatever it waits for.
func CtrlC() context.Context {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx
}

// A ListenAddr is the address at which a server waits for clients, as a flag.
// It may leave the host out and have port 0.
type ListenAddr string

func (a *ListenAddr) String() string { return string(*a) }

func (a *ListenAddr) Set(text string) error {
	*a = ListenAddr(text)
	_, err := portOf(text)
	return err
}

// A DialAddr is the address that a client connects to, as a flag.
type DialAddr string

func (a *DialAddr) String() string { return string(*a) }

func (a *DialAddr) Set(text string) error {
	*a = DialAddr(text)
	port, err := portOf(text)
	if err == nil && port == 0 {
		return errors.New(`port 0 is for servers: give the port of the server's line "Listening on"`)
	}
	return err
}

// portOf returns the port of "host:port", or an error that shows how to write
// what was meant.
func portOf(addr string) (int, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil || port == "" {
		return 0, errors.New(rightForm(addr))
	}
	n, err := net.LookupPort("tcp", port)
	if err != nil {
		return 0, fmt.Errorf("%q is no port: ports are numbers up to 65535", port)
	}
	return n, nil
}

func rightForm(addr string) string {
	const brackets = "an IPv6 address stands in brackets: "
	isIPv6 := func(s string) bool { ip, err := netip.ParseAddr(s); return err == nil && ip.Is6() }
	last := strings.LastIndex(addr, ":")
	switch {
	case last > 0 && isIPv6(addr[:last]):
		return brackets + "[" + addr[:last] + "]" + addr[last:]
	case isIPv6(addr):
		return brackets + "[" + addr + "]:65432"
	case addr != "" && strings.Trim(addr, "0123456789") == "":
		return "the host is missing: write 127.0.0.1:" + addr
	case strings.Trim(addr, ":") != "" &&
		(last < 0 || strings.HasSuffix(addr, ":") || strings.HasSuffix(addr, "]")):
		return "the port is missing: write " + strings.TrimSuffix(addr, ":") + ":65432"
	}
	return "write host:port, such as 127.0.0.1:65432"
}

// A Duration is a flag of more than 0, such as 500ms, 10s or 2m.
type Duration time.Duration

func (d *Duration) String() string { return time.Duration(*d).String() }

func (d *Duration) Set(text string) error {
	parsed, err := time.ParseDuration(text)
	if err != nil {
		return errors.New("write it as 500ms, 10s or 2m")
	}
	if parsed <= 0 {
		return errors.New("must be more than 0")
	}
	*d = Duration(parsed)
	return nil
}

// IsTerminal tells whether a person types into f, or reads what is written
// to it.
func IsTerminal(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull) // a character device as well
	return err != nil || !os.SameFile(info, null)
}

// Connected tells a person who is going to type that the client waits for it.
func Connected(w io.Writer, server, client string) {
	fmt.Fprintf(w, "Connected to %s from %s.\nType lines; %s ends the input, Ctrl-C the program.\n",
		server, client, endOfInput)
}
