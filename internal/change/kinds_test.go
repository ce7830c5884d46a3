package change_test

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/assaydev/assay/internal/spec"

	"github.com/aymanbagabas/go-udiff"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/render"
)

const (
	shop = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - name: web
        image: example.com/web:v1 # pinned
        args: [--port=80, --debug=false]
        env:
        - name: MODE
          value: fast
        - name: LEVEL
          value: "1"
        envFrom:
        - configMapRef:
            name: web
        resources:
          limits:
            memory: 64Mi
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: web
data:
  color: red # for now
`
	shopTemplate = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {{- toYaml .Values.labels | nindent 8 }}
    spec:
      containers:
      - name: web
        image: {{ .Values.image.repository }}{{ with .Values.image.digest }}@{{ . }}{{ else }}:{{ .Values.image.tag }}{{ end }}
        args: {{- toYaml .Values.args | nindent 8 }}
        env: {{- toYaml .Values.env | nindent 8 }}
        envFrom: [{configMapRef: {name: web}}]
        resources: {{- toYaml .Values.resources | nindent 10 }}
        {{- with .Values.probe }}
        readinessProbe: {{- toYaml . | nindent 10 }}
        {{- end }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {{- toYaml .Values.config | nindent 2 }}
`
	shopValues = `# the shop
image:
  repository: example.com/web
  tag: v1 # pinned
  digest: ""
labels:
  app: web
args: [--port=80, --debug=false]
env:
- name: MODE
  value: fast
- name: LEVEL
  value: "1"
resources:
  limits:
    memory: 64Mi
config:
  color: red # for now
`
	shopPatch = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    metadata:
      labels:
        team: shop
    spec:
      containers:
      - name: web
        args: [--port=80, --debug=false]
        env:
        - name: LEVEL
          value: "1"
        resources:
          limits:
            memory: 64Mi
`
	planHead = "apiVersion: assay.dev/v1alpha1\nkind: Plan\nspec:\n  "
)

// shops are the same shop in every layout and the ways to lay it out.
var shops = map[string]map[string]string{
	"flat":              {"shop/web.yaml": shop},
	"flat, as a list":   {"shop/web.yaml": asList(shop)},
	"flat, with CRLF":   {"shop/web.yaml": strings.ReplaceAll(shop, "\n", "\r\n")},
	"kustomize, own":    {"shop/web.yaml": shop, "shop/kustomization.yaml": "namePrefix: a-\nresources:\n- web.yaml\n"},
	"kustomize, base":   {"base/web.yaml": shop, "base/kustomization.yaml": "resources: [web.yaml]\n", "shop/kustomization.yaml": "resources:\n- ../base\n"},
	"kustomize, prefix": {"base/web.yaml": shop, "base/kustomization.yaml": "resources: [web.yaml]\n", "shop/kustomization.yaml": "namePrefix: a-\nresources:\n- ../base\n"},
	"kustomize, patch": {
		"base/web.yaml": shop, "base/kustomization.yaml": "resources: [web.yaml]\n", "shop/patch.yaml": shopPatch,
		"shop/kustomization.yaml": "resources:\n- ../base\npatches:\n- path: patch.yaml\nimages:\n- name: example.com/web\n  newTag: v1\nconfigMapGenerator:\n- name: web\n  behavior: merge\n  literals:\n  - color=red\n",
	},
	"helm": {
		"shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.1.0\n", "shop/values.yaml": shopValues, "shop/templates/web.yaml": shopTemplate,
		"shop/assay.yaml": planHead + "helm:\n    releaseName: shop\n    namespace: shop\n    imageValues:\n      example.com/web: {repository: image.repository, tag: image.tag, digest: image.digest}\n",
	},
}

func asList(text string) string {
	out := "apiVersion: v1\nkind: List\nitems:\n"
	for _, doc := range strings.Split(text, "---\n") {
		out += "- " + strings.ReplaceAll(strings.TrimSuffix(doc, "\n"), "\n", "\n  ") + "\n"
	}
	return out
}

const (
	ofContainer = "patches: [{patch: \"apiVersion: apps/v1\\nkind: Deployment\\nmetadata: {name: web}\\nspec: {template: {spec: {containers: [{name: web, %s}]}}}\"}]"
	ofLabels    = "patches: [{patch: \"apiVersion: apps/v1\\nkind: Deployment\\nmetadata: {name: web}\\nspec: {template: {metadata: {labels: {track: next}}}}\"}]"
	ofConfig    = "patches: [{patch: \"apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: web}\\ndata: {color: blue}\"}]"
)

// kinds are the candidates that people have, and the lines that each may
// change: removed and added.
var kinds = []struct {
	name, patch, values string
	check               string         // in the rendered candidate
	lines               map[string]int // by shop
}{
	{
		"a new tag", "images: [{name: web, newTag: v2}]", "", "image: example.com/web:v2",
		map[string]int{"flat": 2, "kustomize, own": 3, "kustomize, base": 3, "kustomize, patch": 2, "helm": 2},
	},
	{
		"a digest", "images: [{name: web, digest: 'sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'}]", "", "image: example.com/web@sha256:0123",
		map[string]int{"flat": 2, "kustomize, own": 3, "kustomize, base": 3, "kustomize, patch": 2, "helm": 2},
	},
	{
		"a registry", "images: [{name: web, newName: quay.io/shop/web, newTag: v1}]", "", "image: quay.io/shop/web:v1",
		map[string]int{"flat": 2, "kustomize, own": 4, "kustomize, base": 4, "kustomize, patch": 1, "helm": 2},
	},
	{
		"an env value changed", strings.ReplaceAll(ofContainer, "%s", "env: [{name: LEVEL, value: '2'}]"), "values: {env: [{name: MODE, value: fast}, {name: LEVEL, value: '2'}]}", `value: "2"`,
		map[string]int{"flat": 2, "kustomize, own": 2, "kustomize, base": 6, "kustomize, patch": 2, "helm": 2},
	},
	{
		"an env value added", strings.ReplaceAll(ofContainer, "%s", "env: [{name: NEW, value: x}]"), "values: {env: [{name: MODE, value: fast}, {name: LEVEL, value: '1'}, {name: NEW, value: x}]}", "name: NEW",
		map[string]int{"flat": 2, "kustomize, own": 2, "kustomize, base": 6, "kustomize, patch": 2, "helm": 2},
	},
	{
		"an env value removed", strings.ReplaceAll(ofContainer, "%s", "env: [{name: MODE, $patch: delete}]"), "values: {env: [{name: LEVEL, value: '1'}]}", "- name: LEVEL",
		map[string]int{"flat": 2, "kustomize, own": 2, "kustomize, base": 6, "kustomize, patch": 5, "helm": 2},
	},
	{
		"resources", strings.ReplaceAll(ofContainer, "%s", "resources: {limits: {memory: 1Gi}}"), "values: {resources: {limits: {memory: 1Gi}}}", "memory: 1Gi",
		map[string]int{"flat": 2, "kustomize, own": 2, "kustomize, base": 6, "kustomize, patch": 2, "helm": 2},
	},
	{
		"a probe", strings.ReplaceAll(ofContainer, "%s", "readinessProbe: {httpGet: {path: /, port: 80}}"), "values: {probe: {httpGet: {path: /, port: 80}}}", "readinessProbe:",
		map[string]int{"flat": 4, "kustomize, own": 4, "kustomize, base": 6, "kustomize, patch": 4, "helm": 4},
	},
	{
		"an argument", strings.ReplaceAll(ofContainer, "%s", "args: [--port=80, --debug=true]"), "values: {args: [--port=80, --debug=true]}", "--debug=true",
		map[string]int{"flat": 2, "kustomize, own": 2, "kustomize, base": 6, "kustomize, patch": 2, "helm": 2},
	},
	{
		"a pod label", ofLabels, "values: {labels: {track: next}}", "track: next",
		map[string]int{"flat": 1, "kustomize, own": 1, "kustomize, base": 6, "kustomize, patch": 1, "helm": 1},
	},
	{
		"a ConfigMap value", ofConfig, "values: {config: {color: blue}}", "color: blue",
		map[string]int{"flat": 2, "kustomize, own": 2, "kustomize, base": 6, "kustomize, patch": 2, "helm": 2},
	},
}

func tree(files map[string]string) *envfs.FS {
	m := fstest.MapFS{}
	for name, data := range files {
		m[name] = &fstest.MapFile{Data: []byte(data), Mode: 0o644}
	}
	return envfs.New(m, envfs.Limits{})
}

func marked(change string) string {
	return "# +argocd:skip-file-rendering\napiVersion: assay.dev/v1alpha1\nkind: Candidate\nmetadata: {name: next}\nspec:\n  " + change + "\n"
}

func environment(t *testing.T, files map[string]string) (*render.Result, error) {
	t.Helper()
	return render.Environment(context.Background(), render.Request{FS: tree(files), Environment: spec.Environment{Dir: "shop"}})
}

// Each kind of candidate in each layout changes the fewest lines, shows in what
// renders, is what renders once the files are as edited, and is the same as a diff.
func TestKinds(t *testing.T) {
	for shopName, files := range shops {
		for _, kind := range kinds {
			t.Run(shopName+"/"+kind.name, func(t *testing.T) {
				change := kind.patch
				if kind.values != "" && shopName == "helm" {
					change = kind.values
				}
				if strings.HasPrefix(change, "patches") && (shopName == "kustomize, own" || shopName == "kustomize, prefix") {
					change = strings.ReplaceAll(change, "{name: web}\\n", "{name: a-web}\\n")
				}
				res := candidate(t, files, change)
				text, err := object.MarshalYAML(res.Candidate)
				if err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(string(text), kind.check) {
					t.Errorf("the candidate lacks %q:\n%s", kind.check, text)
				}
				if n, want := edited(files, res.Edited), linesOf(kind.lines, shopName); n != want {
					t.Errorf("%d lines changed, want %d:\n%s", n, want, res.Edited)
				}
				asDiff(t, files, res)
			})
		}
	}
}

// candidate renders with a marker, and holds law 2.
func candidate(t *testing.T, files map[string]string, change string) *render.Result {
	t.Helper()
	files = maps.Clone(files)
	files["shop/candidate.yaml"] = marked(change)
	if _, ok := files["shop/assay.yaml"]; !ok {
		files["shop/assay.yaml"] = planHead + "queue: preempt\n"
	}
	res, err := environment(t, files)
	if err != nil {
		t.Fatal(err)
	}
	delete(files, "shop/candidate.yaml")
	for name, data := range res.Edited {
		files[name] = string(data)
	}
	promoted, err := environment(t, files)
	if err != nil {
		t.Fatal(err)
	}
	same(t, res.Candidate, promoted.Baseline)
	if len(object.Diff(res.Baseline, res.Candidate)) == 0 {
		t.Error("nothing changed")
	}
	return res
}

func same(t *testing.T, want, got []*unstructured.Unstructured) {
	t.Helper()
	for _, d := range object.Diff(want, got) {
		t.Errorf("%s differs", d.Key)
	}
}

// asDiff declares the edit as a unified diff, which must make the same bytes.
func asDiff(t *testing.T, files map[string]string, res *render.Result) {
	t.Helper()
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(res.Edited)) {
		below := strings.TrimPrefix(name, "shop/")
		lines := func(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }
		text.WriteString(udiff.Unified("a/"+below, "b/"+below, lines(files[name]), lines(string(res.Edited[name]))))
	}
	quoted, err := yaml.Marshal(map[string]any{"diff": text.String()})
	if err != nil {
		t.Fatal(err)
	}
	again := candidate(t, files, strings.ReplaceAll(strings.TrimSuffix(string(quoted), "\n"), "\n", "\n  "))
	if !maps.EqualFunc(res.Edited, again.Edited, func(a, b []byte) bool { return string(a) == string(b) }) {
		t.Errorf("as a diff:\n%s\nwant\n%s", again.Edited, res.Edited)
	}
	same(t, res.Candidate, again.Candidate)
}

func linesOf(lines map[string]int, shop string) int {
	if n, ok := lines[shop]; ok {
		return n
	}
	if strings.HasPrefix(shop, "flat") {
		return lines["flat"]
	}
	return lines["kustomize, base"]
}

// edited counts the lines that are removed and added.
func edited(files map[string]string, edits map[string][]byte) int {
	n := 0
	for name, data := range edits {
		for _, line := range strings.Split(udiff.Unified("", "", files[name], string(data)), "\n") {
			if strings.HasPrefix(line, "+") && line != "+++ " || strings.HasPrefix(line, "-") && line != "--- " {
				n++
			}
		}
	}
	return n
}

// Every workload of real environments takes each kind of patch, and its own diff.
func TestCorpusPatches(t *testing.T) {
	root := os.Getenv("ASSAY_CORPUS")
	if root == "" {
		t.Skip("ASSAY_CORPUS is not set: no real environments to patch")
	}
	made := 0
	for _, dir := range []string{"example-apps/guestbook", "example-apps/kustomize-guestbook", "example-apps/pre-post-sync", "example-apps/sync-waves", "podinfo/kustomize"} {
		files := read(t, filepath.Join(root, dir), "shop/")
		maps.Copy(files, read(t, filepath.Join(root, "example-apps/kustomize-guestbook"), "kustomize-guestbook/")) // a base
		plain, err := environment(t, files)
		if err != nil {
			t.Fatalf("%s: %v", dir, err)
		}
		for _, o := range plain.Baseline {
			if o.GetKind() != "Deployment" {
				continue
			}
			containers, _, err := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers")
			if err != nil || len(containers) == 0 {
				t.Fatalf("%s: no containers", dir)
			}
			container, ok := containers[0].(map[string]any)
			if !ok {
				t.Fatalf("%s: no container", dir)
			}
			for _, kind := range []string{
				"env: [{name: NEW, value: x}]", "resources: {limits: {memory: 1Gi}}", "readinessProbe: {httpGet: {path: /new, port: 80}}",
				"args: [--new]", "image: example.com/new:v2", "securityContext: {runAsUser: 5}",
			} {
				made++
				change := strings.NewReplacer("{name: web}", "{name: "+o.GetName()+"}", "{name: web,", fmt.Sprintf("{name: %s,", container["name"]), "%s", kind).Replace(ofContainer)
				res := candidate(t, files, change)
				if n := edited(files, res.Edited); n > 8 {
					t.Errorf("%s: %s: %d lines changed", dir, kind, n)
				}
				asDiff(t, files, res)
			}
		}
	}
	if made < 24 {
		t.Errorf("only %d candidates were made", made)
	}
}

// read takes a directory's files into another.
func read(t *testing.T, root, into string) map[string]string {
	t.Helper()
	out := map[string]string{}
	fsys := os.DirFS(root)
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		out[into+name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
