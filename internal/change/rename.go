package change

import (
	"errors"
	"slices"

	"github.com/assaydev/assay/internal/envfs"
)

// oldName refuses a name that a base outside has renamed, with the one that renders.
func (t imageTask) oldName(known []string) error {
	for _, r := range t.renames(t.Dir, map[string]bool{}) {
		if r.from == t.image.Name && slices.Contains(known, r.to) {
			return t.fault("name", "%s is renamed in %s and renders as %s: write name: %s", r.from, r.file, r.to, r.to)
		}
	}
	return nil
}

// rename is an image name that a kustomization changes.
type rename struct{ from, to, file string }

// renames are those of every base and component of the kustomization in dir.
// It only serves a better message: what cannot be read is passed over.
func (m *maker) renames(dir string, seen map[string]bool) []rename {
	if seen[dir] {
		return nil
	}
	seen[dir] = true
	file, err := m.kustomization(dir)
	if err != nil {
		return nil
	}
	f, err := m.tree.file(file)
	if err != nil {
		return nil
	}
	root, err := mapping(f, file)
	if err != nil {
		return nil
	}
	var out []rename
	for _, e := range imageEntries(root) {
		if e["newName"] != "" {
			out = append(out, rename{e["name"], e["newName"], file})
		}
	}
	for _, field := range []string{"resources", "bases", "components"} {
		list, _ := root[field].([]any)
		for _, e := range list {
			base, _ := e.(string)
			if below, err := m.resolveDir(dir, base); err == nil {
				out = append(out, m.renames(below, seen)...)
			}
		}
	}
	return out
}

func (m *maker) resolveDir(dir, base string) (string, error) {
	below, err := envfs.Resolve(dir, base)
	if err != nil {
		return "", err
	}
	info, err := m.FS.Stat(below)
	if err == nil && !info.IsDir() {
		err = errors.New("it is a file")
	}
	return below, err
}
