package variant_test

import (
	"strings"
	"testing"
)

// jsonPatches writes a plan whose patches edit the Deployment.
func jsonPatches(operations ...string) string {
	text := "candidate:\n  patches:\n"
	for _, op := range operations {
		text += "  - target: {kind: Deployment}\n    patch: '[" + op + "]'\n"
	}
	return text
}

const (
	image   = "/spec/template/spec/containers/0/image"
	toOld   = "{op: replace, path: " + image + ", value: \"shop/web:v1\"}"
	toNew   = "{op: replace, path: " + image + ", value: \"shop/web:v2\"}"
	toOther = "{op: replace, path: " + image + ", value: \"shop/web:v0\"}"
	pause   = "{op: add, path: /spec/paused, value: true}"
	sidecar = "{op: add, path: /spec/template/spec/containers/0, value: {name: side, image: \"side:1\"}}"
)

// TestPatchesKeepTheChange holds law 5 against the plan's own patches: one
// that undoes the change would let the baseline be tested against itself.
func TestPatchesKeepTheChange(t *testing.T) {
	withEnv := strings.Replace(web, "image: shop/web:v1\n", "image: shop/web:v1\n        args: [a]\n        env: [{name: LEVEL, value: low}]\n", 1)
	twoFields := []string{"web:v1", "web:v2", "value: low", "value: high"}
	undone := "gives spec.template.spec.containers[web].image of Deployment/web-candidate the baseline's value again"
	for _, tc := range []struct {
		name, plan, env string
		edits, fails    []string
		warns           string
	}{
		{name: "the old image", plan: jsonPatches(pause, toOld), env: web, fails: []string{"env/assay.yaml: spec.candidate.patches[1]: ", undone, "take it out of the patch"}},
		{name: "the old image, by a strategic merge", env: web, fails: []string{"patches[0]: ", undone}, plan: `
candidate:
  patches:
  - patch: |
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: web}
      spec: {template: {spec: {containers: [{name: web, image: "shop/web:v1"}]}}}
`},
		{name: "one of two fields", plan: jsonPatches(toOld), env: withEnv, edits: twoFields, fails: []string{"patches[0]: ", undone}},
		{name: "there and back", plan: jsonPatches(toOld, toNew), env: web},
		{name: "back at last", plan: jsonPatches(toOther, toOld, pause), env: web, fails: []string{"patches[1]: ", undone}},
		{name: "another image", plan: jsonPatches(toOther), env: web, fails: []string{"patches[0]: ", "leaves nothing of the change in Deployment/web-candidate", "containers[web].image"}},
		{name: "another image, and another field is left", plan: jsonPatches(toOther), env: withEnv, edits: twoFields, warns: "spec.candidate.patches[0] sets spec.template.spec.containers[web].image of Deployment/web-candidate, which the change alters too"},
		{name: "a sidecar first", plan: jsonPatches(sidecar), env: web},
		{name: "a sidecar first, then the old image", env: web, fails: []string{"patches[1]: ", undone}, plan: jsonPatches(sidecar, strings.Replace(toOld, "/0/", "/1/", 1))},
		{name: "the container gone", env: web, fails: []string{"patches[0]: ", "leaves nothing of the change"}, plan: jsonPatches("{op: replace, path: /spec/template/spec/containers, value: [{name: side, image: x}]}")},
		{name: "one argument more", plan: jsonPatches("{op: add, path: /spec/template/spec/containers/0/args/-, value: c}"), env: withEnv, edits: []string{"[a]", "[a, b]"}},
		{name: "the old arguments", plan: jsonPatches("{op: remove, path: /spec/template/spec/containers/0/args/1}"), env: withEnv, edits: []string{"[a]", "[a, b]"}, fails: []string{"patches[0]: ", "containers[web].args"}},
		{name: "what the change removes", env: withEnv, edits: []string{"[a]", "[a, b]", "env: [{name: LEVEL, value: low}]", "env: []"}, fails: []string{"patches[0]: ", "containers[web].env[LEVEL]"}, plan: jsonPatches("{op: add, path: /spec/template/spec/containers/0/env/-, value: {name: LEVEL, value: low}}")},
		{name: "the old data of a clone", env: using(web, "{configMapRef: {name: settings}}") + settings, edits: []string{"red", "blue"}, fails: []string{"patches[0]: ", "data.color of ConfigMap/settings-candidate"}, plan: `
candidate:
  patches:
  - target: {kind: ConfigMap}
    patch: '[{op: replace, path: /data/color, value: red}]'
`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.edits == nil {
				tc.edits = []string{"web:v1", "web:v2"}
			}
			in := input(t, tc.plan, tc.env, tc.edits...)
			if tc.fails != nil {
				wantText(t, buildError(t, in), tc.fails...)
				return
			}
			if have := strings.Join(build(t, in).Warnings, "\n"); !strings.Contains(have, tc.warns) || tc.warns == "" && have != "" {
				t.Errorf("warnings: %s", have)
			}
		})
	}
}
