package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// named is a function and its file, as docs/architecture.md writes them.
var named = regexp.MustCompile("`([^`]+)` in `([^`]+\\.go)`")

// TestFunctionsAreWhereTheDocsSay holds the tables of docs/architecture.md.
func TestFunctionsAreWhereTheDocsSay(t *testing.T) {
	text, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	all := named.FindAllStringSubmatch(string(text), -1)
	if len(all) < 30 {
		t.Errorf("it names %d functions: the test does not see them", len(all))
	}
	known := map[string]map[string]bool{}
	for _, m := range all {
		function, file := m[1], m[2]
		if known[file] == nil {
			known[file] = functions(t, file)
		}
		if !known[file][function] {
			t.Errorf("docs/architecture.md: there is no %s in %s", function, file)
		}
	}
}

// functions are those of a file, methods as (T).Name or (*T).Name.
func functions(t *testing.T, file string) map[string]bool {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join("../..", filepath.FromSlash(file)), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Errorf("docs/architecture.md: %v", err)
		return map[string]bool{}
	}
	out := map[string]bool{}
	for _, d := range parsed.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		name := f.Name.Name
		if f.Recv != nil {
			name = receiver(f.Recv.List[0].Type) + "." + name
		}
		out[name] = true
	}
	return out
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return "(*" + receiver(e.X)[1:]
	case *ast.IndexExpr: // of a generic type
		return receiver(e.X)
	case *ast.Ident:
		return "(" + e.Name + ")"
	}
	return ""
}
