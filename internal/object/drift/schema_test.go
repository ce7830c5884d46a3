package drift

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// definition is the schema in a CustomResourceDefinition.
const definition = `
type: object
properties:
  spec:
    type: object
    default: {}
    properties:
      replicas: {type: integer, default: 1}
      ratio: {type: number, default: 0.5}
      mode: {type: string, default: fast}
      optional: {type: string, nullable: true, default: x}
      retry:
        type: object
        default: {limits: {}}
        properties:
          limits: {type: object, properties: {times: {type: integer, default: 3}}}
          on: {type: array, default: [a, b], items: {type: string}}
      metrics:
        type: array
        items:
          type: object
          properties: {name: {type: string}, weight: {type: integer, default: 100}}
      labels:
        type: object
        additionalProperties: {type: object, default: {}, properties: {value: {type: string, default: none}}}
      open: {type: object, x-kubernetes-preserve-unknown-fields: true, properties: {known: {type: boolean, default: true}}}
`

var gauges = schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Gauge"}

// document is what an API server publishes of the definition, with other kinds.
func document(t *testing.T) []byte {
	t.Helper()
	var published map[string]any
	if err := yaml.Unmarshal([]byte(definition), &published); err != nil {
		t.Fatal(err)
	}
	of := func(kind string) []any {
		return []any{map[string]any{"group": gauges.Group, "version": gauges.Version, "kind": kind}}
	}
	published["x-kubernetes-group-version-kind"] = of("Gauge")
	data, err := json.Marshal(map[string]any{"components": map[string]any{"schemas": map[string]any{
		"com.example.v1.Gauge":        published,
		"com.example.v1.GaugeList":    map[string]any{"x-kubernetes-group-version-kind": of("GaugeList")},
		"io.k8s.api.example.v1.Meter": map[string]any{"x-kubernetes-group-version-kind": of("Meter")},
		"io.k8s.meta.v1.Options":      map[string]any{"x-kubernetes-group-version-kind": append(of("Gauge"), of("Meter")...)},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// published reads the schema of a kind.
func published(t *testing.T) func(context.Context, schema.GroupVersionKind) (*Schema, error) {
	t.Helper()
	data := document(t)
	return func(_ context.Context, kind schema.GroupVersionKind) (*Schema, error) { return ParseSchema(data, kind) }
}

const filled = "replicas: 1, ratio: 0.5, mode: fast, optional: x, retry: {limits: {times: 3}, on: [a, b]}"

// TestDefaultsOfDefinitions: what a definition declares as a default is not a difference, as the API server fills
// it in: in what is missing or null, in lists, and in what it has filled in itself.
func TestDefaultsOfDefinitions(t *testing.T) {
	for text, live := range map[string]string{
		"": "spec: {" + filled + "}",
		"spec: {replicas: null, retry: null, metrics: null}":                                        "spec: {" + filled + "}",
		"spec: {optional: null}":                                                                    "spec: {" + strings.Replace(filled, "optional: x", "optional: null", 1) + "}",
		"spec: {mode: slow, metrics: [{name: a}, {name: b, weight: 1}]}":                            "spec: {" + strings.Replace(filled, "fast", "slow", 1) + ", metrics: [{name: a, weight: 100}, {name: b, weight: 1}]}",
		"spec: {labels: {x: {}, y: null, z: {value: v}}}":                                           "spec: {" + filled + ", labels: {x: {value: none}, y: {value: none}, z: {value: v}}}",
		"spec: {open: {any: thing}}":                                                                "spec: {" + filled + ", open: {any: thing, known: true}}",
		"spec: {retry: {limits: {times: 9}}}":                                                       "spec: {" + strings.Replace(filled, "times: 3", "times: 9", 1) + "}",
		"spec: {retry: {on: [c]}}":                                                                  "spec: {" + strings.Replace(filled, "limits: {times: 3}, on: [a, b]", "on: [c]", 1) + "}",
		"spec: {replicas: 2, ratio: 1, mode: m, optional: o, retry: {limits: {times: 1}, on: [c]}}": "spec: {replicas: 2, ratio: 1, mode: m, optional: o, retry: {limits: {times: 1}, on: [c]}}",
	} {
		const head = "apiVersion: example.com/v1\nkind: Gauge\nmetadata: {name: a}\n"
		found, err := Of(t.Context(), parse(t, head+text), parse(t, head+live), Rules{Schema: published(t)})
		if err != nil || len(found) > 0 {
			t.Errorf("%s: %s, %v", text, found, err)
		}
	}
}

// TestOfCustomResources: what a definition does not declare as a default is a difference.
func TestOfCustomResources(t *testing.T) {
	read := published(t)
	away := errors.New("the cluster is away")
	for name, test := range map[string]struct {
		kind   string
		change func(t *testing.T, live *unstructured.Unstructured)
		schema func(context.Context, schema.GroupVersionKind) (*Schema, error)
		want   string // the field
		err    error
	}{
		"a default":     {kind: "Gauge", schema: read},
		"another value": {kind: "Gauge", change: func(t *testing.T, o *unstructured.Unstructured) { put(t, o, int64(5), "spec", "replicas") }, schema: read, want: "spec.replicas"},
		"a deep one": {kind: "Gauge", change: func(t *testing.T, o *unstructured.Unstructured) {
			put(t, o, int64(5), "spec", "retry", "limits", "times")
		}, schema: read, want: "spec.retry.limits.times"},
		"a field more":       {kind: "Gauge", change: func(t *testing.T, o *unstructured.Unstructured) { put(t, o, []any{"errors"}, "spec", "dryRun") }, schema: read, want: "spec.dryRun"},
		"a rendered field":   {kind: "Gauge", change: func(t *testing.T, o *unstructured.Unstructured) { put(t, o, "other", "spec", "mode") }, schema: read, want: "spec.mode"},
		"not known":          {kind: "Other", change: func(_ *testing.T, o *unstructured.Unstructured) { o.Object["data"] = "x" }, schema: read, want: "data"},
		"nothing published":  {kind: "Gauge", change: func(t *testing.T, o *unstructured.Unstructured) { put(t, o, "x", "spec", "dryRun") }, want: "spec.dryRun"},
		"Kubernetes' own":    {kind: "Meter", change: func(t *testing.T, o *unstructured.Unstructured) { put(t, o, "x", "spec", "dryRun") }, schema: read},
		"its rendered field": {kind: "Meter", change: func(t *testing.T, o *unstructured.Unstructured) { put(t, o, "other", "spec", "mode") }, schema: read, want: "spec.mode"},
		"it cannot be read": {
			kind: "Gauge", schema: func(context.Context, schema.GroupVersionKind) (*Schema, error) { return nil, away }, err: away,
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := parse(t, "apiVersion: example.com/v1\nkind: "+test.kind+"\nmetadata: {name: a}\nspec: {mode: m}\n")
			live := o.DeepCopy()
			if test.kind == "Gauge" && name != "nothing published" {
				live = parse(t, "apiVersion: example.com/v1\nkind: Gauge\nmetadata: {name: a}\nspec: {"+strings.Replace(filled, "fast", "m", 1)+"}\n")
			}
			if test.change != nil {
				test.change(t, live)
			}
			found, err := Of(t.Context(), o, live, Rules{Schema: test.schema})
			switch {
			case !errors.Is(err, test.err):
				t.Error(err)
			case test.want == "" && len(found) > 0, test.want != "" && (len(found) != 1 || found[0].Field != test.want):
				t.Errorf("%s, want %s", found, test.want)
			}
		})
	}
}

// TestWrittenByControllers: what a kind's own controller fills in is not a difference, and another value is.
func TestWrittenByControllers(t *testing.T) {
	for _, test := range []struct{ rendered, live, want string }{
		{
			"apiVersion: iter8.tools/v2alpha2\nkind: Experiment\nspec: {strategy: {testingPattern: Canary}}\n",
			"spec: {strategy: {testingPattern: Canary, deploymentPattern: Progressive, handlers: {start: start, finish: finish, rollback: finish, failure: finish, loop: loop}, weights: {maxCandidateWeight: 100, maxCandidateWeightIncrement: 10}}, duration: {intervalSeconds: 20, iterationsPerLoop: 15, maxLoops: 1}}\n", "",
		},
		{
			"apiVersion: iter8.tools/v2alpha2\nkind: Experiment\nspec: {strategy: {testingPattern: Canary}}\n",
			"spec: {strategy: {testingPattern: Canary}, duration: {intervalSeconds: 1}}\n", "spec.duration.intervalSeconds",
		},
		{
			"apiVersion: serving.knative.dev/v1\nkind: Service\nspec: {template: {spec: {containers: [{image: a}]}}}\n",
			"spec: {template: {spec: {containerConcurrency: 0, timeoutSeconds: 300, enableServiceLinks: false, containers: [{name: user-container, image: a, resources: {}, readinessProbe: {successThreshold: 1, tcpSocket: {port: 0}}}]}}, traffic: [{latestRevision: true, percent: 100}]}\n", "",
		},
		{
			"apiVersion: serving.knative.dev/v1\nkind: Service\nspec: {template: {spec: {containers: [{image: a}]}}}\n",
			"spec: {template: {spec: {containers: [{image: a}]}}, clusterIP: 1.2.3.4}\n", "spec.clusterIP",
		},
	} {
		o := parse(t, test.rendered)
		live := parse(t, test.rendered)
		live.Object["spec"] = parse(t, "apiVersion: v1\nkind: A\n"+test.live).Object["spec"]
		found := of(t, o, live)
		if test.want == "" && len(found) > 0 || test.want != "" && (len(found) != 1 || found[0].Field != test.want) {
			t.Errorf("%s: %s, want %s", test.live, found, test.want)
		}
	}
}

// FuzzParseSchema: no document breaks it, nor what is filled in by it.
func FuzzParseSchema(f *testing.F) {
	f.Add([]byte(`{"components": {"schemas": {"a": {"x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Gauge"}], "default": 1, "properties": {"spec": {"default": [{}], "items": {"default": 2}, "additionalProperties": true}}}}}}`))
	f.Fuzz(func(_ *testing.T, document []byte) {
		s, err := ParseSchema(document, gauges)
		if err == nil {
			s.fill(map[string]any{"spec": map[string]any{"a": []any{nil, map[string]any{}}}, "b": nil})
		}
	})
}
