package tests

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The console blocks of a page are one story, told in one or more terminals.
// A story runs in the order of the page, with real processes.

// A stepKind says what one line of a console block does.
type stepKind int

const (
	output    stepKind = iota // the program prints these lines
	anything                  // "…": the program prints any number of lines
	typed                     // "text⏎": the reader types the line
	interrupt                 // "^C"
	endInput                  // "^D"
)

type step struct {
	line  int
	kind  stepKind
	text  string   // what is typed
	shown []string // the lines that come: one, or several in any order
	gaps  bool     // a "…" stands among several in any order
	exact bool     // durations are as the page shows them
}

// A turn is what happens in one terminal without looking at another: a
// command is typed, or goes on, and prints some lines.
type turn struct {
	line     int // of the command, or of the block's first line
	end      int // its last line
	terminal string
	command  string // "" where the terminal's command goes on
	shell    bool   // run by sh -c
	scratch  bool   // run in a copy of the repository: it writes files
	dir      string // where the command runs; "" for the story's folder
	missing  string // what this machine lacks for the turn, or ""
	steps    []step
	last     bool // the command ends with this turn
}

// A story is the turns of one page.
type story struct {
	page  page
	turns []*turn
	fixed map[string]bool // ports that commands name; all others vary
	netns bool            // a command makes network namespaces
}

var portFlag = regexp.MustCompile(`:(\d+)\b`)

// parseStory reads the console blocks of p. has tells whether the machine has
// what a needs= attribute names.
func parseStory(p page, has func(need string) bool) (story, []string) {
	blocks, _ := p.blocks()
	s := story{page: p, fixed: map[string]bool{"65432": true, "9000": true, "8475": true}}
	var problems []string
	current := map[string]*turn{} // the latest turn of each terminal
	skipped := map[string]string{}
	started := map[string]bool{} // has the terminal's program shown a line?
	for _, b := range blocks {
		if b.lang != "console" {
			continue
		}
		object := func(line int, format string, args ...any) {
			problems = append(problems, p.problem(line, format, args...))
		}
		terminal, missing, shell, scratch := "main", "", false, false
		anyOrder, exact := false, false
		open := false // does the latest step take more lines, in any order?
		for _, attr := range b.attrs {
			key, value, _ := strings.Cut(attr, "=")
			switch {
			case key == "terminal" && value != "":
				terminal = value
			case key == "needs" && value != "":
				for _, need := range strings.Split(value, ",") {
					shell = shell || need == "sh"
					s.netns = s.netns || need == "netns"
					if missing == "" && !has(need) {
						missing = need
					}
				}
			case attr == "scratch":
				scratch = true
			case attr == "any-order":
				anyOrder = true
			case attr == "exact":
				exact = true
			default:
				object(b.line, "unknown attribute %q: they are terminal=NAME, needs=A,B, scratch, any-order and exact", attr)
			}
		}
		var now *turn
		if len(b.lines) > 0 && !strings.HasPrefix(b.lines[0], "$ ") {
			before := current[terminal]
			if before == nil {
				object(b.line, "nothing runs in terminal %q that this block could go on with", terminal)
				continue
			}
			before.last = false
			if missing == "" {
				missing = skipped[terminal]
			}
			now = &turn{line: b.line + 1, end: b.line + 1, terminal: terminal, missing: missing, last: true}
			s.turns = append(s.turns, now)
		}
		for i, text := range b.lines {
			line := b.line + 1 + i
			if command, ok := strings.CutPrefix(text, "$ "); ok {
				now = &turn{line: line, end: line, terminal: terminal, command: command,
					shell: shell, scratch: scratch, missing: missing, last: true}
				s.turns = append(s.turns, now)
				skipped[terminal] = missing
				for _, m := range portFlag.FindAllStringSubmatch(command, -1) {
					s.fixed[m[1]] = true
				}
				if _, err := splitCommand(command); err != nil && !shell {
					object(line, "%v", err)
				}
				started[terminal], open = false, false
				continue
			}
			now.end = line
			st := step{line: line, exact: exact}
			switch {
			case text == "^C":
				st.kind = interrupt
				if !started[terminal] {
					object(line, "show a line of the program before ^C: only then is it known to run")
				}
			case text == "^D":
				st.kind = endInput
			case text == "…":
				st.kind = anything
			case strings.HasSuffix(text, "⏎"):
				st.kind, st.text = typed, strings.TrimSuffix(text, "⏎")
			default:
				st.shown = []string{text}
				started[terminal] = true
			}
			// Lines in any order are one step, up to what the reader does.
			if anyOrder && (st.kind == output || st.kind == anything) {
				st.kind, st.gaps = output, st.kind == anything
				if open {
					first := &now.steps[len(now.steps)-1]
					first.shown = append(first.shown, st.shown...)
					first.gaps = first.gaps || st.gaps
					continue
				}
				open = true
			} else {
				open = false
			}
			now.steps = append(now.steps, st)
		}
		if now != nil {
			current[terminal] = now
		}
	}
	return s, problems
}

