package worktree

import (
	"path/filepath"
	"strings"
)

// partSuffix ends the names that a decision uses while it is written. No layout
// reads such a file: Helm leaves out hidden templates.
const partSuffix = ".assay-part"

// recordSuffix ended the name of a record that lay beside the marker. One that is
// found there is not trusted.
const recordSuffix = ".assay-record"

// IsStaged reports whether the file is one that a decision which was killed
// before its record may have left behind. Nothing refers to it.
func IsStaged(name string) bool {
	base := filepath.Base(name)
	return strings.HasPrefix(base, ".") && strings.HasSuffix(base, partSuffix)
}

// sweep removes such files from the environment's directory, unless a record still
// needs them to finish. One that cannot be removed is refused by name if it is in
// the way.
func (w *writer) sweep() {
	at := filepath.FromSlash(w.store.env.Dir)
	dir, err := w.root.Open(at)
	if err != nil {
		return
	}
	defer func() { _ = dir.Close() }()
	names, _ := dir.Readdirnames(-1)
	needed := w.store.needed()
	for _, name := range names {
		if at := filepath.Join(at, name); IsStaged(name) && !needed[at] {
			_ = w.root.Remove(at)
		}
	}
}
