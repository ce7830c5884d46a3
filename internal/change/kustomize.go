package change

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/yamledit"
)

// kustomize merges the image into the environment's own kustomization, as
// `kustomize edit set image` does, but without losing an entry's new name.
func (t imageTask) kustomize() (string, error) {
	file, err := t.kustomization(t.Dir)
	if err != nil {
		return "", err
	}
	f, err := t.tree.file(file)
	if err != nil {
		return "", err
	}
	root, err := mapping(f, file)
	if err != nil {
		return "", err
	}
	entries := imageEntries(root)
	name, matched, err := t.match(entries)
	if err != nil {
		return "", err
	}
	if err := t.optionWins(name); err != nil {
		return "", err
	}
	if err := t.resolveSuffix(name); err != nil {
		return "", err
	}
	edits := []yamledit.Edit{}
	if len(matched) == 0 {
		edits = append(edits, t.newEntry(root, name))
	}
	for _, i := range matched {
		edit := t.entryEdits(i, entries[i])
		if len(edit) == 0 {
			t.note("%s already has this version in %s%s", name, file, lineOf(f, 0, entryPath(i)))
		}
		edits = append(edits, edit...)
	}
	return name, t.tree.apply(file, edits...)
}

// match returns the name that renders, and the entries to edit for it.
func (t imageTask) match(entries []map[string]string) (string, []int, error) {
	known := rendered(t.Baseline)
	// An entry's own name stands for what it renders as.
	if len(find(t.image.Name, known)) == 0 {
		for i := len(entries) - 1; i >= 0; i-- {
			if e := entries[i]; e["name"] == t.image.Name && slices.Contains(known, e["newName"]) {
				return e["newName"], []int{i}, nil
			}
		}
		if err := t.oldName(known); err != nil {
			return "", nil, err
		}
	}
	name, err := t.resolve(known)
	if err != nil {
		return "", nil, err
	}
	// Entries apply in order. The last that takes the name as it is covers all
	// before it; those after it that rename to it need the change themselves.
	var matched []int
	for i := len(entries) - 1; i >= 0; i-- {
		e := entries[i]
		if e["name"] == name && (e["newName"] == "" || e["newName"] == name) {
			matched = append(matched, i)
			break
		}
		if e["newName"] == name {
			matched = append(matched, i)
		}
	}
	slices.Reverse(matched)
	return name, matched, nil
}

// optionWins refuses an image that Argo CD's own option sets afterwards.
func (t imageTask) optionWins(name string) error {
	if t.Plan == nil || t.Plan.Spec.Kustomize == nil {
		return nil
	}
	for i, option := range t.Plan.Spec.Kustomize.Images {
		old, ref, renamed := strings.Cut(option, "=")
		if !renamed {
			ref = option
		}
		to, _, _ := object.SplitImage(ref)
		if !renamed {
			old = to
		}
		if old == name || to == name {
			return t.fault("name", "%s: spec.kustomize.images[%d] sets %s after the kustomization does: move it into the kustomization", t.PlanFile, i, name)
		}
	}
	return nil
}

// resolveSuffix makes a whole tag of tagSuffix. Kustomize (up to v5.8 at least)
// appends a tagSuffix twice to the images of known workloads.
func (t *imageTask) resolveSuffix(name string) error {
	if t.image.TagSuffix == "" {
		return nil
	}
	tags, err := t.tags(name)
	if err != nil {
		return err
	}
	for i := range tags {
		tags[i] = suffixed(tags[i], t.image.TagSuffix)
	}
	slices.Sort(tags)
	if tags = slices.Compact(tags); len(tags) > 1 {
		return t.fault("tagSuffix", "%s renders with several tags, and a kustomization can only set one: use newTag", name)
	}
	t.image.NewTag, t.image.TagSuffix = tags[0], ""
	return nil
}

// kustomization is the path of the kustomization file in a directory.
func (m *maker) kustomization(dir string) (string, error) {
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		file := path.Join(dir, name)
		if info, err := m.FS.Stat(file); err == nil && info.Mode().IsRegular() {
			return file, nil
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", fmt.Errorf("%s: there is no kustomization file to edit", dir)
}

// imageEntries are the fields of the entries under images, as text.
func imageEntries(root map[string]any) []map[string]string {
	list, _ := root["images"].([]any)
	out := make([]map[string]string, len(list))
	for i, e := range list {
		out[i] = map[string]string{}
		fields, _ := e.(map[string]any)
		for k, v := range fields {
			if v != nil {
				out[i][k] = fmt.Sprint(v)
			}
		}
	}
	return out
}

func entryPath(i int, field ...string) yamledit.Path {
	return append(yamledit.Path{yamledit.Key("images"), yamledit.Index(i)}, keys(field...)...)
}

// wants are the fields that an entry must have for the change, and those that
// it must not have.
func (t imageTask) wants() (set [][2]string, drop []string) {
	im := t.image
	for _, field := range [][2]string{{"newName", im.NewName}, {"newTag", im.NewTag}, {"digest", im.Digest}} {
		if field[1] != "" {
			set = append(set, field)
		}
	}
	if im.NewTag == "" && im.Digest == "" {
		return set, nil
	}
	drop = []string{"tagSuffix"}
	if im.NewTag == "" {
		drop = append(drop, "newTag")
	}
	if im.Digest == "" {
		drop = append(drop, "digest")
	}
	return set, drop
}

func (t imageTask) entryEdits(i int, entry map[string]string) []yamledit.Edit {
	set, drop := t.wants()
	var edits []yamledit.Edit
	for _, s := range set {
		field, value := s[0], s[1]
		current, ok := entry[field]
		switch {
		case ok && current == value:
		case ok:
			edits = append(edits, yamledit.Edit{Op: yamledit.Set, Path: entryPath(i, field), Value: value})
		default:
			edits = append(edits, yamledit.Edit{Op: yamledit.Insert, Path: entryPath(i, field), Value: value})
		}
	}
	for _, field := range drop {
		if _, ok := entry[field]; ok {
			edits = append(edits, yamledit.Edit{Op: yamledit.Delete, Path: entryPath(i, field)})
		}
	}
	return edits
}

// newEntry adds the image at the end, where it applies after all others.
func (t imageTask) newEntry(root map[string]any, name string) yamledit.Edit {
	entry := map[string]any{"name": name}
	set, _ := t.wants()
	for _, s := range set {
		entry[s[0]] = s[1]
	}
	value, exists := root["images"]
	list, _ := value.([]any)
	switch {
	case !exists:
		return yamledit.Edit{Op: yamledit.Insert, Path: keys("images"), Value: []any{entry}}
	case len(list) == 0:
		return yamledit.Edit{Op: yamledit.Set, Path: keys("images"), Value: []any{entry}}
	default:
		return yamledit.Edit{Op: yamledit.Insert, Path: entryPath(len(list)), Value: entry}
	}
}
