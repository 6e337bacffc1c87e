package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// stubs are the answers as they are handed out, each behind a line with its
// name. They are here for those who have no git.
//
//go:embed stubs.txt
var stubs string

const stubHead = "-- "

// handedOut is the stub of an exercise.
func (e exercise) handedOut() (string, error) {
	_, text, found := strings.Cut("\n"+strings.ReplaceAll(stubs, "\r\n", "\n"),
		"\n"+stubHead+e.name+"\n")
	if !found {
		return "", fmt.Errorf("stubs.txt has no stub of %s", e.name)
	}
	text, _, _ = strings.Cut(text, "\n"+stubHead)
	return strings.TrimRight(text, "\n") + "\n", nil
}

// reset brings the stub of an exercise back. What stands in its place is kept
// beside it.
func reset(out io.Writer, root string, e exercise) error {
	stub, err := e.handedOut()
	if err != nil {
		return err
	}
	if begun, err := e.begun(root); err == nil && !begun {
		fmt.Fprintf(out, "%s is as it was handed out:\nthere is nothing to bring back\n",
			shown(root, e.answer()))
		return nil
	}
	file := filepath.Join(root, filepath.FromSlash(e.answer()))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("cannot make the folder of %s: %w", e.name, err)
	}
	if _, err := os.Lstat(file); err == nil {
		old, err := free(file + ".old-")
		if err == nil {
			err = os.Rename(file, old)
		}
		if err != nil {
			return fmt.Errorf("cannot keep the old answer: %w\nNothing was changed", err)
		}
		fmt.Fprintf(out, "The old answer is now\n%s\n", shown(root, old))
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("cannot write the stub: %w", err)
	}
	_, err = io.WriteString(f, stub)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("cannot write the stub: %w", err)
	}
	fmt.Fprintf(out, "%s is as it was handed out\n", shown(root, file))
	return nil
}

// free is the first name behind a prefix that is not taken.
func free(prefix string) (string, error) {
	for n := 1; n < 10_000; n++ {
		name := fmt.Sprint(prefix, n)
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return name, nil
		}
	}
	return "", fmt.Errorf("there are too many files %s…", prefix)
}

// shown is a file's name as a terminal can open it: from the folder in which the
// command was called.
func shown(root, file string) string {
	if !filepath.IsAbs(file) {
		file = filepath.Join(root, filepath.FromSlash(file))
	}
	if here, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(here, file); err == nil {
			return filepath.ToSlash(rel)
		}
	}
	return file
}
