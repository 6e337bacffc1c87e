package tests

// This file holds what every page owes to a reader who sees it rendered and
// has another computer than ours.

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/yuin/goldmark/ast"
)

// notYet are the pages that may still break a rule of this file. It only ever
// gets shorter.
var notYet = []string{}

// mayNotYet tells whether a page stands on the list.
func mayNotYet(name string) bool {
	return slices.ContainsFunc(notYet, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}

// expectRule fails the test for each problem of a page, or logs it where the
// page stands on the list.
func expectRule(t *testing.T, p page, problems []string) {
	t.Helper()
	for _, problem := range problems {
		if mayNotYet(p.name) {
			t.Log("not yet: " + problem)
		} else {
			t.Error(problem)
		}
	}
}

var (
	terminalWord   = regexp.MustCompile(`(?i)\bterminals?\b`)
	terminalNumber = regexp.MustCompile(`(?i)\bterminal (\d+)\b`)
	newTerminal    = regexp.MustCompile(`(?i)\b(another|new|second|third|fourth|fifth) terminal\b`)
)

// checkTerminals objects to a console block in another terminal than the block
// before it if the paragraph just above does not name the terminal: what stands
// behind a fence is not seen. For terminal=client these name it: "Terminal 2"
// (the same number on the whole page), "the client's terminal" or any other
// sentence with both words, and where it comes first, "another terminal".
func checkTerminals(p page) (problems []string) {
	blocks, _ := p.blocks()
	blocks = slices.DeleteFunc(blocks, func(b block) bool { return b.lang != "console" })
	elsewhere := func(b block) bool { return b.terminal() != blocks[0].terminal() }
	if !slices.ContainsFunc(blocks, elsewhere) {
		return nil // the page needs one terminal
	}
	numbers := map[string]string{} // by the terminal's name
	owners := map[string]string{}  // the other way round
	before := ""
	for _, b := range blocks {
		terminal, above := b.terminal(), p.textAbove(b)
		_, seen := numbers[terminal]
		number := ""
		for _, m := range terminalNumber.FindAllStringSubmatch(above, -1) {
			number = m[1] // the last one leads the block in
		}
		known, owner := cmp.Or(numbers[terminal], number), cmp.Or(owners[number], terminal)
		object := func(format string, args ...any) {
			problems = append(problems, p.problem(b.line, format, args...))
		}
		switch {
		case terminal == before || number == "" && names(above, terminal, !seen):
		case number == "" && terminal == "main":
			object(unnamed, "another terminal")
		case number == "":
			object(unnamed, "the "+terminal+"'s terminal")
		case known != number:
			object("Terminal %s for %q, which was Terminal %s before", number, terminal, known)
		case owner != terminal:
			object("Terminal %s for %q, but it was %q before", number, terminal, owner)
		}
		numbers[terminal] = known
		owners[number] = owner
		before = terminal
	}
	return problems
}

const unnamed = `the paragraph above does not name the terminal: say "Terminal N" or %q`

// names tells whether a paragraph names a terminal by another thing than its
// number.
func names(above, terminal string, isNew bool) bool {
	word := regexp.MustCompile(`(?i)\b` + regexp.QuoteMeta(terminal) + `\b`)
	return terminalWord.MatchString(above) && word.MatchString(above) ||
		isNew && newTerminal.MatchString(above)
}

func TestTerminalsAreNamed(t *testing.T) {
	for _, p := range pagesOrFail(t) {
		expectRule(t, p, checkTerminals(p))
	}
}

// Shells read some characters as their own. Commands that every reader types
// have none of them, so that they are the same in bash, zsh, PowerShell and cmd.
var shellSigns = []struct {
	pattern *regexp.Regexp // in the command, its quoted words without their quotes
	where   string         // "typed" (outside of quotes), "quoted" or "anywhere"
	why     string
}{
	{regexp.MustCompile(`!`), "anywhere", "zsh and bash look for an earlier command at !"},
	{regexp.MustCompile("[$`]"), "anywhere", "bash, zsh and PowerShell put something else in its place, in double quotes too"},
	{regexp.MustCompile(`%`), "anywhere", "cmd puts variables in place of %NAME%"},
	{regexp.MustCompile(`\\`), "anywhere", "bash and zsh take a backslash away, the others keep it"},
	{regexp.MustCompile(`'`), "typed", "cmd knows no single quotes"},
	{regexp.MustCompile(`[*?\[\]{}()~#]`), "typed", "some shell reads it as a pattern, a group, a comment or a folder"},
	{regexp.MustCompile(`[|&;<>^]`), "typed", "some shell joins or redirects commands with it, or takes it away"},
	{regexp.MustCompile(`,`), "typed", "PowerShell makes two words of it"},
	{regexp.MustCompile(`(^| )[@=]`), "typed", "PowerShell and zsh read more into such a beginning"},
	{regexp.MustCompile(`(^| )-[\w-]*[.:]`), "typed", "PowerShell splits a flag there"},
	{regexp.MustCompile(`^\w+=`), "typed", "cmd and PowerShell set variables in other ways"},
	{regexp.MustCompile(`^cd\b`), "typed", "commands are typed in the top folder"},
	{regexp.MustCompile(`^$`), "quoted", "an older PowerShell leaves an empty word out"},
}

// portable says what a shell would do to a command, or "".
func portable(command string) string {
	// Every second part stands between double quotes.
	parts := strings.Split(command, `"`)
	if len(parts)%2 == 0 {
		return `a quote " without its end`
	}
	for i, part := range parts {
		for _, sign := range shellSigns {
			quoted := i%2 == 1
			if sign.where == "quoted" && !quoted || sign.where == "typed" && quoted {
				continue
			}
			if i > 0 && strings.HasPrefix(sign.pattern.String(), "^") && !quoted {
				continue // not the beginning of the command
			}
			if m := sign.pattern.FindString(part); sign.pattern.MatchString(part) {
				return fmt.Sprintf("%q: %s", strings.TrimSpace(m), sign.why)
			}
		}
	}
	return ""
}

// everywhere are the needs that a reader on any system may have.
var everywhere = []string{"modcache", "ipv6", "pristine"}

var goCommand = regexp.MustCompile(`^go (run|test|build|vet|mod|install|env|list) `)

// checkCommands objects to commands for every reader that are not the same in
// every shell: those of console blocks, and those that stand in a sentence.
func checkCommands(p page) (problems []string) {
	object := func(line int, command string) {
		if why := portable(command); why != "" {
			problems = append(problems, p.problem(line, "not the same in every shell: %s", why))
		}
	}
	blocks, _ := p.blocks()
	for _, b := range blocks {
		elsewhere := func(need string) bool { return !slices.Contains(everywhere, need) }
		if b.lang != "console" || slices.ContainsFunc(b.needs(), elsewhere) {
			continue
		}
		for i, line := range b.lines {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				object(b.line+1+i, command)
			}
		}
	}
	ast.Walk(p.tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if n.Kind() == ast.KindCodeSpan && entering {
			if code := plainText(n, p.source); goCommand.MatchString(code) {
				object(p.lineOf(n), strings.ReplaceAll(code, "…", "x"))
			}
		}
		return ast.WalkContinue, nil
	})
	return problems
}

