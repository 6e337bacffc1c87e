package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sockets/docs/exercises/check"
)

// The stubs that a reset brings back are those that are handed out.
func TestStubs(t *testing.T) {
	for _, e := range exercises {
		if got := fingerprint([]byte(stub(t, e))); got != e.stub {
			t.Errorf("stubs.txt has another stub of %s (%s) than table.go says (%s)", e.name, got,
				e.stub)
		}
	}
}

// A reset brings the stub back whatever stands in its place, and loses nothing.
func TestReset(t *testing.T) {
	shout := pick(t, "shout")
	root := clone(t, t.TempDir())
	place := filepath.Join(root, filepath.FromSlash(shout.answer()))
	for i, put := range []func(){
		func() { write(t, "first", place) },
		func() { write(t, "second", place) },
		func() { write(t, "third", place, "inside") },
	} {
		if err := os.Remove(place); err != nil {
			t.Fatal(err)
		}
		put()
		if err := reset(&bytes.Buffer{}, root, shout); err != nil {
			t.Fatal(err)
		}
		if got := read(t, place); got != stub(t, shout) {
			t.Errorf("reset %d: the stub is not back, but %q", i+1, got)
		}
	}
	for name, want := range map[string]string{".old-1": "first", ".old-2": "second",
		".old-3/inside": "third"} {
		if got := read(t, place+name); got != want {
			t.Errorf("%s holds %q, expected %q", name, got, want)
		}
	}
	if err := os.RemoveAll(filepath.Dir(place)); err != nil {
		t.Fatal(err)
	}
	if err := reset(&bytes.Buffer{}, root, shout); err != nil || read(t, place) != stub(t, shout) {
		t.Errorf("a deleted folder: error %v", err)
	}
}

// What is solved is known until the answer or its check is another one.
func TestProgress(t *testing.T) {
	root := clone(t, t.TempDir())
	first, second := exercises[0], exercises[1]
	write(t, "", root, "docs", "exercises", "check", "check.go")
	next := func() string {
		e, _ := firstOpen(root)
		return e.name
	}
	solve(t, root, first)
	if next() != first.name {
		t.Errorf("the next is %s before anything was checked", next())
	}
	if err := remember(root, []result{{exercise: first, state: solved,
		verdict: check.Verdict{Passed: 3, Total: 3}}}); err != nil {
		t.Fatal(err)
	}
	if next() != second.name {
		t.Errorf("the next is %s after %s is solved", next(), first.name)
	}
	write(t, solution(t, first)+"// another one\n", root, first.answer())
	if next() != first.name {
		t.Errorf("the next is %s after the answer to %s was changed", next(), first.name)
	}
	solve(t, root, first)
	write(t, "package check\n", root, "docs", "exercises", "check", "check.go")
	if next() != first.name {
		t.Errorf("the next is %s after the check was changed", next())
	}
	write(t, "{", root, progressFile)
	if next() != first.name {
		t.Errorf("the next is %s with a progress file that is broken", next())
	}
}

// Where nothing can be remembered, that is said, and the exercise just solved
// is not proposed as the next.
func TestProgressCannotBeWritten(t *testing.T) {
	root := clone(t, t.TempDir())
	first := exercises[0]
	solve(t, root, first)
	results := []result{{exercise: first, state: solved}}
	place := filepath.Join(root, filepath.FromSlash(progressFile))
	write(t, "a folder is in the way", place, "file")
	if err := remember(root, results); err == nil || !strings.Contains(err.Error(), progressFile) {
		t.Errorf("remember says %v", err)
	}
	if err := remember(root, []result{{exercise: first, state: notYet}}); err != nil {
		t.Errorf("there is nothing to remember, and remember says %v", err)
	}
	var out bytes.Buffer
	if goOn(&out, root, first); out.Len() > 0 {
		t.Errorf("after %s comes: %s", first.name, out.String())
	}
	if err := os.RemoveAll(place); err != nil {
		t.Fatal(err)
	}
	if err := remember(root, results); err != nil {
		t.Error(err)
	}
	if goOn(&out, root, first); !strings.Contains(out.String(), "Next:   "+exercises[1].name) {
		t.Errorf("after %s comes: %s", first.name, out.String())
	}
	if left, _ := filepath.Glob(place + ".*"); left != nil {
		t.Errorf("files are left: %v", left)
	}
}

