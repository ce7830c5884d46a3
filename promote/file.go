package promote

import (
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// File is one file of an edit, by its path in the repository.
type File struct {
	Path          string
	Before, After []byte // nil: there is no file
}

// Lines counts the lines that a diff of the file adds and removes.
func (f File) Lines() (added, removed int) {
	_, hunks, _ := strings.Cut(udiff.Unified("a", "b", string(f.Before), string(f.After)), "\n@@")
	for line := range strings.Lines(hunks) {
		switch {
		case strings.HasPrefix(line, "+"):
			added++
		case strings.HasPrefix(line, "-"):
			removed++
		}
	}
	return added, removed
}

// SameFile reports whether two edits turn the same content of a file into the
// same.
func SameFile(a, b File) bool {
	return a.Path == b.Path && alike(a.Before, b.Before) && alike(a.After, b.After)
}
