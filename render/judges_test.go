package render_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/object"
)

const (
	rollout = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout"
	canary  = "apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {name: web}\nspec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n"
	judge   = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: judge}\nspec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: [{name: j, image: j}]}}}\n"
)

// TestJudges: what is injected judges and, in place, the target itself, if it
// is of an engine's kind and the change rolls it out.
func TestJudges(t *testing.T) {
	asRollout := strings.Replace(web, "apiVersion: apps/v1\nkind: Deployment", rollout, 1)
	load := strings.Replace(asRollout, "{name: web}", "{name: web, annotations: {assay.dev/role: load}}", 1)
	beside := marker("patches: [{target: {kind: Rollout}, patch: '[{op: add, path: /spec/minReadySeconds, value: 30}]'}]")
	for _, test := range []struct {
		name, plan, web, marker string
		extra                   map[string]string
		want                    []string
	}{
		{"clone", "targets: []", asRollout, tagMarker("2"), nil, nil},
		{"a Rollout", "candidate: {mode: inPlace}", asRollout, tagMarker("2"), nil, []string{"Rollout/web"}},
		{"a Rollout that is load", "candidate: {mode: inPlace}", load, tagMarker("2"), nil, nil},
		{"a Rollout whose pods stay", "candidate: {mode: inPlace}", asRollout, beside, nil, nil},
		{"a Deployment", "candidate: {mode: inPlace}", web, tagMarker("2"), nil, nil},
		{
			"a run that never runs again", "candidate: {mode: inPlace}\n  targets: [{kind: Job, name: web}]",
			strings.Replace(web, "apiVersion: apps/v1\nkind: Deployment", "apiVersion: batch/v1\nkind: Job", 1), tagMarker("2"), nil, nil,
		},
		{
			"beside what is injected", "candidate: {mode: inPlace}", asRollout, tagMarker("2"),
			map[string]string{"apps/web/experiment/judge.yaml": judge},
			[]string{"Job/judge-ID", "Rollout/web"},
		},
		{
			"a Canary that is a target", "candidate: {mode: inPlace}\n  targets: [{kind: Deployment, name: web}, {kind: Canary, name: web}]", web, tagMarker("2"),
			map[string]string{"apps/web/canary.yaml": canary},
			[]string{"Canary/web"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := map[string]string{"apps/web/assay.yaml": plan(test.plan), "apps/web/candidate.yaml": test.marker, "apps/web/web.yaml": test.web}
			for name, text := range test.extra {
				files[name] = text
			}
			res := mustRender(t, env(files).request())
			var have []string
			for _, key := range res.Judges() {
				have = append(have, strings.ReplaceAll(key.String(), res.ID, "ID"))
				if got := object.Find(res.Output(), key); len(got) != 1 || got[0].GetLabels()["assay.dev/experiment"] != res.ID {
					t.Errorf("%s is not bound to the ID: %v", key, got)
				}
			}
			if !slices.Equal(have, test.want) {
				t.Errorf("judges %v, want %v", have, test.want)
			}
			if found := object.Find(res.Baseline, object.Key{Kind: "Deployment", Group: "apps", Name: "web"}); len(found) == 1 && len(found[0].GetLabels()) > 0 {
				t.Error("the baseline was marked")
			}
		})
	}
}
