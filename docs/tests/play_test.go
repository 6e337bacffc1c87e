package tests

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A process is a command that runs in a terminal.
type process struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines chan string // what it prints; closed when it and its children are gone
	done  chan error

	ours     bool // it is a program of this repository
	skipping bool // the page shows "…": lines may come that it does not show
}

var ourProgram = regexp.MustCompile(`^(ip netns exec [\w-]+ |unshare --net )?go run \./`)

// start runs the command of a turn. The programs' sources are in dir, where the
// turn happens, too, if it has no folder of its own.
func start(dir string, t *turn) (*process, error) {
	words, err := splitCommand(t.command)
	if t.shell {
		words, err = []string{"sh", "-c", t.command}, nil
	}
	if err != nil {
		return nil, err
	}
	linked := "" // the program of a go run
	if len(words) > 2 && words[0] == "go" && words[1] == "run" &&
		strings.HasPrefix(words[2], "./") {
		linked = programs.find(dir, words[2])
	}
	if linked != "" {
		words = append([]string{linked}, words[3:]...)
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = cmp.Or(t.dir, dir)
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
	if linked == "" {
		write.Close()
	}
	p := &process{cmd: cmd, stdin: stdin, ours: ourProgram.MatchString(t.command),
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
	go func() {
		err := cmd.Wait()
		if linked != "" {
			if err != nil {
				fmt.Fprintln(write, err) // as go run does: exit status 1
			}
			write.Close()
		}
		p.done <- err
	}()
	return p, nil
}

// programs are those that stories have begun with go run. It asks each time
// whether a source file has changed, which costs more than most programs do.
var programs = linkedPrograms{files: map[string]string{}}

type linkedPrograms struct {
	sync.Mutex
	files map[string]string // by folder and package
}

// find returns the file that go run has linked and keeps in Go's cache, or "".
func (l *linkedPrograms) find(dir, pkg string) string {
	l.Lock()
	defer l.Unlock()
	key := filepath.Join(dir, pkg)
	file, known := l.files[key]
	if !known {
		where := exec.Command("go", "run", "-exec", "echo", pkg)
		where.Dir = dir
		if out, err := where.Output(); err == nil {
			file = strings.TrimSpace(string(out))
		}
		if _, err := os.Stat(file); err != nil {
			file = "" // Windows has no program echo
		}
		l.files[key] = file
	}
	return file
}

// A runner plays one story.
type runner struct {
	ctx      context.Context // when it is done, the story stops
	story    story
	dir      string
	patience time.Duration       // the longest wait for a line or an end
	running  map[string]*process // by terminal
	known    map[string]string   // the page's ephemeral ports and ‹names› to the real numbers
	wide     []string            // what our programs print wider than a terminal
	log      func(format string, args ...any)
}

// runStory plays s in dir and returns what did not go as the page shows. It
// stops at the first problem, since what follows would only repeat it. All
// that the terminals show goes to log, which helps to find the reason. Lines of
// our programs that no terminal has room for are no reason to stop.
func runStory(ctx context.Context, s story, dir string, patience time.Duration,
	log func(format string, args ...any)) (problem string, wide []string) {
	r := runner{ctx: ctx, story: s, dir: dir, patience: patience, log: log,
		running: map[string]*process{}, known: map[string]string{}}
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
		if t.lack.need != "" {
			continue
		}
		if problem := r.play(t); problem != "" {
			return problem, r.wide
		}
	}
	return "", r.wide
}

func (r *runner) play(t *turn) string {
	object := r.story.page.problem
	p := r.running[t.terminal]
	if t.command != "" {
		var err error
		if p, err = start(r.dir, t); err != nil {
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
			if problem := r.expect(p, t, st); problem != "" {
				return object(st.line, "%s", problem)
			}
			p.skipping = st.gaps
		}
	}
	if !t.last {
		return ""
	}
	return r.end(t, p)
}

// end waits for the end of the command that ends with t.
func (r *runner) end(t *turn, p *process) string {
	object := r.story.page.problem
	for {
		line, state := r.next(t)
		switch {
		case state == ended:
			delete(r.running, t.terminal)
			p.stdin.Close()
			<-p.done
			return ""
		case state == stopped:
			return object(t.line,
				"the tests were stopped while the story waited for the program to end")
		case state == silent:
			return object(t.line,
				"the program still runs after what the page shows: a line ^C ends it")
		case !p.skipping:
			return object(t.end, "the terminal goes on with %q, which the page does not show", line)
		}
	}
}

// expect waits for the lines that a step shows. Where the story skips lines it
// ignores all others; else each line that comes must be one of them.
func (r *runner) expect(p *process, t *turn, st step) (problem string) {
	shows := "the page shows " + quoted(st.shown)
	if len(st.shown) > 1 {
		shows = "the page shows in any order " + quoted(st.shown)
	}
	var lines []string // those that fit one of the shown
	for len(st.shown) > 0 {
		line, state := r.next(t)
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
func (r *runner) pair(shown, lines []string, gaps, exact bool,
	known map[string]string) (map[string]string, bool) {
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

// next waits for the next line of the program in the terminal of t.
func (r *runner) next(t *turn) (string, waitState) {
	p := r.running[t.terminal]
	select {
	case line, ok := <-p.lines:
		if !ok {
			return "", ended
		}
		r.log("%s: %s", t.terminal, line)
		if n := columns(line); p.ours && n > maxColumns && !isJSON(line) {
			r.wide = append(r.wide, r.story.page.problem(t.line,
				"the program prints a line of %d columns: %s", n, line))
		}
		return line, printed
	case <-r.ctx.Done():
		return "", stopped
	case <-time.After(r.patience):
		return "", silent
	}
}
