package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// ofProcess are the functions of the standard library that read the process's
// environment, by package.
var ofProcess = map[string][]string{
	"os":       {"Getenv", "LookupEnv", "Environ", "ExpandEnv", "TempDir", "UserHomeDir", "UserCacheDir", "UserConfigDir"},
	"syscall":  {"Getenv", "Environ"},
	"net/http": {"ProxyFromEnvironment", "DefaultTransport", "DefaultClient", "Get", "Post", "Head"},
}

// TestOnlyCommandsReadTheEnvironment: a library is given what it uses of the
// process, so that who calls it decides.
func TestOnlyCommandsReadTheEnvironment(t *testing.T) {
	seen := 0
	for name, file := range library(t) {
		imported := map[string]string{} // by the name in the file
		for _, spec := range file.Imports {
			at, _ := strconv.Unquote(spec.Path.Value)
			as := filepath.Base(at)
			if spec.Name != nil {
				as = spec.Name.Name
			}
			imported[as] = at
		}
		ast.Inspect(file, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := s.X.(*ast.Ident); ok && x.Obj == nil {
				seen++
				for _, fn := range ofProcess[imported[x.Name]] {
					if s.Sel.Name == fn {
						t.Errorf("%s: %s.%s reads the process's environment: take it from the caller", name, x.Name, fn)
					}
				}
			}
			return true
		})
	}
	if seen < 1000 {
		t.Fatalf("saw only %d names of other packages: the test does not see the code", seen)
	}
}

var (
	flag     = regexp.MustCompile("--[a-z][a-z-]+")
	ofOthers = regexp.MustCompile("(helm's|kubectl|git fetch|gpg) .*?--[a-z-]+.*")
)

// TestLibrariesNameNoFlags: what a library says is also said by a daemon, which has no
// flags of the command line. The command names them.
func TestLibrariesNameNoFlags(t *testing.T) {
	reference, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	ours := map[string]bool{}
	for _, f := range flag.FindAllString(string(reference), -1) {
		ours[f] = true
	}
	if len(ours) < 30 {
		t.Fatalf("docs/cli.md names only %d flags", len(ours))
	}
	for name, file := range library(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING && !isArgument(name, l.Value) {
				for _, f := range flag.FindAllString(ofOthers.ReplaceAllString(l.Value, ""), -1) {
					if ours[f] {
						t.Errorf("%s: %s names the flag %s: say what helps, and let the command name it", name, l.Value, f)
					}
				}
			}
			return true
		})
	}
}

// isArgument tells an option of git from a text. What plugin/flags says is of flags.
func isArgument(file, literal string) bool {
	return strings.HasPrefix(file, "plugin/flags/") || strings.HasPrefix(file, "internal/git/") && !strings.Contains(literal, " ")
}

// library parses the files that are neither of a command nor of a test.
func library(t *testing.T) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	for _, dir := range []string{"internal", "render", "plugin", "promote", "examples", "manifests"} {
		err := filepath.WalkDir(filepath.Join("../..", dir), func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			files[filepath.ToSlash(strings.TrimPrefix(name, "../../"))] = file
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}
