package variant_test

import (
	"context"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"

	"github.com/assaydev/assay/render/variant"
)

const rollout = `
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "shop/web:v1"}
      - {name: side, image: "shop/side:v1"}
`

func TestPatches(t *testing.T) {
	for _, tc := range []struct {
		name, plan, env string
		path            string
		want            any
		fails           []string
	}{
		{name: "a strategic merge, by the variant's name", env: web, path: "spec.template.spec.containers.0.env.0.value", want: "on", plan: `
candidate:
  patches:
  - patch: |
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: web-candidate}
      spec: {template: {spec: {containers: [{name: web, env: [{name: MODE, value: "on"}]}]}}}
`},
		{name: "a strategic merge, by the baseline's name", env: web, path: "spec.template.spec.containers.0.image", want: "shop/web:v2", plan: `
candidate:
  patches:
  - patch: |
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: web}
      spec: {template: {spec: {containers: [{name: web, env: [{name: MODE, value: "on"}]}]}}}
`},
		{name: "a JSON patch with a target", env: web, path: "spec.template.spec.priorityClassName", want: "low", plan: `
candidate:
  patches:
  - target: {kind: Deployment, name: web-.*}
    patch: '[{op: add, path: /spec/template/spec/priorityClassName, value: low}]'
`},
		{name: "a JSON patch of a kind without schema", env: rollout, path: "spec.template.spec.containers.1.image", want: "shop/side:v1", plan: `
candidate:
  patches:
  - target: {kind: Rollout}
    patch: |
      - {op: add, path: /spec/template/spec/priorityClassName, value: low}
`},
		{name: "a strategic merge of a kind without schema", env: rollout, plan: `
candidate:
  patches:
  - patch: |
      apiVersion: argoproj.io/v1alpha1
      kind: Rollout
      metadata: {name: web}
      spec: {template: {spec: {containers: [{name: web, env: []}]}}}
`, fails: []string{"env/assay.yaml: spec.candidate.patches[0]: ", "Rollout/web-candidate", "drop containers", "JSON patch"}},
		{name: "annotations replaced, and the old name still known", env: web, path: "metadata.annotations", want: map[string]any{"a": "b"}, plan: `
candidate:
  patches:
  - target: {kind: Deployment}
    patch: '[{op: replace, path: /metadata/annotations, value: {a: b}}]'
  - target: {name: web}
    patch: '[{op: add, path: /spec/paused, value: true}]'
`},
		{name: "a target that matches nothing", env: web, plan: `
candidate:
  patches:
  - target: {kind: Deployment}
    patch: '[{op: add, path: /spec/paused, value: true}]'
  - target: {kind: StatefulSet}
    patch: '[{op: add, path: /spec/paused, value: true}]'
`, fails: []string{"spec.candidate.patches[1]: matches nothing in the variant, which has Deployment/web-candidate"}},
		{name: "a strategic merge that matches nothing", env: web, plan: `
candidate:
  patches:
  - patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: wbe}, spec: {paused: true}}'
`, fails: []string{"spec.candidate.patches[0]: matches nothing", "Deployment/web-candidate"}},
		{name: "a JSON patch whose path is not there", env: web, plan: `
candidate:
  patches:
  - target: {kind: Deployment}
    patch: '[{op: replace, path: /spec/nope/deep, value: true}]'
`, fails: []string{"spec.candidate.patches[0]: cannot be applied to Deployment/web-candidate: "}},
		{name: "a JSON patch without a target", env: web, path: "spec.paused", want: true, plan: `
candidate: {patches: [{patch: '[{op: add, path: /spec/paused, value: true}]'}]}
`},
		{name: "a strategic merge without a name", env: web, path: "spec.template.spec.containers.0.image", want: "shop/web:v2", plan: `
candidate: {patches: [{patch: '{spec: {template: {spec: {containers: [{name: web, tty: true}]}}}}'}]}
`},
		{name: "a strategic merge of another kind without a name", env: web, plan: `
candidate: {patches: [{patch: '{apiVersion: apps/v1, kind: StatefulSet, spec: {paused: true}}'}]}
`, fails: []string{"spec.candidate.patches[0]: matches nothing"}},
		{name: "a strategic merge without a name, of a kind without schema", env: rollout, plan: `
candidate: {patches: [{patch: '{spec: {paused: true}}'}]}
`, fails: []string{"a strategic merge would replace whole lists"}},
		{name: "no patch at all", env: web, plan: `candidate: {patches: [{patch: 'hunter2'}]}`, fails: []string{"neither a strategic merge patch nor a JSON patch"}},
		{name: "not YAML", env: web, plan: `candidate: {patches: [{patch: '{{ hunter2'}]}`, fails: []string{"neither a strategic merge patch nor a JSON patch"}},
		{name: "a path", env: web, plan: `candidate: {patches: [{path: https://example.com/x.yaml}]}`, fails: []string{"put the patch inline"}},
		{name: "deletes the target", env: web, plan: `
candidate:
  patches:
  - patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, $patch: delete}'
`, fails: []string{"they delete Deployment/web-candidate"}},
		{name: "moves the target", env: web, plan: `
candidate:
  patches:
  - target: {kind: Deployment}
    patch: '[{op: add, path: /metadata/namespace, value: other}]'
`, fails: []string{"they change the kind or the namespace of Deployment/web-candidate"}},
		{name: "a bad selector", env: web, plan: `
candidate: {patches: [{target: {name: '['}, patch: '[{op: remove, path: /spec}]'}]}
`, fails: []string{"spec.candidate.patches[0]: target: "}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := input(t, tc.plan, tc.env, "web:v1", "web:v2")
			if tc.fails != nil {
				text := buildError(t, in)
				wantText(t, text, tc.fails...)
				if strings.Contains(text, "hunter2") {
					t.Errorf("the message quotes the patch: %s", text)
				}
				return
			}
			wantAt(t, build(t, in).Objects[0], tc.path, tc.want)
		})
	}
}

