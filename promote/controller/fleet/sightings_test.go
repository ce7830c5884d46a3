package fleet

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/assaydev/assay/internal/engine"
)

// TestSightings: an object is told of when it is new, has changed or is gone, also of what happened while the
// watch was interrupted, and not when a watch only begins anew.
func TestSightings(t *testing.T) {
	var told []string
	var s cache.ReflectorStore = newSightings(func(o Sighting) bool { return o.Name != "other" }, func(o Sighting) {
		told = append(told, o.Name+" "+o.Experiment)
	})
	object := func(name, id string, version int) any {
		return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
			Namespace: "web", Name: name, Labels: map[string]string{engine.ExperimentLabel: id}, ResourceVersion: fmt.Sprint(version),
		}}
	}
	for _, step := range []struct {
		name string
		do   func() error
		want string
	}{
		{"the first list", func() error {
			return s.Replace([]any{object("a", "e1", 1), object("b", "e2", 2), object("other", "e3", 3)}, "3")
		}, "a e1, b e2"},
		{"the same list", func() error { return s.Replace([]any{object("a", "e1", 1), object("b", "e2", 2)}, "4") }, ""},
		{"a new one", func() error { return s.Add(object("c", "e3", 5)) }, "c e3"},
		{"a change", func() error { return s.Update(object("c", "e3", 6)) }, "c e3"},
		{"the same change", func() error { return s.Update(object("c", "e3", 6)) }, ""},
		{"one that does not count", func() error { return s.Add(object("other", "e3", 7)) }, ""},
		{"it goes", func() error { return s.Delete(object("c", "e3", 8)) }, "c e3"},
		{"it comes back", func() error { return s.Add(object("c", "e3", 9)) }, "c e3"},
		{"changed and gone meanwhile", func() error { return s.Replace([]any{object("b", "e2", 10), object("c", "e3", 9)}, "11") }, "a e1, b e2"},
		{"a resync", s.Resync, ""},
	} {
		told = nil
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		if slices.Sort(told); strings.Join(told, ", ") != step.want {
			t.Errorf("%s: told of %q, want %s", step.name, told, step.want)
		}
	}
	if err := s.Add("no object"); err == nil {
		t.Error("no error for what is not an object")
	}
}
