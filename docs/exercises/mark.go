package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"example.com/sockets/docs/exercises/check"
)

// A marking is the check of a folder that has a folder for each student.
type marking struct {
	root   string
	folder string
	chosen []exercise
	json   bool
	race   bool // the race detector is there
}

// A student is a row of the marks.
type student struct {
	name    string
	results []result
	trouble error // why there are none
	remarks []string
}

// mark checks every clone in a folder, and writes a row for each, in the order
// of their names. The checks are ours: of a clone only the answers count. The report
// says for each exercise how the class has done.
func mark(ctx context.Context, out, report io.Writer, m marking) error {
	names, left, err := m.students()
	if err != nil {
		return err
	}
	why := raceDetector()
	m.race = why == ""
	before := m.fingerprints()

	began := time.Now()
	marked := make([]chan student, len(names))
	workers := make(chan struct{}, runtime.NumCPU())
	for i := range names {
		marked[i] = make(chan student, 1)
	}
	go func() {
		for i, name := range names {
			workers <- struct{}{}
			go func() {
				defer func() { <-workers }()
				marked[i] <- m.student(ctx, name)
			}()
		}
	}()
	write := m.csv(out)
	if m.json {
		write = m.jsonLine(out)
	}
	var class []student
	for i := range names {
		// Whatever keeps a student's check, it does not keep Ctrl-C.
		select {
		case s := <-marked[i]:
			if ctx.Err() != nil {
				return ctx.Err()
			}
			class = append(class, s)
			if err := write(s); err != nil {
				return fmt.Errorf("cannot write the marks: %w", err)
			}
		case <-ctx.Done():
			m.wait(marked[i:])
			return ctx.Err()
		}
	}
	m.report(report, class, left, why, time.Since(began).Round(time.Second))
	if after := m.fingerprints(); !maps.Equal(before, after) {
		return errors.New("an answer has changed the checks in this clone while it was marked\n" +
			"Don't trust these marks: git status shows what; take a fresh clone, and another " +
			"account")
	}
	return nil
}

// wait gives the checks that are under way a moment to clean up.
func (m marking) wait(marked []chan student) {
	late := time.After(2 * time.Second)
	for _, c := range marked[:min(len(marked), runtime.NumCPU())] {
		select {
		case <-c:
		case <-late:
			return
		}
	}
}

// students are the names of the students' folders, and those of what is left
// out: files, such as a list of the class, and hidden folders.
func (m marking) students() (names, left []string, err error) {
	all, err := os.ReadDir(m.folder)
	if err != nil {
		return nil, nil,
			fmt.Errorf("cannot read the clones: %w\nGive -mark the folder that has a folder for "+
				"each student", err)
	}
	clones := 0
	for _, entry := range all {
		name := entry.Name()
		if strings.HasPrefix(name, ".") || entry.Type().IsRegular() &&
			!strings.EqualFold(path.Ext(name), ".zip") {
			left = append(left, name)
			continue
		}
		names = append(names, name)
		if _, _, err := cloneIn(filepath.Join(m.folder, name)); err == nil {
			clones++
		}
	}
	if clones == 0 {
		return nil, nil,
			fmt.Errorf("there is no clone of this repository in a folder of\n%s: each student "+
				"needs a folder of their own there", m.folder)
	}
	return names, left, nil
}

// student checks one student's clone.
func (m marking) student(ctx context.Context, name string) (s student) {
	s.name = name
	defer func() {
		if cause := recover(); cause != nil {
			s.trouble = fmt.Errorf("the marking itself failed: %v", cause)
		}
	}()
	folder := filepath.Join(m.folder, name)
	info, err := os.Lstat(folder)
	if err != nil {
		s.trouble = errors.New("can't be read")
		return s
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		to, _ := os.Readlink(folder)
		s.remarks = append(s.remarks, "the folder is a link to "+to)
		if m.above(folder) {
			s.trouble = errors.New("no clone") // but those of all
			return s
		}
	}
	clone, others, err := cloneIn(folder)
	if err != nil {
		s.trouble = errors.New("no clone")
		if _, err := folderNames(folder); errors.Is(err, fs.ErrPermission) {
			s.trouble = errors.New("the folder can't be read: permission denied")
		}
		if strings.EqualFold(filepath.Ext(name), ".zip") && info.Mode().IsRegular() {
			s.trouble = errors.New("not unpacked")
		}
		return s
	}
	if len(others) > 0 {
		below, _ := filepath.Rel(folder, clone)
		s.remarks = append(s.remarks, fmt.Sprintf("%d clones: this is %s", 1+len(others),
			filepath.ToSlash(below)))
	}
	s.results, err = checkAnswers(ctx, clone, m.chosen, job{root: m.root, race: m.race}, false)
	if err != nil {
		s.trouble = fmt.Errorf("could not be checked: %w", err)
	}
	for i, r := range s.results {
		s.results[i].printed = "" // up to a megabyte each
		for _, p := range r.borrowed {
			s.remarks = append(s.remarks, r.name+" imports "+p)
		}
		for _, d := range r.doubts {
			s.remarks = append(s.remarks, r.name+" "+d)
		}
		if n, err := strconv.ParseUint(r.seed, 10, 64); err == nil && n >= practice {
			s.remarks = append(s.remarks,
				"predict: a seed for practice, of which anyone can see the answers")
		}
	}
	return s
}