// A patch that names nothing is for every target, and for nothing else of the
// variant.
func TestPatchesOfEveryTarget(t *testing.T) {
	other := strings.ReplaceAll(web, "web", "api")
	for name, patch := range map[string]string{
		"JSON":                              `[{op: add, path: /metadata/annotations, value: {tuned: "yes"}}]`,
		"JSON in blocks":                    `[{"op": "add", "path": "/metadata/annotations", "value": {"tuned": "yes"}}]`,
		"strategic merge":                   `{metadata: {annotations: {tuned: "yes"}}}`,
		"strategic merge of a kind":         `{kind: Deployment, metadata: {annotations: {tuned: "yes"}}}`,
		"strategic merge of kind and group": `{apiVersion: apps/v1, kind: Deployment, metadata: {annotations: {tuned: "yes"}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			in := input(t, "candidate: {patches: [{patch: '"+patch+"'}]}", web+webService+"---\n"+other, "web:v1", "web:v2", "api:v1", "api:v2")
			seen := 0
			for _, o := range build(t, in).Objects {
				want := ""
				if o.GetKind() == "Deployment" {
					want = "yes"
					seen++
				}
				if got := o.GetAnnotations()["tuned"]; got != want {
					t.Errorf("%s/%s has %q, want %q", o.GetKind(), o.GetName(), got, want)
				}
			}
			if seen != 2 {
				t.Errorf("%d targets", seen)
			}
		})
	}
}

func TestPatchMayDeleteAServicesCopy(t *testing.T) {
	r := build(t, input(t, `
candidate:
  patches:
  - patch: '{apiVersion: v1, kind: Service, metadata: {name: web}, $patch: delete}'
`, web+webService, "web:v1", "web:v2"))
	if have := strings.Join(names(r.Objects), " "); have != "Deployment/web-candidate" {
		t.Errorf("objects: %s", have)
	}
}

// What Kustomize alters in passing must not be altered by the way.
func TestNothingElseChanges(t *testing.T) {
	env := strings.Replace(web, "        image: shop/web:v1\n", `        image: shop/web:v1
        envFrom: [{configMapRef: {name: settings}}]
        env:
        - {name: A, value: "on"}
        - {name: B, value: "2020-01-01"}
        - {name: C, value: "012"}
        - {name: D, value: "1e3"}
        - {name: E, value: ""}
        - {name: F, value: "null"}
        - {name: G, value: "a\nb"}
        resources: {limits: {cpu: 1.5, memory: 100000000000}}
`, 1)
	env = strings.Replace(env, "  labels: {app: web}\nspec", "  labels: {app: web}\n  annotations:\nspec", 1) + settings
	const patched = `
candidate:
  patches:
  - target: {kind: Deployment}
    patch: '[{op: add, path: /spec/paused, value: true}]'
`
	want := build(t, input(t, ``, env, "red", "blue")).Objects[0]
	wantAt(t, want, "metadata.annotations", nil)
	have := build(t, input(t, patched, env, "red", "blue")).Objects[0]
	wantAt(t, have, "spec.paused", true)
	unstructured.RemoveNestedField(have.Object, "spec", "paused")
	if h, w := render(t, parse(t, render(t, objects(have)))), render(t, objects(want)); h != w {
		t.Errorf("have:\n%s\nwant:\n%s", h, w)
	}
	wantAt(t, want, "spec.template.spec.containers.0.env.1.value", "2020-01-01")
	wantAt(t, want, "spec.template.spec.containers.0.resources.limits.cpu", 1.5)
}

func FuzzPatch(f *testing.F) {
	for _, seed := range []string{
		`[{op: replace, path: "", value: 1}]`,
		`[{op: replace, path: "", value: null}]`,
		`[{op: remove, path: ""}]`,
		`[{op: replace, path: /metadata, value: [1]}]`,
		`[{op: remove, path: /metadata}]`,
		`[{op: replace, path: /kind, value: {a: b}}]`,
		`[{op: remove, path: /kind}]`,
		`[{op: replace, path: /metadata/name, value: null}]`,
		`[{op: replace, path: /metadata/labels, value: text}]`,
		`[{op: add, path: /metadata/annotations, value: [text]}]`,
		`[{op: add, path: /metadata/annotations, value: {a: 1}}]`,
		`[{op: replace, path: /spec, value: 1}]`,
		`[{op: replace, path: /spec/selector, value: [1]}]`,
		`[{op: replace, path: /spec/template/spec/containers, value: [1, null]}]`,
		`[{op: test, path: /spec, value: 1}]`,
		`[null]`, `[1]`, `[{}]`, `[]`, `{}`, `{spec: 1}`, `- - -`, "---\n---\n", `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: null}`,
		`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: [1]}`,
		`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {template: {spec: {containers: {a: b}}}}}`,
		`{apiVersion: apps/v1, kind: Deployment, metadata: [name]}`,
		`{apiVersion: v1, kind: List, items: [1, {a: b}]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, target := range []*types.Selector{nil, {ResId: resid.ResId{Name: "web"}}} {
			in := input(t, ``, web, "web:v1", "web:v2")
			in.Plan.Spec.Candidate.Patches = []types.Patch{{Patch: text, Target: target}}
			res, err := variant.Build(context.Background(), in)
			if err == nil && (len(res.Objects) != 1 || res.Objects[0].GetKind() != "Deployment" || res.Objects[0].GetName() == "") {
				t.Errorf("%q makes %s", text, render(t, res.Objects))
			}
		}
	})
}
