package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestMessagesAreThere holds that each message that README.md and docs/operations.md explain is
// one that the code has.
func TestMessagesAreThere(t *testing.T) {
	texts := strings.Join(literals(t), "\n")
	for name, least := range map[string]int{"README.md": 10, "docs/operations.md": 15} {
		page, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		_, table, found := strings.Cut(string(page), "\n## Troubleshooting\n")
		if !found {
			t.Fatalf("%s has no troubleshooting", name)
		}
		messages := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(table, -1)
		if len(messages) < least {
			t.Errorf("%s explains %d messages: the test does not see them", name, len(messages))
		}
		for _, m := range messages {
			for part := range strings.SplitSeq(m[1], "...") {
				if part = strings.TrimSpace(part); part != "" && !strings.Contains(texts, part) {
					t.Errorf("%s: nothing says %q", name, part)
				}
			}
		}
	}
}

// literals are the texts of the code, tests left out.
func literals(t *testing.T) []string {
	t.Helper()
	files := library(t)
	commands, err := filepath.Glob("../../cmd/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range commands {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = file
	}
	var out []string
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				if text, err := strconv.Unquote(l.Value); err == nil {
					out = append(out, text)
				}
			}
			return true
		})
	}
	return out
}