// splitCommand splits a command into words as a shell does, and objects to
// what only a shell could do.
func splitCommand(command string) (words []string, err error) {
	var word strings.Builder
	inWord, quote := false, rune(0)
	for _, r := range command {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == '"' && strings.ContainsRune("$`\\", r):
			return nil, fmt.Errorf("the command uses %q between double quotes, where shells read more into it: use single quotes", r)
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, inWord = r, true
		case r == ' ':
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
		case strings.ContainsRune("|&;<>$*?`(){}[]~#!\\", r):
			return nil, fmt.Errorf("the command uses %q, which not every shell knows: mark the block needs=sh", r)
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("the command has a quote %c without its end", quote)
	}
	if inWord {
		words = append(words, word.String())
	}
	if len(words) == 0 {
		return nil, fmt.Errorf("there is no command after the prompt")
	}
	if strings.Contains(words[0], "=") {
		return nil, fmt.Errorf("the command sets a variable, which not every shell can: mark the block needs=sh")
	}
	if words[0] == "cd" {
		return nil, fmt.Errorf("commands are typed in the top folder: cd is not for pages")
	}
	return words, nil
}

// A process is a command that runs in a terminal.
type process struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines chan string // what it prints; closed when it and its children are gone
	done  chan error

	skipping bool // the page shows "…": lines may come that it does not show
}

// start runs the command of a turn in dir.
func start(dir string, t *turn) (*process, error) {
	words, err := splitCommand(t.command)
	if t.shell {
		words, err = []string{"sh", "-c", t.command}, nil
	}
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = dir
	// Python holds its lines back where there is no terminal; pages show one.
	cmd.Env = append(cmd.Environ(), "PYTHONUNBUFFERED=1")
	setGroup(cmd)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	screen, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = write, write
	if err := cmd.Start(); err != nil {
		screen.Close()
		write.Close()
		return nil, err
	}
	write.Close()
	p := &process{cmd: cmd, stdin: stdin,
		lines: make(chan string, 4096), done: make(chan error, 1)}
	go func() {
		defer screen.Close()
		scanner := bufio.NewScanner(screen)
		scanner.Buffer(nil, 1<<20)
		for scanner.Scan() {
			p.lines <- strings.TrimSuffix(scanner.Text(), "\r")
		}
		close(p.lines)
	}()
	go func() { p.done <- cmd.Wait() }()
	return p, nil
}

// A runner plays one story.
type runner struct {
	ctx      context.Context // when it is done, the story stops
	story    story
	dir      string
	patience time.Duration       // the longest wait for a line or an end
	running  map[string]*process // by terminal
	known    map[string]string   // the page's ephemeral ports and ‹names› to the real numbers
	log      func(format string, args ...any)
}

// runStory plays s in dir and returns what did not go as the page shows. It
// stops at the first problem, since what follows would only repeat it. All
// that the terminals show goes to log, which helps to find the reason.
func runStory(ctx context.Context, s story, dir string, patience time.Duration, log func(format string, args ...any)) (problem string) {
	r := runner{ctx, s, dir, patience, map[string]*process{}, map[string]string{}, log}
	defer func() {
		for terminal, p := range r.running {
			killGroup(p.cmd)
			for line := range p.lines { // until every child has let go of the pipe
				log("%s: %s", terminal, line)
			}
			<-p.done
		}
	}()
	for _, t := range s.turns {
		if t.missing != "" {
			continue
		}
		if problem := r.play(t); problem != "" {
			return problem
		}
	}
	return ""
}

