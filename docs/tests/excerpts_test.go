package tests

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/goldmark/ast"
)

// checkExcerpts objects to go and python blocks that do not stand in the file
// which the paragraph above them links to last.
func checkExcerpts(dir string, p page) (problems []string) {
	blocks, _ := p.blocks()
	for _, b := range blocks {
		if b.lang != "go" && b.lang != "python" {
			continue
		}
		name := p.fileAbove(b)
		if name == "" {
			problems = append(problems, p.problem(b.line,
				"the excerpt names no file: link the file in the paragraph above it"))
			continue
		}
		source, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			problems = append(problems, p.problem(b.line,
				"the excerpt's file %s can't be read", name))
			continue
		}
		if !slices.ContainsFunc(b.lines, func(line string) bool { return !isGap(line) }) {
			problems = append(problems, p.problem(b.line, "the excerpt shows nothing of %s", name))
			continue
		}
		file := strings.Split(strings.ReplaceAll(string(source), "\r\n", "\n"), "\n")
		if i := missing(b.lines, file); i >= 0 {
			problems = append(problems, p.problem(b.line+1+i,
				"%s does not have %q here: has the program changed?",
				name, strings.TrimSpace(b.lines[i])))
		}
	}
	return problems
}

// fileAbove returns the file named by the last link of the paragraph above b.
func (p page) fileAbove(b block) (name string) {
	above := p.paragraphAbove(b)
	if above == nil {
		return ""
	}
	ast.Walk(above, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if l, ok := n.(*ast.Link); ok {
			name = path.Join(path.Dir(p.name), string(l.Destination))
		}
		return ast.WalkContinue, nil
	})
	return name
}

// missing returns the first line of the excerpt that breaks its match with
// the file, or -1. A line "// …" or "# …" skips lines of the file.
func missing(excerpt, file []string) int {
	from := 0
	for start := 0; start < len(excerpt); {
		end := start
		for end < len(excerpt) && !isGap(excerpt[end]) {
			end++
		}
		best := 0 // how many lines of this piece match somewhere
		found := end == start
		for i := from; i < len(file) && !found; i++ {
			k := 0
			for start+k < end && i+k < len(file) &&
				slices.Equal(dedent(excerpt[start:start+k+1]), dedent(file[i:i+k+1])) {
				k++
			}
			best = max(best, k)
			if start+k == end {
				found, from = true, i+k
			}
		}
		if !found {
			return start + best
		}
		start = end + 1
	}
	return -1
}

func isGap(line string) bool {
	line = strings.TrimSpace(line)
	return line == "// …" || line == "# …"
}

// dedent removes the indentation that all lines share.
func dedent(lines []string) []string {
	shared := -1
	for _, line := range lines {
		if strings.TrimSpace(line) == "" {
			continue
		}
		n := len(line) - len(strings.TrimLeft(line, " \t"))
		if shared < 0 || n < shared {
			shared = n
		}
	}
	out := make([]string, len(lines))
	for i, line := range lines {
		if strings.TrimSpace(line) != "" {
			out[i] = line[shared:]
		}
	}
	return out
}

func TestExcerpts(t *testing.T) {
	for _, p := range pagesOrFail(t) {
		for _, problem := range checkExcerpts(root, p) {
			t.Error(problem)
		}
	}
}
