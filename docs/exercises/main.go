// Command exercises lists the exercises with their state, checks an answer,
// opens hints one after another, and marks a folder of students' clones.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

const usage = `usage: go run ./docs/exercises [flags] [exercise | exercise/case | chapter]

With no argument: every exercise, its state, and what to do next.
With one: check that exercise, that single case, or that chapter.

`

// options is the command line.
type options struct {
	hint int
	from string
	mark string
	what string // exercise, exercise/case, chapter, or ""
}

func main() {
	var o options
	fs := flag.NewFlagSet("exercises", flag.ExitOnError)
	fs.IntVar(&o.hint, "hint", 0, "show hint `number` 1, 2, … of the exercise")
	fs.StringVar(&o.from, "from", "", "check the answers of another clone, in this `folder`")
	fs.StringVar(&o.mark, "mark", "", "check each clone in this `folder`, and write a CSV to standard output")
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), usage)
		fs.PrintDefaults()
	}
	fs.Parse(os.Args[1:])
	if err := o.validate(fs); err != nil {
		fmt.Fprintln(os.Stderr, err)
		fs.Usage()
		os.Exit(2)
	}
	// Ctrl-C stops a check and what it has started.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	passed, err := o.run(ctx, os.Stdout)
	switch {
	case ctx.Err() != nil:
		fmt.Println("Stopped; nothing was changed")
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	case !passed:
		os.Exit(1)
	}
}

func (o *options) validate(fs *flag.FlagSet) error {
	if fs.NArg() > 1 {
		return fmt.Errorf("unexpected argument %q: name one exercise or chapter, after the flags", fs.Arg(1))
	}
	o.what = strings.TrimSuffix(filepath.ToSlash(fs.Arg(0)), "/")
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	_, _, err := choose(o.what)
	switch {
	case err != nil:
		return err
	case given["mark"] && (o.what != "" || given["from"] || given["hint"]):
		return errors.New("flag -mark checks everything of every clone: it goes alone")
	case given["hint"] && o.hint < 1:
		return fmt.Errorf("invalid value %d for flag -hint: hints are numbered from 1", o.hint)
	case given["hint"]:
		if chosen, _, _ := choose(o.what); len(chosen) != 1 {
			return errors.New("flag -hint needs the name of an exercise behind it: -hint 1 shout")
		}
	}
	return nil
}

// run does what the command line says. It is false when an answer that was
// asked for is not right.
func (o *options) run(ctx context.Context, out io.Writer) (passed bool, err error) {
	root, err := findRoot()
	if err != nil {
		return false, err
	}
	chosen, only, _ := choose(o.what)
	switch {
	case o.mark != "":
		return true, mark(ctx, out, root, o.mark)
	case o.hint > 0:
		return true, hint(out, root, chosen[0], o.hint)
	}
	answers := root
	if o.from != "" {
		if answers, err = cloneIn(o.from); err != nil {
			return false, err
		}
	}
	results, err := checkAnswers(ctx, root, answers, chosen, only, len(chosen) == 1)
	if err != nil {
		return false, err
	}
	if len(chosen) == 1 {
		return tell(out, results[0], only), nil
	}
	list(out, results)
	return true, nil
}

// findRoot is the top folder of the repository, from the working directory
// upwards.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if isRoot(dir) {
			return dir, nil
		}
		above := filepath.Dir(dir)
		if above == dir {
			return "", errors.New("cannot find the repository: call this command in its top folder, where README.md and go.mod are")
		}
		dir = above
	}
}

func isRoot(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	return err == nil && strings.HasPrefix(string(text), "module "+module)
}
