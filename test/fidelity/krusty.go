package main

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/assaydev/assay/internal/spec"
)

// The API and head of a kustomization that the harness of Kustomize's tests adds.
const (
	kustomizationHead = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
	componentHead     = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
)

// krusty writes the cases of Kustomize's own tests into files. They are Go code
// that writes files to a file system in memory and runs a build. That code is
// read, not run: a call whose arguments are not constants ends its test's cases. The
// options that a test builds with do not count: both programs build with the usual ones.
func krusty(ctx context.Context, work string) ([]testCase, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kustomize/api").Output()
	if err != nil {
		return nil, fmt.Errorf("find kustomize's module: %w", err)
	}
	pkgs, err := parser.ParseDir(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(out)), "krusty"), nil, parser.SkipObjectResolution) //nolint:staticcheck // build tags do not matter here
	if err != nil {
		return nil, fmt.Errorf("read kustomize's tests: %w", err)
	}
	s := source{functions: map[string]*ast.FuncDecl{}, constants: map[string]ast.Expr{}}
	for _, pkg := range pkgs {
		for _, file := range pkg.Files {
			s.read(file)
		}
	}
	var all []testCase
	for _, name := range s.tests() {
		t := script{source: &s, test: name, files: map[string]string{}, values: map[string]string{}}
		t.block(s.functions[name].Body.List)
		for i, run := range t.runs {
			c := testCase{name: "kustomize/" + name, layout: spec.Kustomize, dir: run.dir}
			if len(t.runs) > 1 {
				c.name += "#" + strconv.Itoa(i+1)
			}
			c.root = filepath.Join(work, filepath.FromSlash(c.name))
			if err := run.write(c.root); err != nil {
				return nil, err
			}
			all = append(all, c)
		}
	}
	return all, nil
}

// source is the tests' code.
type source struct {
	functions map[string]*ast.FuncDecl
	constants map[string]ast.Expr
}

func (s *source) read(file *ast.File) {
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Body != nil {
				s.functions[d.Name.Name] = d
			}
		case *ast.GenDecl:
			for _, one := range d.Specs {
				if v, ok := one.(*ast.ValueSpec); ok && len(v.Names) == len(v.Values) {
					for i, name := range v.Names {
						s.constants[name.Name] = v.Values[i]
					}
				}
			}
		}
	}
}

func (s *source) tests() []string {
	var names []string
	for name := range s.functions {
		if strings.HasPrefix(name, "Test") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// kbuild is one run of kustomize.
type kbuild struct {
	dir   string
	files map[string]string
}

func (b kbuild) write(root string) error {
	for name, text := range b.files {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// script is one test as it is read.
type script struct {
	*source
	test   string
	files  map[string]string
	values map[string]string // of local variables
	runs   []kbuild
	lost   bool // something was not understood: later builds would lack files
	depth  int
}

// block reads statements in order. Those that write no files and run nothing,
// such as assertions, are passed over.
func (t *script) block(list []ast.Stmt) {
	for _, stmt := range list {
		if a, ok := stmt.(*ast.AssignStmt); ok && len(a.Lhs) == len(a.Rhs) {
			for i, left := range a.Lhs {
				if name, ok := left.(*ast.Ident); ok {
					if text, ok := t.text(a.Rhs[i]); ok {
						t.values[name.Name] = text
					}
				}
			}
		}
		switch stmt.(type) {
		case *ast.RangeStmt, *ast.ForStmt, *ast.SwitchStmt:
			t.lost = t.lost || touches(stmt)
			continue
		}
		ast.Inspect(stmt, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				_, isFunction := n.(*ast.FuncLit)
				if isFunction {
					t.lost = t.lost || touches(n)
				}
				return !isFunction
			}
			t.call(call)
			return true
		})
	}
}

// touches reports whether code that is not read writes files or runs a build.
func touches(n ast.Node) bool {
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if f, ok := call.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{"WriteK", "WriteF", "WriteC", "Run", "RunWithErr"}, f.Sel.Name) {
				found = true
			}
		}
		return !found
	})
	return found
}

func (t *script) call(call *ast.CallExpr) {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		// A helper of the tests that takes the harness alone.
		if d := t.functions[f.Name]; d != nil && len(call.Args) == 1 && isHarness(call.Args[0]) && t.depth < 5 {
			t.depth++
			t.block(d.Body.List)
			t.depth--
		} else if d != nil && slices.ContainsFunc(call.Args, isHarness) {
			t.lost = t.lost || touches(d.Body)
		}
	case *ast.SelectorExpr:
		if isHarness(f.X) {
			t.harness(f.Sel.Name, call.Args)
		}
	}
}

func isHarness(e ast.Expr) bool {
	name, ok := e.(*ast.Ident)
	return ok && (name.Name == "th" || name.Name == "tc")
}

// harness is a call of a method of the harness.
func (t *script) harness(method string, args []ast.Expr) {
	switch method {
	case "Reset":
		t.files, t.lost = map[string]string{}, false
	case "WriteK", "WriteC", "WriteF":
		name, known := t.text(args[0])
		text, understood := t.text(args[1])
		if !known || !understood {
			t.lost = true
			return
		}
		switch method {
		case "WriteK":
			name, text = path.Join(name, "kustomization.yaml"), kustomizationHead+text
		case "WriteC":
			name, text = path.Join(name, "kustomization.yaml"), componentHead+text
		}
		t.files[strings.TrimPrefix(path.Clean("/"+name), "/")] = text
	case "Run", "RunWithErr":
		dir, known := t.text(args[0])
		if dir = cleaned(dir); !known || t.lost || t.files[path.Join(dir, "kustomization.yaml")] == "" {
			return // what is not a kustomization is another layout to assay
		}
		files := map[string]string{}
		for name, text := range t.files {
			files[name] = text
		}
		t.runs = append(t.runs, kbuild{dir: dir, files: files})
	}
}

func cleaned(dir string) string {
	if dir = strings.TrimPrefix(path.Clean("/"+dir), "/"); dir == "" {
		return "."
	}
	return dir
}

// text is the value of an expression that is a constant.
func (t *script) text(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind != token.STRING {
			return "", false
		}
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.Ident:
		if value, ok := t.values[e.Name]; ok {
			return value, true
		}
		if value, ok := t.constants[e.Name]; ok {
			return t.text(value)
		}
	case *ast.BinaryExpr:
		left, ok := t.text(e.X)
		right, also := t.text(e.Y)
		return left + right, ok && also && e.Op == token.ADD
	case *ast.ParenExpr:
		return t.text(e.X)
	}
	return "", false
}
