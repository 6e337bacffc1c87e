package tests

// This file checks that each chapter stands alone: chapters import nothing
// from each other, and need Go and nothing else.

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const module = "example.com/sockets"

// A chapter is a top folder whose name begins with its number: 01-echo. It uses
// the standard library alone, so that it runs from a fresh clone on a computer
// without a network.
var chapterName = regexp.MustCompile(`^\d\d-`)

// checkImports objects to what the Go files below dir import, for whatever
// operating system they are.
func checkImports(dir string) (problems []string, err error) {
	err = walk(dir, func(name string) error {
		name = filepath.ToSlash(name)
		if filepath.Ext(name) != ".go" || inTestdata(name) || inNestedModule(dir, name) {
			return nil
		}
		source, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		files := token.NewFileSet()
		parsed, err := parser.ParseFile(files, name, source, parser.ImportsOnly)
		if err != nil {
			problems = append(problems, err.Error())
			return nil
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if why := forbidden(name, imported); why != "" {
				problems = append(problems, fmt.Sprintf("%s:%d: %s",
					name, files.Position(spec.Pos()).Line, why))
			}
		}
		return nil
	})
	return problems, err
}

// inNestedModule tells whether a file below dir belongs to a module of its own,
// which go commands for this module leave out.
func inNestedModule(dir, name string) bool {
	for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
		if _, err := os.Stat(filepath.Join(dir, folder, "go.mod")); err == nil {
			return true
		}
	}
	return false
}

// inMemory says whether a file is the place in an exercise where its check compiles
// the answer once more, with connections in memory.
func inMemory(name string) bool {
	return strings.Contains(name, "/exercises/") && path.Base(path.Dir(name)) == "inmemory"
}

// forbidden says why the Go file name must not import a package, or "".
func forbidden(name, imported string) string {
	chapter, _, _ := strings.Cut(name, "/")
	if !chapterName.MatchString(chapter) {
		return ""
	}
	first, rest, _ := strings.Cut(strings.TrimPrefix(imported, module+"/"), "/")
	ours := strings.HasPrefix(imported, module+"/")
	switch {
	case ours && first == chapter:
		return ""
	case ours && chapterName.MatchString(first):
		return "this chapter imports " + strconv.Quote(first+"/"+rest) +
			" of another chapter; each chapter stands alone"
	case !ours && !strings.Contains(first, "."): // the standard library
		return ""
	case strings.HasSuffix(name, "_test.go") &&
		strings.HasPrefix(imported, "github.com/google/go-cmp/"):
		return ""
	case (strings.HasSuffix(name, "_test.go") || inMemory(name)) &&
		imported == module+"/docs/exercises/check":
		return "" // of an exercise; it uses the standard library alone
	}
	return "this chapter imports " + strconv.Quote(imported) +
		"; it uses the standard library alone (its tests may use go-cmp)"
}

// bareGo makes a go command that has no network and an empty module cache.
// Compiled packages are kept, which makes it quick and changes nothing else.
func bareGo(t *testing.T, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(),
		"GOMODCACHE="+t.TempDir(),
		"GOPROXY=off",
		"GOFLAGS=-mod=readonly -buildvcs=false",
		"GOTOOLCHAIN=local",
		"GOWORK=off",
	)
	return cmd
}

// checkBuildsAlone builds the programs of the chapters in a world that has Go
// and nothing else.
func checkBuildsAlone(t *testing.T, dir string) (problems []string) {
	top, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range top {
		chapter := folder.Name()
		if !chapterName.MatchString(chapter) {
			continue
		}
		// All at once is quick. Where that fails, each program says why.
		if bareGo(t, dir, "build", "./"+chapter+"/...").Run() == nil {
			continue
		}
		list := bareGo(t, dir, "list", "-e", "-f", `{{if eq .Name "main"}}{{.ImportPath}}{{end}}`,
			"./"+chapter+"/...")
		programs, err := list.Output()
		if err != nil {
			t.Fatalf("%v: %v", list, err)
		}
		for _, program := range strings.Fields(string(programs)) {
			folder := strings.TrimPrefix(program, module+"/")
			build := bareGo(t, dir, "build", "-o", os.DevNull, "./"+folder)
			if output, err := build.CombinedOutput(); err != nil {
				problems = append(problems, fmt.Sprintf(
					"%s: with no network and an empty module cache, go build says: %s", folder,
					output))
			}
		}
	}
	return problems
}

func TestChaptersStandAlone(t *testing.T) {
	problems, err := checkImports(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Error(problem)
	}
}

func TestChaptersBuildAlone(t *testing.T) {
	t.Parallel()
	for _, problem := range checkBuildsAlone(t, root) {
		t.Error(problem)
	}
}

func TestFirstProgramRunsAlone(t *testing.T) {
	if _, err := os.Stat(filepath.Join(root, "01-echo", "server")); err != nil {
		t.Skip("01-echo/server is not written yet")
	}
	run := bareGo(t, root, "run", "./01-echo/server", "-h")
	output, err := run.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "-addr") {
		t.Errorf("with no network and an empty module cache, %v should explain -addr\nerror: "+
			"%v\noutput:\n%s", run, err, output)
	}
}
