// Package cli is what the programs of this chapter have in common towards their
// terminal: how flags are read and explained, what Ctrl-C does, and the end.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
)

// Parse reads the command line into the flags of package flag. It answers -h:
// with does, one sentence on the program, and call, how it is called. Where
// the command line or check objects to something, it says what is wrong and
// ends the program with status 2.
func Parse(does, call string, check func() error) {
	ParseArgs(does, call, func() error {
		if flag.NArg() > 0 {
			return fmt.Errorf("unexpected argument %q: settings are given as flags", flag.Arg(0))
		}
		return check()
	})
}

// ParseArgs is Parse for a program that takes arguments besides its flags.
func ParseArgs(does, call string, check func() error) {
	// Package flag would print all the flags behind what is wrong with one.
	flag.CommandLine.Init(os.Args[0], flag.ContinueOnError)
	flag.CommandLine.SetOutput(io.Discard)
	err := flag.CommandLine.Parse(os.Args[1:])
	if err == flag.ErrHelp {
		fmt.Fprintf(Stdout, "%s\n\n    %s\n\n", does, call)
		flag.CommandLine.SetOutput(Stdout)
		flag.PrintDefaults()
		Exit(nil)
	}
	if err == nil {
		err = check()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, objection(err))
		os.Exit(2)
	}
}

// objection says what is wrong with the command line, and where help is.
func objection(err error) string {
	text := strings.Replace(err.Error(), ": parse error", ": not a whole number", 1)
	if strings.Contains(text, "\n") { // what to try is said already
		return text + "; -h shows the flags"
	}
	return text + "\n-h shows the flags"
}

// Interrupt takes over Ctrl-C and SIGTERM: the first one cancels the context
// that it returns, and the second one ends the program at once, with status 1.
func Interrupt() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	// Both have room here, so that none is lost however soon the second comes.
	pressed := make(chan os.Signal, 2)
	signal.Notify(pressed, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-pressed
		cancel()
		<-pressed
		fmt.Fprintln(os.Stderr, "Ended at once")
		os.Exit(1)
	}()
	return ctx
}

// Stdout is the program's standard output. The first failure to write is said
// on standard error, and Exit then ends the program with status 1.
var Stdout = &output{out: os.Stdout, errOut: os.Stderr}

type output struct {
	out, errOut io.Writer
	mu          sync.Mutex // guards what is above and below
	failed      bool
}

// Write returns no error: nobody looks at those of package fmt.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, err := o.out.Write(p); err != nil && !o.failed {
		o.failed = true
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		fmt.Fprintf(o.errOut, "cannot write to standard output: %v\n"+
			"is the disk full, or has the program that reads it ended?\n", err)
	}
	return len(p), nil
}

// Stopped is the error of a client that Ctrl-C has ended before it was done.
// Its own last line says so.
var Stopped = errors.New("stopped")

// Exit ends the program: with status 1 where err says what went wrong, or
// where something could not be printed.
func Exit(err error) {
	if err != nil && err != Stopped {
		fmt.Fprintln(os.Stderr, err)
	}
	Stdout.mu.Lock()
	defer Stdout.mu.Unlock()
	if err != nil || Stdout.failed {
		os.Exit(1)
	}
	os.Exit(0)
}
