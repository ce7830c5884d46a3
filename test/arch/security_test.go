package arch

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	// tests are functions of one file, as docs/security.md writes them.
	tests   = regexp.MustCompile("((?:`[A-Za-z]+`(?:, | and ))*`[^`]+`) in `([^`]+\\.go)`")
	quoted  = regexp.MustCompile("`([^`]+)`")
	scripts = regexp.MustCompile("`([^`]+\\.txtar)`")
	row     = regexp.MustCompile(`(?m)^\| ([0-9]+) .*$`)
)

// TestSecurityIsHeld holds that each test that docs/security.md names is there, and that its rows are numbered.
func TestSecurityIsHeld(t *testing.T) {
	data, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	var rows, want []string
	for i, m := range row.FindAllStringSubmatch(text, -1) {
		rows, want = append(rows, m[1]), append(want, strconv.Itoa(i+1))
	}
	if len(rows) < 22 || !slices.Equal(rows, want) {
		t.Errorf("docs/security.md has the rows %s, want 1 to 22 or more, in order", rows)
	}
	named := 0
	for _, m := range tests.FindAllStringSubmatch(text, -1) {
		known := functions(t, m[2])
		for _, function := range quoted.FindAllStringSubmatch(m[1], -1) {
			if strings.HasPrefix(function[1], "Test") || strings.HasPrefix(function[1], "Fuzz") {
				named++
			}
			if !known[function[1]] {
				t.Errorf("docs/security.md: there is no %s in %s", function[1], m[2])
			}
		}
	}
	for _, m := range scripts.FindAllStringSubmatch(text, -1) {
		named++
		if _, err := os.Stat(filepath.Join("../..", m[1])); err != nil {
			t.Errorf("docs/security.md: there is no %s", m[1])
		}
	}
	if named < 15 {
		t.Errorf("it names %d tests: the test does not see them", named)
	}
}
