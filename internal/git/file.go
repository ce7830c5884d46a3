package git

import (
	"bytes"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// File is one file of an edit, by its path in the repository.
type File struct {
	Path          string
	Before, After []byte // the whole content; nil: there is no file. A commit needs After alone.
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
	return a.Path == b.Path && Alike(a.Before, b.Before) && Alike(a.After, b.After)
}

// Alike compares contents. A file that does not exist is not like one that is
// empty.
func Alike(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }
