package main

// Mutation: each operator and each constant of each solution is changed, and
// each statement that only does something is left out, one at a time. A check that accepts such a mutant lacks a case, unless the mutant
// does the same as the solution: then it stands in equivalent.txt beside that,
// with the reason.

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/sockets/docs/exercises/check"
)

// other are the operators that stand in place of one.
var other = map[token.Token][]token.Token{
	token.EQL: {token.NEQ}, token.NEQ: {token.EQL},
	token.LSS: {token.LEQ, token.GTR}, token.LEQ: {token.LSS, token.GTR},
	token.GTR: {token.GEQ, token.LSS}, token.GEQ: {token.GTR, token.LSS},
	token.LAND: {token.LOR}, token.LOR: {token.LAND},
	token.ADD: {token.SUB}, token.SUB: {token.ADD}, token.MUL: {token.QUO}, token.QUO: {token.MUL},
	token.SHL: {token.SHR}, token.SHR: {token.SHL}, token.REM: {token.MUL},
	token.INC: {token.DEC}, token.DEC: {token.INC},
	token.ADD_ASSIGN: {token.SUB_ASSIGN}, token.SUB_ASSIGN: {token.ADD_ASSIGN},
}

// mutants are the texts with one change, by the line as it was and as it is.
func mutants(solution string) (mutated []*variant, err error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, check.Answer, solution, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(solution, "\n")
	seen := map[string]bool{}
	add := func(at token.Pos) bool {
		var b bytes.Buffer
		if err = format.Node(&b, fset, file); err != nil || seen[b.String()] {
			return false
		}
		seen[b.String()] = true
		n := fset.Position(at).Line
		changed := strings.Split(b.String(), "\n")
		name := fmt.Sprintf("line %d: %s", n, strings.TrimSpace(lines[n-1]))
		if n <= len(changed) {
			name = strings.TrimSpace(lines[n-1]) + " => " + strings.TrimSpace(changed[n-1])
		}
		mutated = append(mutated, &variant{what: "mutant", name: name, answer: b.String()})
		return true
	}
	operators := func(op *token.Token, at token.Pos) {
		was := *op
		for _, *op = range other[was] {
			add(at)
		}
		*op = was
	}
	// without leaves out each statement of a list, but for those that declare
	// something or end something.
	without := func(list *[]ast.Stmt) {
		was := *list
		for i, s := range was {
			switch s := s.(type) {
			case *ast.ExprStmt, *ast.DeferStmt, *ast.SendStmt, *ast.IncDecStmt, *ast.GoStmt:
			case *ast.AssignStmt:
				if s.Tok == token.DEFINE {
					continue
				}
			default:
				continue
			}
			*list = append(append([]ast.Stmt(nil), was[:i]...), was[i+1:]...)
			if add(s.Pos()) {
				mutated[len(mutated)-1].name = "without " +
					strings.TrimSpace(lines[fset.Position(s.Pos()).Line-1])
			}
		}
		*list = was
	}
	texts := map[*ast.BasicLit]bool{} // import paths
	for _, i := range file.Imports {
		texts[i.Path] = true
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BlockStmt:
			without(&n.List)
		case *ast.CaseClause:
			without(&n.Body)
		case *ast.BinaryExpr:
			operators(&n.Op, n.OpPos)
		case *ast.IncDecStmt:
			operators(&n.Tok, n.TokPos)
		case *ast.AssignStmt:
			operators(&n.Tok, n.TokPos)
		case *ast.Ident:
			if turned := map[string]string{"true": "false", "false": "true"}[n.Name]; turned != "" {
				was := n.Name
				n.Name = turned
				add(n.Pos())
				n.Name = was
			}
		case *ast.UnaryExpr:
			if n.Op == token.NOT {
				// The negation is taken away by a second one.
				was := n.X
				n.X = &ast.UnaryExpr{Op: token.NOT, X: was}
				add(n.OpPos)
				n.X = was
			}
		case *ast.BasicLit:
			was := n.Value
			switch {
			case texts[n]:
			case n.Kind == token.INT:
				for _, change := range []int64{1, -1} {
					if v, err := strconv.ParseInt(was, 0, 64); err == nil && v+change >= 0 {
						n.Value = strconv.FormatInt(v+change, 10)
						add(n.ValuePos)
					}
				}
			case n.Kind == token.CHAR:
				if r, _, _, err := strconv.UnquoteChar(was[1:len(was)-1], '\''); err == nil {
					for _, change := range []rune{1, -1} {
						n.Value = strconv.QuoteRune(r + change)
						add(n.ValuePos)
					}
				}
			case n.Kind == token.STRING && len(was) > 2 && len(was) < 8:
				n.Value = `"?"`
				add(n.ValuePos)
			}
			n.Value = was
		}
		return err == nil
	})
	return mutated, err
}

// equivalent are the mutants of an exercise that do the same as the solution,
// with the reasons.
func equivalent(t *testing.T, e exercise) map[string]string {
	text, err := os.ReadFile(filepath.Join(repository, filepath.FromSlash(e.solution()),
		"equivalent.txt"))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]string{}
	name := ""
	for line := range strings.SplitSeq(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n") {
		if reason, ok := strings.CutPrefix(line, "because: "); ok {
			reasons[name] = reason
		} else if line != "" {
			name = line
		}
	}
	return reasons
}

func TestMutants(t *testing.T) {
	t.Parallel() // while the one waits, another compiles
	if os.Getenv("CI") == "" && os.Getenv("MUTANTS") == "" {
		t.Skip("this takes minutes: set CI=true in the environment to try a part of the mutants, " +
			"or MUTANTS=true for all of them")
	}
	var all []*variant
	same := map[string]map[string]string{}
	for _, e := range asked(t) {
		if e.name == "predict" {
			continue // its answers are words
		}
		solution := read(t, filepath.Join(repository, filepath.FromSlash(e.solution()),
			check.Answer))
		list, err := mutants(solution)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range list {
			m.exercise = e
		}
		all = append(all, list...)
		same[e.name] = equivalent(t, e)
	}
	if os.Getenv("MUTANTS") == "" { // a part of them, another one each day
		const parts = 4
		var some []*variant
		for i := time.Now().YearDay() % parts; i < len(all); i += parts {
			some = append(some, all[i])
		}
		t.Logf("tried today: %d of %d mutants; all of them with MUTANTS=true in the environment",
			len(some), len(all))
		all = some
	}
	runVariants(t, all, false)
	count := map[string]int{}
	met := map[string]bool{}
	for _, v := range all {
		e := v.exercise.name
		reason := same[e][v.name]
		met[e+v.name] = true
		switch {
		case v.state == noBuild:
			continue
		case v.state == solved && reason == "":
			t.Errorf("%s: a mutant survives: a case is missing, or equivalent.txt lacks a "+
				"reason\n%s", e, v.name)
		case v.state == solved:
			count[e+" equivalent"]++
		default:
			count[e+" killed"]++
		}
		count[e]++
	}
	for _, e := range asked(t) {
		for name := range same[e.name] {
			if os.Getenv("MUTANTS") != "" && !met[e.name+name] {
				t.Errorf("%s: equivalent.txt names a mutant that does not exist:\n%s", e.name, name)
			}
		}
		t.Logf("| %s | %d | %d | %d |", e.name, count[e.name], count[e.name+" killed"],
			count[e.name+" equivalent"])
	}
}
