package kustomize

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/internal/spec"
)

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "example.org/web:1", env: [{name: MODE, value: "on"}], envFrom: [{configMapRef: {name: conf}}]}
`

const service = `apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`

// repo builds a file system; a value "-> x" is a link to x.
func repo(files map[string]string) *envfs.FS {
	m := fstest.MapFS{}
	for name, data := range files {
		f := &fstest.MapFile{Data: []byte(data), Mode: 0o644}
		if to, ok := strings.CutPrefix(data, "-> "); ok {
			f = &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink | 0o777}
		}
		m[name] = f
	}
	return envfs.New(m, envfs.Limits{})
}

func render(t *testing.T, files map[string]string, dir string) []*unstructured.Unstructured {
	t.Helper()
	objs, _, err := Render(t.Context(), repo(files), dir, spec.KustomizeSource{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return objs
}

// names are "Kind name" of each object, in order.
func names(objs []*unstructured.Unstructured) []string {
	var all []string
	for _, o := range objs {
		all = append(all, o.GetKind()+" "+o.GetName())
	}
	return all
}

func TestRender(t *testing.T) {
	base := map[string]string{"base/kustomization.yaml": "resources: [d.yaml, s.yaml]\n", "base/d.yaml": deployment, "base/s.yaml": service}
	with := func(files map[string]string) map[string]string {
		for name, data := range base {
			files[name] = data
		}
		return files
	}
	cases := map[string]struct {
		files map[string]string
		dir   string
		want  []string
	}{
		"legacy order":       {with(map[string]string{}), "base", []string{"Service web", "Deployment web"}},
		"base outside":       {with(map[string]string{"apps/prod/kustomization.yaml": "namePrefix: p-\nresources: [../../base]\n"}), "apps/prod", []string{"Service p-web", "Deployment p-web"}},
		"kustomization.yml":  {with(map[string]string{"a/kustomization.yml": "resources: [../base]\n"}), "a", []string{"Service web", "Deployment web"}},
		"Kustomization":      {with(map[string]string{"a/Kustomization": "resources: [../base]\n"}), "a", []string{"Service web", "Deployment web"}},
		"bases":              {with(map[string]string{"a/kustomization.yaml": "bases: [../base]\n"}), "a", []string{"Service web", "Deployment web"}},
		"at the root":        {map[string]string{"kustomization.yaml": "resources: [d.yaml]\n", "d.yaml": deployment}, ".", []string{"Deployment web"}},
		"component":          {with(map[string]string{"a/kustomization.yaml": "resources: [../base]\ncomponents: [../c]\n", "c/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -c\n"}), "a", []string{"Service web-c", "Deployment web-c"}},
		"generator":          {map[string]string{"a/kustomization.yaml": "configMapGenerator: [{name: conf, files: [k=f.txt, f.txt], envs: [e.env], literals: [a=on]}]\n", "a/f.txt": "x\n", "a/e.env": "B=yes\n"}, "a", []string{"ConfigMap conf-hc45b29c24"}},
		"linked file":        {with(map[string]string{"a/kustomization.yaml": "resources: [l.yaml]\n", "a/l.yaml": "-> x/d.yaml", "a/x/d.yaml": deployment}), "a", []string{"Deployment web"}},
		"linked base":        {with(map[string]string{"a/kustomization.yaml": "resources: [b]\n", "a/b": "-> ../base"}), "a", []string{"Service web", "Deployment web"}},
		"linked environment": {with(map[string]string{"b": "-> base"}), "b", []string{"Service web", "Deployment web"}},
		"path with an @":     {map[string]string{"a/kustomization.yaml": "resources: [web@prod.yaml]\n", "a/web@prod.yaml": deployment}, "a", []string{"Deployment web"}},
		"./ before a host":   {map[string]string{"a/kustomization.yaml": "resources: [./github.com/o/r]\n", "a/github.com/o/r/kustomization.yaml": "resources: [d.yaml]\n", "a/github.com/o/r/d.yaml": deployment}, "a", []string{"Deployment web"}},
		"list":               {map[string]string{"a/kustomization.yaml": "resources: [l.yaml]\n", "a/l.yaml": "apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(service, "\n", "\n  ")}, "a", []string{"Service web"}},
		"nothing":            {map[string]string{"a/kustomization.yaml": "resources: []\n"}, "a", nil},
		"inline transformer": {with(map[string]string{"a/kustomization.yaml": "resources: [../base]\ntransformers:\n- |-\n  apiVersion: builtin\n  kind: PrefixTransformer\n  metadata: {name: p}\n  prefix: q-\n  fieldSpecs: [{path: metadata/name}]\n"}), "a", []string{"Service q-web", "Deployment q-web"}},
		"transformer file":   {with(map[string]string{"a/kustomization.yaml": "resources: [../base]\ntransformers: [t.yaml]\n", "a/t.yaml": "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: p}\npath: p.yaml\ntarget: {kind: Service}\n", "a/p.yaml": "- {op: replace, path: /metadata/name, value: patched}\n"}), "a", []string{"Service patched", "Deployment web"}},
		"transformer dir":    {with(map[string]string{"a/kustomization.yaml": "resources: [../base]\ntransformers: [t]\n", "a/t/kustomization.yaml": "resources: [t.yaml]\n", "a/t/t.yaml": "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: p}\npath: p.yaml\ntarget: {kind: Service}\n", "a/p.yaml": "- {op: replace, path: /metadata/name, value: patched}\n"}), "a", []string{"Service patched", "Deployment web"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, names(render(t, c.files, c.dir))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTypes(t *testing.T) {
	objs := render(t, map[string]string{
		"a/kustomization.yaml": "resources: [x.yaml]\n",
		"a/x.yaml": `apiVersion: example.org/v1
