package change

import (
	"context"
	"errors"
	"math/rand"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render/kustomize"
)

// overlayInput is the kustomization in prod/, with what it really renders.
func overlayInput(t testing.TB, archive string, src spec.KustomizeSource, patches ...types.Patch) Input {
	t.Helper()
	in := kustomizeInput(archive, nil)
	in.Change.Patches = patches
	in.Plan.Spec.Kustomize = &src
	in.Schema = kustomize.WithDefaultSchema
	in.Render = func(fsys *envfs.FS) ([]*unstructured.Unstructured, error) {
		objs, _, err := kustomize.Render(context.Background(), fsys, in.Dir, src, kustomize.Options{})
		return objs, err
	}
	if archive != "" {
		var err error
		if in.Baseline, err = in.Render(in.FS); err != nil {
			t.Fatal(err)
		}
	}
	return in
}

// makes makes the change and holds it to the baseline with the patches applied,
// whatever the places that were edited.
func makes(t *testing.T, in Input) Edit {
	t.Helper()
	edit, err := Make(in)
	if err != nil {
		t.Fatal(err)
	}
	objs, err := in.Render(in.FS.With(edit.Files))
	if err != nil {
		t.Fatal(err)
	}
	if len(object.Diff(in.Baseline, objs)) == 0 {
		t.Error("nothing changed")
	}
	for name := range edit.Files {
		if !strings.HasPrefix(name, in.Dir+"/") {
			t.Errorf("%s is outside of the environment", name)
		}
	}
	return edit
}

const (
	webBase = `-- base/kustomization.yaml --
resources: [web.yaml]
-- base/web.yaml --
` + webManifest
	rollout = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers:\n      - name: web\n        args:\n        - --a # the only one\n"
	ownWeb  = `
-- prod/kustomization.yaml --
resources:
- web.yaml
-- prod/web.yaml --
` + webManifest
)

