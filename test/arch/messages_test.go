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

// TestMessagesAreThere holds that each message that docs/operations.md explains is one that
// the code has.
func TestMessagesAreThere(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(page), "\n## Troubleshooting\n")
	if !found {
		t.Fatal("docs/operations.md has no troubleshooting")
	}
	messages := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(table, -1)
	if len(messages) < 15 {
		t.Errorf("it explains %d messages: the test does not see them", len(messages))
	}
	texts := strings.Join(literals(t), "\n")
	for _, m := range messages {
		for part := range strings.SplitSeq(m[1], "...") {
			if part = strings.TrimSpace(part); part != "" && !strings.Contains(texts, part) {
				t.Errorf("docs/operations.md: nothing says %q", part)
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