func (r *runner) play(t *turn) string {
	object := r.story.page.problem
	p := r.running[t.terminal]
	if t.command != "" {
		var err error
		if p, err = start(cmp.Or(t.dir, r.dir), t); err != nil {
			return object(t.line, "%q can't be run: %v", t.command, err)
		}
		r.running[t.terminal] = p
		r.log("%s: $ %s", t.terminal, t.command)
		if !r.readsInput(t) {
			p.stdin.Close()
		}
	}
	for _, st := range t.steps {
		switch st.kind {
		case anything:
			p.skipping = true
		case typed:
			if _, err := io.WriteString(p.stdin, st.text+"\n"); err != nil {
				return object(st.line, "can't type %q: %v", st.text, err)
			}
		case endInput:
			p.stdin.Close()
		case interrupt:
			if err := interruptGroup(p.cmd); err != nil {
				return object(st.line, "can't press Ctrl-C: %v", err)
			}
		case output:
			p.skipping = p.skipping || st.gaps
			if problem := r.expect(p, t.terminal, st); problem != "" {
				return object(st.line, "%s", problem)
			}
			p.skipping = st.gaps
		}
	}
	if !t.last {
		return ""
	}
	for {
		line, state := r.next(t.terminal)
		switch {
		case state == ended:
			delete(r.running, t.terminal)
			p.stdin.Close()
			<-p.done
			return ""
		case state == stopped:
			return object(t.line, "the tests were stopped while the story waited for the program to end")
		case state == silent:
			return object(t.line, "the program still runs after what the page shows: a line ^C ends it")
		case !p.skipping:
			return object(t.end, "the terminal goes on with %q, which the page does not show", line)
		}
	}
}

// expect waits for the lines that a step shows. Where the story skips lines it
// ignores all others; else each line that comes must be one of them.
func (r *runner) expect(p *process, terminal string, st step) (problem string) {
	shows := "the page shows " + quoted(st.shown)
	if len(st.shown) > 1 {
		shows = "the page shows in any order " + quoted(st.shown)
	}
	var lines []string // those that fit one of the shown
	for len(st.shown) > 0 {
		line, state := r.next(terminal)
		switch state {
		case stopped:
			return "the tests were stopped while the story waited for " + quoted(st.shown)
		case ended, silent:
			came := "the program has ended"
			if state == silent {
				came = fmt.Sprintf("nothing came for %s", r.patience)
			}
			if len(lines) > 0 {
				came += " after " + quoted(lines)
			}
			return shows + ", but " + came
		}
		fits, why := false, ""
		for _, shown := range st.shown {
			_, reason, ok := r.matches(shown, line, st.exact, r.known)
			fits, why = fits || ok, cmp.Or(reason, why)
		}
		if fits || !p.skipping {
			lines = append(lines, line)
		}
		known, ok := r.pair(st.shown, lines, p.skipping, st.exact, r.known)
		switch {
		case ok && len(lines) >= len(st.shown):
			r.known = known
			return ""
		case !ok && !p.skipping:
			return shows + ", but the terminal printed " + quoted(lines) + why
		}
	}
	return ""
}

func quoted(lines []string) string {
	var words []string
	for _, line := range lines {
		words = append(words, strconv.Quote(line))
	}
	return strings.Join(words, ", ")
}

