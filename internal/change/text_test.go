package change

import (
	"strings"
	"testing"

	"github.com/aymanbagabas/go-udiff"
	"github.com/google/go-cmp/cmp"
)

// replace replaces what must be there exactly once.
func replace(s, from, to string) string {
	if strings.Count(s, from) != 1 {
		panic("not once: " + from)
	}
	return strings.Replace(s, from, to, 1)
}

func split(s string) []string { return strings.Split(s, "---\n") }

// indented is a document as an item of a list.
func indented(doc string) string {
	lines := strings.Split(strings.TrimSuffix(doc, "\n"), "\n")
	return "- " + strings.Join(lines, "\n  ") + "\n"
}

func equalText(t *testing.T, want, got string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// changedLines counts the lines that a diff removes and adds.
func changedLines(before, after string) int {
	n := 0
	for _, line := range strings.Split(udiff.Unified("", "", before, after), "\n") {
		if strings.HasPrefix(line, "+") && line != "+++ " || strings.HasPrefix(line, "-") && line != "--- " {
			n++
		}
	}
	return n
}
