package evidence_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/engine/evidence"
	"github.com/assaydev/assay/internal/object/manifest"
)

// source reads one file of testdata: what judges, and then its children.
func source(t testing.TB, name, candidate string) evidence.Source {
	t.Helper()
	file := filepath.Join("testdata", name)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	objs, err := manifest.Decode(file, data, manifest.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	s := evidence.Source{Object: objs[0], Children: objs[1:], Candidate: candidate}
	text, _, _ := unstructured.NestedString(objs[0].Object, "stringData", "experiment.yaml")
	if err := yaml.Unmarshal([]byte(text), &s.Document); err != nil {
		t.Fatal(err)
	}
	return s
}

// brief writes a metric as one line, less what is empty.
func brief(metrics []evidence.Metric) []string {
	var out []string
	for _, m := range metrics {
		text := m.Name + ": " + m.Candidate
		for _, part := range [][2]string{{" against ", m.Baseline}, {" ", m.Unit}, {", ", m.Limit}, {" (", m.Note}} {
			if part[1] != "" {
				text += part[0] + part[1]
			}
		}
		if m.Note != "" {
			text += ")"
		}
		if m.Passed != nil {
			text += map[bool]string{true: " passed", false: " failed"}[*m.Passed]
		}
		out = append(out, text)
	}
	return out
}

func TestMetrics(t *testing.T) {
	for name, tt := range map[string]struct {
		candidate string
		want      []string
	}{
		"iter8.yaml": {"productpage-candidate", []string{
			"iter8-istio/mean-latency: 228.419047619 against 229.871 milliseconds, at most 300 passed",
			"iter8-istio/error-rate: 0 against 0, at most 0.01 passed",
			"shop/conversion: 0.13 against 0.1, 0.05 to 1 passed",
			"shop/books-purchased: 15500 against 12000, higher is better",
			"iter8-istio/request-count: 1197.5 against 1203",
		}},
		"analysisrun.yaml": {"", []string{
			"error-rate: [0.001], result[0] < 0.01; fails if result[0] >= 0.01 || len(result) == 0 (5 of 5 passed) passed",
			"latency: 312.5, result < 300 (3 of 5 passed, 1 error) failed",
			"saturation:  (5 error, dry run; job failed to start)",
		}},
		"rollout.yaml": {"", []string{"web-6f7d9c-3-1: errors: 0, result == 0 (1 of 1 passed) passed"}},
		"job.yaml": {"", []string{
			"smoke-e123456789:  (Failed: BackoffLimitExceeded: Job has reached the specified backoff limit; 1 pods failed) failed",
		}},
		"flagger.yaml": {"", []string{
			"failed checks: 2, less than 5 passed",
			"request-success-rate:  %, at least 99 (part of each check)",
			"request-duration:  ms, at most 500 (part of each check)",
			"queue: , 0.5 to 10 (part of each check)",
			"old-style: , at most 3 (part of each check)",
		}},
		"iter8-secret.yaml": {"", []string{
			"http/latency-mean: 40.25 against 45.5 msec, at most 50 passed",
			"http/error-count: 1 against 0, at most 0 failed",
			"grpc/latency/mean: 3 against 2 msec, at most 4 passed",
			"grpc/latency/p99:  msec, at most 4 passed",
			"abn/sales/mean: 2.5 against 2.5, at least 2 passed",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := evidence.Metrics(source(t, name, tt.candidate))
			if diff := cmp.Diff(tt.want, brief(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestChildren shows which rows rest on an object of their own.
func TestChildren(t *testing.T) {
	experiment := source(t, "experiment.yaml", "")
	experiment.Children = experiment.Children[:1] // internal/engine/verdict finds those that it owns
	k6 := source(t, "k6.yaml", "")
	k6.Children = k6.Children[:2]
	for name, tt := range map[string]struct {
		source evidence.Source
		want   []evidence.Metric
	}{
		"an Experiment with one of its AnalysisRuns": {experiment, []evidence.Metric{
			{
				Name: "errors: rate", Candidate: "0.002", Limit: "result < 0.01", Passed: ptr(true), Note: "9 of 10 passed, 1 inconclusive",
				Source: "AnalysisRun/shop/judge-e123456789-errors",
			},
			{Name: "latency", Passed: ptr(true), Note: "Successful: all good", Source: "Experiment/shop/judge-e123456789"},
		}},
		"k6 with its runners": {k6, []evidence.Metric{
			{Name: "judge-e123456789-1", Passed: ptr(true), Note: "Complete; 1 pods succeeded", Source: "Job/shop/judge-e123456789-1"},
			{Name: "judge-e123456789-2", Passed: ptr(false), Note: "Failed: BackoffLimitExceeded; 1 pods failed", Source: "Job/shop/judge-e123456789-2"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, evidence.Metrics(tt.source)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func ptr(b bool) *bool { return &b }

// TestOddSources takes what other parts of a program take for granted.
func TestOddSources(t *testing.T) {
	of := func(text string) evidence.Source {
		s := evidence.Source{Object: &unstructured.Unstructured{}}
		if err := yaml.Unmarshal([]byte(text), &s.Object.Object); err != nil {
			t.Fatal(err)
		}
		return s
	}
	long := strings.Repeat("long ", 1000)
	for name, tt := range map[string]struct {
		source evidence.Source
		want   []string
	}{
		"no candidate is known":   {source(t, "iter8.yaml", ""), nil},
		"another candidate":       {source(t, "iter8.yaml", "other"), nil},
		"a kind without a reader": {of("{apiVersion: v1, kind: ConfigMap, data: {a: b}}"), nil},
		"a kind of another group": {of("{apiVersion: example.com/v1, kind: Job, status: {conditions: [{type: Complete, status: 'True'}]}}"), nil},
		"two versions and no candidate": {evidence.Source{
			Object:   of("{apiVersion: v1, kind: Secret}").Object,
			Document: map[string]any{"result": map[string]any{"insights": map[string]any{"numVersions": 2.0}}},
		}, nil},
		"a huge exponent": {
			func() evidence.Source {
				s := of(`{apiVersion: iter8.tools/v2alpha2, kind: Experiment, spec: {versionInfo: {baseline: {name: b}}}, status: {analysis: {aggregatedMetrics: {data: {m: {data: {c: {value: "1e999999999"}}}}}}}}`)
				s.Candidate = "c"
				return s
			}(), []string{"m: 1e999999999"},
		},
		"Iter8's own Job": {
			of(`{apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {template: {spec: {containers: [{image: iter8/iter8:0.15}]}}}, status: {conditions: [{type: Complete, status: "True"}]}}`),
			[]string{"j:  (Complete)"},
		},
		"a Job past its deadline": {
			of(`{apiVersion: batch/v1, kind: Job, metadata: {name: j}, status: {conditions: [{type: Failed, status: "True", reason: DeadlineExceeded}]}}`),
			[]string{"j:  (Failed: DeadlineExceeded)"},
		},
		"long texts": {
			of(`{apiVersion: argoproj.io/v1alpha1, kind: AnalysisRun, status: {metricResults: [{name: "a\nb", message: "` + long + `"}]}}`),
			[]string{"a b:  (" + strings.Repeat("long ", 40) + "...)"},
		},
		"a Rollout whose runs are not at hand": {
			of(`{apiVersion: argoproj.io/v1alpha1, kind: Rollout, status: {canary: {currentStepAnalysisRunStatus: {name: web-1, status: Failed, message: too slow}}}}`),
			[]string{"web-1:  (Failed: too slow) failed"},
		},
		"a Canary that has not begun": {of(`{apiVersion: flagger.app/v1beta1, kind: Canary, spec: {analysis: {metrics: [{name: m, threshold: 1}]}}}`), nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, brief(evidence.Metrics(tt.source))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestEveryEngineHasMetrics holds the readers and the table of engines together.
func TestEveryEngineHasMetrics(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	covered := map[schema.GroupKind]bool{}
	for _, file := range files {
		s := source(t, filepath.Base(file), "productpage-candidate")
		if name := filepath.Base(file); name == "iter8-secret.yaml" {
			s.Candidate = ""
		}
		covered[s.Object.GroupVersionKind().GroupKind()] = len(evidence.Metrics(s)) > 0
	}
	for _, e := range engine.With(nil) {
		if !covered[schema.GroupKind{Group: e.Group, Kind: e.Kind}] {
			t.Errorf("%s has no metrics", e.Name)
		}
	}
}

// FuzzMetrics puts anything in the place of an object and of its child.
func FuzzMetrics(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		s := source(f, filepath.Base(file), "")
		object, err := json.Marshal(s.Object.Object)
		if err != nil {
			f.Fatal(err)
		}
		child := []byte("{}")
		if len(s.Children) > 0 {
			if child, err = json.Marshal(s.Children[0].Object); err != nil {
				f.Fatal(err)
			}
		}
		document, err := json.Marshal(s.Document)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(object, child, document, "productpage-candidate")
	}
	f.Add([]byte(`{"apiVersion":"argoproj.io/v1alpha1","kind":"AnalysisRun","status":{"metricResults":[1,null,{"name":{}},{"name":"x","measurements":{}}]}}`), []byte("{}"), []byte("{}"), "")
	f.Add([]byte(`{"apiVersion":"v1","kind":"Secret"}`), []byte("{}"), []byte(`{"result":{"insights":{"numVersions":1,"SLOs":{"upper":[{"metric":"a/b/mean"}]},"nonHistMetricValues":[{"a/b":[]}]}}}`), "")
	f.Fuzz(func(t *testing.T, object, child, document []byte, candidate string) {
		s := evidence.Source{Object: &unstructured.Unstructured{}, Children: []*unstructured.Unstructured{{}}, Candidate: candidate}
		if json.Unmarshal(object, &s.Object.Object) != nil || json.Unmarshal(child, &s.Children[0].Object) != nil || json.Unmarshal(document, &s.Document) != nil {
			return
		}
		if s.Object.Object == nil || s.Children[0].Object == nil {
			return
		}
		for _, m := range evidence.Metrics(s) {
			if m.Name == "" || m.Source == "" {
				t.Errorf("a row without a name or a source: %+v", m)
			}
			for _, text := range []string{m.Name, m.Candidate, m.Baseline, m.Unit, m.Limit, m.Note, m.Source} {
				if len(text) > 1000 || strings.ContainsAny(text, "\n\r\x00") {
					t.Errorf("%q", text)
				}
			}
		}
	})
}
