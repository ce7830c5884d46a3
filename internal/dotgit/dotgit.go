// Package dotgit says which names of files are those of Git's own directory. It is
// not part of a tree: nothing in it is read, listed, edited or written.
package dotgit

import (
	"errors"
	"strings"
	"unicode"
)

// ErrInside is returned for a path that is, or leads into, Git's own directory.
var ErrInside = errors.New("it is inside .git, which is not part of the repository's files: name a file outside")

// Inside reports whether any element of a path may be Git's own directory, on any
// file system.
func Inside(path string) bool {
	// A backslash separates on Windows alone, where the repository may be checked out.
	for element := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '\\' }) {
		if is(element) {
			return true
		}
	}
	return false
}

// is folds a name as file systems do that people have.
func is(element string) bool {
	// NTFS: what follows a colon names a stream of the file, and dots and spaces at
	// the end do not count.
	element, _, _ = strings.Cut(element, ":")
	element = strings.TrimRight(strings.Map(fold, element), ". ")
	if element == ".git" {
		return true
	}
	// The short name that NTFS gives it. Another number is another file's, as a rule.
	number, found := strings.CutPrefix(element, "git~")
	return found && number != "" && strings.Trim(number, "0123456789") == ""
}

// fold drops what HFS+ ignores, and makes the rest lower case.
func fold(r rune) rune {
	switch {
	case r >= 0x200c && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r == 0xfeff:
		return -1
	case r == 'İ', r == 'ı':
		return 'i'
	}
	return unicode.ToLower(r)
}
