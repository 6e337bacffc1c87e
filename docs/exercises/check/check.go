// Package check runs the cases of an exercise's check, and tells the story of
// the first that fails: what was done, what was expected, what came instead.
// What each case does is left to the check_test.go of the exercise. For those
// the package has random input that shrinks (Random), connections and
// listeners in memory (Link, Listener), and a virtual clock (Bubble).
//
// A learner's code may do anything: return nonsense, panic, wait for good, or
// take memory without end. In each case the story says so, and where.
package check

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode"
)

// Answer is the file of an exercise that the learner edits.
const Answer = "answer.go"

// VerdictsVariable is the environment variable that names a folder. There Run
// writes the verdict as NAME.json, for the command that asked for the check.
const VerdictsVariable = "EXERCISE_VERDICTS"

// The bounds of one case. They are there to end what would never end by
// itself; an answer that is right needs a small part of them.
const (
	Patience  = 5 * time.Second // real time
	MaxMemory = 1 << 30         // bytes
)

// A Case is one thing that an answer must get right.
type Case struct {
	Name string // of small letters, digits and hyphens
	Do   func(s *Story)

	// Holds are the numbers of the task's sentences that the case holds the
	// answer to. A test of the repository finds the sentences without a case.
	Holds []int
}

// A Verdict is the outcome of an exercise's check.
type Verdict struct {
	Passed, Total int
	Case          string   // the first that failed; "" when all passed
	Failed        []string // all that failed, Case first
	NotTried      int      // cases after one that could not be ended
	Races         bool     // the race detector was at work
	Done          []string // what it did, step by step
	Expected      string
	Came          string // what came instead
	Symptom       string // what this looks like, in a sentence
	Picture       string // a ladder, for example; may be empty
}

// A Story is told by a case while it goes on.
type Story struct {
	t        *testing.T
	mu       sync.Mutex
	verdict  Verdict
	quiet    bool // steps are not written: there are thousands of them
	written  time.Time
	found    *Verdict // of a random input that is being made smaller
	cleanups []func()
	left     atomic.Int64 // nanoseconds of the case's patience
}

// Run runs the cases in order, in a test named TestCheck. The verdict tells the
// first that fails, and names the others. "go test -run TestCheck/NAME" runs a
// single one.
func Run(t *testing.T, cases []Case) {
	begin()
	debug.SetMemoryLimit(MaxMemory) // collect garbage before giving up
	list(cases)
	v := Verdict{Total: len(cases), Races: Races}
	first := v
	began := time.Now()
	for i, c := range cases {
		if first.Case != "" && time.Since(began) > Patience {
			first.NotTried = len(cases) - i // enough is known
			break
		}
		v.Case = c.Name
		chosen, ended := false, true // a single case may be asked for
		var mine Verdict
		ok := t.Run(c.Name, func(t *testing.T) {
			chosen = true
			mine, ended = c.run(t, v, first.Case != "")
			if mine.Case != "" {
				t.Fatalf("\n%v", mine)
			}
		})
		switch {
		case chosen && ok:
			v.Passed++
		case chosen:
			if first.Case == "" {
				first = mine
			}
			first.Failed = append(first.Failed, c.Name)
		}
		if !ended {
			first.NotTried = len(cases) - i - 1
			break // what it has left behind would disturb the others
		}
	}
	if first.Case == "" {
		v.Case = ""
		v.write()
		return
	}
	first.Passed = v.Passed
	first.write()
}

// run runs one case while it watches it. It says whether the case has come to
// an end. The verdicts that it leaves on the way are for the case that the
// whole program ends, and only if none before has failed.
func (c Case) run(t *testing.T, before Verdict, quiet bool) (verdict Verdict, ended bool) {
	s := &Story{t: t, verdict: before, quiet: quiet}
	if !quiet {
		before.write() // what is known if the whole program ends in this case
	}
	races := raceErrors()
	over := make(chan struct{})
	left := newPatience(Patience)
	s.left.Store(int64(left.left))
	go func() {
		defer close(over)
		defer s.cleanUp()
		s.guard(func() { c.Do(s) })
	}()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-over:
			ended = true
			if n := raceErrors() - races; n > 0 {
				// Whatever else went wrong may be luck, and come of this.
				s.mu.Lock()
				s.found = nil
				s.verdict.raced(n)
				s.mu.Unlock()
			}
		case <-tick.C:
			s.left.Store(int64(left.look()))
			if left.left <= 0 {
				s.set(func(v *Verdict) { v.stuck(goroutines()) })
				break
			}
			var m runtime.MemStats
			if runtime.ReadMemStats(&m); m.HeapAlloc < MaxMemory {
				continue
			}
			s.set(func(v *Verdict) { v.hoards(goroutines()) })
		}
		break
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.verdict; v.Symptom != "" {
		if s.found != nil {
			v = *s.found // known before, and the input only was to be smaller
		}
		if !quiet {
			v.write()
		}
		return v, ended
	}
	before.Case = ""
	return before, ended
}

// guard calls f, and makes a verdict of its panic.
func (s *Story) guard(f func()) {
	defer func() {
		if cause := recover(); cause != nil {
			stack := string(debug.Stack())
			s.set(func(v *Verdict) { v.panicked(cause, stack) })
		}
	}()
	f()
}

