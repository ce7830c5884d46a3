package worktree

import (
	"path/filepath"
	"slices"
	"strings"
)

// The ends of the names that a decision uses while it is written. No layout
// reads such a file: Helm leaves out hidden templates.
const (
	partSuffix   = ".assay-part"
	recordSuffix = ".assay-record"
)

// IsStaged reports whether the file is one that a decision which was killed
// before its record may have left behind. Nothing refers to it.
func IsStaged(name string) bool {
	base := filepath.Base(name)
	return strings.HasPrefix(base, ".") && (strings.HasSuffix(base, partSuffix) || strings.HasSuffix(base, recordSuffix+".part"))
}

// sweep removes such files from the environment's directory, unless another
// environment there still needs them to finish. One that cannot be removed is
// refused by name if it is in the way.
func (w *writer) sweep() {
	at := filepath.Dir(w.record)
	dir, err := w.root.Open(at)
	if err != nil {
		return
	}
	defer func() { _ = dir.Close() }()
	names, _ := dir.Readdirnames(-1)
	if slices.ContainsFunc(names, func(name string) bool { return strings.HasSuffix(name, recordSuffix) }) {
		return
	}
	for _, name := range names {
		if IsStaged(name) {
			_ = w.root.Remove(filepath.Join(at, name))
		}
	}
}
