package verdict

import (
	"encoding/base64"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/object/manifest"
)

// children are the objects that carry the result of the judge's own: those
// with the engine's labels, or those that it owns.
func (e evaluator) children(j judge) []*unstructured.Unstructured {
	var out []*unstructured.Unstructured
	for _, o := range e.objs {
		if o == j.object || e.expect.namespaceOf(o) != e.expect.namespaceOf(j.object) {
			continue
		}
		if len(j.engine.Children) > 0 && labelled(o, j) || len(j.engine.Children) == 0 && owned(o, j.object) {
			out = append(out, o)
		}
	}
	return out
}

func labelled(o *unstructured.Unstructured, j judge) bool {
	labels := o.GetLabels()
	for key, value := range j.engine.ChildLabels(j.object.GetName()) {
		if got, ok := labels[key]; !ok || got != value {
			return false
		}
	}
	return true
}

func owned(o, owner *unstructured.Unstructured) bool {
	for _, ref := range o.GetOwnerReferences() {
		if ref.Kind == owner.GetKind() && ref.Name == owner.GetName() && ref.UID == owner.GetUID() {
			return true
		}
	}
	return false
}

// iter8Key is where Iter8, from v0.11, keeps its result in a Secret.
const iter8Key = "experiment.yaml"

// holdsDocument reports whether the kind has data in the place of a status.
func holdsDocument(o *unstructured.Unstructured) bool {
	gvk := o.GroupVersionKind()
	return gvk.Group == "" && (gvk.Kind == "Secret" || gvk.Kind == "ConfigMap")
}

// document is the YAML in a Secret or ConfigMap: that of Iter8's key, or of
// the only one. It is an empty mapping where there is none that can be read.
func document(o *unstructured.Unstructured) map[string]any {
	data, _ := o.Object["data"].(map[string]any)
	if !holdsDocument(o) || len(data) == 0 {
		return map[string]any{}
	}
	key := iter8Key
	if _, ok := data[key]; !ok && len(data) == 1 {
		key = slices.Collect(maps.Keys(data))[0]
	}
	text, _ := data[key].(string)
	content := []byte(text)
	if o.GetKind() == "Secret" {
		content, _ = base64.StdEncoding.DecodeString(text)
	}
	return decodeDocument(content)
}

func decodeDocument(content []byte) map[string]any {
	var out map[string]any
	if manifest.CheckAliases("", content) != nil || yaml.Unmarshal(content, &out) != nil || out == nil {
		return map[string]any{}
	}
	return out
}

// speaks reports whether the object has said anything yet.
func speaks(o *unstructured.Unstructured) bool {
	if holdsDocument(o) {
		return len(document(o)) > 0
	}
	status, _ := o.Object["status"].(map[string]any)
	return len(status) > 0
}

// silent reports whether the object has no status at all, which is another thing
// than one that cannot be read.
func silent(o *unstructured.Unstructured) bool {
	if status, isMap := o.Object["status"].(map[string]any); isMap {
		return len(status) == 0
	}
	return o.Object["status"] == nil && !holdsDocument(o)
}