func TestKustomizePatch(t *testing.T) {
	const (
		head     = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n"
		replicas = head + "spec:\n  replicas: 3\n"
		level2   = head + "spec:\n  template:\n    spec:\n      containers:\n      - name: web\n        env:\n        - name: LEVEL\n          value: \"2\"\n"
		newEnv   = head + "spec:\n  template:\n    spec:\n      containers:\n      - name: web\n        env:\n        - name: NEW\n          value: x\n"
		blue     = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  color: blue\n"
	)
	entry := func(patch string) string {
		return "patches:\n- patch: |\n" + indent("    ", patch)
	}
	for _, tt := range []struct {
		name    string
		archive string
		src     spec.KustomizeSource
		patches []types.Patch
		edits   [][3]string // file, from, to; from empty: appended
	}{
		{"an own resource", ownWeb, spec.KustomizeSource{}, []types.Patch{{Patch: replicas}}, [][3]string{{"prod/web.yaml", "replicas: 2", "replicas: 3"}}},
		{
			"an own resource under a prefix", replace(ownWeb, "resources:\n- web", "namePrefix: a-\nnameSuffix: -z\nresources:\n- web"),
			spec.KustomizeSource{},
			[]types.Patch{on("Deployment", "a-web-z", "[{op: replace, path: /spec/replicas, value: 3}]")},
			[][3]string{{"prod/web.yaml", "replicas: 2", "replicas: 3"}},
		},
		{"an own resource by its own name", replace(ownWeb, "resources:\n- web", "namePrefix: a-\nresources:\n- web"), spec.KustomizeSource{}, []types.Patch{{Patch: level2}}, [][3]string{{"prod/web.yaml", `value: "1"`, `value: "2"`}}},
		{"two objects at once", ownWeb, spec.KustomizeSource{}, []types.Patch{{Patch: replicas + "---\n" + blue}}, [][3]string{{"prod/web.yaml", "replicas: 2", "replicas: 3"}, {"prod/web.yaml", "color: red", "color: blue"}}},
		{
			"a resource further down", "-- prod/kustomization.yaml --\nresources: [app]\n-- prod/app/kustomization.yaml --\nnamePrefix: x-\nresources: [web.yaml]\n-- prod/app/web.yaml --\n" + webManifest,
			spec.KustomizeSource{},
			[]types.Patch{on("Deployment", "x-web", "[{op: replace, path: /spec/replicas, value: 3}]")},
			[][3]string{{"prod/app/web.yaml", "replicas: 2", "replicas: 3"}},
		},
		{"a base", "-- prod/kustomization.yaml --\nresources: [../base]\n" + webBase, spec.KustomizeSource{}, []types.Patch{{Patch: replicas}}, [][3]string{{"prod/kustomization.yaml", "", entry(replicas)}}},
		{"a base, by JSON", "-- prod/kustomization.yaml --\nresources: [../base]\n" + webBase, spec.KustomizeSource{}, []types.Patch{on("Deployment", "web", "- op: replace\n  path: /spec/replicas\n  value: 3\n")}, [][3]string{
			{"prod/kustomization.yaml", "", entry("- op: replace\n  path: /spec/replicas\n  value: 3\n") + "  target:\n    name: web\n    kind: Deployment\n"},
		}},
		{"a base under a prefix", "-- prod/kustomization.yaml --\nnamePrefix: a-\nresources: [../base]\n" + webBase, spec.KustomizeSource{}, []types.Patch{on("Deployment", "a-web", "- op: replace\n  path: /spec/replicas\n  value: 3\n")}, [][3]string{
			{"prod/kustomization.yaml", "", entry("- op: replace\n  path: /spec/replicas\n  value: 3\n") + "  target:\n    name: web\n    kind: Deployment\n"},
		}},
		{"a base under the plan's prefix", "-- prod/kustomization.yaml --\nresources: [../base]\n" + webBase, spec.KustomizeSource{NamePrefix: "b-"}, []types.Patch{{Patch: replace(replicas, "name: web", "name: b-web")}}, [][3]string{
			{"prod/kustomization.yaml", "", entry(replicas)},
		}},
		{
			"after other patches", "-- prod/kustomization.yaml --\nresources:\n  - ../base\npatches:\n  - path: a.yaml\nnamespace: shop\n-- prod/a.yaml --\n" + replace(head, "name: web", "name: web\n  labels: {a: b}") + "spec: {paused: true}\n" + webBase,
			spec.KustomizeSource{},
			[]types.Patch{{Patch: replicas}},
			[][3]string{{"prod/a.yaml", "spec: {paused: true}", "spec: {paused: true, replicas: 3}"}},
		},
		{
			"an own patch file", "-- prod/kustomization.yaml --\nresources: [../base]\npatches:\n- path: a.yaml\n-- prod/a.yaml --\n# prod\n" + strings.Replace(level2, `"2"`, `"5" # high`, 1) + webBase,
			spec.KustomizeSource{},
			[]types.Patch{{Patch: level2}},
			[][3]string{{"prod/a.yaml", `"5"`, `"2"`}},
		},
		{
			"an own patch file, by JSON", "-- prod/kustomization.yaml --\nresources: [../base]\npatchesStrategicMerge: [a.yaml]\n-- prod/a.yaml --\n" + strings.Replace(level2, `"2"`, `"5" # high`, 1) + webBase,
			spec.KustomizeSource{},
			[]types.Patch{on("Deployment", "web", "[{op: replace, path: /spec/template/spec/containers/0/env/0/value, value: '2'}]")},
			[][3]string{{"prod/a.yaml", `"5"`, `"2"`}},
		},
		{
			"into an own patch file", "-- prod/kustomization.yaml --\nresources: [../base]\npatches:\n- path: a.yaml\n-- prod/a.yaml --\n" + strings.Replace(level2, `"2"`, `"5" # high`, 1) + webBase,
			spec.KustomizeSource{},
			[]types.Patch{{Patch: newEnv}},
			[][3]string{{"prod/a.yaml", "        - name: LEVEL\n", "        - name: NEW\n          value: x\n        - name: LEVEL\n"}},
		},
		{"an inline patch", "-- prod/kustomization.yaml --\nresources: [../base]\n" + entry(replicas) + webBase, spec.KustomizeSource{}, []types.Patch{{Patch: replace(replicas, "3", "4")}}, [][3]string{{"prod/kustomization.yaml", "replicas: 3", "replicas: 4"}}},
		{
			"an inline JSON patch", "-- prod/kustomization.yaml --\nresources: [../base]\npatches:\n- target: {kind: Deployment}\n  patch: |-\n    - op: replace # here\n      path: /spec/replicas\n      value: 5 # many\n" + webBase,
			spec.KustomizeSource{},
			[]types.Patch{{Patch: replicas}},
			[][3]string{{"prod/kustomization.yaml", "value: 5", "value: 3"}},
		},
		{
			"within a JSON patch", "-- prod/kustomization.yaml --\nresources: [../base]\npatchesJson6902:\n- target: {kind: Deployment, name: web, version: v1, group: apps}\n  path: a.yaml\n-- prod/a.yaml --\n- op: replace\n  path: /spec/template/spec/containers/0/resources\n  value: {limits: {memory: 1Gi}}\n" + webBase,
			spec.KustomizeSource{},
			[]types.Patch{on("Deployment", "web", "[{op: replace, path: /spec/template/spec/containers/0/resources/limits/memory, value: 2Gi}]")},
			[][3]string{{"prod/a.yaml", "1Gi", "2Gi"}},
		},
		{"the kustomization's replicas", "-- prod/kustomization.yaml --\nresources: [../base]\nreplicas:\n- name: web\n  count: 5\n" + webBase, spec.KustomizeSource{}, []types.Patch{{Patch: replicas}}, [][3]string{{"prod/kustomization.yaml", "count: 5", "count: 3"}}},
		{
			"a generator", "-- prod/kustomization.yaml --\nresources: [../base]\nconfigMapGenerator:\n- name: more\n  literals:\n  - color=red # for now\n  - size=1\n" + webBase,
			spec.KustomizeSource{},
			[]types.Patch{on("ConfigMap", "more", "[{op: replace, path: /data/color, value: blue}]")},
			[][3]string{{"prod/kustomization.yaml", "color=red", "color=blue"}},
		},
		{
			"a generator's new value", "-- prod/kustomization.yaml --\nnamePrefix: a-\nconfigMapGenerator:\n- name: more\n  literals:\n  - color=red\n",
			spec.KustomizeSource{},
			[]types.Patch{{Patch: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\ndata: {size: '1'}\n"}},
			[][3]string{{"prod/kustomization.yaml", "", "  - size=1\n"}},
		},
		{
			"a generator's file", "-- prod/kustomization.yaml --\nconfigMapGenerator:\n- name: more\n  files: [a.conf]\n-- prod/a.conf --\none\n",
			spec.KustomizeSource{},
			[]types.Patch{on("ConfigMap", "more", "[{op: replace, path: /data/a.conf, value: \"two\\n\"}]")},
			[][3]string{{"prod/a.conf", "one", "two"}},
		},
		{
			"a generated Secret", "-- prod/kustomization.yaml --\nsecretGenerator:\n- name: more\n  literals:\n  - key=old\n",
			spec.KustomizeSource{},
			[]types.Patch{on("Secret", "more", "[{op: replace, path: /data/key, value: bmV3}]")},
			[][3]string{{"prod/kustomization.yaml", "key=old", "key=new"}},
		},
		{
			"a base's generator", "-- prod/kustomization.yaml --\nresources: [../base]\n-- base/kustomization.yaml --\nconfigMapGenerator:\n- name: more\n  literals: [color=red]\nresources: [pod.yaml]\n-- base/pod.yaml --\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, envFrom: [{configMapRef: {name: more}}]}]}\n",
			spec.KustomizeSource{},
			[]types.Patch{on("ConfigMap", "more", "- op: replace\n  path: /data/color\n  value: blue\n")},
			[][3]string{{"prod/kustomization.yaml", "", entry("- op: replace\n  path: /data/color\n  value: blue\n") + "  target:\n    name: more\n    kind: ConfigMap\n"}},
		},
		{
			"one of two alike", "-- prod/kustomization.yaml --\nresources: [../base]\n-- base/kustomization.yaml --\nresources: [a.yaml]\n-- base/a.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: a}\ndata: {x: y}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: b}\ndata: {x: y}\n",
			spec.KustomizeSource{},
			[]types.Patch{{Patch: "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n  namespace: b\ndata:\n  x: z\n"}},
			[][3]string{{"prod/kustomization.yaml", "", entry("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n  namespace: b\ndata:\n  x: z\n")}},
		},
		{
			"several by label", "-- prod/kustomization.yaml --\nresources: [../base]\n-- base/kustomization.yaml --\nresources: [a.yaml]\n-- base/a.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {x: y}}\ndata: {x: y}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, labels: {x: y}}\ndata: {x: y}\n",
			spec.KustomizeSource{},
			[]types.Patch{{Patch: "- op: replace\n  path: /data/x\n  value: z\n", Target: &types.Selector{LabelSelector: "x=y"}}},
			[][3]string{{"prod/kustomization.yaml", "", entry("- op: replace\n  path: /data/x\n  value: z\n") + "  target:\n    labelSelector: x=y\n"}},
		},
		{
			"a namespace of the kustomization", "-- prod/kustomization.yaml --\nnamespace: shop\nresources: [../base]\n" + webBase,
			spec.KustomizeSource{},
			[]types.Patch{{Patch: replace(replicas, "  name: web\n", "  name: web\n  namespace: shop\n")}},
			[][3]string{{"prod/kustomization.yaml", "", entry(replace(replicas, "  name: web\n", "  name: web\n  namespace: shop\n")) + "  target:\n    name: web\n    kind: Deployment\n"}},
		},
		{
			"a kind without schema, by JSON", "-- prod/kustomization.yaml --\nresources: [web.yaml]\n-- prod/web.yaml --\n" + rollout,
			spec.KustomizeSource{},
			[]types.Patch{on("Rollout", "web", "[{op: replace, path: /spec/template/spec/containers/0/args/0, value: --b}]")},
			[][3]string{{"prod/web.yaml", "--a", "--b"}},
		},
		{"one patch after the other", "-- prod/kustomization.yaml --\nresources: [../base]\n" + webBase, spec.KustomizeSource{}, []types.Patch{{Patch: replicas}, {Patch: blue}}, [][3]string{
			{"prod/kustomization.yaml", "", entry(replicas) + strings.TrimPrefix(entry(blue), "patches:\n")},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := overlayInput(t, tt.archive, tt.src, tt.patches...)
			edit := makes(t, in)
			want := map[string]string{}
			for _, e := range tt.edits {
				data, ok := want[e[0]]
				if !ok {
					was, err := in.FS.ReadFile(e[0])
					if err != nil {
						t.Fatal(err)
					}
					data = string(was)
				}
				if e[1] == "" {
					data += e[2]
				} else {
					data = replace(data, e[1], e[2])
				}
				want[e[0]] = data
			}
			for name, data := range edit.Files {
				equalText(t, want[name], string(data))
				delete(want, name)
			}
			for name := range want {
				t.Errorf("%s is as it was", name)
			}
		})
	}
}

func TestKustomizePatchErrors(t *testing.T) {
	const replicas = "[{op: replace, path: /spec/replicas, value: 3}]"
	head := "-- prod/kustomization.yaml --\nresources: [../base]\n"
	retag := "[{op: replace, path: /spec/template/spec/containers/0/image, value: 'example.com/web:v3'}]"
	for name, tt := range map[string]struct {
		archive string
		src     spec.KustomizeSource
		patch   types.Patch
		want    []string
	}{
		"near name": {head + webBase, spec.KustomizeSource{}, on("Deployment", "wep", replicas), []string{"spec.patches[0]: the patch matches nothing: did you mean Deployment/web"}},
		"an image of the kustomization": {head + "images: [{name: example.com/web, newTag: v2}]\n" + webBase, spec.KustomizeSource{}, on("Deployment", "web", retag), []string{
			"spec.patches[0]: Deployment/web: the edited kustomization would not render Deployment/web as patched at spec.template.spec.containers[name=web].image, because something that applies later sets it",
		}},
		"an image of the plan": {head + webBase, spec.KustomizeSource{Images: []string{"example.com/web:v2"}}, on("Deployment", "web", retag), []string{"containers[name=web].image, because something that applies later sets it"}},
		"replicas of the plan": {head + webBase, spec.KustomizeSource{Replicas: []types.Replica{{Name: "web", Count: 7}}}, on("Deployment", "web", replicas), []string{"as patched at spec.replicas"}},
		"a label of the kustomization": {head + "labels: [{pairs: {track: x}, includeTemplates: true}]\n" + webBase, spec.KustomizeSource{}, on("Deployment", "web", "[{op: replace, path: /spec/template/metadata/labels/track, value: y}]"), []string{
			"as patched at spec.template.metadata.labels.track",
		}},
		"a field that is copied": {head + "replacements:\n- source: {kind: Deployment, name: web, fieldPath: spec.replicas}\n  targets: [{select: {kind: ConfigMap, name: web}, fieldPaths: [data.color]}]\n" + webBase, spec.KustomizeSource{}, on("Deployment", "web", replicas), []string{
			"the edited kustomization would not render ConfigMap/web as patched at data.color",
		}},
		"no schema": {
			head + "-- base/kustomization.yaml --\nresources: [a.yaml]\n-- base/a.yaml --\napiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: web}\n",
			spec.KustomizeSource{},
			types.Patch{Patch: "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: web}\nspec: {replicas: 2}\n"},
			[]string{"spec.patches[0]: Rollout/web: a strategic merge would replace whole lists"},
		},
		"nothing": {head + webBase, spec.KustomizeSource{}, on("Deployment", "web", "[{op: replace, path: /spec/replicas, value: 2}]"), []string{"the change changes nothing: Deployment/web is as the patch wants it"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := overlayInput(t, tt.archive, tt.src, tt.patch)
			before, err := in.FS.ReadFile("prod/kustomization.yaml")
			if err != nil {
				t.Fatal(err)
			}
			wantError(t, in, tt.want...)
			if after, err := in.FS.ReadFile("prod/kustomization.yaml"); err != nil || string(before) != string(after) {
				t.Error("the files changed")
			}
		})
	}
}

func indent(by, text string) string {
	return by + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+by) + "\n"
}

// What an edited kustomization renders is what Kubernetes makes of the baseline
// and the patch, wherever the edit went.
func TestKustomizePatchLaw(t *testing.T) {
	made, refused := 0, 0
	for seed := range int64(150) {
		r := rand.New(rand.NewSource(seed)) //nolint:gosec // a fixed sequence is wanted
		files, ok := randomOverlay(t, r)
		if !ok {
			continue
		}
		in := overlayInput(t, "", spec.KustomizeSource{}, types.Patch{})
		in.FS = in.FS.With(files)
		var err error
		if in.Baseline, err = in.Render(in.FS); err != nil {
			continue // the random patch of its own does not fit
		}
		before := in.Baseline[0]
		data, want := toJSON(t, before.Object), []byte(nil)
		if r.Intn(2) == 0 {
			patch := deployment(thinned(r, randomSpec(r)).(fields)) //nolint:errcheck // a mapping stays one
			patch["metadata"] = fields{"name": before.GetName()}
			want, err = strategicpatch.StrategicMergePatch(data, toJSON(t, patch), appsv1.Deployment{})
			in.Change.Patches = []types.Patch{{Patch: writtenAs(t, r, patch)}}
		} else {
			ops := randomOperations(r, before.Object)
			in.Change.Patches = []types.Patch{on("Deployment", before.GetName(), writtenAs(t, r, ops))}
			var patch jsonpatch.Patch
			if patch, err = jsonpatch.DecodePatch(toJSON(t, ops)); err == nil {
				want, err = patch.Apply(data)
			}
		}
		if err != nil {
			continue
		}
		edit, err := Make(in)
		if errors.Is(err, ErrNothing) {
			continue
		}
		if err != nil {
			t.Logf("seed %d: %v", seed, err)
			refused++
			continue
		}
		made++
		objs, err := in.Render(in.FS.With(edit.Files))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(unordered(decoded(t, want)), unordered(decoded(t, toJSON(t, objs[0].Object)))); diff != "" {
			t.Errorf("seed %d: %s\n%s\n%s", seed, in.Change.Patches[0].Patch, edit.Files, diff)
		}
	}
	if made < 60 || refused > made/5 {
		t.Errorf("%d made, %d refused", made, refused)
	}
}

// randomOverlay is a kustomization of one Deployment, its own or a base's.
func randomOverlay(t *testing.T, r *rand.Rand) (map[string][]byte, bool) {
	files, text := map[string][]byte{}, pick(r, "namePrefix: a-\n", "", "commonAnnotations: {example.com/y: x}\n")
	web := []byte(strings.ReplaceAll(writtenAs(t, r, deployment(randomSpec(r))), "\r", ""))
	if r.Intn(2) == 0 {
		files["prod/web.yaml"] = web
		text += "resources: [web.yaml]\n"
	} else {
		files["base/web.yaml"], files["base/kustomization.yaml"] = web, []byte("resources: [web.yaml]\n")
		text += "resources:\n- ../base\n"
	}
	if r.Intn(2) == 0 {
		patch, ok := thinned(r, randomSpec(r)).(fields)
		if !ok {
			return nil, false
		}
		if own := writtenAs(t, r, deployment(patch)); r.Intn(2) == 0 {
			files["prod/patch.yaml"] = []byte(own)
			text += "patches:\n- path: patch.yaml\n"
		} else {
			text += "patches:\n  - patch: |\n" + indent("      ", strings.ReplaceAll(own, "\r", ""))
		}
	}
	files["prod/kustomization.yaml"] = []byte(text)
	return files, true
}
