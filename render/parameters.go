package render

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
)

// sameChange refuses plugin parameters that alter what the marker tests: the
// change must do to the objects that Argo CD gets what it does to those that
// Git alone yields. What it leaves alone may differ, since a parameter may set it.
func sameChange(marker string, app, git *stages) error {
	inApp, err := effects(app)
	if err != nil {
		return err
	}
	inGit, err := effects(git)
	if err != nil {
		return err
	}
	if slices.Equal(inApp, inGit) {
		return nil
	}
	return fmt.Errorf("%s: the plugin's parameters alter the change under test: it renders differently from Git alone; "+
		"remove the parameters that set the same images or values, or move them to the plan", marker)
}

// effects lists what the change does to each object, without its identity.
// What differs at every render says nothing, nor do Helm's test hooks.
func effects(s *stages) ([]string, error) {
	var list []string
	for _, d := range object.Diff(s.baseline, s.candidate) {
		if slices.Contains(s.unstable, d.Key) || d.Before != nil && object.IsHelmTest(d.Before) {
			continue
		}
		var found []string
		if err := leaves("", anonymous(d.Before), anonymous(d.After), &found); err != nil {
			return nil, fmt.Errorf("compare %s: %w", d.Key, err)
		}
		for _, leaf := range found {
			list = append(list, d.Key.Kind+leaf)
		}
	}
	slices.Sort(list)
	return list, nil
}

// anonymous is the object's content, less its name and namespace.
func anonymous(o *unstructured.Unstructured) any {
	if o == nil {
		return nil
	}
	o = o.DeepCopy()
	unstructured.RemoveNestedField(o.Object, "metadata", "name")
	unstructured.RemoveNestedField(o.Object, "metadata", "namespace")
	return o.Object
}

// leaves appends where and how two values differ. Lists of one length are
// compared item by item, so that what lies beside a difference has no part in it.
func leaves(at string, before, after any, out *[]string) error {
	if object.Equal(before, after) {
		return nil
	}
	b, bIsMap := before.(map[string]any)
	a, aIsMap := after.(map[string]any)
	if bIsMap && aIsMap {
		keys := maps.Clone(b)
		maps.Copy(keys, a)
		for key := range keys {
			if err := leaves(at+"."+key, b[key], a[key], out); err != nil {
				return err
			}
		}
		return nil
	}
	bs, bIsList := before.([]any)
	as, aIsList := after.([]any)
	if bIsList && aIsList && len(bs) == len(as) {
		for i := range bs {
			if err := leaves(at+"."+strconv.Itoa(i), bs[i], as[i], out); err != nil {
				return err
			}
		}
		return nil
	}
	text, err := json.Marshal([]any{before, after})
	*out = append(*out, at+" "+string(text))
	return err
}
