package verdict_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/internal/engine/verdict"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
)

// TestMetrics holds what belongs to a judge: its own rows, and those of its
// children and of no other object.
func TestMetrics(t *testing.T) {
	analysisRun := func(name, ownerUID string) string {
		return `---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisRun
metadata: {name: ` + name + `, namespace: shop, ownerReferences: [{kind: Experiment, name: judge-e123456789, uid: ` + ownerUID + `}]}
status: {metricResults: [{name: rate, phase: Successful, measurements: [{value: "1"}]}]}
`
	}
	experiment := `apiVersion: argoproj.io/v1alpha1
kind: Experiment
metadata: {name: judge-e123456789, namespace: shop, uid: u1, labels: {assay.dev/experiment: e123456789}}
status: {phase: Successful, analysisRuns: [{name: errors, analysisRun: judge-errors, phase: Successful}]}
`
	iter8 := `apiVersion: iter8.tools/v2alpha2
kind: Experiment
metadata: {name: judge-e123456789, namespace: shop, labels: {assay.dev/experiment: e123456789}}
spec: {criteria: {objectives: [{metric: latency, upperLimit: 3}]}, versionInfo: {baseline: {name: old}, candidates: [{name: new}]}}
status: {analysis: {versionAssessments: {data: {new: [true]}}}}
`
	document := base64.StdEncoding.EncodeToString([]byte(`{spec: [{}], result: {numCompletedTasks: 1, insights: {numVersions: 1, SLOs: {upper: [{metric: http/errors, limit: 0}]}, SLOsSatisfied: {upper: [[true]]}}}}`))
	secret := "apiVersion: v1\nkind: Secret\nmetadata: {name: judge-e123456789, namespace: shop, labels: {assay.dev/experiment: e123456789}}\ndata: {experiment.yaml: " + document + "}\n"
	custom := func(group, kind string) spec.Engine {
		return spec.Engine{Group: group, Kind: kind, Concluded: "true", Promote: "true", Reject: "false", Message: `"done"`}
	}
	key := object.Key{Group: "argoproj.io", Kind: "Experiment", Namespace: "shop", Name: "judge-e123456789"}
	for name, tt := range map[string]struct {
		text    string
		judge   object.Key
		engines []spec.Engine
		want    []string
	}{
		"a child of its own":         {experiment + analysisRun("judge-errors", "u1"), key, nil, []string{"errors: rate of AnalysisRun/shop/judge-errors"}},
		"a child of another":         {experiment + analysisRun("judge-errors", "u2"), key, nil, []string{"errors of Experiment/shop/judge-e123456789"}},
		"the candidate's own name":   {iter8, object.Key{Group: "iter8.tools", Kind: "Experiment", Name: "judge-e123456789"}, nil, []string{"latency of Experiment/shop/judge-e123456789"}},
		"the plan's own engine":      {experiment, key, []spec.Engine{custom("argoproj.io", "Experiment")}, nil},
		"Iter8's Secret, by a plan":  {secret, object.Key{Kind: "Secret", Name: "judge-e123456789"}, []spec.Engine{custom("", "Secret")}, []string{"http/errors of Secret/shop/judge-e123456789"}},
		"an earlier experiment's is": {strings.ReplaceAll(experiment, testID, "e000000001"), key, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := judgeText(t, tt.text, verdict.Expect{Digest: testDigest, Namespace: "shop", Judges: []object.Key{tt.judge}}, tt.engines...)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range v.Metrics {
				got = append(got, m.Name+" of "+m.Source)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if slices.ContainsFunc(tt.engines, func(e spec.Engine) bool { return e.Message != "" }) && v.Message != "done" {
				t.Errorf("message %q", v.Message)
			}
		})
	}
}
