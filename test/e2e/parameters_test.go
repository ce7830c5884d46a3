//go:build e2e

package e2e_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/examples"
	"github.com/assaydev/assay/internal/spec"
)

// parameters holds what Argo CD's UI shows: each layout's own parameters, with
// the values that the plan gives them.
func (s *suite) parameters(t *testing.T) {
	r := newRepo(t, examples.FS())
	want := map[spec.Layout][]string{
		spec.Flat:      {"environment", "directory-recurse", "directory-include", "directory-exclude"},
		spec.Helm:      {"environment", "helm-value-files", "helm-parameters", "helm-release-name", "helm-values"},
		spec.Kustomize: {"environment", "kustomize-images", "kustomize-name-prefix", "kustomize-common-labels"},
	}
	for _, e := range examples.All() {
		t.Run(string(e.Layout), func(t *testing.T) {
			defer s.rows.count(t)
			env := environment{dir: e.Dir}
			announced, err := s.server.Parameters(t.Context(), s.plugin(r, env, r.base))
			if err != nil {
				t.Fatal(err)
			}
			served, err := s.inProcess.Parameters(t.Context(), s.plugin(r, env, r.base))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(announced, served); diff != "" {
				t.Errorf("under argocd-cmp-server (-) and under assayd cmp (+):\n%s", diff)
			}
			var names []string
			for _, p := range announced {
				names = append(names, p.Name)
				if p.Title == "" || p.Tooltip == "" {
					t.Errorf("%s has no title or no tooltip", p.Name)
				}
				if p.Name == "helm-value-files" && !slices.Equal(p.Array, []string{"values-prod.yaml"}) {
					t.Errorf("%s is announced as %q, not as the plan sets it", p.Name, p.Array)
				}
			}
			for _, name := range want[e.Layout] {
				if !slices.Contains(names, name) {
					t.Errorf("%s is not announced; there are %q", name, names)
				}
			}
		})
	}
}
