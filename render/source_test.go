package render

import (
	"testing"

	"github.com/assaydev/assay/internal/spec"
)

// TestChartIsTheSameUnderArgoCD: what Argo CD says besides is no other source where the plan
// decides it, so that one render serves both.
func TestChartIsTheSameUnderArgoCD(t *testing.T) {
	release := spec.HelmSource{ReleaseName: "shop", Namespace: "web"}
	under := Request{AppName: "argocd_shop-prod", Namespace: "elsewhere", KubeVersion: "1.33.0", Env: map[string]string{"ARGOCD_APP_NAME": "shop"}}
	with := func(change func(*spec.HelmSource, *Request)) (spec.HelmSource, Request) {
		h, req := release, under
		change(&h, &req)
		return h, req
	}
	for name, tc := range map[string]struct {
		change func(*spec.HelmSource, *Request)
		same   bool
	}{
		"the plan names the release":    {func(*spec.HelmSource, *Request) {}, true},
		"not its name":                  {func(h *spec.HelmSource, _ *Request) { h.ReleaseName = "" }, false},
		"not its namespace":             {func(h *spec.HelmSource, _ *Request) { h.Namespace = "" }, false},
		"a variable":                    {func(h *spec.HelmSource, _ *Request) { h.ValueFiles = []string{"$ARGOCD_APP_NAME.yaml"} }, false},
		"another version of Kubernetes": {func(_ *spec.HelmSource, r *Request) { r.KubeVersion = "1.32.0" }, false},
		"with a suffix":                 {func(_ *spec.HelmSource, r *Request) { r.KubeVersion = "v1.33.0-gke.1" }, true},
		"one that is shorter":           {func(_ *spec.HelmSource, r *Request) { r.KubeVersion = "1.33" }, false},
		"no version":                    {func(_ *spec.HelmSource, r *Request) { r.KubeVersion = "latest" }, false},
		"the plan says the version":     {func(h *spec.HelmSource, r *Request) { h.KubeVersion, r.KubeVersion = "1.30", "1.32.0" }, true},
		"the cluster's API versions":    {func(_ *spec.HelmSource, r *Request) { r.APIVersions = []string{"v1"} }, false},
		"no API versions":               {func(_ *spec.HelmSource, r *Request) { r.APIVersions = []string{} }, true},
		"the plan's API versions":       {func(h *spec.HelmSource, r *Request) { h.APIVersions, r.APIVersions = []string{"a/v1"}, []string{"v1"} }, true},
		"a parameter":                   {func(_ *spec.HelmSource, r *Request) { r.Helm = &spec.HelmSource{SkipCrds: true} }, false},
	} {
		h, req := with(tc.change)
		plan := &spec.Plan{Spec: spec.PlanSpec{Helm: &h}}
		if same := gitSource(req, spec.Helm, plan).equal(appSource(req, spec.Helm, plan)); same != tc.same {
			t.Errorf("%s: %v", name, same)
		}
	}
}
