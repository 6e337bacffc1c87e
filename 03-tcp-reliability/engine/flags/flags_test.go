package flags

import (
	"errors"
	"flag"
	"strings"
	"testing"
	"time"
)

// parse reads a command line with one flag of each type.
func parse(args string) (printed string, err error) {
	var out strings.Builder
	wait, count, at := time.Second, 8, "127.0.0.1:65432"
	fs := flag.NewFlagSet("./03-tcp-reliability/program", flag.ContinueOnError)
	Duration(fs, &wait, "wait", "wait for this `duration`")
	Addr(fs, &at, "tcp", "addr", "connect to `host:port`")
	Int(fs, &count, "count", "a `number`")
	err = Parse(fs, strings.Fields(args), &out, "It waits.", func() error {
		if count > 10 {
			return Invalid("count", count, "must be from 1 to %d", 10)
		}
		return nil
	})
	return out.String(), err
}

// An error is what is wrong and where help is, and nothing else.
func TestErrors(t *testing.T) {
	for args, want := range map[string]string{
		"-wait 5":    `invalid value "5" for flag -wait: needs a unit, such as 5ms or 5s`,
		"-wait 1.5":  `invalid value "1.5" for flag -wait: needs a unit, such as 1.5ms or 1.5s`,
		"-wait soon": `invalid value "soon" for flag -wait: must be a number with a unit, such as 5ms, 1.5s or 2m`,
		"-count 1e6": `invalid value "1e6" for flag -count: must be written out: 1000000`,
		"-count 1.5": `invalid value "1.5" for flag -count: must be a whole number`,
		"-count x":   `invalid value "x" for flag -count: must be a whole number`,
		"-count 11":  "invalid value 11 for flag -count: must be from 1 to 10",
		"-cout 1":    "flag provided but not defined: -cout",
		"-count":     "flag needs an argument: -count",
		"-addr 1":    `invalid value "1" for flag -addr: must be host:port, such as 127.0.0.1:9000`,
		"-addr a:x":  `invalid value "a:x" for flag -addr: must be host:port, such as 127.0.0.1:9000`,
		"now":        `unexpected argument "now": settings are given as flags`,
	} {
		printed, err := parse(args)
		if err == nil || printed != want+"\n-h shows the flags\n" {
			t.Errorf("%s: error %v, printed\n%s\nand not\n%s", args, err, printed, want)
		}
	}
}

func TestGood(t *testing.T) {
	if printed, err := parse("-wait 5ms -count 3 -addr [::1]:0"); err != nil || printed != "" {
		t.Errorf("error %v, printed %q", err, printed)
	}
}

// Help begins with what the program does and how it is called.
func TestHelp(t *testing.T) {
	printed, err := parse("-h")
	if !errors.Is(err, flag.ErrHelp) ||
		!strings.HasPrefix(printed,
			"It waits.\n\nUsage: go run ./03-tcp-reliability/program [flags]\n\n  -addr host:port\n") ||
		!strings.Contains(printed, "(default 1s)") || !strings.Contains(printed, "(default 8)") ||
		!strings.Contains(printed, "(default 127.0.0.1:65432)") {
		t.Errorf("error %v, printed\n%s", err, printed)
	}
}