// A file that is saved, added or deleted is a change, and names the exercise.
func TestChanged(t *testing.T) {
	root := clone(t, t.TempDir())
	lines := pick(t, "lines")
	file := filepath.Join(root, filepath.FromSlash(lines.answer()))
	for name, change := range map[string]func(){
		"saved":   func() { write(t, "package lines // more of it\n", file) },
		"added":   func() { write(t, "package lines\n", filepath.Dir(file), "more.go") },
		"deleted": func() { os.Remove(file) },
	} {
		before := stamps(root, exercises)
		change()
		if e, err := changed(t.Context(), root, exercises, before); e.name != "lines" ||
			err != nil {
			t.Errorf("a file was %s: changed says %q, %v", name, e.name, err)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	for what, want := range map[string]string{
		"shuot": "did you mean shout?", "SHOUT": "did you mean shout?",
		"shou": "did you mean shout?", "gobackm": "did you mean gobackn?",
		"01-ehco": "did you mean 01-echo?", "whisper": "-list", "": "", "shout/a/b": "no case",
		"shout/(": "no case",
	} {
		_, _, err := choose(what)
		if said := ""; want == "" && err != nil || want != "" && err == nil {
			t.Errorf("choose(%q): %v", what, err)
		} else if err != nil {
			if said = err.Error(); !strings.Contains(said, want) {
				t.Errorf("choose(%q) says %q, expected in it %q", what, said, want)
			}
			for line := range strings.Lines(said) {
				if len(line) > 80 {
					t.Errorf("choose(%q): a line of %d columns", what, len(line))
				}
			}
		}
	}
}

func TestFlags(t *testing.T) {
	for args, want := range map[string]string{
		"": "", "-list": "", "-list -all": "", "-watch": "", "-hint 1": "", "-hint 1 shout": "",
		"-reset shout": "", "-mark x shout": "",
		"-hint 0 shout": "numbered from 1", "-reset": "name of one exercise",
		"-mark x -watch": "don't go together",
		"-watch -list":   "don't go together", "-all": "goes with -list",
		"shout lines":           "unexpected argument",
		"-reset shout/one-word": "whole exercise", "-x": "not defined",
		"-watch 01-echo": "name of one exercise",
	} {
		var o options
		err := o.parse(strings.Fields(args))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, expected %q", args, err, want)
		}
	}
}

// After solving, the functions that differ are named, with what the solution
// says in them.
func TestCompare(t *testing.T) {
	shout := pick(t, "shout")
	root := clone(t, t.TempDir())
	write(t, solution(t, shout), root, shout.solution(), check.Answer)
	write(t, strings.Replace(solution(t, shout), "1024", "1", 1), root, shout.answer())
	var out bytes.Buffer
	result{exercise: shout}.compare(&out, root)
	for _, want := range []string{"Serve  ", "shout            the same\n",
		"First the bytes, then the error", "What to notice"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "capitals of bytes") {
		t.Errorf("what is the same needs no words:\n%s", out.String())
	}
}

// The lines of an answer are named so that a terminal can open them.
func TestClickable(t *testing.T) {
	r := result{exercise: pick(t, "shout")}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	file := "01-echo/exercises/shout/answer.go"
	for text, want := range map[string]string{
		"waits (answer.go:5)":           "waits (" + file + ":5)",
		"(answer.go:5, answer.go:7)":    "(" + file + ":5, " + file + ":7)",
		file + ":4:9: undefined: x":     file + ":4:9: undefined: x",
		"answer.go:4:9: undefined: x":   file + ":4:9: undefined: x",
		"the file answer.go is the one": "the file answer.go is the one",
	} {
		if got := r.clickable(root, text); got != want {
			t.Errorf("clickable(%q) = %q, expected %q", text, got, want)
		}
	}
}
