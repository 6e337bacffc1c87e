// Package flags reads the command lines of this chapter's programs. To package
// flag it adds errors that stay in view: what is wrong, what is missing, and
// where help is, in two lines and with no usage behind them.
package flags

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"
)

// Parse reads a program's arguments, and lets check object to what they mean
// together. It prints an error to w. For -h it prints the sentence about, how
// the program is called (the name of fs is what go run is given) and the flags,
// and returns flag.ErrHelp.
func Parse(fs *flag.FlagSet, args []string, w io.Writer, about string, check func() error) error {
	fs.SetOutput(io.Discard) // else package flag prints the usage behind its error
	fs.Usage = func() {}
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(w, "%s\n\nUsage: go run %s [flags]\n\n", about, fs.Name())
		fs.SetOutput(w)
		fs.PrintDefaults()
		return err
	}
	if err == nil && fs.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q: settings are given as flags", fs.Arg(0))
	}
	if err == nil {
		err = check()
	}
	if err != nil {
		fmt.Fprintf(w, "%v\n-h shows the flags\n", err)
	}
	return err
}

// Given names the flags that were set.
func Given(fs *flag.FlagSet) map[string]bool {
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	return given
}

// An Error says what is wrong with the value of one flag.
type Error struct {
	Flag string // its name
	Text string
}

func (e *Error) Error() string { return e.Text }

// Invalid is the error about a value that package flag has let pass. must
// begins with "must be".
func Invalid(name string, value any, must string, args ...any) error {
	return &Error{name, fmt.Sprintf("invalid value %v for flag -%s: ", value, name) +
		fmt.Sprintf(must, args...)}
}

// Duration defines a flag for a time. What p holds is the default.
func Duration(fs *flag.FlagSet, p *time.Duration, name, usage string) {
	fs.Var((*duration)(p), name, usage)
}

type duration time.Duration

func (d *duration) String() string { return time.Duration(*d).String() }

func (d *duration) Set(text string) error {
	v, err := time.ParseDuration(text)
	if _, number := strconv.ParseFloat(text, 64); err != nil && number == nil {
		return fmt.Errorf("needs a unit, such as %sms or %ss", text, text)
	}
	if err != nil {
		return errors.New("must be a number with a unit, such as 5ms, 1.5s or 2m")
	}
	*d = duration(v)
	return nil
}

// Int defines a flag for a whole number. What p holds is the default.
func Int(fs *flag.FlagSet, p *int, name, usage string) {
	fs.Var((*whole)(p), name, usage)
}

type whole int

func (w *whole) String() string { return strconv.Itoa(int(*w)) }

func (w *whole) Set(text string) error {
	v, err := strconv.Atoi(text)
	if err == nil {
		*w = whole(v)
		return nil
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && f == math.Trunc(f) &&
		math.Abs(f) < 1e15 {
		return fmt.Errorf("must be written out: %.0f", f)
	}
	return errors.New("must be a whole number")
}
