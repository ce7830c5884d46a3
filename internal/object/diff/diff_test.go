package diff_test

import (
	"errors"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/object/diff"
)

func secret(value string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "s"},
		"data": map[string]any{"same": "hunter2", "other": value}, "stringData": map[string]any{"plain": value},
	}}
}

func TestSecretsAreMasked(t *testing.T) {
	before, after := secret("hunter3"), secret("hunter4")
	for want, d := range map[diff.Kind]object.Difference{
		diff.Changed: {Before: before, After: after}, diff.Removed: {Before: before}, diff.Added: {After: after},
	} {
		if got := diff.KindOf(d); got != want {
			t.Errorf("it is %s, want %s", got, want)
		}
		shown, err := diff.Unified(d, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(shown, "hunter") || !strings.Contains(shown, "(masked)") {
			t.Errorf("diff:\n%s", shown)
		}
		if shows := strings.Contains(shown, "+  other: (masked, after)"); shows != (want == diff.Changed) {
			t.Errorf("what changed does not show:\n%s", shown)
		}
	}
	if v, _, _ := unstructured.NestedString(before.Object, "data", "other"); v != "hunter3" {
		t.Errorf("the object itself was masked: %v", v)
	}
}

// TestOddSecretsAreMasked takes what no API server would, as a repository may hold it.
func TestOddSecretsAreMasked(t *testing.T) {
	kind := secret("hunter3")
	kind.SetKind("ConfigMap")
	text := secret("hunter4")
	text.Object["data"] = "hunter5"
	list := secret("hunter6")
	list.Object["stringData"] = []any{"hunter7"}
	for name, d := range map[string]object.Difference{
		"text and map":  {Before: text, After: secret("hunter3")},
		"map and text":  {Before: secret("hunter3"), After: text},
		"list and map":  {Before: list, After: secret("hunter3")},
		"text and none": {Before: text},
	} {
		shown, err := diff.Unified(d, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(shown, "hunter") {
			t.Errorf("%s:\n%s", name, shown)
		}
	}
	if got := diff.Masked(kind); got != kind {
		t.Error("a ConfigMap is masked")
	}
}

// TestExportedSecretsAreMasked: kubectl apply leaves a copy in an annotation.
func TestExportedSecretsAreMasked(t *testing.T) {
	exported := func(value string) *unstructured.Unstructured {
		o := secret("hunter3")
		o.SetAnnotations(map[string]string{"kubectl.kubernetes.io/last-applied-configuration": `{"data":{"other":"` + value + `"}}`, "team": "shop"})
		return o
	}
	shown, err := diff.Unified(object.Difference{Before: exported("hunter3"), After: exported("hunter4")}, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(shown, "hunter") || !strings.Contains(shown, "last-applied-configuration: (masked, after)") || !strings.Contains(shown, "team: shop") {
		t.Errorf("diff:\n%s", shown)
	}
}

func TestTooLarge(t *testing.T) {
	d := object.Difference{After: secret("hunter3")}
	if shown, err := diff.Unified(d, 20); !errors.Is(err, object.ErrTooLarge) || shown != "" {
		t.Errorf("%q, %v", shown, err)
	}
}
