// Package tests keeps every page of the repository true:
//
//   - pages_test.go finds and parses the pages
//   - links_test.go: every relative link and anchor resolves
//   - excerpts_test.go: every excerpt stands in the file that it names
//   - story_test.go reads the console blocks of a page, stories_test.go has
//     them run and print what they show; play_test.go types and waits,
//     match_test.go compares, needs_test.go finds out what this machine has
//   - rules_test.go: terminals are named, commands work in every shell, and
//     what is shown is not of one computer and not too wide
//   - words_test.go: terms are explained, and a page has one name
//   - chapters_test.go: chapters stand alone and need nothing but Go
//   - broken_test.go: each of these checks objects to a broken page
//
// docs/README.md says how pages are written so that they can be checked.
package tests

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// root is the top folder of the repository.
const root = "../.."

// A page is one Markdown file.
type page struct {
	name   string // path from the top folder, with slashes
	source []byte
	tree   ast.Node
}

func parsePage(name, source string) page {
	parser := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser()
	return page{name, []byte(source), parser.Parse(text.NewReader([]byte(source)))}
}

// readPages returns every page below dir.
func readPages(dir string) ([]page, error) {
	var pages []page
	err := walk(dir, func(name string) error {
		if filepath.Ext(name) != ".md" || inTestdata(name) {
			return nil
		}
		source, err := os.ReadFile(filepath.Join(dir, name))
		// Git may check files out with the line ends of Windows.
		clean := bytes.ReplaceAll(source, []byte("\r\n"), []byte("\n"))
		pages = append(pages, parsePage(filepath.ToSlash(name), string(clean)))
		return err
	})
	return pages, err
}

// inTestdata tells whether a file is input for tests, and may be broken.
func inTestdata(name string) bool {
	return strings.Contains("/"+filepath.ToSlash(name), "/testdata/")
}

// walk calls visit with the path below dir of each file that belongs to the
// repository.
func walk(dir string, visit func(name string) error) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			switch d.Name() {
			case ".git", "vendor", "node_modules":
				return filepath.SkipDir
			}
			return nil
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || !d.Type().IsRegular() { // a link may lead anywhere
			return err
		}
		return visit(name)
	})
}

// problem words an objection as "page:line: what is wrong".
func (p page) problem(line int, format string, args ...any) string {
	return fmt.Sprintf("%s:%d: %s", p.name, line, fmt.Sprintf(format, args...))
}

// line returns the number of the line that holds the byte at offset.
func (p page) line(offset int) int {
	return 1 + bytes.Count(p.source[:offset], []byte("\n"))
}

// lineOf returns the line on which node begins.
func (p page) lineOf(node ast.Node) int {
	line := 1
	ast.Walk(node, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Text:
			line = p.line(n.Segment.Start)
			return ast.WalkStop, nil
		case *ast.FencedCodeBlock:
			if n.Info != nil {
				line = p.line(n.Info.Segment.Start)
			} else if n.Lines().Len() > 0 {
				line = p.line(n.Lines().At(0).Start) - 1
			}
			return ast.WalkStop, nil
		}
		if n.Type() == ast.TypeBlock && n.Lines().Len() > 0 {
			line = p.line(n.Lines().At(0).Start)
			return ast.WalkStop, nil
		}
		return ast.WalkContinue, nil
	})
	if line == 1 && node.Parent() != nil && node.Type() == ast.TypeInline {
		return p.lineOf(node.Parent()) // an image without a text
	}
	return line
}

// A block is a fenced code block.
type block struct {
	page  page
	node  *ast.FencedCodeBlock
	line  int      // of the opening fence
	lang  string   // the first word after the fence
	attrs []string // the words after that
	lines []string
}

// blocks returns the fenced blocks of the page, and what is wrong with their
// languages.
func (p page) blocks() (blocks []block, problems []string) {
	ast.Walk(p.tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		if n.Kind() == ast.KindCodeBlock {
			problems = append(problems, p.problem(p.lineOf(n),
				"an indented block has no language: use a fence, such as ```text"))
		}
		fenced, ok := n.(*ast.FencedCodeBlock)
		if !ok {
			return ast.WalkContinue, nil
		}
		b := block{page: p, node: fenced, line: p.lineOf(n)}
		if fenced.Info != nil {
			if words := strings.Fields(string(fenced.Info.Segment.Value(p.source))); len(words) > 0 {
				b.lang, b.attrs = words[0], words[1:]
			}
		}
		for i := range fenced.Lines().Len() {
			segment := fenced.Lines().At(i)
			b.lines = append(b.lines, strings.TrimRight(string(segment.Value(p.source)), "\n"))
		}
		blocks = append(blocks, b)
		return ast.WalkContinue, nil
	})
	for _, b := range blocks {
		switch b.lang {
		case "console", "go", "python", "mermaid":
		case "text":
			for i, line := range b.lines {
				if strings.HasPrefix(line, "$ ") {
					problems = append(problems, p.problem(b.line+1+i,
						"a command in a text block is never run: make it a console block"))
				}
			}
		default:
			problems = append(problems, p.problem(b.line,
				"a block of language %q: blocks are console, go, python, text or mermaid", b.lang))
		}
		if b.lang != "console" && len(b.attrs) > 0 {
			problems = append(problems, p.problem(b.line,
				"%q after %s: only console blocks take attributes", b.attrs, b.lang))
		}
	}
	return blocks, problems
}

func pagesOrFail(t *testing.T) []page {
	t.Helper()
	pages, err := readPages(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) == 0 {
		t.Fatal("found no pages")
	}
	return pages
}

func TestBlocksHaveALanguage(t *testing.T) {
	for _, p := range pagesOrFail(t) {
		_, problems := p.blocks()
		for _, problem := range problems {
			t.Error(problem)
		}
	}
}
