package drift

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/gobwas/glob"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/object"
)

// Ignore is a rule for fields that are not compared, as an Application has them in
// spec.ignoreDifferences and Argo CD in its settings. Group and kind are globs; an empty name or
// namespace is any.
type Ignore struct {
	From string // where the rule is declared, for people

	Group, Kind, Namespace, Name string

	Pointers    []string // JSON pointers
	Expressions []string // jq path expressions
	Managers    []string // whose fields are ignored, by the managedFields of the object in the cluster
}

// covers reports whether the rule is about an object.
func (i Ignore) covers(key object.Key) bool {
	return matches(i.Group, key.Group) && matches(i.Kind, key.Kind) && (i.Name == "" || i.Name == key.Name) && (i.Namespace == "" || i.Namespace == key.Namespace)
}

func matches(pattern, text string) bool {
	g, err := glob.Compile(pattern)
	return err == nil && g.Match(text)
}

// normalise takes what the rules ignore out of both objects, as Argo CD does: first what managers
// wrote, then each rule's fields. An error names the rule that cannot be applied.
func normalise(ctx context.Context, rules []Ignore, key object.Key, want, have *unstructured.Unstructured) error {
	var about []Ignore
	for _, rule := range rules {
		if rule.covers(key) {
			about = append(about, rule)
		}
	}
	for _, rule := range about {
		if err := rule.release(want, have); err != nil {
			return rule.problem(key, err)
		}
	}
	for _, rule := range about {
		for _, o := range []*unstructured.Unstructured{want, have} {
			if err := rule.remove(ctx, o); err != nil {
				return rule.problem(key, err)
			}
		}
	}
	return nil
}

func (i Ignore) problem(key object.Key, err error) error {
	return fmt.Errorf("apply %s to %s: %w", i.From, key, err)
}

// remove takes the fields of the rule out of one object.
func (i Ignore) remove(ctx context.Context, o *unstructured.Unstructured) error {
	for _, pointer := range i.Pointers {
		if err := cut(o, pointer); err != nil {
			return fmt.Errorf("jsonPointers: %s: %w", excerpt.Of(pointer, 120), err)
		}
	}
	for _, text := range i.Expressions {
		e, err := compile(text)
		if err == nil {
			err = e.cut(ctx, o)
		}
		if err != nil {
			return fmt.Errorf("jqPathExpressions: %s: %w", excerpt.Of(text, 120), err)
		}
	}
	return nil
}

// cut removes the field of a JSON pointer. One that does not lead to a field removes nothing.
func cut(o *unstructured.Unstructured, pointer string) error {
	if !strings.HasPrefix(pointer, "/") {
		return errors.New("a JSON pointer begins with /")
	}
	operation, err := json.Marshal([]map[string]string{{"op": "remove", "path": pointer}})
	if err != nil {
		return err
	}
	patch, err := jsonpatch.DecodePatch(operation)
	if err != nil {
		return err
	}
	before, err := json.Marshal(o.Object)
	if err != nil {
		return err
	}
	after, err := patch.Apply(before)
	if err != nil {
		return nil // the object has no such field
	}
	left := map[string]any{}
	if err := utiljson.Unmarshal(after, &left); err != nil {
		return err
	}
	o.Object = left
	return nil
}
