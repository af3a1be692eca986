package pipeline

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	root            = "../.."
	deliveryPage    = root + "/docs/delivery.md"
	troubleshooting = root + "/docs/troubleshooting.md"
)

// goFiles parses the Go files of the tree that a test picks.
func goFiles(t *testing.T, pick func(path string) bool) (files []*ast.File) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || !pick(path) {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		files = append(files, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Each test that docs/delivery.md names is there, each fault has one, and each test of a fault has its place on the page.
func TestDeliveryPageNamesTests(t *testing.T) {
	there := map[string]bool{}
	for _, f := range goFiles(t, func(path string) bool { return strings.HasSuffix(path, "_test.go") }) {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				there[fn.Name.Name] = true
			}
		}
	}
	test, text := regexp.MustCompile("`(Test[A-Za-z0-9_]*)`"), page(t, deliveryPage)
	var named []string
	for _, m := range test.FindAllStringSubmatch(text, -1) {
		named = append(named, m[1])
		if !there[m[1]] {
			t.Errorf("no test is called %s", m[1])
		}
	}
	_, table, found := strings.Cut(text, "| Fault |")
	if !found {
		t.Fatal("no table of faults")
	}
	rows := 0
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| What") {
			continue
		}
		cells := strings.Split(line, "|")
		if rows++; !test.MatchString(cells[len(cells)-2]) {
			t.Errorf("fault %s has no test", cells[1])
		}
	}
	if rows < 25 {
		t.Errorf("%d faults were found in the table", rows)
	}
	for _, f := range goFiles(t, func(path string) bool {
		return strings.HasPrefix(filepath.Base(path), "faults_") && filepath.Base(path) != "faults_page_test.go"
	}) {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(fn.Name.Name, "Test") && !slices.Contains(named, fn.Name.Name) {
				t.Errorf("%s is not on the page", fn.Name.Name)
			}
		}
	}
}

// Each message that docs/troubleshooting.md quotes is one of the program's.
func TestTroubleshootingPageQuotesTheCode(t *testing.T) {
	var said []string
	for _, f := range goFiles(t, func(path string) bool {
		return !strings.HasSuffix(path, "_test.go") && !strings.Contains(path, "standin") && !strings.Contains(path, "sandbox")
	}) {
		ast.Inspect(f, func(n ast.Node) bool {
			if e, ok := n.(ast.Expr); ok {
				if s, ok := literal(e); ok {
					said = append(said, s)
					return false
				}
			}
			return true
		})
	}
	quoted := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(page(t, troubleshooting), -1)
	if len(quoted) < 40 {
		t.Fatalf("%d messages were found on the page", len(quoted))
	}
	for _, q := range quoted {
		for part := range strings.SplitSeq(q[1], "…") {
			if part = strings.TrimSpace(part); len(part) > 1 && !slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, part) }) {
				t.Errorf("the program says no %q, of %q", part, q[1])
			}
		}
	}
}

// literal joins the texts of an expression, with a gap for what is not constant.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind != token.STRING {
			return "", false
		}
		s, err := strconv.Unquote(e.Value)
		return s, err == nil
	case *ast.BinaryExpr:
		if e.Op != token.ADD {
			return "", false
		}
		a, okA := literal(e.X)
		b, okB := literal(e.Y)
		return a + "\x00"[:gap(okA && okB)] + b, okA || okB
	}
	return "", false
}

func gap(constant bool) int {
	if constant {
		return 0
	}
	return 1
}