// pair finds for each line a shown one of its own that it matches, or with
// gaps, for each shown one a line. It returns the numbers as they are then. Of
// those left, the one with the fewest choices comes first: that keeps the
// search short.
func (r *runner) pair(shown, lines []string, gaps, exact bool, known map[string]string) (map[string]string, bool) {
	rest, others := lines, shown
	if gaps {
		rest, others = shown, lines
	}
	if len(rest) == 0 {
		return known, true
	}
	type choice struct {
		shown, line int
		known       map[string]string
	}
	var fewest []choice
	for i := range rest {
		var choices []choice
		for j := range others {
			c := choice{shown: j, line: i}
			if gaps {
				c = choice{shown: i, line: j}
			}
			var ok bool
			if c.known, _, ok = r.matches(shown[c.shown], lines[c.line], exact, known); ok {
				choices = append(choices, c)
			}
		}
		if i == 0 || len(choices) < len(fewest) {
			fewest = choices
		}
	}
	without := func(list []string, i int) []string {
		return slices.Delete(slices.Clone(list), i, i+1)
	}
	for _, c := range fewest {
		after, ok := r.pair(without(shown, c.shown), without(lines, c.line), gaps, exact, c.known)
		if ok {
			return after, true
		}
	}
	return nil, false // two lines would need the same one, or the same port
}

// readsInput tells whether the page types anything into the command that
// begins with t. A command that gets nothing finds its input at its end.
func (r *runner) readsInput(t *turn) bool {
	from := slices.Index(r.story.turns, t)
	for _, u := range r.story.turns[from:] {
		if u.terminal != t.terminal {
			continue
		}
		if u != t && u.command != "" {
			break
		}
		for _, st := range u.steps {
			if st.kind == typed || st.kind == endInput {
				return true
			}
		}
	}
	return false
}

type waitState int

const (
	printed waitState = iota
	ended
	silent
	stopped
)

// next waits for the next line of a terminal's program.
func (r *runner) next(terminal string) (string, waitState) {
	select {
	case line, ok := <-r.running[terminal].lines:
		if !ok {
			return "", ended
		}
		r.log("%s: %s", terminal, line)
		return line, printed
	case <-r.ctx.Done():
		return "", stopped
	case <-time.After(r.patience):
		return "", silent
	}
}

// A port after an address: 127.0.0.1:54803, [::1]:54803, or tcpdump's
// 127.0.0.1.54803; or a name for any number: ‹listener›.
var numberInText = regexp.MustCompile(`(?:[\w\]]:|127\.0\.0\.1\.)(\d{4,5})\b|‹([a-z]+)›`)

// A duration as people and Go print it: 12ms, 1.5 s, 1m30s.
var durationInText = regexp.MustCompile(`\b(?:\d+h)?(?:\d+m)?\d+(?:\.\d+)?(?:h|m| ?(?:ns|[µμu]s|ms|s))\b`)

// patternOf makes a pattern from a line of the page. "…" stands for any text; a
// duration for any duration, unless exact; an ephemeral port and a ‹name› for
// any number. It returns the ports and names in the order of the pattern's groups.
func (s story) patternOf(shown string, exact bool) (pattern *regexp.Regexp, names []string) {
	var b strings.Builder
	literal := func(s string) {
		texts := []string{s}
		if !exact {
			texts = durationInText.Split(s, -1)
		}
		for i, text := range texts {
			if i > 0 {
				b.WriteString(durationInText.String())
			}
			b.WriteString(strings.ReplaceAll(regexp.QuoteMeta(text), "…", ".*"))
		}
	}
	rest := shown
	for m := numberInText.FindStringSubmatchIndex(rest); m != nil; m = numberInText.FindStringSubmatchIndex(rest) {
		from, to := m[2], m[3] // the digits of a port
		if from < 0 {
			from, to = m[0], m[1] // a name with its signs
		}
		literal(rest[:from])
		if name := rest[from:to]; s.fixed[name] {
			literal(name)
		} else {
			b.WriteString(`\b(\d+)\b`)
			names = append(names, name)
		}
		rest = rest[to:]
	}
	literal(rest)
	return regexp.MustCompile("^" + b.String() + "$"), names
}

