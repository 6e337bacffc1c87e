package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"example.com/sockets/docs/exercises/check"
)

// The bounds of what is read of a clone, which may be anybody's.
const (
	maxFile  = 1 << 20 // bytes
	maxFiles = 50      // Go files of one answer
	maxNames = 5000    // of a folder
)

// unreadable says why a clone's file can't be read: it is missing, say.
type unreadable struct {
	name string // with slashes, below the clone
	why  string // "is missing", "is a folder", …
}

func (u *unreadable) Error() string { return u.name + " " + u.why }

// look finds out what is at a name below a folder. It follows no link: that
// could lead to a device, to another student's clone, or round in circles.
func look(dir, name string) (fs.FileInfo, error) {
	parts := strings.Split(name, "/")
	for i := range parts {
		above := path.Join(parts[:i+1]...)
		info, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(above)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, &unreadable{above, "is missing"}
		case err != nil:
			var p *fs.PathError
			if errors.As(err, &p) {
				err = p.Err
			}
			return nil, &unreadable{above, "can't be read: " + err.Error()}
		case i == len(parts)-1:
			return info, nil
		case !info.IsDir():
			return nil, &unreadable{above, "is " + kind(info) + ", and no folder"}
		}
	}
	panic("a name has a part")
}

// kind says what a file is that is no regular one.
func kind(info fs.FileInfo) string {
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return "a file"
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeSymlink != 0:
		return "a link"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "something else"
}

// readFile reads a regular file below a folder.
func readFile(dir, name string) ([]byte, error) {
	info, err := look(dir, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &unreadable{name, "is " + kind(info) + ", and no file"}
	}
	if info.Size() > maxFile {
		return nil, &unreadable{name, fmt.Sprintf("is larger than %d KiB", maxFile>>10)}
	}
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		return nil, &unreadable{name, "can't be read: " + errors.Unwrap(err).Error()}
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, &unreadable{name, "can't be read: " + err.Error()}
	}
	return text, nil
}

// goFiles are the Go files of an answer: answer.go, and those beside it.
func (e exercise) goFiles(clone string) (files map[string][]byte, err error) {
	text, err := readFile(clone, e.answer())
	if err != nil {
		return nil, err
	}
	files = map[string][]byte{check.Answer: text}
	names, err := folderNames(filepath.Join(clone, filepath.FromSlash(e.folder())))
	if err != nil {
		return nil, &unreadable{e.folder(), "can't be read"}
	}
	for _, name := range names {
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || name == check.Answer {
			continue
		}
		text, err := readFile(clone, path.Join(e.folder(), name))
		if err != nil {
			continue // a folder x.go, a link: no part of the answer
		}
		if len(files) == maxFiles {
			return nil, &unreadable{e.folder(), fmt.Sprintf("has more than %d Go files", maxFiles)}
		}
		files[name] = text
	}
	return files, nil
}

// maxBelow is how deep the folders of an answer may lie.
const maxBelow = 4

// foldersBelow are the folders below an exercise's folder, but for those that
// the folder ours has, too: an answer may be split into packages. Names are with
// slashes, relative to the exercise's folder.
func (e exercise) foldersBelow(clone, ours string) (found []string) {
	level := []string{""}
	for range maxBelow {
		var below []string
		for _, dir := range level {
			names, _ := folderNames(filepath.Join(clone,
				filepath.FromSlash(path.Join(e.folder(), dir))))
			for _, name := range names {
				at := path.Join(dir, name)
				info, err := look(clone, path.Join(e.folder(), at))
				if err != nil || !info.IsDir() || strings.HasPrefix(name, ".") ||
					len(found) == maxFiles {
					continue
				}
				if _, err := os.Lstat(filepath.Join(ours, filepath.FromSlash(at))); err != nil ||
					ours == "" {
					below, found = append(below, at), append(found, at)
				}
			}
		}
		level = below
	}
	return found
}

// filesBelow are the Go files in folders below an exercise's, by their names
// relative to that.
func (e exercise) filesBelow(clone string, folders []string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, folder := range folders {
		names, _ := folderNames(filepath.Join(clone,
			filepath.FromSlash(path.Join(e.folder(), folder))))
		for _, name := range names {
			name = path.Join(folder, name)
			if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := readFile(clone, path.Join(e.folder(), name))
			if err != nil {
				continue
			}
			if len(files) == maxFiles {
				return nil, &unreadable{e.folder(),
					fmt.Sprintf("has more than %d Go files below", maxFiles)}
			}
			files[name] = text
		}
	}
	return files, nil
}

// folderNames are the names in a folder, in order; of a huge one, some.
func folderNames(dir string) ([]string, error) {
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		// to open a pipe may take for ever
		return nil, &unreadable{dir, "is " + kind(info) + ", and no folder"}
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(maxNames)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	slices.Sort(names)
	return names, err
}

// imports are the packages that Go files import.
func imports(files map[string][]byte) map[string]bool {
	found := map[string]bool{}
	for name, text := range files {
		f, _ := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
		if f == nil {
			continue
		}
		for _, i := range f.Imports {
			if p, err := strconv.Unquote(i.Path.Value); err == nil {
				found[p] = true
			}
		}
	}
	return found
}

// borrowed are the imports that make an answer somebody else's work, or that
// reach around the check: packages of this repository that neither the stub nor the
// solution imports, unsafe and C. Those in the folders own are the answer's.
func (e exercise) borrowed(root string, files map[string][]byte, own []string) (list []string) {
	known := map[string]bool{}
	if text, err := readFile(root, path.Join(e.solution(), check.Answer)); err == nil {
		known = imports(map[string][]byte{"": text})
	}
	for p := range imports(files) {
		below, ours := strings.CutPrefix(p, module+"/")
		if in, ok := strings.CutPrefix(below, e.folder()+"/"); ok && slices.Contains(own, in) {
			continue
		}
		if (ours || p == "unsafe" || p == "C") && !known[p] {
			list = append(list, below)
		}
	}
	slices.Sort(list)
	return list
}

// doubts are what a teacher should look at, though it is allowed.
func doubts(files map[string][]byte) (list []string) {
	for _, p := range []string{"os/exec", "syscall", "testing"} {
		if imports(files)[p] {
			list = append(list, "imports "+p)
		}
	}
	for name, text := range files {
		f, _ := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
		if f == nil {
			continue
		}
		for _, named := range declared(f) {
			// younger than some books
			harmless := slices.Contains([]string{"min", "max", "clear"}, named)
			if types.Universe.Lookup(named) != nil && !harmless {
				list = append(list, "declares "+named+" anew")
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// declared are the names that a file declares for its whole package.
func declared(f *ast.File) (names []string) {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				names = append(names, d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					names = append(names, s.Name.Name)
				case *ast.ValueSpec:
					for _, n := range s.Names {
						names = append(names, n.Name)
					}
				}
			}
		}
	}
	return names
}

// seed is the value of the constant Seed in an answer to predict, or "".
func seed(files map[string][]byte) string {
	fset := token.NewFileSet()
	var parsed []*ast.File
	for name, text := range files {
		if f, _ := parser.ParseFile(fset, name, text, parser.SkipObjectResolution); f != nil {
			parsed = append(parsed, f)
		}
	}
	conf := types.Config{IgnoreFuncBodies: true, Error: func(error) {}}
	pkg, _ := conf.Check("predict", fset, parsed, nil)
	if pkg == nil {
		return ""
	}
	c, ok := pkg.Scope().Lookup("Seed").(*types.Const)
	if !ok || c.Val().Kind() == constant.Unknown {
		return ""
	}
	return c.Val().String()
}
