package mutant

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// Rules are broken by tests and by nothing else: no source of the program sets a field Broken, or makes a set of rules
// that is not empty. The packages that keep the rules may hand a set on, and ask it.
func TestOnlyTestsBreakRules(t *testing.T) {
	names := rules(t)
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if rel == "internal/simulation" || rel != "." && strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "node_modules" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(rel, ".go") || strings.HasSuffix(rel, "_test.go") || strings.HasPrefix(rel, "internal/mutant/") {
			return nil
		}
		files++
		src, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, why := range breaks(src, names) {
			t.Errorf("%s: %s", rel, why)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 100 {
		t.Fatalf("%d files were read: this is not the project's root", files)
	}
}

func TestBrokenRulesAreSeen(t *testing.T) {
	names := rules(t)
	for text, want := range map[string]int{
		`var c = lease.Config{Worker: "w", Broken: mutant.NoSelfFence}`: 2,
		`func f(c *lease.Config) { c.Broken = g() }`:                    1,
		`func f(c *lease.Config) { c.Broken |= 1 }`:                     1,
		`var c = lease.Config{Broken: 4}`:                               1,
		`var c = delivery.Config{Broken: o.Broken}`:                     0,
		`var c = lease.Config{Broken: mutant.Set(4)}`:                   2,
		`var s mutant.Set = 4`:                                          1,
		`var s = mutant.NoSkip | mutant.SweepFresh`:                     2,
		`type Config struct { Broken mutant.Set }`:                      0,
		`func f(c Config) bool { return c.Broken.Has(mutant.NoSkip) }`:  0,
		`func f(s mutant.Set) bool { return s.Has(mutant.NoSkip) }`:     0,
		`var o = Other{Broken: k != Row}`:                               0,
		`var s = Scan{Broken: []string{"a"}}`:                           0,
		`func f(s *Scan) { s.Broken = append(s.Broken, "a") }`:          0,
	} {
		src, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if got := breaks(src, names); len(got) != want {
			t.Errorf("%s: %d are seen, want %d: %v", text, len(got), want, got)
		}
	}
}

// rules returns the names of this package's constants.
func rules(t *testing.T) map[string]bool {
	t.Helper()
	src, err := parser.ParseFile(token.NewFileSet(), "mutant.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, d := range src.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
			for _, s := range g.Specs {
				for _, n := range s.(*ast.ValueSpec).Names {
					names[n.Name] = true
				}
			}
		}
	}
	if len(names) < 12 {
		t.Fatalf("only %d rules", len(names))
	}
	return names
}

// breaks lists what sets a rule: a rule that is named other than as what Has is asked for, a set that is converted or
// initialized, and a field Broken that is given a value, lists of names apart.
func breaks(src *ast.File, names map[string]bool) (why []string) {
	asked := map[ast.Node]bool{}
	ast.Inspect(src, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Has" {
				for _, a := range n.Args {
					ast.Inspect(a, func(n ast.Node) bool { asked[n] = true; return true })
				}
			}
			if isSet(n.Fun) {
				why = append(why, "a mutant.Set is made")
			}
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "mutant" && names[n.Sel.Name] && !asked[n] {
				why = append(why, "mutant."+n.Sel.Name+" is used")
			}
		case *ast.KeyValueExpr:
			if k, ok := n.Key.(*ast.Ident); ok && k.Name == "Broken" && !isOther(n.Value) && !handsOn(n.Value) {
				why = append(why, "a field Broken is set")
			}
		case *ast.AssignStmt:
			for i, l := range n.Lhs {
				if sel, ok := l.(*ast.SelectorExpr); ok && sel.Sel.Name == "Broken" && !isOther(n.Rhs[min(i, len(n.Rhs)-1)]) {
					why = append(why, "a field Broken is set")
				}
			}
		case *ast.ValueSpec:
			if n.Type != nil && isSet(n.Type) && len(n.Values) > 0 {
				why = append(why, "a variable of type mutant.Set is set")
			}
		}
		return true
	})
	return why
}

func isSet(e ast.Expr) bool {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "Set" {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == "mutant"
}

// isOther: fields of other types are called Broken, too: a list of keys, and a flag.
func isOther(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.CompositeLit:
		return true
	case *ast.BinaryExpr:
		return slices.Contains([]token.Token{token.EQL, token.NEQ, token.LAND, token.LOR}, e.Op)
	case *ast.CallExpr:
		f, ok := e.Fun.(*ast.Ident)
		return ok && f.Name == "append"
	}
	return false
}

// handsOn: a part gives the set that it was given to its own parts.
func handsOn(e ast.Expr) bool {
	sel, ok := e.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "Broken"
}