// matches compares a line of the page with one of the terminal. A port or name
// of the page is always the same number, and two ports are never the same. It
// returns the numbers as they are then. Where they are why the lines differ, it
// says so.
func (r *runner) matches(shown, line string, exact bool, known map[string]string) (after map[string]string, why string, fits bool) {
	pattern, names := r.story.patternOf(strings.TrimRight(shown, " "), exact)
	values := pattern.FindStringSubmatch(strings.TrimRight(line, " "))
	if values == nil {
		return nil, "", false
	}
	known = maps.Clone(known)
	for i, name := range names {
		value, isPort := values[i+1], !strings.HasPrefix(name, "‹")
		if before, ok := known[name]; ok && before != value && isPort {
			return nil, fmt.Sprintf(": the page's port %s was %s before", name, before), false
		} else if ok && before != value {
			return nil, fmt.Sprintf(": the page's %s was %s before", name, before), false
		}
		for other, before := range known {
			if before == value && other != name && isPort && !strings.HasPrefix(other, "‹") {
				return nil, fmt.Sprintf(": port %s was %s on the page before", value, other), false
			}
		}
		known[name] = value
	}
	return known, "", true
}

// machineHas tells whether this machine has what needs= names.
func machineHas(need string) bool {
	switch need {
	case "linux", "darwin", "windows":
		return runtime.GOOS == need
	case "unix":
		return runtime.GOOS != "windows"
	case "root":
		return os.Geteuid() == 0
	case "netns":
		return mayMakeNamespaces()
	case "modules":
		download := exec.Command("go", "mod", "download")
		download.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=mod")
		return download.Run() == nil
	case "pristine":
		list, err := exec.Command("go", "run", "./exercises").Output()
		return err == nil && strings.Count(string(list), "not begun") > 0 &&
			!strings.Contains(string(list), "not yet") && !strings.Contains(string(list), "does not compile") &&
			strings.Contains(string(list), "Solved: 0 of ")
	case "ipv6":
		l, err := net.Listen("tcp", "[::1]:0")
		if err == nil {
			l.Close()
		}
		return err == nil
	}
	_, err := exec.LookPath(need)
	return err == nil
}

// mayLack tells whether a need may be missing on the machine of continuous
// integration, which runs Linux and installs what the pages need.
func mayLack(need string) bool {
	ci := os.Getenv("CI") != "" && runtime.GOOS == "linux"
	return !ci || need == "darwin" || need == "windows"
}

func TestStories(t *testing.T) {
	if testing.Short() {
		t.Skip("the console blocks of the pages are not run with -short")
	}
	// A story that is stopped, by Ctrl-C or because the time for all tests is
	// nearly over, still ends the programs that it has started.
	ctx, cancel := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if deadline, ok := t.Deadline(); ok {
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-5*time.Second))
		defer cancel()
	}
	for _, p := range pagesOrFail(t) {
		s, problems := parseStory(p, machineHas)
		for _, problem := range problems {
			t.Error(problem)
		}
		if len(problems) > 0 || len(s.turns) == 0 {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			for port := range s.fixed {
				if port == "65432" || bytes.Contains(p.source, []byte(":"+port)) {
					if problem := portProblem("127.0.0.1:" + port); problem != "" {
						t.Fatal(problem)
					}
				}
			}
			for _, turn := range s.turns {
				if turn.missing == "" {
					continue
				}
				t.Run(fmt.Sprint("line ", turn.line), func(t *testing.T) {
					skip := p.problem(turn.line, "skipped: this machine lacks %s", turn.missing)
					if !mayLack(turn.missing) {
						t.Fatal(skip)
					}
					t.Skip(skip)
				})
			}
			if s.netns && machineHas("netns") {
				ownNamespaceNames(t)
			}
			scratch := sync.OnceValue(func() string { return copyTree(t, root) })
			for _, turn := range s.turns {
				if turn.scratch && turn.missing == "" {
					turn.dir = scratch()
				}
			}
			if problem := runStory(ctx, s, root, time.Minute, t.Logf); problem != "" {
				t.Error(problem)
			}
		})
	}
}

// portProblem objects to an address that another program has.
func portProblem(addr string) string {
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, os.ErrPermission) {
		return "" // a port below 1024: the page shows what happens
	}
	if err != nil {
		return fmt.Sprintf("the pages need the address %s (%v): if a server of the tutorial runs in another terminal, stop it with Ctrl-C and run the tests again", addr, err)
	}
	l.Close()
	return ""
}

// copyTree copies the repository below dir into a new folder.
func copyTree(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	err := walk(dir, func(name string) error {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		path := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, bytes.Clone(content), 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}
