package yamledit

import (
	"fmt"
	"strings"
)

// longestName is the most bytes of a name in a message.
const longestName = 60

// Error is why a file cannot be parsed or edited, and what to do about it.
type Error struct {
	File   string // as given to Parse
	Line   int    // from 1; 0 when the whole file is meant
	Path   string // within the document; empty when the place has none
	Reason string // the cause, then the fix

	// Repeated says that the edit is refused for the anchors, aliases and merge keys
	// around it: it would change something else as well, or another place would.
	Repeated bool
}

// Error is "file:line: path: reason".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	b.WriteString(": ")
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Reason)
	return b.String()
}

// repeated refuses an edit for the anchors, aliases and merge keys around it.
func (f *File) repeated(line int, p Path, format string, args ...any) *Error {
	e := f.refuse(line, p, format, args...)
	e.Repeated = true
	return e
}

// refuse names a place in the file that cannot be handled.
func (f *File) refuse(line int, p Path, format string, args ...any) *Error {
	return &Error{File: f.name, Line: line, Path: p.String(), Reason: fmt.Sprintf(format, args...)}
}
