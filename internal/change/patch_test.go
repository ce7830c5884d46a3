package change

import (
	"testing"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"

	"github.com/assaydev/assay/internal/spec"
)

// on is a patch with a target.
func on(kind, name, patch string) types.Patch {
	return types.Patch{Patch: patch, Target: &types.Selector{ResId: resid.ResId{Gvk: resid.Gvk{Kind: kind}, Name: name}}}
}

func flatPatch(t testing.TB, archive string, patches ...types.Patch) Input {
	in := flatInput(t, archive)
	in.Change.Patches = patches
	return in
}

const webManifest = `# the shop
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      # the app itself
      - name: web
        image: example.com/web:v1 # pinned
        args: ["--port=80", "--debug=false"]
        env:
        - name: MODE
          value: "fast"
        # for later
        - name: LEVEL
          value: "1"
        resources:
          limits: {memory: 64Mi}
      - name: proxy
        image: envoy:v1
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: web
data:
  color: red # for now
  text: |
    one
    two
`

func TestFlatPatch(t *testing.T) {
	const container = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: web, %s}]}}}\n"
	strategic := func(fields string) types.Patch {
		return types.Patch{Patch: replace(container, "%s", fields)}
	}
	tests := []struct {
		name  string
		patch types.Patch
		from  string
		to    string
		lines int // changed: removed and added
	}{
		{"a new tag", strategic("image: example.com/web:v2"), "web:v1 #", "web:v2 #", 2},
		{"a digest", on("Deployment", "web", "- {op: replace, path: /spec/template/spec/containers/0/image, value: 'example.com/web@sha256:00'}"), "web:v1 #", "web@sha256:00 #", 2},
		{"a registry", strategic("image: other.example.com/web:v1"), "example.com/web:v1 #", "other.example.com/web:v1 #", 2},
		{"an env value changed", strategic("env: [{name: LEVEL, value: '2'}]"), `value: "1"`, `value: "2"`, 2},
		{"an env value added", strategic("env: [{name: NEW, value: '2'}]"), `          value: "1"` + "\n", `          value: "1"` + "\n        - name: NEW\n          value: \"2\"\n", 2},
		{
			"an env value appended", on("Deployment", "web", "[{op: add, path: /spec/template/spec/containers/0/env/-, value: {name: NEW, value: x}}]"),
			"          value: \"1\"\n", "          value: \"1\"\n        - name: NEW\n          value: x\n", 2,
		},
		{
			"an env value put first", on("Deployment", "web", "[{op: add, path: /spec/template/spec/containers/0/env/0, value: {name: NEW, value: x}}]"),
			"        - name: MODE\n", "        - name: NEW\n          value: x\n        - name: MODE\n", 2,
		},
		{
			"an env value put between", on("Deployment", "web", "[{op: add, path: /spec/template/spec/containers/0/env/1, value: {name: NEW, value: x}}]"),
			"          value: \"fast\"\n", "          value: \"fast\"\n        - name: NEW\n          value: x\n", 2,
		},
		{"an env value removed", strategic("env: [{name: LEVEL, $patch: delete}]"), "        # for later\n        - name: LEVEL\n          value: \"1\"\n", "", 3},
		{"resources", strategic("resources: {limits: {memory: 128Mi}}"), "64Mi", "128Mi", 2},
		{"resources added", strategic("resources: {requests: {cpu: 100m}}"), "limits: {memory: 64Mi}\n", "limits: {memory: 64Mi}\n          requests:\n            cpu: 100m\n", 2},
		{
			"a probe", strategic("readinessProbe: {httpGet: {path: /, port: 80}}"),
			"limits: {memory: 64Mi}\n", "limits: {memory: 64Mi}\n        readinessProbe:\n          httpGet:\n            path: /\n            port: 80\n", 4,
		},
		{"an argument", strategic(`args: ["--port=80", "--debug=true"]`), "--debug=false", "--debug=true", 2},
		{"an argument by index", on("Deployment", "web", "[{op: replace, path: /spec/template/spec/containers/0/args/1, value: --debug=true}]"), `"--debug=false"`, `"--debug=true"`, 2},
		{
			"a pod label",
			types.Patch{Patch: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {metadata: {labels: {track: next}}}}\n"},
			"        app: web\n", "        app: web\n        track: next\n", 1,
		},
		{"a ConfigMap value", types.Patch{Patch: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {color: blue}\n"}, "color: red", "color: blue", 2},
		{"a ConfigMap text", types.Patch{Patch: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  text: |\n    one\n    three\n"}, "    two\n", "    three\n", 2},
		{
			"a container", on("Deployment", "web", "spec: {template: {spec: {containers: [{name: logs, image: logs:v1}]}}}\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: any}\n"),
			"        image: envoy:v1\n", "        image: envoy:v1\n      - name: logs\n        image: logs:v1\n", 2,
		},
		{"a container less", on("Deployment", "web", "[{op: remove, path: /spec/template/spec/containers/1}]"), "      - name: proxy\n        image: envoy:v1\n", "", 2},
		{"a field less", types.Patch{Patch: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: null}\n"}, "  replicas: 2\n", "", 1},
		{"by label", types.Patch{Target: &types.Selector{LabelSelector: "app=web"}, Patch: "[{op: replace, path: /spec/replicas, value: 3}]"}, "replicas: 2", "replicas: 3", 2},
		{"by expression", on("Deploy.*", "w.b", "[{op: replace, path: /spec/replicas, value: 3}]"), "replicas: 2", "replicas: 3", 2},
		{"as JSON", on("Deployment", "web", `[{"op": "replace", "path": "/spec/replicas", "value": 3}]`), "replicas: 2", "replicas: 3", 2},
		{
			"annotations with slashes", on("Deployment", "web", `[{"op": "add", "path": "/metadata/annotations", "value": {"example.com/a": "1"}}]`),
			"  labels: {app: web}\n", "  labels: {app: web}\n  annotations:\n    example.com/a: \"1\"\n", 2,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := flatPatch(t, "-- shop/a.yaml --\n"+webManifest, tt.patch)
			want := replace(webManifest, tt.from, tt.to)
			edit, err := Make(in)
			if err != nil {
				t.Fatal(err)
			}
			equalText(t, want, string(edit.Files["shop/a.yaml"]))
			if n := changedLines(webManifest, want); n != tt.lines {
				t.Errorf("%d lines changed, want %d", n, tt.lines)
			}
			if len(edit.Files) != 1 {
				t.Errorf("edited %d files", len(edit.Files))
			}
			list := "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: web}\n"
			for _, doc := range split(webManifest) {
				list += indented(doc)
			}
			in = flatPatch(t, "-- shop/a.yaml --\n"+list, tt.patch)
			edit, err = Make(in)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := changedLines(list, string(edit.Files["shop/a.yaml"])), tt.lines; got != want {
				t.Errorf("in a list %d lines changed, want %d:\n%s", got, want, edit.Files["shop/a.yaml"])
			}
		})
	}
}

// A patch that is made changes nothing the second time, unless it appends.
func TestFlatPatchTwice(t *testing.T) {
	in := flatPatch(t, "-- shop/a.yaml --\n"+webManifest,
		on("ConfigMap", "web", "[{op: replace, path: /data/color, value: blue}]"),
		types.Patch{Patch: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {more: \"1\"}\n"},
	)
	want := replace(replace(webManifest, "red", "blue"), "replicas: 2", "replicas: 3") + "  more: \"1\"\n"
	wantEdit(t, in, map[string]string{"shop/a.yaml": want})
}

func TestPatchErrors(t *testing.T) {
	replicas := "[{op: replace, path: /spec/replicas, value: 3}]"
	rollout := "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: web, image: a}]}}}\n"
	tests := map[string]struct {
		archive string
		patch   types.Patch
		want    []string
	}{
		"empty":          {webManifest, types.Patch{}, []string{"spec.patches[0].patch: missing"}},
		"path":           {webManifest, types.Patch{Path: "x.yaml"}, []string{"spec.patches[0].path: a candidate's patch stands in the marker itself"}},
		"comment":        {webManifest, types.Patch{Patch: "# x"}, []string{"spec.patches[0].patch: holds comments alone"}},
		"text":           {webManifest, types.Patch{Patch: "x"}, []string{"spec.patches[0].patch: is neither"}},
		"no operations":  {webManifest, on("Deployment", "web", "[]"), []string{"spec.patches[0].patch: has no operations"}},
		"no target":      {webManifest, types.Patch{Patch: replicas}, []string{"spec.patches[0].target: missing"}},
		"empty target":   {webManifest, types.Patch{Patch: replicas, Target: &types.Selector{}}, []string{"spec.patches[0].target: is empty"}},
		"bad expression": {webManifest, on("(", "", replicas), []string{"spec.patches[0].target: holds an expression that is not valid"}},
		"bad labels":     {webManifest, types.Patch{Patch: replicas, Target: &types.Selector{LabelSelector: "a=b=c"}}, []string{"spec.patches[0].target: labelSelector is not valid"}},
		"bad annotation": {webManifest, types.Patch{Patch: replicas, Target: &types.Selector{AnnotationSelector: "a=b=c"}}, []string{"spec.patches[0].target: annotationSelector is not valid"}},
		"no name":        {webManifest, types.Patch{Patch: "spec: {}"}, []string{"spec.patches[0].patch: does not say what it changes"}},
		"name change":    {webManifest, types.Patch{Patch: rollout, Options: &types.PatchArgs{AllowNameChange: true}}, []string{"spec.patches[0].options: a candidate keeps the name"}},
		"two documents":  {webManifest, on("Deployment", "web", replicas+"\n---\n"+replicas), []string{"spec.patches[0].patch: holds several documents"}},
		"not YAML":       {webManifest, on("Deployment", "web", "a: [\n"), []string{"spec.patches[0]: patch:1: not valid YAML"}},
		"a tab":          {webManifest, on("Deployment", "web", "a:\n\tb: 1\n"), []string{"spec.patches[0]: patch:2: a tab in the indentation"}},
		"duplicate key":  {webManifest, on("Deployment", "web", "a: 1\na: 2\n"), []string{"spec.patches[0]: patch:2: duplicate key \"a\""}},
		"near name":      {webManifest, on("Deployment", "wep", replicas), []string{"spec.patches[0]: the patch matches nothing: did you mean Deployment/web", "There are Deployment/web, ConfigMap/web"}},
		"other kind": {webManifest, types.Patch{Patch: "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: web}\n"}, []string{
			"matches nothing: did you mean ConfigMap/web or Deployment/web",
		}},
		"other version":   {webManifest, types.Patch{Patch: "apiVersion: apps/v2\nkind: Deployment\nmetadata: {name: web}\n"}, []string{"matches nothing: did you mean Deployment/web"}},
		"other namespace": {webManifest, types.Patch{Patch: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: x}\n"}, []string{"matches nothing: did you mean Deployment/web"}},
		"not even near":   {webManifest, on("Zzz", "zzzzzzzzzz", replicas), []string{"matches nothing: there are ConfigMap/web, Deployment/web"}},
		"no path":         {webManifest, on("Deployment", "web", "[{op: replace, path: /spec/foo, value: 3}]"), []string{"spec.patches[0]: shop/a.yaml:2: operation 0 of the patch (replace /spec/foo) does not apply"}},
		"bad operation":   {webManifest, on("Deployment", "web", "[{op: jump, path: /spec/foo}]"), []string{"the patch is not a list of JSON patch operations"}},
		"failed test":     {webManifest, on("Deployment", "web", "[{op: test, path: /spec/replicas, value: 5}]"), []string{"operation 0 of the patch (test /spec/replicas) does not apply"}},
		"renames":         {webManifest, on("Deployment", "web", "[{op: replace, path: /metadata/name, value: x}]"), []string{"the patch changes metadata.name"}},
		"moves":           {webManifest, on("Deployment", "web", "[{op: add, path: /metadata/namespace, value: x}]"), []string{"the patch changes metadata.namespace"}},
		"deletes":         {webManifest, types.Patch{Patch: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n$patch: delete\n"}, []string{"the patch deletes the object"}},
		"empties":         {webManifest, on("Deployment", "web", "[{op: replace, path: '', value: {}}]"), []string{"spec.patches[0]: shop/a.yaml:2: "}},
		"no schema":       {rollout, types.Patch{Patch: rollout}, []string{"spec.patches[0]: shop/a.yaml:1: a strategic merge would replace whole lists", "use a JSON patch"}},
		"misfit":          {webManifest, types.Patch{Patch: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: [1]\n"}, []string{"the patch does not fit the object"}},
		"twice": {
			webManifest + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n", on("ConfigMap", "web", "[{op: add, path: /data, value: {a: b}}]"),
			[]string{"ConfigMap/web is in shop/a.yaml:32 and in shop/a.yaml:42: remove one of them"},
		},
		"two namespaces": {
			"apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: a}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: b}\n",
			types.Patch{Patch: "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {hostNetwork: true}\n"},
			[]string{"the patch names Pod/a/web and Pod/b/web alike: add the namespace"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			wantError(t, flatPatch(t, "-- shop/a.yaml --\n"+tt.archive, tt.patch), tt.want...)
		})
	}
	t.Run("helm", func(t *testing.T) {
		in := helmInput("-- shop/values.yaml --\na: 1\n", spec.HelmSource{}, spec.Change{Patches: []types.Patch{on("Deployment", "web", replicas)}})
		wantError(t, in, "spec.patches[0]: a chart has no place for a patch: set values instead")
	})
	t.Run("nothing", func(t *testing.T) {
		wantError(t, flatPatch(t, "-- shop/a.yaml --\n"+webManifest, on("Deployment", "web", "[{op: replace, path: /spec/replicas, value: 2}]")),
			"the change changes nothing: shop/a.yaml:2 is as the patch wants it")
	})
}

// What cannot be edited in place is refused with the editor's reason.
func TestFlatPatchUnsafe(t *testing.T) {
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  hostname: a\n"
	for name, tt := range map[string]struct{ text, want string }{
		"duplicate key": {pod + "  hostname: b\n", "shop/a.yaml:6: duplicate key \"hostname\", already on line 5"},
		"template":      {pod + "  x: {{ .y }}\n", "shop/a.yaml:6: templated YAML"},
		"tab":           {pod + "\tx: y\n", "shop/a.yaml:6: a tab in the indentation"},
		"anchor":        {replace(pod, "hostname: a", "hostname: &h a") + "  subdomain: *h\n", "shop/a.yaml:5: spec.hostname: part of the anchor &h, which line 6 repeats"},
		"gone":          {"a: web\n", "Pod/web renders, and is written in no manifest of shop"},
	} {
		t.Run(name, func(t *testing.T) {
			in := flatPatch(t, "-- shop/a.yaml --\n"+pod, on("Pod", "web", "[{op: replace, path: /spec/hostname, value: c}]"))
			in.FS = in.FS.With(map[string][]byte{"shop/a.yaml": []byte(tt.text)})
			wantError(t, in, "spec.patches[0]: "+tt.want)
		})
	}
}

func TestPatchesBehindAnchors(t *testing.T) {
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nx: &x {a: 1}\n"
	for name, test := range map[string][2]string{
		"alias":     {"spec: *x\n", "spec:\n  a: 2\n"},
		"merge key": {"spec: {<<: *x, b: 1}\n", "spec: {<<: *x, b: 1, a: 2}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			edit, err := Make(flatPatch(t, "-- shop/a.yaml --\n"+pod+test[0], on("Pod", "web", "[{op: replace, path: /spec/a, value: 2}]")))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(edit.Files["shop/a.yaml"]); got != pod+test[1] {
				t.Errorf("edited to\n%s", got)
			}
		})
	}
}