// above says whether a link leads to the folder of the class, or above it.
func (m marking) above(link string) bool {
	class, err := filepath.EvalSymlinks(m.folder)
	if err == nil {
		class, err = filepath.Abs(class)
	}
	if err != nil {
		return false
	}
	to, err := os.Stat(link)
	for dir := class; err == nil; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil && os.SameFile(info, to) {
			return true
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return false
}

// practice is the first seed of the exercise predict of which its program try
// shows the answers.
const practice = 1000

// own says whether a solved exercise is the student's own work, as far as its
// imports tell.
func (r result) own() bool { return r.state == solved && len(r.borrowed) == 0 }

func (s student) solved() (n int) {
	for _, r := range s.results {
		if r.own() {
			n++
		}
	}
	return n
}

// seed is the seed of the student's questions.
func (s student) seed() string {
	for _, r := range s.results {
		if r.seed != "" {
			return r.seed
		}
	}
	return ""
}

// csv writes rows for a spreadsheet, a row at a time: a class takes a while.
func (m marking) csv(out io.Writer) func(student) error {
	w := csv.NewWriter(out)
	row := []string{"student", "solved", "of"}
	for _, e := range m.chosen {
		row = append(row, e.name)
	}
	w.Write(append(row, "seed of predict", "remarks"))
	return func(s student) error {
		row := []string{plain(s.name), strconv.Itoa(s.solved()), strconv.Itoa(len(m.chosen))}
		for i := range m.chosen {
			if s.trouble != nil {
				row = append(row, plain(s.trouble.Error()))
			} else {
				row = append(row, plain(s.results[i].cell()))
			}
		}
		w.Write(append(row, plain(s.seed()), plain(strings.Join(s.remarks, "; "))))
		w.Flush()
		return w.Error()
	}
}

// jsonLine writes an object a line.
func (m marking) jsonLine(out io.Writer) func(student) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	return func(s student) error {
		row := struct {
			Student string   `json:"student"`
			Solved  int      `json:"solved"`
			Of      int      `json:"of"`
			Trouble string   `json:"trouble,omitempty"`
			Seed    string   `json:"seed,omitempty"`
			Remarks []string `json:"remarks"`
			Results []record `json:"exercises"`
		}{s.name, s.solved(), len(m.chosen), "", s.seed(), append([]string{}, s.remarks...),
			[]record{}}
		if s.trouble != nil {
			row.Trouble = s.trouble.Error()
		}
		for _, r := range s.results {
			row.Results = append(row.Results, r.record(m.root))
		}
		return e.Encode(row)
	}
}

// cell is a state in a few words.
func (r result) cell() string {
	switch {
	case r.state == notYet && r.verdict.Total == 0:
		return r.verdict.Case
	case r.state == notYet:
		return fmt.Sprintf("%d/%d: %s", r.verdict.Passed, r.verdict.Total, r.verdict.Case)
	case r.state == noAnswer:
		return strings.TrimPrefix(r.lacks.Error(), r.folder()+"/")
	case r.state == solved && !r.own():
		return "not their own: imports " + strings.Join(r.borrowed, ", ")
	}
	return string(r.state)
}

