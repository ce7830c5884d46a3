package experiment

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/spec"
)

const testID = "e123456789"

// file is one resource, by its name below shop/experiment.
func file(name, text string) Source {
	return Source{File: "shop/experiment/" + name, Data: []byte(text)}
}

func object1(t testing.TB, text string) *unstructured.Unstructured {
	t.Helper()
	var m map[string]any
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON(data); err != nil {
		t.Fatalf("%v: %v", err, m)
	}
	return o
}

func deployment(t testing.TB, name, tag string) *unstructured.Unstructured {
	t.Helper()
	return object1(t, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: `+name+`, labels: {app: shop}}
spec:
  replicas: 1
  template:
    metadata: {labels: {app: `+name+`}}
    spec:
      containers: [{name: web, image: "registry.example.com/shop/web:`+tag+`"}]
`)
}

// input is an environment with one target.
func input(t testing.TB, sources ...Source) Input {
	t.Helper()
	before, after := deployment(t, "web", "v1"), deployment(t, "web-candidate", "v2")
	return Input{
		Sources:    sources,
		Experiment: spec.Experiment{Parameters: map[string]any{"qps": float64(16), "limits": map[string]any{"latency": 0.3, "total": float64(1e7)}}},
		Name:       "shop",
		Namespace:  "prod",
		Targets:    []Target{{VersionOf(before), VersionOf(after)}},
		Taken:      []*unstructured.Unstructured{before, after},
	}
}

// render returns the injected objects as YAML documents.
func render(t testing.TB, in Input, opt Options) (string, []string, error) {
	t.Helper()
	objs, warnings, err := Render(context.Background(), in, testID, opt)
	if err != nil && objs != nil {
		t.Error("an error came with objects")
	}
	var docs []string
	for _, o := range objs {
		data, err := yaml.Marshal(o.Object)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, string(data))
	}
	return strings.Join(docs, "---\n"), warnings, err
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q: %v", part, err)
		}
	}
	if len(err.Error()) > 2048 {
		t.Errorf("the message has %d bytes", len(err.Error()))
	}
}

func TestTemplateSeesTheTargets(t *testing.T) {
	in := input(t, file("a.yaml.tmpl", `
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Name }}-{{ .ID }}", namespace: {{ .Namespace }}}
data:
  qps: {{ .Parameters.qps | quote }}
  total: "{{ .Parameters.limits.total }} {{ .Parameters.limits.latency }}"
  {{- range .Targets }}
  baseline: {{ .Baseline.Kind }}/{{ .Baseline.Name }} {{ .Baseline.APIVersion }} {{ .Baseline.Namespace }}
  image: {{ index .Candidate.Images 0 }}
  parts: {{ (index .Candidate.Images 0).Name }} {{ (index .Candidate.Images 0).Tag }} {{ (index .Candidate.Images 0).Container }}
  labels: {{ .Candidate.Labels.app }} {{ .Candidate.PodLabels.app }}
  object: {{ .Candidate.Object.spec.template | toJson | quote }}
  {{- end }}
`))
	got, warnings, err := render(t, in, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := `apiVersion: v1
data:
  baseline: Deployment/web apps/v1 prod
  image: registry.example.com/shop/web:v2
  labels: shop web-candidate
  object: '{"metadata":{"labels":{"app":"web-candidate"}},"spec":{"containers":[{"image":"registry.example.com/shop/web:v2","name":"web"}]}}'
  parts: registry.example.com/shop/web v2 web
  qps: "16"
  total: 10000000 0.3
kind: ConfigMap
metadata:
  name: shop-e123456789
  namespace: prod
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "waits for a decision by hand") {
		t.Errorf("warnings: %q", warnings)
	}
}

