package spec_test

import (
	"testing"

	"github.com/assaydev/assay/internal/spec"
)

func TestKindByName(t *testing.T) {
	for name, want := range map[string]string{
		"assay.yaml":                 spec.KindPlan,
		"apps/shop/assay.prod.yaml":  spec.KindPlan,
		"candidate.yaml":             spec.KindCandidate,
		"apps/candidate.eu-1.yaml":   spec.KindCandidate,
		"candidate.yml":              "",
		"candidate-web.yaml":         "",
		"assay.prod.old.yaml":        "",
		"apps/assay/deployment.yaml": "",
	} {
		if got := spec.KindByName(name); got != want {
			t.Errorf("KindByName(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestIsOwn(t *testing.T) {
	for _, test := range []struct {
		name, data string
		want       bool
	}{
		{"assay.yaml", "apiVersion: assay.dev/v1alpha1\nkind: Plan\n", true},
		{"candidate.yaml", "apiVersion: assay.dev/v1alpha1\nkind: Candidate\nspec: {}\n", true},
		{"candidate.yaml", "apiVersion: assay.dev/v1alpha1\nkind: [Candidate\n", true}, // broken
		{"candidate.yaml", "apiVersion: example.com/v1\nkind: Candidate\n", false},
		{"assay.yaml", "apiVersion: v1\nkind: ConfigMap\n", false},
		{"assay.yaml", "", false},
	} {
		if got := spec.IsOwn(test.name, []byte(test.data)); got != test.want {
			t.Errorf("IsOwn(%s, %q) = %t, want %t", test.name, test.data, got, test.want)
		}
	}
}