// plain keeps a spreadsheet from taking a text for a formula, and a text from
// being more than a line.
func plain(text string) string {
	var b strings.Builder
	for i, c := range text {
		if c == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD") {
			fmt.Fprintf(&b, `\x%02x`, text[i])
		} else if unicode.IsPrint(c) {
			b.WriteRune(c)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(c), "'"))
		}
	}
	text = b.String()
	// Blanks before the sign, and the signs of other widths, are taken for
	// the same by some programs.
	if strings.HasPrefix(text, `\`) || strings.ContainsAny(firstSign(text), "=+-@＝＋－＠") {
		return "'" + text
	}
	return text
}

func firstSign(text string) string {
	for _, c := range strings.TrimSpace(text) {
		return string(c)
	}
	return "" // and ContainsAny says false
}

// positions are those in a symptom, which differ from student to student.
var positions = regexp.MustCompile(` \(answer\.go:[^)]*\)`)

// report says for each exercise how many have solved it, and which case fails
// most often, with what it looks like.
func (m marking) report(out io.Writer, class []student, left []string, noRaces string,
	took time.Duration) {
	trouble := 0
	for _, s := range class {
		if s.trouble != nil {
			trouble++
		}
	}
	fmt.Fprintf(out, "\n%d students, %d of them without a clone that can be checked; in %v\n",
		len(class), trouble, took)
	if len(left) > 0 {
		fmt.Fprintf(out, "Left out, as no folder of a student: %s\n",
			plain(strings.Join(left, ", ")))
	}
	if noRaces == "" {
		fmt.Fprintln(out, "The race detector was at work.")
	} else {
		fmt.Fprint(out, notLookedFor(noRaces))
	}
	fmt.Fprintf(out, "\n%-14s  solved  tried  the case that fails most often\n", "exercise")
	var untried []string
	for i, e := range m.chosen {
		done, tried, cases, symptoms := 0, 0, tally{}, map[string]tally{}
		for _, s := range class {
			if s.trouble != nil {
				continue
			}
			r := s.results[i]
			if r.own() {
				done++
			}
			if r.state != notBegun && r.state != noAnswer {
				tried++
			}
			key := ""
			switch r.state {
			case notYet:
				key = r.verdict.Case
			case noBuild:
				key = string(noBuild)
			default:
				continue
			}
			cases[key]++
			if symptoms[key] == nil {
				symptoms[key] = tally{}
			}
			if r.verdict.Symptom != "" {
				symptoms[key][positions.ReplaceAllString(r.verdict.Symptom, "")]++
			}
		}
		if tried == 0 {
			untried = append(untried, e.name)
			continue
		}
		fmt.Fprintf(out, "%-14s  %6d  %5d", e.name, done, tried)
		if worst, n := cases.most(); n > 0 {
			fmt.Fprintf(out, "  %s (%d)", worst, n)
			if symptom, n := symptoms[worst].most(); n > 0 {
				fmt.Fprintf(out, "\n%s", wrap(check.Printable(symptom), strings.Repeat(" ", 31)))
			}
		}
		fmt.Fprintln(out)
	}
	if len(untried) > 0 {
		fmt.Fprintln(out, wrap("Tried by nobody: "+strings.Join(untried, ", "), ""))
	}
}

// A tally counts texts.
type tally map[string]int

// most is the text that was counted most often; of several the first in the
// alphabet.
func (t tally) most() (text string, n int) {
	for _, key := range slices.Sorted(maps.Keys(t)) {
		if t[key] > n {
			text, n = key, t[key]
		}
	}
	return text, n
}

// fingerprints are those of the checks in our clone.
func (m marking) fingerprints() map[string]string {
	found := map[string]string{}
	folders := []string{"docs/exercises", "docs/exercises/check"}
	for _, e := range m.chosen {
		folders = append(folders, e.folder(), e.solution())
	}
	for _, folder := range folders {
		names, _ := folderNames(filepath.Join(m.root, filepath.FromSlash(folder)))
		for _, name := range names {
			if path.Ext(name) == ".go" {
				text, err := readFile(m.root, path.Join(folder, name))
				found[path.Join(folder, name)] = cmp.Or(fmt.Sprint(err), "") + fingerprint(text)
			}
		}
	}
	return found
}

// The bounds of the search for a clone.
const (
	maxDepth   = 5
	maxFolders = 2000
)

// cloneIn finds the clone in a student's folder: the folder itself, or one below,
// as those of unpacked archives are. Of several it is the one that is least deep,
// and of those the first in the alphabet.
func cloneIn(folder string) (clone string, others []string, err error) {
	folder, err = filepath.Abs(folder)
	if err != nil {
		return "", nil, err
	}
	// The folder itself may be a link: it is the teacher who has put it there.
	if folder, err = filepath.EvalSymlinks(folder); err != nil {
		return "", nil, fmt.Errorf("cannot find the clone: %w\nName the folder of a "+
			"student's clone: -from ../class/anna shout", err)
	}
	level := []string{folder}
	seen := 0
	var found []string
	for range maxDepth {
		var below []string
		for _, dir := range level {
			if isClone(dir) {
				found = append(found, dir)
				continue
			}
			if seen++; seen > maxFolders {
				break
			}
			names, _ := folderNames(dir)
			for _, name := range names {
				info, err := look(dir, name)
				if err == nil && info.IsDir() && name != ".git" {
					below = append(below, filepath.Join(dir, name))
				}
			}
		}
		level = below
	}
	if len(found) == 0 {
		return "", nil, fmt.Errorf("there is no clone of this repository in\n%s", folder)
	}
	return found[0], found[1:], nil
}

// isClone says whether a folder is a clone, though go.mod may be lost.
func isClone(dir string) bool {
	if isRoot(dir) {
		return true
	}
	for _, e := range exercises {
		if info, err := look(dir, e.folder()); err == nil && info.IsDir() {
			return true
		}
	}
	return false
}
