package tests

// This file holds what every page owes to a reader who sees it rendered and
// has another computer than ours.

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/goldmark/ast"
)

// notYet are the pages that may still break a rule of this file. It only ever
// gets shorter.
var notYet = []string{
	"README.md",
	"01-echo/README.md",
	"02-multiconn/README.md",
	"03-tcp-reliability/README.md",
	"docs/*.md",
}

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
	if !slices.ContainsFunc(blocks, func(b block) bool { return b.terminal() != blocks[0].terminal() }) {
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
		hasName := regexp.MustCompile(`(?i)\b` + regexp.QuoteMeta(terminal) + `\b`).MatchString(above)
		switch {
		case terminal == before:
		case number != "":
			if known := cmp.Or(numbers[terminal], number); known != number {
				problems = append(problems, p.problem(b.line, "Terminal %s for %q, which was Terminal %s before", number, terminal, known))
			} else if owner := cmp.Or(owners[number], terminal); owner != terminal {
				problems = append(problems, p.problem(b.line, "Terminal %s for %q, but it was %q before", number, terminal, owner))
			}
		case !terminalWord.MatchString(above) || !hasName && (seen || !newTerminal.MatchString(above)):
			form := cmp.Or(strings.TrimPrefix("the "+terminal+"'s terminal", "the main's terminal"), "another terminal")
			problems = append(problems, p.problem(b.line,
				"the paragraph above does not name the terminal: say \"Terminal N\" or %q", form))
		}
		numbers[terminal] = cmp.Or(numbers[terminal], number)
		owners[number] = cmp.Or(owners[number], terminal)
		before = terminal
	}
	return problems
}

func TestTerminalsAreNamed(t *testing.T) {
	for _, p := range pagesOrFail(t) {
		expectRule(t, p, checkTerminals(p))
	}
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
