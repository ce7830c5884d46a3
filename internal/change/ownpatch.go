package change

import (
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/yamledit"
)

// ownPatch is a patch that a kustomization has already.
type ownPatch struct {
	file   string        // that holds it
	inline yamledit.Path // where in that file it is a text; nil where it is the file
	target *types.Selector
}

// ownPatches are the edits of patches that a kustomization has for an object, the last
// patch first, since it wins.
func (t patchTask) ownPatches(l kustomizationFile, k *overlay, g task) []edit {
	var out []edit
	for _, p := range slices.Backward(l.patches()) {
		f, err := t.patchText(p)
		if err != nil {
			continue
		}
		for i := range f.Documents() {
			if !p.applies(f.Value(i), k, g) {
				continue
			}
			out = append(out, func(t patchTask) error { return t.port(p, i, g) })
			if g.doc.merge != nil {
				for _, items := range []order{kept, first} {
					out = append(out, func(t patchTask) error { return t.compose(p, i, g, items) })
				}
			}
		}
	}
	return out
}

// patches lists the kustomization's patches in the order in which they apply.
func (l kustomizationFile) patches() []ownPatch {
	var out []ownPatch
	for i, name := range texts(l.root["patchesStrategicMerge"]) {
		out = append(out, l.patch(name, step(keys("patchesStrategicMerge"), yamledit.Index(i)), nil))
	}
	for _, field := range []string{"patches", "patchesJson6902"} {
		list, _ := l.root[field].([]any)
		for i, e := range list {
			entry, ok := e.(map[string]any)
			if !ok {
				continue
			}
			p := types.Patch{}
			// What does not fit the type is refused by the render.
			if data, err := yaml.Marshal(entry); err != nil || yaml.Unmarshal(data, &p) != nil {
				continue
			}
			at := step(keys(field), yamledit.Index(i))
			if p.Path != "" {
				out = append(out, l.patch(p.Path, nil, p.Target))
			} else {
				out = append(out, ownPatch{l.file, step(at, yamledit.Key("patch")), p.Target})
			}
		}
	}
	return out
}

// patch is one that is a file's name, or else its own text.
func (l kustomizationFile) patch(name string, inline yamledit.Path, target *types.Selector) ownPatch {
	if file, err := envfs.Resolve(l.dir, name); err == nil && !strings.Contains(name, "\n") {
		return ownPatch{file, nil, target}
	}
	return ownPatch{l.file, inline, target}
}

// patchText parses the patch.
func (t patchTask) patchText(p ownPatch) (*yamledit.File, error) {
	f, err := t.tree.file(p.file)
	if err != nil || p.inline == nil {
		return f, err
	}
	v, _ := at(f.Value(0), p.inline)
	text, ok := v.(string)
	if !ok {
		return nil, errElsewhere
	}
	return yamledit.Parse(p.file, []byte(text))
}

// applies reports whether a document of the patch is for the object.
func (p ownPatch) applies(v any, k *overlay, g task) bool {
	var by selector
	var err error
	if p.target != nil {
		by, err = selectTarget(*p.target)
	} else {
		patch, _ := v.(map[string]any)
		by, err = selectNamed(patch)
	}
	return err == nil && by.selects(g.before, k.names(g.before))
}

// compose merges the new patch into the one that is there.
func (t patchTask) compose(p ownPatch, document int, g task, items order) error {
	f, err := t.patchText(p)
	if err != nil {
		return err
	}
	there, ok := f.Value(document).(map[string]any)
	if !ok {
		return errElsewhere
	}
	typed := clone(there)
	typed["apiVersion"], typed["kind"] = g.before.GetAPIVersion(), g.before.GetKind()
	after, err := t.apply(g.doc, typed, p.file, items)
	if err != nil {
		return err
	}
	return t.editPatch(p, f, document, difference(nil, typed, after))
}

// port makes the difference that the new patch makes in the one that is there:
// every part of it must be said there.
func (t patchTask) port(p ownPatch, document int, g task) error {
	f, err := t.patchText(p)
	if err != nil {
		return err
	}
	var edits []yamledit.Edit
	for _, e := range difference(nil, g.before.Object, g.after) {
		var ok bool
		switch there := f.Value(document).(type) {
		case map[string]any:
			e.Path, ok = ported(e, there, g.before.Object)
		case []any:
			e, ok = portedOperation(e, there, g.before.Object)
		}
		if !ok {
			return errElsewhere
		}
		edits = append(edits, e)
	}
	return t.editPatch(p, f, document, edits)
}

// ported is the path of an edit in a strategic merge patch: what is set or goes
// is there with the value that renders, what comes has a place there.
func ported(e yamledit.Edit, patch, before map[string]any) (yamledit.Path, bool) {
	parent, last := e.Path[:len(e.Path)-1], e.Path[len(e.Path)-1]
	up, ok := at(patch, parent)
	if !ok {
		return nil, false
	}
	if list, ok := up.([]any); ok && last.Field == "" {
		was, _ := at(before, parent)
		if e.Op == yamledit.Insert {
			return step(parent, yamledit.Index(len(list))), true
		}
		return e.Path, object.Equal(was, up)
	}
	if e.Op == yamledit.Insert {
		_, ok := up.(map[string]any)
		return e.Path, ok
	}
	is, ok := at(patch, e.Path)
	was, _ := at(before, e.Path)
	return e.Path, ok && object.Equal(is, was)
}

// portedOperation is an edit as one of a JSON patch: of the last operation that
// says what is there.
func portedOperation(e yamledit.Edit, ops []any, before map[string]any) (yamledit.Edit, bool) {
	pointer, ok := pointerTo(before, e.Path)
	if !ok || e.Op != yamledit.Set {
		return e, false
	}
	for i, v := range slices.Backward(ops) {
		op, _ := v.(map[string]any)
		if name, _ := op["op"].(string); name != "add" && name != "replace" {
			continue
		}
		path, _ := op["path"].(string)
		rest, below := strings.CutPrefix(pointer+"/", path+"/")
		if !below || path == "" {
			continue
		}
		depth := len(e.Path) - strings.Count(rest, "/")
		to := append(yamledit.Path{yamledit.Index(i), yamledit.Key("value")}, e.Path[depth:]...)
		is, ok := at(ops, to)
		was, _ := at(before, e.Path)
		e.Path = to
		return e, ok && object.Equal(is, was)
	}
	return e, false
}

// pointerTo is a path as a JSON pointer.
func pointerTo(v any, path yamledit.Path) (string, bool) {
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	var b strings.Builder
	for i, s := range path {
		up, ok := at(v, path[:i])
		if !ok {
			return "", false
		}
		token := escape.Replace(s.Key)
		if list, ok := up.([]any); ok {
			token = strconv.Itoa(indexOf(list, s))
		}
		b.WriteString("/" + token)
	}
	return b.String(), true
}

// editPatch edits the patch where it is written.
func (t patchTask) editPatch(p ownPatch, f *yamledit.File, document int, edits []yamledit.Edit) error {
	if len(edits) == 0 {
		return errElsewhere
	}
	for i := range edits {
		edits[i].Document = document
	}
	if p.inline == nil {
		return t.tree.apply(p.file, edits...)
	}
	text, err := f.Apply(edits...)
	if err != nil {
		return err
	}
	return t.tree.apply(p.file, yamledit.Edit{Op: yamledit.Set, Path: p.inline, Value: string(text)})
}
