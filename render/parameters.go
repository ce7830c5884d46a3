package render

import (
	"encoding/json"
	"fmt"
	"slices"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
)

// sameChange refuses plugin parameters that alter what the marker tests: the
// change must do to the objects that Argo CD gets what it does to those that
// Git alone yields. Names and namespaces may differ, since a parameter may set them.
func sameChange(marker string, unstable []object.Key, app, git *stages) error {
	inApp, err := effects(app, unstable)
	if err != nil {
		return err
	}
	inGit, err := effects(git, unstable)
	if err != nil {
		return err
	}
	if slices.Equal(inApp, inGit) {
		return nil
	}
	return fmt.Errorf("%s: the plugin's parameters alter the change under test: it renders otherwise than from Git alone; "+
		"remove the parameters that set the same images or values, or move them to the plan", marker)
}

// effects lists what the change does to each object, without its identity.
// What differs at every render says nothing, nor do Helm's test hooks.
func effects(s *stages, unstable []object.Key) ([]string, error) {
	var list []string
	for _, d := range object.Diff(s.baseline, s.candidate) {
		if slices.Contains(unstable, d.Key) || d.Before != nil && object.IsHelmTest(d.Before) {
			continue
		}
		before, err := anonymous(d.Before)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", d.Key, err)
		}
		after, err := anonymous(d.After)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", d.Key, err)
		}
		patch, err := jsonpatch.CreateMergePatch(before, after)
		if err != nil {
			return nil, fmt.Errorf("compare %s: %w", d.Key, err)
		}
		list = append(list, d.Key.Kind+" "+string(patch))
	}
	slices.Sort(list)
	return list, nil
}

// anonymous is the object as JSON, less its name and namespace.
func anonymous(o *unstructured.Unstructured) ([]byte, error) {
	if o == nil {
		return []byte("{}"), nil
	}
	o = o.DeepCopy()
	unstructured.RemoveNestedField(o.Object, "metadata", "name")
	unstructured.RemoveNestedField(o.Object, "metadata", "namespace")
	return json.Marshal(o.Object)
}
