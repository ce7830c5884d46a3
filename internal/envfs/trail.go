package envfs

import (
	"path"
	"slices"
	"sync"
)

// trail remembers what the base was asked for, by real path.
type trail struct {
	mu  sync.Mutex
	met map[string]kind
}

// kind is what was found at a path.
type kind int

const (
	nothing   kind = iota
	directory      // it was passed or described
	content        // a file, a link, or a directory that was listed
)

func newTrail() *trail { return &trail{met: map[string]kind{}} }

// note keeps the most that a path was asked for.
func (t *trail) note(name string, k kind) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.met[name] = max(t.met[name], k)
}

// paths are those that decide what was found, in order. That a directory is one
// follows from what was found below it.
func (t *trail) paths() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	proven := map[string]bool{}
	for name, k := range t.met {
		for k != nothing && name != "." {
			name = path.Dir(name)
			proven[name] = true
		}
	}
	var list []string
	for name, k := range t.met {
		if k != directory || !proven[name] {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}
