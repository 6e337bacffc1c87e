package tests

import (
	"fmt"
	"regexp"
	"strings"
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
	lack     lack   // why the turn is skipped, if it is
	steps    []step
	last     bool // the command ends with this turn
}

// A lack is what a turn needs and this machine does not have.
type lack struct {
	need string // the word of a needs= attribute, or "" where nothing lacks
	why  string
}

// A story is the turns of one page.
type story struct {
	page  page
	turns []*turn
	fixed map[string]bool // ports that commands name; all others vary
}

var portFlag = regexp.MustCompile(`:(\d+)\b`)

// parseStory reads the console blocks of p. lacks tells why this machine can't
// give what a needs= attribute names, or "".
func parseStory(p page, lacks func(need string) string) (story, []string) {
	reader := storyReader{
		story:   story{page: p, fixed: map[string]bool{"65432": true, "9000": true, "8475": true}},
		lacks:   lacks,
		current: map[string]*turn{},
		started: map[string]bool{},
	}
	blocks, _ := p.blocks()
	for _, b := range blocks {
		if b.lang == "console" {
			reader.read(b)
		}
	}
	reader.story.skipScenes()
	return reader.story, reader.problems
}

// A storyReader holds what is known of a page as far as it is read.
type storyReader struct {
	story    story
	lacks    func(need string) string
	problems []string
	current  map[string]*turn // the latest turn of each terminal
	started  map[string]bool  // has the terminal's program shown a line?
}

func (r *storyReader) object(line int, format string, args ...any) {
	r.problems = append(r.problems, r.story.page.problem(line, format, args...))
}

// A manner is what the attributes of a block say.
type manner struct {
	turn            turn // its terminal, lack, shell and scratch
	anyOrder, exact bool
}

// manner reads the attributes of a block.
func (r *storyReader) manner(b block) manner {
	m := manner{turn: turn{terminal: b.terminal(), last: true}}
	for _, attr := range b.attrs {
		key, value, _ := strings.Cut(attr, "=")
		switch {
		case key == "terminal" && value != "": // block.terminal reads it
		case key == "needs" && value != "":
		case attr == "scratch":
			m.turn.scratch = true
		case attr == "any-order":
			m.anyOrder = true
		case attr == "exact":
			m.exact = true
		default:
			r.object(b.line,
				"unknown attribute %q: they are terminal=NAME, needs=A,B, scratch, any-order and "+
					"exact", attr)
		}
	}
	for _, need := range b.needs() {
		m.turn.shell = m.turn.shell || need == "sh"
		if why := r.lacks(need); why != "" && m.turn.lack.need == "" {
			m.turn.lack = lack{need, why}
		}
	}
	return m
}

// read reads the turns of one block.
func (r *storyReader) read(b block) {
	m := r.manner(b)
	terminal := m.turn.terminal
	add := func(line int) *turn {
		t := m.turn
		t.line, t.end = line, line
		r.story.turns = append(r.story.turns, &t)
		r.current[terminal] = &t
		return &t
	}
	if len(b.lines) > 0 && !strings.HasPrefix(b.lines[0], "$ ") {
		before := r.current[terminal]
		if before == nil {
			r.object(b.line, "nothing runs in terminal %q that this block could go on with",
				terminal)
			return
		}
		before.last = false
		add(b.line + 1)
	}
	open := false // does the latest step take more lines, in any order?
	for i, text := range b.lines {
		line := b.line + 1 + i
		if command, ok := strings.CutPrefix(text, "$ "); ok {
			t := add(line)
			t.command = command
			for _, m := range portFlag.FindAllStringSubmatch(command, -1) {
				r.story.fixed[m[1]] = true
			}
			if _, err := splitCommand(command); err != nil && !t.shell {
				r.object(line, "%v", err)
			}
			r.started[terminal], open = false, false
			continue
		}
		t := r.current[terminal]
		t.end = line
		st := r.step(line, text, terminal)
		st.exact = m.exact
		// Lines in any order are one step, up to what the reader does.
		inAnyOrder := m.anyOrder && (st.kind == output || st.kind == anything)
		if inAnyOrder {
			st.kind, st.gaps = output, st.kind == anything
		}
		if inAnyOrder && open {
			first := &t.steps[len(t.steps)-1]
			first.shown = append(first.shown, st.shown...)
			first.gaps = first.gaps || st.gaps
		} else {
			t.steps = append(t.steps, st)
		}
		open = inAnyOrder
	}
}

// step reads a line that is no command.
func (r *storyReader) step(line int, text, terminal string) step {
	st := step{line: line}
	switch {
	case text == "^C":
		st.kind = interrupt
		if !r.started[terminal] {
			r.object(line, "show a line of the program before ^C: only then is it known to run")
		}
	case text == "^D":
		st.kind = endInput
	case text == "…":
		st.kind = anything
	case strings.HasSuffix(text, "⏎"):
		st.kind, st.text = typed, strings.TrimSuffix(text, "⏎")
	default:
		st.shown = []string{text}
		r.started[terminal] = true
	}
	return st
}

// skipScenes takes out what can't happen without the turns that this machine
// lacks something for. A scene is from where no program runs to where none runs
// again. Where a turn of it is skipped, so is what follows in it: a server that
// no client came to has nothing more to show.
func (s story) skipScenes() {
	running := map[string]bool{}
	var lack lack // of the scene
	for _, t := range s.turns {
		if len(running) == 0 {
			lack.need = ""
		}
		switch {
		case lack.need != "":
			t.lack = lack
		case t.lack.need != "":
			lack = t.lack
			lack.why += fmt.Sprintf(" (since line %d)", t.line)
		}
		if t.last {
			delete(running, t.terminal)
		} else {
			running[t.terminal] = true
		}
	}
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
			return nil,
				fmt.Errorf("the command uses %q, which not every shell knows: mark the block "+
					"needs=sh", r)
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
		return nil,
			fmt.Errorf("the command sets a variable, which not every shell can: mark the block " +
				"needs=sh")
	}
	if words[0] == "cd" {
		return nil, fmt.Errorf("commands are typed in the top folder: cd is not for pages")
	}
	return words, nil
}