kind: X
metadata: {name: x}
spec: {a: "on", b: on, c: "1", d: 1, e: 1.0, f: 1.5, g: 1e3, h: true, i: "true", j: null, k: 2001-01-01, l: 9223372036854775808, m: 0o17, n: 017, o: "1e3", p: yes, q: [], r: {}, s: ""}
text: |
  line
    indented

  last
folded: >-
  one
  two
`,
	}, "a")
	want := map[string]any{
		"a": "on", "b": "on", "c": "1", "d": int64(1), "e": int64(1), "f": 1.5, "g": int64(1000), "h": true, "i": "true", "j": nil,
		"k": "2001-01-01T00:00:00Z", "l": float64(9223372036854775808), "m": int64(15), "n": int64(15), "o": "1e3", "p": "yes", "q": []any{}, "r": map[string]any{}, "s": "",
	}
	if diff := cmp.Diff(want, objs[0].Object["spec"]); diff != "" {
		t.Error(diff)
	}
	if got := objs[0].Object["text"]; got != "line\n  indented\n\nlast\n" {
		t.Errorf("text %q", got)
	}
	if got := objs[0].Object["folded"]; got != "one two" {
		t.Errorf("folded %q", got)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := Render(ctx, repo(map[string]string{"a/kustomization.yaml": "resources: [d.yaml]\n", "a/d.yaml": deployment}), "a", spec.KustomizeSource{}, Options{})
	if err == nil || !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("error %v", err)
	}
}

func TestLimits(t *testing.T) {
	fsys := envfs.New(fstest.MapFS{
		"a/kustomization.yaml": {Data: []byte("resources: [d.yaml]\n")},
		"a/d.yaml":             {Data: []byte(deployment)},
	}, envfs.Limits{FileBytes: 100})
	if _, _, err := Render(t.Context(), fsys, "a", spec.KustomizeSource{}, Options{}); err == nil || !strings.HasPrefix(err.Error(), "read a/d.yaml: it has") {
		t.Errorf("large file: %v", err)
	}
	deep := "apiVersion: v1\nkind: A\nmetadata: {name: a}\na: [[[[1]]]]\n"
	for lim, want := range map[manifest.Limits]string{
		{Documents: 3}:  "", // a kustomization and two files are read
		{Documents: 2}:  "app/x.yaml: bases are built so often",
		{Depth: 4}:      "app: A a: nested too deep; flatten it, or raise the limit",
		{Documents: 10}: "",
	} {
		files := map[string]string{"app/kustomization.yaml": "resources: [d.yaml, x.yaml]\n", "app/d.yaml": service, "app/x.yaml": deep}
		_, _, err := Render(t.Context(), repo(files), "app", spec.KustomizeSource{}, Options{Limits: lim})
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%+v: error %v, want %q", lim, err, want)
		}
	}
	doubling := map[string]string{"d/b30/kustomization.yaml": "configMapGenerator: [{name: a}]\n"}
	for i := range 30 {
		for _, side := range []string{"l", "r"} {
			doubling[fmt.Sprintf("d/%s%d/kustomization.yaml", side, i)] = fmt.Sprintf("namePrefix: %s\nresources: [../b%d]\n", side, i+1)
		}
		doubling[fmt.Sprintf("d/b%d/kustomization.yaml", i)] = fmt.Sprintf("resources: [../l%d, ../r%d]\n", i, i)
	}
	if _, _, err := Render(t.Context(), repo(doubling), "d/b0", spec.KustomizeSource{}, Options{Limits: manifest.Limits{Documents: 500}}); err == nil || !strings.Contains(err.Error(), "bases are built so often") {
		t.Errorf("doubling bases: %v", err)
	}
	bomb := "apiVersion: v1\nkind: A\nmetadata: {name: a}\nb0: &b0 [1,1,1,1,1,1,1,1,1,1]\n"
	for i := range 9 {
		bomb += fmt.Sprintf("b%d: &b%d [%s*b%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*b%d,", i), 9), i)
	}
	for _, files := range []map[string]string{
		{"a/kustomization.yaml": "resources: [b.yaml]\n", "a/b.yaml": bomb},
		{"a/kustomization.yaml": bomb},
	} {
		if _, _, err := Render(t.Context(), repo(files), "a", spec.KustomizeSource{}, Options{}); err == nil || !strings.Contains(err.Error(), "aliases expand to more than") {
			t.Errorf("alias bomb: %v", err)
		}
	}
}