func TestCommandsWorkInEveryShell(t *testing.T) {
	for _, p := range pagesOrFail(t) {
		expectRule(t, p, checkCommands(p))
	}
}

// ofThisMachine are things that another computer prints otherwise. A page shows
// "…" or a name such as ‹listener› in their place.
var ofThisMachine = []struct {
	what    string
	pattern *regexp.Regexp
}{
	{"a file descriptor", regexp.MustCompile(`\b(accept4?|bind|listen|connect|getsockname|getsockopt|setsockopt|recvfrom|sendto|read|write|close|shutdown|epoll_\w+)\(\d`)},
	{"a file descriptor", regexp.MustCompile(`\b(accept4?|socket|epoll_create1?)\(.*\) += \d`)},
	{"a file descriptor", regexp.MustCompile(`\bEPOLL_CTL_\w+, \d|\bfd[ =]\d`)},
	{"a process number", regexp.MustCompile(`(?i)\bpid[ =:]+\d|\bprocess \d{3,}`)},
	{"a control group", regexp.MustCompile(`\bcgroup`)},
	{"a count of processors", regexp.MustCompile(`\bGOMAXPROCS=\d|(?i)\b\d+ (CPUs?|cores?|processors?|threads)\b`)},
	{"a folder of one computer", regexp.MustCompile(`(^|[\s"'=])(/tmp/|/home/|/root/|/Users/|/usr/local/|[A-Z]:\\)`)},
	{"an address in memory", regexp.MustCompile(`\b0x[0-9a-f]{7,}\b|\bgoroutine \d`)},
	{"the address of a network card", regexp.MustCompile(`\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b|\bfe80::[0-9a-f]`)},
	{"the date", regexp.MustCompile(`\b20\d\d[-/]\d\d[-/]\d\d\b`)},
	{"a version", regexp.MustCompile(`\bgo1\.\d+|\b(Linux|Python|curl)[ /]\d+\.\d|\b(amd64|arm64|x86_64)\b`)},
}

