package tests

// This file holds the words of the pages: a term is explained or linked where
// it comes first, and a page has one name.

import (
	"net/url"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/yuin/goldmark/ast"
)

// terms are words that a newcomer does not know, and pages can't do without.
var terms = []struct {
	word    string
	pattern *regexp.Regexp
}{
	{"segment", regexp.MustCompile(`(?i)\bsegments?\b`)},
	{"SYN", regexp.MustCompile(`\bSYNs?\b`)},
	{"FIN", regexp.MustCompile(`\bFINs?\b`)},
	{"RST", regexp.MustCompile(`\bRSTs?\b`)},
	{"reset", regexp.MustCompile(`(?i)\bresets?\b`)},
	{"handshake", regexp.MustCompile(`(?i)\bhandshakes?\b`)},
	{"kernel", regexp.MustCompile(`(?i)\bkernels?\b`)},
	{"host", regexp.MustCompile(`(?i)\bhosts?\b`)},
	{"descriptor", regexp.MustCompile(`(?i)\bdescriptors?\b`)},
	{"ctx", regexp.MustCompile(`\bctx\b`)},
}

// checkTerms objects to a term whose first paragraph neither links it nor has
// it in bold or italic letters, which is how a page marks what it explains
// there. Headings, pictures, code and links to a file do not count as first.
func checkTerms(p page) (problems []string) {
	for _, term := range terms {
		var first ast.Node // the paragraph in which the term comes first
		explained := false
		ast.Walk(p.tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			switch n.(type) {
			case *ast.Heading, *ast.Image:
				return ast.WalkSkipChildren, nil
			case *ast.CodeSpan:
				if term.word != "ctx" {
					return ast.WalkSkipChildren, nil
				}
			}
			text, ok := n.(*ast.Text)
			if !entering || !ok || !term.pattern.Match(text.Segment.Value(p.source)) {
				return ast.WalkContinue, nil
			}
			paragraph := n.Parent()
			for ; paragraph.Type() == ast.TypeInline; paragraph = paragraph.Parent() {
				switch paragraph.(type) {
				case *ast.Link, *ast.Emphasis:
					explained = explained || first == nil || first == paragraphOf(n)
				}
			}
			if first != nil && first != paragraph {
				return ast.WalkStop, nil
			}
			first = paragraph
			return ast.WalkContinue, nil
		})
		if first != nil && !explained {
			problems = append(problems, p.problem(p.lineOf(first),
				"%q comes here first: link it, or explain it here in bold letters", term.word))
		}
	}
	return problems
}

// paragraphOf returns the block that holds a node.
func paragraphOf(n ast.Node) ast.Node {
	for n.Type() == ast.TypeInline {
		n = n.Parent()
	}
	return n
}

func TestTermsAreExplained(t *testing.T) {
	for _, p := range pagesOrFail(t) {
		folder := path.Dir(p.name)
		chapter := chapterName.MatchString(folder) && !strings.Contains(folder, "/")
		if path.Base(p.name) == "README.md" && (folder == "." || chapter) {
			expectRule(t, p, checkTerms(p))
		}
	}
}

// title returns the words of the page's first heading.
func (p page) title() string {
	for n := p.tree.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok && h.Level == 1 {
			return plainText(h, p.source)
		}
	}
	return ""
}

// bare returns a name in small letters, without an article before it.
func bare(name string) string {
	name = strings.ToLower(strings.Join(strings.Fields(name), " "))
	for _, article := range []string{"the ", "a ", "an "} {
		name = strings.TrimPrefix(name, article)
	}
	return name
}

// names returns what a link to a page may call it: its title, what stands
// there before a colon ("Chapter 1: one client, one server" is Chapter 1), or
// the folder that a README is of.
func (p page) names() []string {
	title := p.title()
	short, _, _ := strings.Cut(title, ":")
	names := []string{title, short}
	if path.Base(p.name) == "README.md" {
		folder := path.Dir(p.name)
		names = append(names, folder, path.Base(folder), folder+"/", path.Base(folder)+"/")
	}
	return names
}

// checkNames objects to a page of which a word of the file name is not in the
// title, and to a link to a whole page that has another text than its name. A
// link to a section says what that section is about.
func checkNames(pages []page) map[string][]string {
	byName := map[string]page{}
	for _, p := range pages {
		byName[p.name] = p
	}
	problems := map[string][]string{}
	for _, p := range pages {
		object := func(line int, format string, args ...any) {
			problems[p.name] = append(problems[p.name], p.problem(line, format, args...))
		}
		file := strings.TrimSuffix(path.Base(p.name), ".md")
		for _, word := range strings.Split(strings.ToLower(file), "-") {
			if file != "README" && !strings.Contains(strings.ToLower(p.title()), word) {
				object(1, "the title %q does not have %q of the file's name", p.title(), word)
			}
		}
		ast.Walk(p.tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			l, ok := n.(*ast.Link)
			if !ok || !entering {
				return ast.WalkContinue, nil
			}
			u, err := url.Parse(string(l.Destination))
			if err != nil || u.Host != "" || u.Path == "" || u.Fragment != "" {
				return ast.WalkContinue, nil
			}
			target := path.Join(path.Dir(p.name), u.Path)
			to, ok := byName[target]
			if !ok {
				to, ok = byName[path.Join(target, "README.md")]
			}
			if text := plainText(l, p.source); ok && !to.isCalled(text) {
				object(p.lineOf(n),
					"the link %q leads to the page %q: call it so, or link a section of it",
					text, to.title())
			}
			return ast.WalkContinue, nil
		})
	}
	return problems
}

func (p page) isCalled(text string) bool {
	for _, name := range p.names() {
		if bare(name) == bare(text) {
			return true
		}
	}
	return false
}

func TestPagesHaveOneName(t *testing.T) {
	pages := pagesOrFail(t)
	problems := checkNames(pages)
	titles := map[string]string{}
	for _, p := range pages {
		expectRule(t, p, problems[p.name])
		if other, taken := titles[bare(p.title())]; taken || p.title() == "" {
			t.Errorf("%s has the title %q, as has %q", p.name, p.title(), other)
		}
		titles[bare(p.title())] = p.name
	}
}
