package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/terminal"
)

// pollEvery is how often the answers are looked at for changes. Not every system
// tells of them in the same way; all have a time of the last change.
const pollEvery = 200 * time.Millisecond

// A stamp is what changes when one of an answer's files is saved.
type stamp string

func (e exercise) stamp(root string) stamp {
	var s stamp
	for _, below := range append(e.foldersBelow(root, ""), "") {
		folder := filepath.Join(root, filepath.FromSlash(path.Join(e.folder(), below)))
		names, _ := folderNames(folder)
		for _, name := range names {
			if path.Ext(name) != ".go" {
				continue
			}
			if info, err := os.Lstat(filepath.Join(folder, name)); err == nil {
				s += stamp(fmt.Sprintln(below, name, info.ModTime().UnixNano(), info.Size()))
			}
		}
	}
	return s
}

func stamps(root string, of []exercise) map[string]stamp {
	all := map[string]stamp{}
	for _, e := range of {
		all[e.name] = e.stamp(root)
	}
	return all
}

// changed waits until an answer is saved, and says which.
func changed(ctx context.Context, root string, of []exercise, before map[string]stamp) (exercise,
	error) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		for _, e := range of {
			if e.stamp(root) != before[e.name] {
				return e, nil
			}
		}
		select {
		case <-ctx.Done():
			return exercise{}, ctx.Err()
		case <-tick.C:
		}
	}
}

// errSaved ends a check of an answer that has been saved anew.
var errSaved = errors.New("the answer has been saved")

// watchAnswers checks the exercise, or the next one, again whenever its answer
// is saved, until ctx ends. Another exercise whose answer is saved takes its place.
func (o *options) watchAnswers(ctx context.Context, out io.Writer, j job, chosen []exercise) error {
	first := chosen[0]
	if next, ok := firstOpen(j.root); ok && len(chosen) > 1 {
		first = next
	}
	for current := first; ; {
		before := stamps(j.root, exercises)
		checking, cancel := context.WithCancelCause(ctx)
		saved := make(chan exercise, 1)
		go func() {
			if e, err := changed(checking, j.root, exercises, before); err == nil {
				saved <- e
				cancel(errSaved)
			}
		}()
		o.clear(out)
		if current != first {
			j.only = "" // that was a case of the first one
		}
		passed, err := o.checkOne(checking, out, j.root, current, j)
		if passed && !o.json {
			goOn(out, j.root, current)
		}
		if err != nil && context.Cause(checking) == nil {
			fmt.Fprintln(out, err) // the next change may be the remedy
		}
		if context.Cause(checking) == nil && !o.json {
			fmt.Fprintf(out, "\nWaiting for a change; Ctrl-C ends this.\n")
		}
		<-checking.Done()
		cancel(nil)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		current = <-saved
	}
}

// clear clears a terminal's screen. Anything else gets an empty line.
func (o *options) clear(out io.Writer) {
	switch f, ok := out.(*os.File); {
	case o.json:
	case ok && isTerminal(f):
		fmt.Fprint(out, "\x1b[2J\x1b[3J\x1b[H")
	default:
		fmt.Fprintln(out)
	}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" &&
		// which asks the console to understand the codes
		(runtime.GOOS != "windows" || terminal.Color(f))
}
