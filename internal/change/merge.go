package change

import (
	"encoding/json"
	"errors"
	"fmt"

	jsonpatch "github.com/evanphx/json-patch/v5"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/kustomize/kyaml/yaml/merge2"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/yamledit"
)

// order is where a strategic merge puts items of a list.
type order = yaml.MergeOptionsListIncreaseDirection

const (
	// kept leaves items where they are, and puts new ones last, as kubectl does.
	kept order = yaml.MergeOptionsListAppend
	// first puts new and patched items before all others, as Kustomize does.
	first order = yaml.MergeOptionsListPrepend
)

// merge applies a strategic merge patch with Kustomize's schema.
func merge(o, patch map[string]any, items order) (after map[string]any, err error) {
	apiVersion, _ := o["apiVersion"].(string)
	kind, _ := o["kind"].(string)
	if openapi.SchemaForResourceType(yaml.TypeMeta{APIVersion: apiVersion, Kind: kind}) == nil {
		return nil, errors.New("a strategic merge would replace whole lists, and drop containers, since Kustomize has no schema of its kind: use a JSON patch")
	}
	// Kustomize panics on some values that its schema does not expect.
	defer func() {
		if recover() != nil {
			after, err = nil, errors.New("the patch does not fit the object: correct what it sets")
		}
	}()
	to, err := node(o)
	if err != nil {
		return nil, err
	}
	from, err := node(addressed(patch, o))
	if err != nil {
		return nil, err
	}
	merged, err := merge2.Merge(from, to, yaml.MergeOptions{ListIncreaseDirection: items})
	if err != nil {
		return nil, fmt.Errorf("the patch does not fit the object: %s", excerpt.FirstLine(err, longestText))
	}
	after, err = content(merged)
	if err == nil && items == kept {
		dropNulls(o, after)
	}
	return after, err
}

// dropNulls takes away the nulls that a merge leaves of what was to be deleted
// and was not there.
func dropNulls(before, after any) {
	switch after := after.(type) {
	case map[string]any:
		was, _ := before.(map[string]any)
		for k, v := range after {
			if old, ok := was[k]; v == nil && !ok {
				delete(after, k)
			} else {
				dropNulls(old, v)
			}
		}
	case []any:
		was, _ := before.([]any)
		field := keyField(was, after)
		old := map[string]any{}
		for i, id := range identities(field, was) {
			old[id] = was[i]
		}
		for i, id := range identities(field, after) {
			dropNulls(old[id], after[i])
		}
	}
}

// addressed is the patch under the object's own identity, which it keeps.
func addressed(patch, o map[string]any) map[string]any {
	out := clone(patch)
	out["apiVersion"], out["kind"] = o["apiVersion"], o["kind"]
	metadata, _ := out["metadata"].(map[string]any)
	metadata = clone(metadata)
	own, _ := o["metadata"].(map[string]any)
	for _, field := range []string{"name", "namespace"} {
		delete(metadata, field)
		if v, ok := own[field]; ok {
			metadata[field] = v
		}
	}
	out["metadata"] = metadata
	return out
}

func clone(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

func node(o map[string]any) (*yaml.RNode, error) {
	data, err := json.Marshal(o)
	if err != nil {
		return nil, errors.New("it holds a number that JSON cannot hold: correct it")
	}
	return yaml.Parse(string(data))
}

func content(n *yaml.RNode) (map[string]any, error) {
	if n.IsNilOrEmpty() {
		return nil, errors.New("the patch deletes the object: a candidate keeps every object; use a diff")
	}
	plain(n.YNode())
	text, err := n.String()
	if err != nil {
		return nil, errors.New("the patch leaves of the object what YAML cannot hold: correct it")
	}
	f, err := yamledit.Parse("the patched object", []byte(text))
	if err != nil {
		return nil, err
	}
	return mapping(f, "the patched object")
}

// plain takes the quotes off numbers: a merge gives a value the style of the one
// that it replaces, which would make it text.
func plain(n *yaml.Node) {
	switch n.Tag {
	case yaml.NodeTagInt, yaml.NodeTagFloat, yaml.NodeTagBool, yaml.NodeTagNull:
		n.Style = 0
	}
	for _, c := range n.Content {
		plain(c)
	}
}

// operate applies JSON patch operations.
func operate(o map[string]any, ops []any) (map[string]any, error) {
	text, err := json.Marshal(ops)
	if err != nil {
		return nil, errors.New("the patch holds a number that JSON cannot hold: correct it")
	}
	patch, err := jsonpatch.DecodePatch(text)
	if err != nil {
		return nil, errors.New("the patch is not a list of JSON patch operations: give each op, path and, unless it removes, value")
	}
	data, err := json.Marshal(o)
	if err != nil {
		return nil, errors.New("it holds a number that JSON cannot hold: correct it")
	}
	for i, op := range patch {
		if data, err = (jsonpatch.Patch{op}).Apply(data); err != nil {
			return nil, fmt.Errorf("operation %d of the patch (%s) does not apply: %s", i, operation(op), excerpt.FirstLine(err, longestText))
		}
		if len(data) > mostPatched { // copies double an object
			return nil, fmt.Errorf("operation %d of the patch (%s) makes an object of more than %d MiB: make it smaller", i, operation(op), mostPatched>>20)
		}
	}
	return decodeJSON(data)
}

// mostPatched is how large a patched object may become, in bytes: etcd takes far less.
const mostPatched = 4 << 20

// operation names an operation in a message.
func operation(op jsonpatch.Operation) string {
	path, err := op.Path()
	if err != nil {
		return op.Kind() + ", without a path"
	}
	return op.Kind() + " " + excerpt.Cut(path, longestText)
}

func decodeJSON(data []byte) (map[string]any, error) {
	var out any
	if err := utiljson.Unmarshal(data, &out); err != nil {
		return nil, errors.New("the patch leaves what JSON cannot hold: correct it")
	}
	o, ok := out.(map[string]any)
	if !ok || len(o) == 0 {
		return nil, errors.New("the patch leaves no object: a candidate keeps every object")
	}
	return o, nil
}

// longestText bounds untrusted text in a message, in bytes.
const longestText = 120
