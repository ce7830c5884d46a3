package change

import (
	"fmt"
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/internal/yamledit"
)

// patchTask is one entry of spec.patches.
type patchTask struct {
	*maker
	field string
	patch types.Patch
	docs  []patchDocument
}

// patchDocument is one document of a patch: a strategic merge of one object, or
// a list of JSON patch operations.
type patchDocument struct {
	text  string
	merge map[string]any
	ops   []any
	by    selector
}

func (t patchTask) fault(field, format string, args ...any) error {
	return t.maker.fault(t.field+field, format, args...)
}

func (m *maker) patches() error {
	for i, p := range m.Change.Patches {
		t := patchTask{maker: m, field: fmt.Sprintf("patches[%d]", i), patch: p}
		if err := t.parse(); err != nil {
			return m.at(t.field, err)
		}
		edit := t.flat
		if m.Layout == spec.Kustomize {
			edit = t.kustomize
		}
		if err := m.part(t.field, edit); err != nil {
			return m.at(t.field, err)
		}
	}
	return nil
}

// parse checks the entry by itself, and reads the patch.
func (t *patchTask) parse() error {
	p := t.patch
	switch {
	case t.Layout == spec.Helm:
		return t.fault("", "a chart has no place for a patch: set values instead, or change the templates with a diff")
	case p.Path != "":
		return t.fault(".path", "a candidate's patch stands in the marker itself: move what the file holds under patch")
	case strings.TrimSpace(p.Patch) == "":
		return t.fault(".patch", "missing: write a strategic merge patch, or a list of JSON patch operations")
	case p.Options != nil && (p.Options.AllowNameChange || p.Options.AllowKindChange):
		return t.fault(".options", "a candidate keeps the name and the kind of every object: leave the option out")
	case p.Target != nil && *p.Target == types.Selector{}:
		return t.fault(".target", "is empty, and would match every object: name a kind, a name or labels")
	}
	text := strings.TrimRight(strings.ReplaceAll(p.Patch, "\r\n", "\n"), " \t\n") + "\n"
	f, err := yamledit.Parse("patch", []byte(text))
	if err != nil {
		return t.at(t.field, err)
	}
	for i := range f.Documents() {
		if err := t.document(text, f.Value(i)); err != nil {
			return err
		}
	}
	switch {
	case len(t.docs) == 0:
		return t.fault(".patch", "holds comments alone: write a strategic merge patch, or a list of JSON patch operations")
	case len(t.docs) > 1 && (p.Target != nil || t.docs[0].ops != nil):
		return t.fault(".patch", "holds several documents: one entry takes one JSON patch, or one document for its target")
	case len(t.docs) > 1, t.docs[0].ops != nil && strings.HasPrefix(strings.TrimSpace(text), "["):
		return t.rewrite()
	}
	return nil
}

// WithoutNamespace is a strategic merge patch that names its object by kind and
// name alone. Other patches stay as they are.
func WithoutNamespace(patch string) (string, error) {
	f, err := yamledit.Parse("patch", []byte(patch))
	if err != nil {
		return "", err
	}
	var edits []yamledit.Edit
	for i := range f.Documents() {
		o, _ := f.Value(i).(map[string]any)
		if _, ok := get(o, []string{"metadata", "namespace"}); ok {
			edits = append(edits, yamledit.Edit{Document: i, Op: yamledit.Delete, Path: keys("metadata", "namespace")})
		}
	}
	if len(edits) == 0 {
		return patch, nil
	}
	out, err := f.Apply(edits...)
	return string(out), err
}

// rewrite gives each document a text of its own, in YAML: Kustomize takes what
// begins with a bracket for JSON alone.
func (t *patchTask) rewrite() error {
	for i, d := range t.docs {
		var v any = d.merge
		if d.ops != nil {
			v = d.ops
		}
		text, err := yaml.Marshal(v)
		if err != nil {
			return t.fault(".patch", "document %d cannot be written as YAML: correct it", i)
		}
		t.docs[i].text = string(text)
	}
	return nil
}

func (t *patchTask) document(text string, v any) error {
	d := patchDocument{text: text}
	var err error
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		if len(v) == 0 {
			return t.fault(".patch", "has no operations: add what changes")
		}
		if t.patch.Target == nil {
			return t.fault(".target", "missing: a JSON patch does not say what it changes; name a kind and a name")
		}
		d.ops = v
	case map[string]any:
		d.merge = v
		if d.by, err = selectNamed(v); err != nil {
			return t.at(t.field+".patch", err)
		}
	default:
		return t.fault(".patch", "is neither a strategic merge patch nor a list of JSON patch operations")
	}
	if t.patch.Target != nil {
		d.by, err = selectTarget(*t.patch.Target)
		err = t.at(t.field+".target", err)
	}
	t.docs = append(t.docs, d)
	return err
}

// matched are the objects that a document of the patch selects: at least one,
// and exactly one where it names its object.
func (t patchTask) matched(d patchDocument, objs []*unstructured.Unstructured, names func(*unstructured.Unstructured) []string) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	known := map[string]bool{}
	for _, o := range objs {
		known[object.KeyOf(o).String()] = true
		if d.by.selects(o, names(o)) {
			out = append(out, o)
		}
	}
	switch {
	case len(out) == 0:
		return nil, t.fault("", "the patch matches nothing: %s", nearObjects(d.by, known))
	case len(out) > 1 && d.by.one:
		return nil, t.fault("", "the patch names %s and %s alike: add the namespace", object.KeyOf(out[0]), object.KeyOf(out[1]))
	}
	return out, nil
}

// nearObjects lists what exists, near ones first.
func nearObjects(by selector, known map[string]bool) string {
	if len(known) == 0 {
		return "the environment has no objects"
	}
	list := sorted(maps.Keys(known))
	near := excerpt.Near(by.kind+"/"+by.name, list)
	for _, k := range list {
		if by.name != "" && strings.HasSuffix(k, "/"+by.name) {
			near = rank(near, []string{k})
		}
	}
	return suggest(near, list)
}

// apply is the object with the document applied.
func (t patchTask) apply(d patchDocument, o map[string]any, name string, items order) (map[string]any, error) {
	var after map[string]any
	var err error
	if d.ops != nil {
		after, err = operate(o, d.ops)
	} else {
		err = t.withSchema(func() (err error) {
			after, err = merge(o, d.merge, items)
			return err
		})
	}
	if err != nil {
		return nil, t.fault("", "%s: %w", name, err)
	}
	for _, path := range [][]string{{"apiVersion"}, {"kind"}, {"metadata", "name"}, {"metadata", "namespace"}} {
		was, _ := get(o, path)
		if is, _ := get(after, path); !object.Equal(was, is) {
			return nil, t.fault("", "%s: the patch changes %s: a candidate keeps what identifies an object", name, strings.Join(path, "."))
		}
	}
	return after, nil
}
