package variant_test

import (
	"context"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render/variant"
)

// parse reads YAML documents.
func parse(t testing.TB, text string) []*unstructured.Unstructured {
	t.Helper()
	var out []*unstructured.Unstructured
	for _, doc := range strings.Split(text, "\n---\n") {
		if strings.TrimSpace(doc) == "" {
			continue
		}
		data, err := yaml.YAMLToJSON([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		o := &unstructured.Unstructured{}
		if err := o.UnmarshalJSON(data); err != nil {
			t.Fatal(err)
		}
		out = append(out, o)
	}
	return out
}

// tryParse reads YAML documents that may be none.
func tryParse(text string) (objs []*unstructured.Unstructured, ok bool) {
	for _, doc := range strings.Split(text, "\n---\n") {
		o := &unstructured.Unstructured{}
		if data, err := yaml.YAMLToJSON([]byte(doc)); err != nil || o.UnmarshalJSON(data) != nil || o.IsList() {
			return nil, false
		}
		objs = append(objs, o)
	}
	return objs, true
}

// plan reads the spec of a plan.
func plan(t testing.TB, text string) *spec.Plan {
	t.Helper()
	p := &spec.Plan{}
	if err := yaml.UnmarshalStrict([]byte(text), &p.Spec); err != nil {
		t.Fatal(err)
	}
	return p
}

// input is an environment and the edit of its text that is the change: pairs
// of old and new.
func input(t testing.TB, planText, baseline string, edits ...string) variant.Input {
	t.Helper()
	candidate := strings.NewReplacer(edits...).Replace(baseline)
	return variant.Input{
		Plan: plan(t, planText), File: "env/assay.yaml", Namespace: "shop",
		Baseline: parse(t, baseline), Candidate: parse(t, candidate),
	}
}

func build(t testing.TB, in variant.Input) *variant.Result {
	t.Helper()
	r, err := variant.Build(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func buildError(t testing.TB, in variant.Input) string {
	t.Helper()
	r, err := variant.Build(context.Background(), in)
	if err == nil {
		t.Fatalf("want an error, have %s", render(t, r.Objects))
	}
	if len(err.Error()) > 2000 {
		t.Errorf("the message has %d bytes", len(err.Error()))
	}
	return err.Error()
}

func render(t testing.TB, objs []*unstructured.Unstructured) string {
	t.Helper()
	data, err := object.MarshalYAML(objs)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// get returns the object by Kind/name.
func get(t testing.TB, objs []*unstructured.Unstructured, name string) *unstructured.Unstructured {
	t.Helper()
	for _, o := range objs {
		if o.GetKind()+"/"+o.GetName() == name {
			return o
		}
	}
	t.Fatalf("no %s in %v", name, names(objs))
	return nil
}

func names(objs []*unstructured.Unstructured) []string {
	var out []string
	for _, o := range objs {
		out = append(out, o.GetKind()+"/"+o.GetName())
	}
	return out
}

// at returns the value at a dotted path, with list indices as numbers.
func at(o *unstructured.Unstructured, path string) any {
	var v any = o.Object
	for _, k := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[k]
		case []any:
			v = x[int(k[0]-'0')]
		default:
			return nil
		}
	}
	return v
}

func wantAt(t *testing.T, o *unstructured.Unstructured, path string, want any) {
	t.Helper()
	if have := at(o, path); !object.Equal(have, want) {
		t.Errorf("%s: %s is %v, want %v", o.GetName(), path, have, want)
	}
}

func wantText(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is missing in:\n%s", p, text)
		}
	}
}

const web = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: 3
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: shop/web:v1
`

const webService = `
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  clusterIP: 10.0.0.1
  clusterIPs: [10.0.0.1]
  externalIPs: [1.2.3.4]
  externalTrafficPolicy: Local
  healthCheckNodePort: 30001
  loadBalancerIP: 1.2.3.4
  loadBalancerSourceRanges: [10.0.0.0/8]
  allocateLoadBalancerNodePorts: true
  sessionAffinity: ClientIP
  selector: {app: web}
  ports:
  - {port: 80, targetPort: 8080, nodePort: 30000}
`

func TestImageChangeIsClonedApart(t *testing.T) {
	r := build(t, input(t, `candidate: {replicas: 1, labels: {track: canary}}`, web+webService, "web:v1", "web:v2"))
	if have := strings.Join(names(r.Objects), " "); have != "Deployment/web-candidate Service/web-candidate" {
		t.Fatalf("objects: %s", have)
	}
	d := get(t, r.Objects, "Deployment/web-candidate")
	wantAt(t, d, "spec.template.spec.containers.0.image", "shop/web:v2")
	wantAt(t, d, "spec.replicas", int64(1))
	wantAt(t, d, "spec.selector.matchLabels", map[string]any{"app": "web-candidate"})
	wantAt(t, d, "spec.template.metadata.labels", map[string]any{"app": "web-candidate", "track": "canary"})
	wantAt(t, d, "metadata.labels", map[string]any{"app": "web", "track": "canary"})
	s := get(t, r.Objects, "Service/web-candidate")
	wantAt(t, s, "spec", map[string]any{
		"sessionAffinity": "ClientIP",
		"selector":        map[string]any{"app": "web-candidate"},
		"ports":           []any{map[string]any{"port": int64(80), "targetPort": int64(8080)}},
	})
	if len(r.Targets) != 1 || r.Targets[0].Baseline.GetName() != "web" || r.Targets[0].Candidate != d {
		t.Errorf("targets: %v", r.Targets)
	}
	if b, a := names(r.Before), names(r.After); strings.Join(b, " ") != "Deployment/web Service/web" || strings.Join(a, " ") != strings.Join(b, " ") {
		t.Errorf("before %v, after %v", b, a)
	}
	if len(r.Untested)+len(r.Selected)+len(r.Warnings)+len(r.Replaced) > 0 {
		t.Errorf("unexpected: %v %v %v %v", r.Untested, r.Selected, r.Warnings, r.Replaced)
	}
}

func FuzzBuild(f *testing.F) {
	everything := using(web, "{configMapRef: {name: settings}}") + settings + around + db + ingress
	for _, edit := range []string{
		"web:v2", "metadata: [1]", "labels: [1]", "labels: {a: 1}", "annotations: {a: 1}", "annotations: x", "name: [a]", "name: {a: b}", "name: 1",
		"spec: [1]", "spec: x", "selector: [1]", "selector: {matchLabels: [1]}", "selector: {matchLabels: {a: [1]}}", "matchLabels: {matchExpressions: 1}",
		"selector: {matchExpressions: [1]}", "selector: {matchExpressions: [{key: a, operator: X}]}", "template: [1]", "containers: {a: b}", "containers: [1]",
		"ports: {a: b}", "ports: [1]", "envFrom: {a: b}", "data: [1]", "data: null", "metadata: null", "kind: [1]", "volumes: [1]", "serviceName: [1]",
	} {
		f.Add(everything, edit)
	}
	f.Fuzz(func(t *testing.T, text, edit string) {
		key, _, _ := strings.Cut(edit, ":")
		lines := strings.Split(text, "\n")
		for i, line := range lines {
			if !strings.Contains(line, key+":") {
				continue
			}
			edited := append([]string{}, lines...)
			edited[i] = line[:strings.Index(line, key+":")] + edit
			baseline, ok := tryParse(text)
			candidate, also := tryParse(strings.Join(edited, "\n"))
			if !ok || !also {
				continue
			}
			for _, p := range []string{``, `candidate: {traffic: shared}`, `candidate: {mode: none}`, `candidate: {mode: inPlace}`, `targets: [{kind: Deployment, name: web}]`} {
				for _, in := range []variant.Input{{Baseline: baseline, Candidate: candidate}, {Baseline: candidate, Candidate: baseline}} {
					in.Plan = plan(t, p)
					res, err := variant.Build(context.Background(), in)
					if err == nil && len(res.Targets) == 0 {
						t.Error("no target and no error")
					}
				}
			}
		}
	})
}