func TestPlainNamesAndReferencesFollow(t *testing.T) {
	in := input(t, file("job.yaml", `
apiVersion: v1
kind: ConfigMap
metadata: {name: scripts}
data: {"on": "yes"}
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Secret
  metadata: {name: token, annotations: null}
- apiVersion: v1
  kind: ServiceAccount
  metadata: {name: runner}
---
apiVersion: batch/v1
kind: Job
metadata: {name: k6}
spec:
  backoffLimit: 0
  template:
    spec:
      serviceAccountName: runner
      containers:
      - name: k6
        image: grafana/k6
        envFrom: [{secretRef: {name: token}}, {secretRef: {name: other}}, {configMapRef: {name: token}}]
        env: [{name: A, value: scripts}]
      volumes: [{name: s, configMap: {name: scripts}}]
`), file("z.yaml.tmpl", `
apiVersion: apps/v1
kind: Deployment
metadata: {name: load}
spec:
  template:
    spec:
      containers: [{name: a, image: b, env: [{name: T, valueFrom: {secretKeyRef: {name: token, key: t}}}]}]
      volumes: [{name: s, projected: {sources: [{configMap: {name: scripts}}]}}]
`))
	got, warnings, err := render(t, in, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(warnings) != 0 {
		t.Errorf("warnings: %q", warnings)
	}
	want := `apiVersion: v1
data:
  "on": "yes"
kind: ConfigMap
metadata:
  name: scripts-e123456789
---
apiVersion: v1
kind: Secret
metadata:
  name: token-e123456789
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: runner-e123456789
---
apiVersion: batch/v1
kind: Job
metadata:
  name: k6-e123456789
spec:
  backoffLimit: 0
  template:
    spec:
      containers:
      - env:
        - name: A
          value: scripts
        envFrom:
        - secretRef:
            name: token-e123456789
        - secretRef:
            name: other
        - configMapRef:
            name: token
        image: grafana/k6
        name: k6
      serviceAccountName: runner-e123456789
      volumes:
      - configMap:
          name: scripts-e123456789
        name: s
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: load
spec:
  template:
    spec:
      containers:
      - env:
        - name: T
          valueFrom:
            secretKeyRef:
              key: t
              name: token-e123456789
        image: b
        name: a
      volumes:
      - name: s
        projected:
          sources:
          - configMap:
              name: scripts-e123456789
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Each case is a referrer and the kind and name that it names.
func TestEngineReferencesFollow(t *testing.T) {
	tests := map[string]struct{ to, referrer string }{
		"Argo Rollouts Experiment": {"apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: ref}", `
apiVersion: argoproj.io/v1alpha1
kind: Experiment
metadata: {name: x}
spec: {analyses: [{name: a, templateName: ref, requiredForCompletion: true}]}`},
		"k6": {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ref}", `
apiVersion: k6.io/v1alpha1
kind: TestRun
metadata: {name: x}
spec: {parallelism: 1, script: {configMap: {name: ref, file: t.js}}}`},
		"k6 runner": {"apiVersion: v1\nkind: Secret\nmetadata: {name: ref}", `
apiVersion: k6.io/v1alpha1
kind: TestRun
metadata: {name: x}
spec: {parallelism: 1, runner: {envFrom: [{secretRef: {name: ref}}]}}`},
		"a volume's secret": {"apiVersion: v1\nkind: Secret\nmetadata: {name: ref}", `
apiVersion: apps/v1
kind: Deployment
metadata: {name: x}
spec: {template: {spec: {containers: [{name: a, image: b}], volumes: [{name: v, csi: {driver: d, nodePublishSecretRef: {name: ref}}}]}}}`},
		"AnalysisRun's job": {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ref}", `
apiVersion: argoproj.io/v1alpha1
kind: AnalysisRun
metadata: {name: x}
spec: {metrics: [{name: m, provider: {job: {spec: {template: {spec: {volumes: [{name: v, configMap: {name: ref}}]}}}}}}]}`},
		"Iter8 metric": {"apiVersion: iter8.tools/v2alpha2\nkind: Metric\nmetadata: {name: ref}", `
apiVersion: iter8.tools/v2alpha2
kind: Experiment
metadata: {name: x}
spec: {criteria: {objectives: [{metric: ref}]}}`},
		"Iter8 indicators": {"apiVersion: iter8.tools/v2alpha2\nkind: Metric\nmetadata: {name: ref}", `
apiVersion: iter8.tools/v2alpha2
kind: Experiment
metadata: {name: x}
spec: {criteria: {indicators: [ref]}}`},
		"Flagger": {"apiVersion: flagger.app/v1beta1\nkind: MetricTemplate\nmetadata: {name: ref}", `
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: x}
spec: {analysis: {metrics: [{templateRef: {name: ref}}]}}`},
		"autoscaler": {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: ref}", `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: x}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: ref}}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, _, err := render(t, input(t, file("a.yaml", tt.to+"\n---"+tt.referrer)), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if strings.Count(got, "ref-"+testID) != 2 {
				t.Errorf("the reference did not follow:\n%s", got)
			}
		})
	}
	t.Run("another kind", func(t *testing.T) {
		got, _, err := render(t, input(t, file("a.yaml", `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ref}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: x}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: ref}}
`)), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(got, "name: ref\n") {
			t.Errorf("a reference to another kind followed:\n%s", got)
		}
	})
}

func TestSameInputSameBytes(t *testing.T) {
	in := input(t, file("a.yaml.tmpl", `
apiVersion: v1
kind: ConfigMap
metadata: {name: "x-{{ .ID }}"}
data:
  keys: {{ keys .Parameters (index .Targets 0).Candidate.Object | join "," | quote }}
  values: {{ values .Parameters.limits | toJson | quote }}
  all: {{ . | toJson | b64enc }}
`))
	first, _, err := render(t, in, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		again, _, err := render(t, in, Options{})
		if err != nil || again != first {
			t.Fatalf("another result: %v\n%s", err, again)
		}
	}
}

func TestTemplatesDoNotSeeEachOthersChanges(t *testing.T) {
	change := `{{ $_ := set .Parameters "qps" 1 }}{{ $_ := set (index .Targets 0).Candidate.Object "kind" "X" }}`
	in := input(t, file("a.yaml.tmpl", change), file("b.yaml.tmpl", `
apiVersion: v1
kind: ConfigMap
metadata: {name: "x-{{ .ID }}"}
data: {qps: "{{ .Parameters.qps }}", kind: "{{ (index .Targets 0).Candidate.Object.kind }}"}`))
	before, err := json.Marshal(in.Targets)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := render(t, in, Options{})
	if err != nil || !strings.Contains(got, `qps: "16"`) || !strings.Contains(got, "kind: Deployment") {
		t.Errorf("%v\n%s", err, got)
	}
	if after, _ := json.Marshal(in.Targets); string(after) != string(before) {
		t.Error("the template changed the target")
	}
}

func TestParseDoesNotDependOnWhereItRuns(t *testing.T) {
	in := input(t, file("a.yaml.tmpl", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"x-{{ .ID }}\", namespace: \"{{ .Namespace }}\"}"),
		file("b.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain}"))
	here, err := Parse(context.Background(), in, Options{})
	if err != nil {
		t.Fatal(err)
	}
	in.Namespace = ""
	there, err := Parse(context.Background(), in, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(here, there); diff != "" {
		t.Error(diff)
	}
	if here[0].GetName() != "x-e000000000" || here[1].GetName() != "plain" {
		t.Errorf("names %s, %s", here[0].GetName(), here[1].GetName())
	}
}
