package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// memory is the folder below an exercise's in which a second copy of the answer is
// compiled, with connections in memory.
const memory = "inmemory"

// inMemory is a Go file with check.TCPConn in place of net.TCPConn: a socket's
// waiting is the kernel's, so no virtual time passes while a net.TCPConn waits. Lines
// stay the same.
func inMemory(text []byte) ([]byte, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var name string // of the package net in this file
	for _, i := range file.Imports {
		if i.Path.Value == `"net"` {
			name = "net"
			if i.Name != nil {
				name = i.Name.Name
			}
		}
	}
	var at []*ast.SelectorExpr
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "TCPConn" {
			if of, ok := s.X.(*ast.Ident); ok && of.Name == name {
				at = append(at, s)
			}
		}
		return true
	})
	const check = "inMemory"
	text = bytes.Clone(text)
	for _, s := range slices.Backward(at) {
		from, to := fset.Position(s.Pos()).Offset, fset.Position(s.End()).Offset
		text = slices.Replace(text, from, to, []byte(check+".TCPConn")...)
	}
	from, to := fset.Position(file.Name.Pos()).Offset, fset.Position(file.Name.End()).Offset
	if len(at) == 0 {
		return slices.Replace(text, from, to, []byte(memory)...), nil
	}
	text = slices.Replace(text, from, to, fmt.Appendf(nil, "%s; import %s \"%s/docs/exercises/check\"",
		memory, check, module)...)
	return fmt.Appendf(text, "\nvar _ %s.Conn // net may have no other use here\n", name), nil
}

// inMemoryFiles are the files of the answer's second copy, by their names: none if
// the exercise has no room for it, or if the answer has no such copy.
func (j job) inMemoryFiles(e exercise) map[string][]byte {
	folder := filepath.Join(j.root, filepath.FromSlash(e.folder()))
	if _, err := os.Stat(filepath.Join(folder, memory)); err != nil || j.sockets {
		return nil
	}
	names, _ := folderNames(folder)
	for name := range j.overlay {
		if filepath.Dir(name) == folder && !slices.Contains(names, filepath.Base(name)) {
			names = append(names, filepath.Base(name))
		}
	}
	files := map[string][]byte{}
	for _, name := range names {
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file := filepath.Join(folder, name)
		if in, ok := j.overlay[file]; ok {
			file = in
		}
		if file == "" {
			continue
		}
		text, err := os.ReadFile(file)
		if err == nil {
			text, err = inMemory(text)
		}
		if err != nil {
			return nil // it does not compile either
		}
		files[name] = text
	}
	return files
}
