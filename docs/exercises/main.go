// Command exercises checks the next exercise or the one that is named, lists all
// with their state, opens hints one after another, and marks a folder of students'
// clones.
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

Without an argument: check the next exercise, the first that is not solved.
With one: check that exercise, that single case, or that chapter.

  go run ./docs/exercises                 check the next one
  go run ./docs/exercises -list           all of them, with their state
  go run ./docs/exercises -watch          check again whenever you save
  go run ./docs/exercises -hint 1 shout   a hint
  go run ./docs/exercises -mark ../class  marks for a class, as CSV

`

// options is the command line.
type options struct {
	hint                                int
	from, mark                          string
	list, all, watch, reset, json, race bool
	what                                string // exercise, exercise/case, chapter, or ""
}

func main() {
	var o options
	switch err := o.parse(os.Args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintf(os.Stderr, "%v\n", err)
		if !strings.Contains(err.Error(), "\n") {
			fmt.Fprintln(os.Stderr, "Help: go run ./docs/exercises -h")
		}
		os.Exit(2)
	}
	// Ctrl-C stops a check and what it has started; a second one stops us.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	passed, err := o.run(ctx, os.Stdout)
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "Stopped; no answer was changed")
		if !o.watch { // which has no other end
			os.Exit(1)
		}
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	case !passed:
		os.Exit(1)
	}
}

func (o *options) parse(args []string) error {
	fs := flag.NewFlagSet("exercises", flag.ContinueOnError)
	fs.IntVar(&o.hint, "hint", 0, "show hint `number` 1, 2, … of the exercise, or of the next one")
	fs.StringVar(&o.from, "from", "", "check the answers of another clone, in this `folder`")
	fs.StringVar(&o.mark, "mark", "",
		"check each clone in this `folder`: a CSV on standard output,\na report by exercise on "+
			"standard error")
	fs.BoolVar(&o.list, "list", false, "list the exercises with their state")
	fs.BoolVar(&o.all, "all", false, "in a list, check again what is solved")
	fs.BoolVar(&o.watch, "watch", false, "check again whenever an answer is saved,\nuntil Ctrl-C")
	fs.BoolVar(&o.reset, "reset", false,
		"bring the exercise's stub back, and keep the answer beside it")
	fs.BoolVar(&o.json, "json", false,
		"print JSON, an object a line for each exercise (with -mark: each student)")
	fs.BoolVar(&o.race, "race", false,
		"look for data races, too; this needs cgo (-mark always does where it can)")
	fs.SetOutput(io.Discard)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Print(usage)
			fs.SetOutput(os.Stdout)
			fs.PrintDefaults()
		}
		return err
	}
	return o.validate(fs)
}

func (o *options) validate(fs *flag.FlagSet) error {
	if fs.NArg() > 1 {
		return fmt.Errorf("unexpected argument %.40q: name one exercise or chapter, after the flags", fs.Arg(1))
	}
	o.what = strings.TrimSuffix(filepath.ToSlash(fs.Arg(0)), "/")
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	chosen, only, err := choose(o.what)
	if err != nil {
		return err
	}
	// What each flag that does another thing goes together with.
	for name, with := range map[string]string{
		"mark": "json race", "hint": "", "reset": "", "list": "all json race from",
		"watch": "json race",
	} {
		for other := range given {
			if given[name] && other != name && !strings.Contains(with, other) {
				return fmt.Errorf("flags -%s and -%s don't go together", name, other)
			}
		}
	}
	one := len(chosen) == 1
	switch {
	case given["mark"] && o.mark == "", given["from"] && o.from == "":
		return errors.New("flags -mark and -from need the name of a folder")
	case given["hint"] && o.hint < 1:
		return fmt.Errorf("invalid value %d for flag -hint: hints are numbered from 1", o.hint)
	case given["hint"] && o.what != "" && !one, given["reset"] && !one, given["watch"] &&
		o.what != "" && !one:
		return errors.New("this flag needs the name of one exercise behind it, such as shout")
	case only != "" && (o.reset || o.list || o.mark != ""):
		return fmt.Errorf("this flag is for a whole exercise, and not for the case %s", only)
	case o.all && !o.list && (one || o.what == "" && o.from == ""):
		return errors.New("flag -all goes with -list, or with a chapter: -list -all")
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
	j := job{root: root, only: only, race: o.race}
	if o.race && o.mark == "" {
		if why := raceDetector(); why != "" {
			j.race, j.noRaces = false, why
			if o.json {
				fmt.Fprint(os.Stderr, notLookedFor(why))
			}
		}
	}
	one := len(chosen) == 1
	switch {
	case o.mark != "":
		return true, mark(ctx, out, os.Stderr,
			marking{root: root, folder: o.mark, chosen: chosen, json: o.json})
	case o.hint > 0:
		if !one {
			next, ok := firstOpen(root)
			if !ok {
				return true,
					errors.New("all exercises are solved: name the one of which you want a hint")
			}
			chosen[0] = next
		}
		return true, hint(out, root, chosen[0], o.hint)
	case o.reset:
		return true, reset(out, root, chosen[0])
	case o.watch:
		return true, o.watchAnswers(ctx, out, j, chosen)
	case o.what == "" && !o.list && o.from == "":
		return o.checkNext(ctx, out, j)
	}
	answers := root
	if o.from != "" {
		if answers, _, err = cloneIn(o.from); err != nil {
			return false, err
		}
	}
	if one && !o.list {
		return o.checkOne(ctx, out, answers, chosen[0], j)
	}
	results, err := o.state(ctx, answers, chosen, j)
	if err != nil {
		return false, err
	}
	if o.json {
		return true, writeJSON(out, root, results)
	}
	listAll(out, root, results)
	fmt.Fprint(out, notLookedFor(j.noRaces))
	return true, nil
}

// state finds the state of many exercises. What is known to be solved is not
// checked again, unless -all or -race ask for it.
func (o *options) state(ctx context.Context, answers string, chosen []exercise, j job) ([]result,
	error) {
	mine := answers == j.root
	known := map[string]result{}
	var rest []exercise
	p := readProgress(j.root)
	for _, e := range chosen {
		if r, ok := p.knows(j.root, e); ok && mine && !o.all && !o.race {
			known[e.name] = r
		} else {
			rest = append(rest, e)
		}
	}
	checked, err := checkAnswers(ctx, answers, rest, j, false)
	if err != nil {
		return nil, err
	}
	if mine {
		if err := remember(j.root, checked); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	var results []result
	for _, e := range chosen {
		if r, ok := known[e.name]; ok {
			results = append(results, r)
		} else {
			results, checked = append(results, checked[0]), checked[1:]
		}
	}
	return results, nil
}

// checkOne checks one exercise, and tells the outcome.
func (o *options) checkOne(ctx context.Context, out io.Writer, answers string, e exercise,
	j job) (bool, error) {
	results, err := checkAnswers(ctx, answers, []exercise{e}, j, true)
	if err != nil {
		return false, err
	}
	r := results[0]
	if j.only == "" && answers == j.root {
		if err := remember(j.root, results); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	if o.json {
		return r.state == solved, writeJSON(out, j.root, results)
	}
	if r.lacks != nil {
		return false, r.missing()
	}
	r.tell(out, j, answers)
	return r.state == solved, nil
}

// checkNext checks the first exercise that is not known to be solved.
func (o *options) checkNext(ctx context.Context, out io.Writer, j job) (bool, error) {
	told := out
	if o.json {
		told = io.Discard
	}
	next, ok := introduce(told, j.root)
	if !ok {
		return true, nil
	}
	fmt.Fprintln(told)
	passed, err := o.checkOne(ctx, out, j.root, next, j)
	if passed {
		goOn(told, j.root, next)
	}
	return passed, err
}

// goOn shows the exercise after one that is solved. Where that can't be
// remembered, the first open one would be that one for good.
func goOn(out io.Writer, root string, solved exercise) {
	if _, ok := readProgress(root).knows(root, solved); ok {
		fmt.Fprintln(out)
		introduce(out, root)
	}
}

// firstOpen is the first exercise that is not known to be solved.
func firstOpen(root string) (exercise, bool) {
	p := readProgress(root)
	for _, e := range exercises {
		if _, ok := p.knows(root, e); !ok {
			return e, true
		}
	}
	return exercise{}, false
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
			return "",
				errors.New("cannot find the repository\nCall this command in its top folder, " +
					"where README.md and go.mod are")
		}
		dir = above
	}
}

func isRoot(dir string) bool {
	text, err := readFile(dir, "go.mod")
	return err == nil && strings.HasPrefix(string(text), "module "+module)
}
