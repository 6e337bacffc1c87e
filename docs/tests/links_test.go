package tests

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/yuin/goldmark/ast"
)

var (
	htmlTarget = regexp.MustCompile(`(?:href|src|srcset)="([^"]*)"`)
	htmlAnchor = regexp.MustCompile(`(?:id|name)="([^"]*)"`)
)

// A link is a destination and the line on which it stands.
type link struct {
	line        int
	destination string
}

// linksAndAnchors collects where the page links to and what can be linked to
// in it.
func (p page) linksAndAnchors() (links []link, anchors map[string]bool) {
	anchors = map[string]bool{}
	html := func(line int, s string) {
		for _, m := range htmlTarget.FindAllStringSubmatch(s, -1) {
			links = append(links, link{line, m[1]})
		}
		for _, m := range htmlAnchor.FindAllStringSubmatch(s, -1) {
			anchors[m[1]] = true
		}
	}
	seen := map[string]int{}
	ast.Walk(p.tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Link:
			links = append(links, link{p.lineOf(n), string(n.Destination)})
		case *ast.Image:
			links = append(links, link{p.lineOf(n), string(n.Destination)})
		case *ast.RawHTML:
			for i := range n.Segments.Len() {
				s := n.Segments.At(i)
				html(p.line(s.Start), string(s.Value(p.source)))
			}
		case *ast.HTMLBlock:
			for i := range n.Lines().Len() {
				s := n.Lines().At(i)
				html(p.line(s.Start), string(s.Value(p.source)))
			}
		case *ast.Heading:
			// GitHub numbers the second heading of the same words "-1".
			s := slug(plainText(n, p.source))
			if k := seen[s]; k > 0 {
				anchors[fmt.Sprintf("%s-%d", s, k)] = true
			} else {
				anchors[s] = true
			}
			seen[s]++
		}
		return ast.WalkContinue, nil
	})
	return links, anchors
}

// plainText returns the words of a node without its markup.
func plainText(node ast.Node, source []byte) string {
	var b strings.Builder
	ast.Walk(node, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, ok := n.(*ast.Text); ok && entering {
			b.Write(t.Segment.Value(source))
			if t.SoftLineBreak() {
				b.WriteByte(' ')
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// slug makes the anchor that GitHub gives a heading: lower case, without
// punctuation, with a hyphen for each space.
func slug(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) ||
			unicode.IsMark(r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

// checkLinks objects to relative links below dir that lead nowhere.
func checkLinks(dir string, pages []page) (problems []string) {
	links := map[string][]link{}
	anchors := map[string]map[string]bool{}
	for _, p := range pages {
		links[p.name], anchors[p.name] = p.linksAndAnchors()
	}
	for _, p := range pages {
		for _, l := range links[p.name] {
			object := func(format string, args ...any) {
				problems = append(problems, p.problem(l.line,
					"the link %q "+format, append([]any{l.destination}, args...)...))
			}
			u, err := url.Parse(l.destination)
			if err != nil {
				object("can't be read: %v", err)
				continue
			}
			if u.Scheme != "" || u.Host != "" {
				continue // elsewhere on the Internet
			}
			target := p.name
			if u.Path != "" {
				target = path.Join(path.Dir(p.name), u.Path)
			}
			info, err := os.Stat(filepath.Join(dir, target))
			if u.Path != "" && (err != nil || strings.HasPrefix(target, "../")) {
				object("leads nowhere: there is no %s", target)
				continue
			}
			if u.Fragment == "" {
				continue
			}
			if u.Path != "" && info.IsDir() {
				target = path.Join(target, "README.md")
			}
			if path.Ext(target) != ".md" {
				object("points into a file that is no page: lines move, link the file")
			} else if !anchors[target][u.Fragment] {
				object("leads nowhere: %s has no heading #%s", target, u.Fragment)
			}
		}
	}
	return problems
}

func TestLinks(t *testing.T) {
	for _, problem := range checkLinks(root, pagesOrFail(t)) {
		t.Error(problem)
	}
}
