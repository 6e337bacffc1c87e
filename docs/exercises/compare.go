package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io"
	"path"
	"slices"
	"strings"

	"example.com/sockets/docs/exercises/check"
)

// A part is a function, a method, or another declaration of an answer.
type part struct {
	name string
	line int
	text string // as gofmt writes it, without comments
	says []note // the comments inside
}

type note struct {
	line int
	text string
}

// parts are those of an answer. They are nil where it can't be read.
func parts(text []byte) (list []part) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, check.Answer, text, parser.ParseComments)
	if err != nil {
		return nil
	}
	comments := file.Comments
	file.Comments = nil
	for _, d := range file.Decls {
		name := ""
		switch d := d.(type) {
		case *ast.FuncDecl:
			name = d.Name.Name
			if d.Recv != nil && len(d.Recv.List) == 1 {
				var b bytes.Buffer
				format.Node(&b, fset, d.Recv.List[0].Type)
				name = strings.TrimPrefix(b.String(), "*") + "." + name
			}
			d.Doc = nil
		case *ast.GenDecl:
			if d.Tok == token.IMPORT {
				continue
			}
			names := declared(&ast.File{Decls: []ast.Decl{d}})
			name, d.Doc = strings.Join(names, ", "), nil
		}
		p := part{name: name, line: fset.Position(d.Pos()).Line}
		var b bytes.Buffer
		if format.Node(&b, fset, d) != nil {
			continue
		}
		p.text = strings.Join(strings.Fields(b.String()), " ")
		for _, c := range comments {
			if d.Pos() < c.Pos() && c.End() < d.End() {
				said := strings.Join(strings.Fields(c.Text()), " ")
				p.says = append(p.says, note{fset.Position(c.Pos()).Line, said})
			}
		}
		list = append(list, p)
	}
	return list
}

// compare says where one's own answer and the solution differ, and what the
// solution says there.
func (r result) compare(out io.Writer, root string) {
	solution := path.Join(r.solution(), check.Answer)
	theirs, err := readFile(root, solution)
	if err != nil {
		return // a clone without the solutions
	}
	files, err := r.goFiles(root)
	if err != nil {
		return
	}
	var mine []part
	places := map[string]string{}
	for name, text := range files {
		for _, p := range parts(text) {
			mine = append(mine, p)
			places[p.name] = fmt.Sprintf("%s:%d", shown(root, path.Join(r.folder(), name)), p.line)
		}
	}
	fmt.Fprintf(out, "\nYour answer beside the solution,\n%s:\n", shown(root, solution))
	var notes []string
	for _, p := range parts(theirs) {
		at := slices.IndexFunc(mine, func(q part) bool { return q.name == p.name })
		switch {
		case at < 0:
			fmt.Fprintf(out, "  %-16s only in the solution, line %d\n", p.name, p.line)
		case mine[at].text == p.text:
			fmt.Fprintf(out, "  %-16s the same\n", p.name)
			continue
		default:
			fmt.Fprintf(out, "  %-16s line %d there; yours is\n  %16s %s\n", p.name, p.line, "",
				places[p.name])
		}
		for _, n := range p.says {
			notes = append(notes, fmt.Sprintf("%s:%d\n%s", shown(root, solution), n.line,
				wrap(n.text, "    ")))
		}
	}
	if len(notes) > 0 {
		fmt.Fprintf(out, "What to notice there:\n  %s\n", strings.Join(notes, "\n  "))
	}
}

// wrap writes a text in lines of at most 78 columns.
func wrap(text, indent string) string {
	var b strings.Builder
	width := 0
	for i, word := range strings.Fields(text) {
		switch n := len([]rune(word)); {
		case i == 0:
			b.WriteString(indent + word)
			width = len(indent) + n
		case width+1+n > 78:
			b.WriteString("\n" + indent + word)
			width = len(indent) + n
		default:
			b.WriteString(" " + word)
			width += 1 + n
		}
	}
	return b.String()
}
