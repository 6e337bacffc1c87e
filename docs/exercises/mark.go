package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// mark checks every clone in a folder, and writes a row for each. The checks
// are ours: of a clone only the answers count.
func mark(ctx context.Context, out io.Writer, root, folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("cannot read the clones: %w; give -mark the folder that has a folder for each student", err)
	}
	w := csv.NewWriter(out)
	head := []string{"student", "solved", "of"}
	for _, e := range exercises {
		head = append(head, e.name)
	}
	w.Write(head)
	students := 0
	for _, entry := range entries {
		clone, err := cloneIn(filepath.Join(folder, entry.Name()))
		if !entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		row := []string{plain(entry.Name())}
		if err != nil {
			row = append(row, "0", strconv.Itoa(len(exercises)))
			for range exercises {
				row = append(row, "no clone")
			}
			w.Write(row)
			continue
		}
		results, err := checkAnswers(ctx, root, clone, exercises, "", false)
		if err != nil {
			return err
		}
		students++
		done, cells := 0, []string{}
		for _, r := range results {
			if r.state == solved {
				done++
			}
			cells = append(cells, r.cell())
		}
		row = append(row, strconv.Itoa(done), strconv.Itoa(len(results)))
		w.Write(append(row, cells...))
		w.Flush() // a row at a time: a class takes a while
	}
	w.Flush()
	if students == 0 && w.Error() == nil {
		return fmt.Errorf("there is no clone of this repository in %s: each student needs a folder of their own there", folder)
	}
	return w.Error()
}

// cell is a state in a few words.
func (r result) cell() string {
	if r.state == notYet {
		return fmt.Sprintf("%d/%d: %s", r.verdict.Passed, r.verdict.Total, r.verdict.Case)
	}
	return string(r.state)
}

// plain keeps a spreadsheet from taking a name for a formula.
func plain(name string) string {
	if strings.ContainsAny(name[:1], "=+-@") {
		return "'" + name
	}
	return name
}

// cloneIn is the clone in a student's folder: the folder, or one just below.
func cloneIn(folder string) (string, error) {
	dirs := []string{folder}
	below, err := os.ReadDir(folder)
	for _, entry := range below {
		dirs = append(dirs, filepath.Join(folder, entry.Name()))
	}
	for _, dir := range dirs {
		if isRoot(dir) {
			return filepath.Abs(dir)
		}
	}
	if err == nil {
		err = fmt.Errorf("there is no clone of this repository in %s", folder)
	}
	return "", err
}