// Go runs f, which calls the answer, in a goroutine of its own. Its panic is told
// like one of the case itself. The channel is closed when f has ended.
func (s *Story) Go(f func()) <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.guard(f)
	}()
	return ended
}

// Ended says whether such a channel is closed.
func Ended(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// set changes the verdict, unless it is settled.
func (s *Story) set(change func(v *Verdict)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.verdict.Symptom == "" {
		change(&s.verdict)
	}
}

// Failed says whether the case has failed already: a panic in a goroutine, say.
func (s *Story) Failed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.verdict.Symptom != ""
}

// Cleanup has f called when the case has ended.
func (s *Story) Cleanup(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cleanups = append(s.cleanups, f)
}

func (s *Story) cleanUp() {
	for i := len(s.cleanups) - 1; i >= 0; i-- {
		s.cleanups[i]()
	}
}

// Did tells one step of what the case does: "sent \"hello\"".
func (s *Story) Did(format string, args ...any) {
	s.set(func(v *Verdict) {
		v.Done = append(v.Done, fmt.Sprintf(format, args...))
		// It is written in case the whole program ends. Thousands of steps
		// would take longer to write than to do.
		if now := time.Now(); !s.quiet && (len(v.Done) < 10 ||
			now.Sub(s.written).Abs() > 200*time.Millisecond) {
			v.write()
			s.written = now
		}
	})
}

// Anew forgets the steps told so far: they belong to a run that went well.
func (s *Story) Anew() {
	s.set(func(v *Verdict) { v.Done = nil })
}

// Picture shows this text below the story if the case fails.
func (s *Story) Picture(text string) {
	s.set(func(v *Verdict) { v.Picture = text })
}

// Fail ends the case. It says what was expected, what came instead, and what
// the mistake looks like from outside, in a sentence.
func (s *Story) Fail(expected, came, symptom string) {
	s.set(func(v *Verdict) {
		v.Expected, v.Came, v.Symptom = expected, came, symptom
	})
	runtime.Goexit()
}

// Want ends the case unless came is what was expected. Both are shown as Go
// writes them.
func Want[T comparable](s *Story, expected, came T, symptom string) {
	if came != expected {
		s.Fail(show(expected), show(came), symptom)
	}
}

func show(v any) string {
	text := fmt.Sprintf("%#v", v)
	switch v := v.(type) {
	case nil:
		text = "nil"
	case error:
		text = "error " + v.Error()
	case fmt.Stringer:
		text = v.String()
	}
	if r := []rune(text); len(r) > 300 {
		text = fmt.Sprintf("%s … (%d characters)", string(r[:300]), len(r))
	}
	return text
}

// A fault is a panic of the check itself: the machine has no socket left, say.
type fault struct{ error }

// Must gives v, unless the check itself has failed to make it.
func Must[T any](v T, err error) T {
	if err != nil {
		panic(fault{err})
	}
	return v
}

func (v *Verdict) panicked(cause any, stack string) {
	if f, ok := cause.(fault); ok {
		v.Expected, v.Came = "a check that can begin", f.Error()
		v.Symptom = "the check itself could not do its work on this machine: that is no fault of " +
			"your answer"
		return
	}
	if strings.Contains(fmt.Sprint(cause), "synctest") {
		v.outlived(stack)
		return
	}
	v.Expected, v.Came = "no panic", fmt.Sprintf("panic: %v", cause)
	v.Symptom = fmt.Sprintf("your code panicked%s", where(stack))
}

// outlived tells that something of an earlier case was used: its channels
// belong to that case's virtual time.
func (v *Verdict) outlived(stack string) {
	v.Expected, v.Came = "a fresh start of each case",
		"a channel or a timer that was made in an earlier case"
	v.Symptom = "your code uses what it has made for somebody else: it keeps it in a variable of " +
		"the package" + where(stack)
}

func (v *Verdict) stuck(stack string) {
	v.Expected, v.Came = "an end", "none: it still ran after "+Patience.String()
	v.Symptom = "your code did not come to an end: does it wait for something that never comes, " +
		"or go round for ever?" + where(stack)
}

func (v *Verdict) hoards(stack string) {
	v.Expected, v.Came = "little memory", fmt.Sprintf("more than %d MiB of it", MaxMemory>>20)
	v.Symptom = "your code takes memory without end" + where(stack)
}

const dataRace = "two goroutines use the same memory at once, and one of them writes (a data " +
	"race): what guards it?"

func (v *Verdict) raced(n int) {
	v.Expected, v.Came = "no data race", fmt.Sprintf("%d; the race detector's report is above", n)
	v.Symptom = dataRace
}

// goroutines is the stacks of all of them.
func goroutines() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

// Where says at which lines of the answer its goroutines are: " (answer.go:12)".
func Where() string { return where(goroutines()) }

// Running is how many goroutines are in the answer's code.
func Running() (n int) {
	for goroutine := range strings.SplitSeq(goroutines(), "\n\n") {
		if where(goroutine) != "" {
			n++
		}
	}
	return n
}