// maxColumns is the width of a terminal that nobody has made wider.
const maxColumns = 80

// checkOutput objects to lines of console blocks that are different on other
// computers, and to those that are too wide for a terminal.
func checkOutput(p page) (problems []string) {
	blocks, _ := p.blocks()
	for _, b := range blocks {
		for i, line := range b.lines {
			if b.lang != "console" || strings.HasPrefix(line, "$ ") {
				continue
			}
			for _, thing := range ofThisMachine {
				if m := thing.pattern.FindString(line); m != "" {
					problems = append(problems, p.problem(b.line+1+i,
						"%q shows %s: write … or ‹name›", m, thing.what))
					break
				}
			}
			if n := columns(line); n > maxColumns && !isJSON(line) {
				problems = append(problems, p.problem(b.line+1+i,
					"a line of %d columns: our programs' fit %d, others' are cut with …", n, maxColumns))
			}
		}
	}
	return problems
}

func TestOutputIsForEveryComputer(t *testing.T) {
	for _, p := range pagesOrFail(t) {
		expectRule(t, p, checkOutput(p))
	}
}

func isJSON(line string) bool {
	return strings.HasPrefix(line, "{") || strings.HasPrefix(line, "[{")
}

// columns tells how wide a line is in a terminal: letters of East Asia and
// pictures take two columns, marks above a letter none.
func columns(line string) (n int) {
	for _, r := range line {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana),
			r >= 0x3000 && r <= 0x303f, r >= 0xff01 && r <= 0xff60, r >= 0x1f300 && r <= 0x1faff:
			n += 2
		default:
			n++
		}
	}
	return n
}

// terminal returns in which terminal a console block happens.
func (b block) terminal() string {
	for _, attr := range b.attrs {
		if name, ok := strings.CutPrefix(attr, "terminal="); ok {
			return name
		}
	}
	return "main"
}

// needs returns what a console block needs.
func (b block) needs() []string {
	for _, attr := range b.attrs {
		if names, ok := strings.CutPrefix(attr, "needs="); ok {
			return strings.Split(names, ",")
		}
	}
	return nil
}

// textAbove returns the words of the paragraph just above b, or "".
func (p page) textAbove(b block) string {
	if above := p.paragraphAbove(b); above != nil {
		return plainText(above, p.source)
	}
	return ""
}

// paragraphAbove returns the paragraph just above b, or nil.
func (p page) paragraphAbove(b block) ast.Node {
	above := b.node.PreviousSibling()
	if above == nil || above.Kind() != ast.KindParagraph && above.Kind() != ast.KindTextBlock {
		return nil // a TextBlock is the paragraph of a list item
	}
	return above
}