// where finds the lines of the answer in stacks, innermost first: " (answer.go:12)".
func where(stacks string) string {
	var found []string
	for goroutine := range strings.SplitSeq(stacks, "\n\n") {
		for line := range strings.SplitSeq(goroutine, "\n") {
			file, rest, ok := strings.Cut(strings.TrimSpace(line), Answer+":")
			if !ok || !strings.HasSuffix(filepath.ToSlash(file), "/") {
				continue
			}
			number, _, _ := strings.Cut(rest, " ")
			if at := Answer + ":" + number; len(found) < 3 && !slices.Contains(found, at) {
				found = append(found, at)
			}
			break
		}
	}
	if found == nil {
		return ""
	}
	return " (" + strings.Join(found, ", ") + ")"
}

// Crash makes a verdict of what a test printed that ended in the middle: an
// error that Go can't recover from, such as a panic in a goroutine of the
// answer. The last verdict written says how far it came.
func Crash(last Verdict, output string) Verdict {
	v := last
	v.Case = cmp.Or(v.Case, Start)
	v.Expected = "an end of the check"
	for line := range strings.SplitSeq(output, "\n") {
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
			_, stack, _ := strings.Cut(output, line)
			if strings.Contains(line, "synctest") {
				v.outlived(stack)
				return v
			}
			v.Came = strings.TrimSpace(line)
			v.Symptom = "your code ended the whole program" + where(stack)
			if strings.Contains(line, "concurrent map") { // found without the detector
				v.Symptom = dataRace + where(stack)
			}
			return v
		}
	}
	v.Came = "the program ended before the check did"
	v.Symptom = "your code ended the whole program: does it call os.Exit or log.Fatal?"
	if v.Case == Start {
		v.Symptom = "your code ended the whole program before the first case: does init, or what a " +
			"variable of the package is set to, call os.Exit or log.Fatal?"
	}
	return v
}

// String tells the story, as a learner reads it.
func (v Verdict) String() string {
	var b strings.Builder
	if v.Case == "" {
		fmt.Fprintf(&b, "solved: %d of %d cases passed\n", v.Passed, v.Total)
		return b.String()
	}
	if v.Case == Start {
		b.WriteString("No case passed: the program did not come to the first\n")
	} else {
		fmt.Fprintf(&b, "%d of %d cases passed. The first that did not: %s\n", v.Passed, v.Total,
			v.Case)
	}
	for i, step := range v.Done {
		label := "done"
		if i > 0 {
			label = "then"
		}
		part(&b, label, step)
	}
	part(&b, "expected", v.Expected)
	part(&b, "came", v.Came)
	part(&b, "so", v.Symptom)
	if len(v.Failed) > 1 {
		part(&b, "also", fold(v.Failed[1:]))
	}
	if v.NotTried > 0 {
		part(&b, "not tried", fmt.Sprintf("%d more", v.NotTried))
	}
	if v.Picture != "" {
		fmt.Fprintf(&b, "\n%s\n", strings.TrimRight(v.Picture, "\n"))
	}
	return b.String()
}

// fold writes names in lines that a narrow terminal holds.
func fold(names []string) string {
	var b strings.Builder
	width := 0
	for i, name := range names {
		if i > 0 {
			b.WriteString(",")
			if width += len(name) + 2; width > 60 {
				b.WriteString("\n")
				width = len(name)
			} else {
				b.WriteString(" ")
			}
		} else {
			width = len(name)
		}
		b.WriteString(name)
	}
	return b.String()
}

// Printable is a text without the signs that change a terminal: a panic may say
// anything.
func Printable(text string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) || c == '\n' || c == '\t' {
			return c
		}
		return '?'
	}, text)
}

func part(b *strings.Builder, label, text string) {
	if text == "" {
		return
	}
	for line := range strings.SplitSeq(text, "\n") {
		for _, l := range breakLine(Printable(line)) {
			fmt.Fprintf(b, "  %-9s %s\n", label, l)
			label = ""
		}
	}
}

// breakLine breaks a line at blanks, so that it fits behind its label in 80 columns.
func breakLine(line string) (broken []string) {
	const most = 80 - len("  expected  ")
	rest := []rune(line)
	for len(rest) > most {
		at := most
		for at > 0 && rest[at] != ' ' {
			at--
		}
		if at == 0 { // a long word stays whole
			if at = slices.Index(rest, ' '); at <= 0 {
				break
			}
		}
		broken = append(broken, string(rest[:at]))
		rest = rest[at+1:]
	}
	return append(broken, string(rest))
}

// write leaves the verdict for the command that asked for it. A test runs in
// the folder of its exercise, which gives the file its name.
func (v Verdict) write() {
	if key != nil {
		if err := v.writeSealed(); err != nil {
			fmt.Fprintln(os.Stderr, "cannot write the verdict:", err)
		}
		return
	}
	folder := os.Getenv(VerdictsVariable)
	if folder == "" {
		return
	}
	here, err := os.Getwd()
	if err != nil {
		return
	}
	text, err := json.Marshal(v)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, filepath.Base(here)+".json"), text, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot write the verdict:", err)
	}
}
