package render_test

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// appended is a hunk that adds a line at the end of a file.
func appended(name, text, line string) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	return fmt.Sprintf("--- a/%s\n+++ b/%s\n@@ -%d +%d,2 @@\n %s\n+%s\n", name, name, len(lines), len(lines), lines[len(lines)-1], line)
}

// diffOf is a marker whose diff appends a line to files of the environment, and
// replaces its image in one.
func diffOf(files map[string]string, dir, image string, names ...string) string {
	var diff strings.Builder
	at := 0
	for i, line := range strings.Split(files[path.Join(dir, image)], "\n") {
		if strings.Contains(line, "shop/web:1") {
			at = i
			_, _ = fmt.Fprintf(&diff, "--- a/%s\n+++ b/%s\n@@ -%d +%d @@\n-%s\n+%s\n", image, image, at+1, at+1, line, strings.ReplaceAll(line, "shop/web:1", "shop/web:2"))
			break
		}
	}
	for _, name := range names {
		diff.WriteString(appended(name, files[path.Join(dir, name)], "# more"))
	}
	return "apiVersion: assay.dev/v1alpha1\nkind: Candidate\nmetadata: {name: next}\nspec:\n  diff: |\n    " +
		strings.ReplaceAll(strings.TrimSuffix(diff.String(), "\n"), "\n", "\n    ") + "\n"
}

const besideWeb = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: beside}\ndata: {a: b}\n"

// editable are environments in apps/web with files of every sort, and the file
// that holds the image.
func editable() map[string]map[string]string {
	judge := "apiVersion: batch/v1\nkind: Job\nmetadata: {name: judge}\nspec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: [{name: j, image: j}]}}}\n"
	common := map[string]string{
		"apps/web/README.md":               "text\n",
		"apps/web/deploy.sh":               "echo\n",
		"apps/web/.github/workflows/a.yml": "on: push\n",
		"apps/web/experiment/judge.yaml":   judge,
		"apps/web/next/app.yaml":           strings.ReplaceAll(web, "web", "next"),
		"apps/web/next/assay.yaml":         plan(""),
		"apps/web/next/experiment/j.yaml":  judge,
	}
	flat := merged(common, map[string]string{
		"apps/web/web.yaml":     web,
		"apps/web/beside.yaml":  besideWeb,
		"apps/web/skipped.yaml": "# +argocd:skip-file-rendering\nname: x\n",
		"apps/web/left.yaml":    besideWeb,
		"apps/web/assay.yaml":   plan("directory: {exclude: left.yaml}"),
	})
	kustomize := merged(common, map[string]string{
		"apps/web/web.yaml":                 web,
		"apps/web/base/kustomization.yaml":  "resources: [beside.yaml]\n",
		"apps/web/base/beside.yaml":         besideWeb,
		"apps/web/base/unused.yaml":         besideWeb,
		"apps/web/unused.yaml":              besideWeb,
		"apps/web/settings.env":             "A=b\n",
		"apps/web/patch.yaml":               "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}\n",
		"apps/web/kustomization.yaml":       "resources: [web.yaml, base]\npatches: [{path: patch.yaml}]\nconfigMapGenerator: [{name: settings, envs: [settings.env], options: {disableNameSuffixHash: true}}]\n",
		"apps/web/other/kustomization.yaml": "resources: [x.yaml]\n",
		"apps/web/other/x.yaml":             besideWeb,
	})
	helm := merged(common, map[string]string{
		"apps/web/Chart.yaml":             "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"apps/web/values.yaml":            "a: b\n",
		"apps/web/values-prod.yaml":       "a: c\n",
		"apps/web/values-unused.yaml":     "a: d\n",
		"apps/web/values.schema.json":     "{}\n",
		"apps/web/templates/web.yaml":     web,
		"apps/web/templates/_helpers.tpl": "{{/* x */}}\n",
		"apps/web/templates/config.yaml":  "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: read}\ndata:\n  a: {{ .Files.Get \"read.txt\" | quote }}\n",
		"apps/web/read.txt":               "x\n",
		"apps/web/unread.txt":             "x\n",
		"apps/web/crds/c.yaml":            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a.example.com}\n",
		"apps/web/charts/sub/Chart.yaml":  "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
		"apps/web/charts/sub/values.yaml": "b: c\n",
		"apps/web/charts/sub/notes.txt":   "x\n",
		"apps/web/charts/_ci/templates/a": "x\n",
		"apps/web/charts/.ci/templates/a": "x\n",
		"apps/web/charts/sub/crds/a.prov": "x\n",
		"apps/web/charts/sub.prov":        "x\n",
		"apps/web/assay.yaml":             plan("helm: {releaseName: r, namespace: n, valueFiles: [values-prod.yaml]}\n  untested: [{kind: ConfigMap, name: read}]"),
	})
	return map[string]map[string]string{"web.yaml flat": flat, "web.yaml kustomize": kustomize, "templates/web.yaml helm": helm}
}

// TestEditsOnlyWhatRenders is law 4 for every file of every layout: an edit of it
// is accepted if and only if the baseline is rendered from it. The files are
// listed here, and for flat and Kustomize also found by breaking each one: the
// baseline is rendered from what breaks it.
func TestEditsOnlyWhatRenders(t *testing.T) {
	want := map[string][]string{
		"web.yaml flat":      {"beside.yaml", "web.yaml"},
		"web.yaml kustomize": {"base/beside.yaml", "base/kustomization.yaml", "kustomization.yaml", "patch.yaml", "settings.env", "web.yaml"},
		"templates/web.yaml helm": {
			"Chart.yaml", "charts/sub/Chart.yaml", "charts/sub/values.yaml", "crds/c.yaml", "read.txt", "templates/_helpers.tpl", "templates/config.yaml",
			"templates/web.yaml", "values-prod.yaml", "values.yaml",
		},
	}
	for which, files := range editable() {
		image, layout, _ := strings.Cut(which, " ")
		baseline := mustRender(t, tree{"", files, "apps/web"}.request()).Baseline
		var accepted, breaking []string
		for _, full := range slices.Sorted(maps.Keys(files)) {
			name := strings.TrimPrefix(full, "apps/web/")
			edits := []string{name}
			if name == image {
				edits = nil
			}
			marked := merged(files, map[string]string{"apps/web/candidate.yaml": diffOf(files, "apps/web", image, edits...)})
			_, err := render.Environment(context.Background(), tree{"", marked, "apps/web"}.request())
			switch {
			case err == nil:
				accepted = append(accepted, name)
			case !strings.Contains(err.Error(), name):
				t.Errorf("%s: the refusal of %s does not name it: %v", layout, name, err)
			}
			broken, err := render.Environment(context.Background(), tree{"", merged(files, map[string]string{full: "{{ ]]] : broken\x00"}), "apps/web"}.request())
			if err != nil || len(object.Diff(baseline, broken.Baseline)) > 0 {
				breaking = append(breaking, name)
			}
		}
		if !slices.Equal(accepted, want[which]) {
			t.Errorf("%s: edits are accepted of %q, want %q", layout, accepted, want[which])
		}
		breaking = slices.DeleteFunc(breaking, func(name string) bool { return name == "assay.yaml" })
		if layout != "helm" && !slices.Equal(accepted, breaking) {
			t.Errorf("%s: edits are accepted of %q, and the baseline is rendered from %q", layout, accepted, breaking)
		}
	}
}

// TestEditsOfSharedFiles is law 5 for the other environments of one directory.
func TestEditsOfSharedFiles(t *testing.T) {
	chart := map[string]string{
		"shop/Chart.yaml":          "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"shop/values.yaml":         "tag: '1'\n",
		"shop/values-prod.yaml":    "a: b\n",
		"shop/values-staging.yaml": "a: c\n",
		"shop/templates/web.yaml":  strings.ReplaceAll(web, "shop/web:1", "shop/web:{{ .Values.tag }}"),
		"shop/assay.prod.yaml":     plan("helm: {releaseName: r, namespace: n, valueFiles: [values-prod.yaml]}"),
		"shop/assay.staging.yaml":  plan("helm: {releaseName: r, namespace: n, valueFiles: [values-staging.yaml]}"),
		"shop/candidate.prod.yaml": marker("values: {tag: '2'}"),
	}
	_, err := render.Environment(context.Background(), named(chart))
	if err == nil || !strings.Contains(err.Error(), "the change edits shop/values.yaml, and would change Deployment/web of the environment shop (staging)") ||
		!strings.Contains(err.Error(), "write the values into shop/values-prod.yaml, which is of this environment alone") {
		t.Errorf("a shared value: %v", err)
	}
	// A candidate of the other one that does not decode changes nothing of that.
	broken := merged(chart, map[string]string{"shop/candidate.staging.yaml": "kind: Candidate\napiVersion: assay.dev/v1alpha1\nspec: [\n"})
	if _, err := render.Environment(context.Background(), named(broken)); err == nil || !strings.Contains(err.Error(), "of the environment shop (staging)") {
		t.Errorf("with a broken marker there: %v", err)
	}
	for name, extra := range map[string]map[string]string{
		"the environment's own": {"shop/values-prod.yaml": "tag: '1'\n"},
		"the other has its own": {"shop/values-staging.yaml": "tag: '1'\n"},
	} {
		if res, err := render.Environment(context.Background(), named(merged(chart, extra))); err != nil || len(res.Edited) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	none := merged(chart, map[string]string{"shop/assay.prod.yaml": plan("helm: {releaseName: r, namespace: n}")})
	if _, err := render.Environment(context.Background(), named(none)); err == nil ||
		!strings.Contains(err.Error(), "such as shop/values-prod.yaml, and name it last in spec.helm.valueFiles of shop/assay.prod.yaml") {
		t.Errorf("without a value file of its own: %v", err)
	}
}

func named(files map[string]string) render.Request {
	req := tree{"", files, "shop"}.request()
	req.Name = "prod"
	return req
}

// TestAlsoChanges finds the environments elsewhere that render from an edited
// file, and no others.
func TestAlsoChanges(t *testing.T) {
	files := map[string]string{
		"a/kustomization.yaml":      "resources: [web.yaml, base]\n",
		"a/web.yaml":                web,
		"a/base/kustomization.yaml": "resources: [beside.yaml]\n",
		"a/base/beside.yaml":        besideWeb,
		"a/candidate.yaml":          tagMarker("2"),
		"b/kustomization.yaml":      "resources: [../a]\n",
		"c/kustomization.yaml":      "resources: [../b]\nnameSuffix: -c\n",
		"d/kustomization.yaml":      "resources: [../a/base]\n",
		"e/web.yaml":                web,
		"e/assay.yaml":              plan(""),
		"f/kustomization.yaml":      "resources: [../a, nowhere.yaml]\n",
		"g/kustomization.yaml":      "resources: [../a]\nimages: [{name: shop/web, newTag: '7'}]\n",
		"h/kustomization.yaml":      "resources: ['https://example.com/x.yaml', ../a]\nhelmCharts: [{name: x, repo: 'https://example.com'}]\n",
		"i/kustomization.yaml":      "resources: ['https://example.com/x.yaml', ../a/base]\n",
	}
	req := tree{"", files, "a"}.request()
	res := mustRender(t, req)
	if _, edited := res.Edited["a/kustomization.yaml"]; !edited {
		t.Fatalf("it edits %v", slices.Sorted(maps.Keys(res.Edited)))
	}
	got, err := render.AlsoChanges(context.Background(), req, ".", res.Edited)
	if err != nil || !slices.Equal(got, []spec.Environment{{Dir: "b"}, {Dir: "c"}, {Dir: "f"}, {Dir: "h"}}) {
		t.Errorf("also changes %v, %v", got, err)
	}
	judged := map[string]string{
		"a/kustomization.yaml":               "resources: [base]\n",
		"a/base/kustomization.yaml":          "resources: [web.yaml]\n",
		"a/base/web.yaml":                    web,
		"a/overlays/prod/kustomization.yaml": "resources: [../../base]\n",
		"a/candidate.yaml":                   tagMarker("2"),
		"b/web.yaml":                         besideWeb,
		"b/assay.yaml":                       plan("experiment: {resources: [../a/base/web.yaml]}"),
	}
	req = tree{"", judged, "a"}.request()
	edits := map[string][]byte{"a/base/web.yaml": []byte(strings.ReplaceAll(web, "shop/web:1", "shop/web:2"))}
	got, err = render.AlsoChanges(context.Background(), req, ".", edits)
	if err != nil || !slices.Equal(got, []spec.Environment{{Dir: "a/overlays/prod"}, {Dir: "b"}}) {
		t.Errorf("also changes %v, %v", got, err)
	}
	charts := map[string]string{
		"lib/Chart.yaml":         "apiVersion: v2\nname: lib\nversion: 1.0.0\n",
		"lib/values.yaml":        "tag: '1'\n",
		"lib/templates/web.yaml": strings.ReplaceAll(web, "shop/web:1", "shop/web:{{ .Values.tag }}"),
		"lib/assay.yaml":         plan("helm: {releaseName: r, namespace: n}"),
		"lib/candidate.yaml":     marker("values: {tag: '2'}"),
		"app/Chart.yaml":         "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies: [{name: lib, version: 1.0.0, repository: 'file://../lib'}]\n",
		"use/Chart.yaml":         "apiVersion: v2\nname: use\nversion: 1.0.0\n",
		"use/templates/a.yaml":   "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {tag: '{{ .Values.tag }}'}\n",
		"use/assay.yaml":         plan("helm: {releaseName: r, namespace: n, valueFiles: [../lib/values.yaml]}"),
		"own/Chart.yaml":         "apiVersion: v2\nname: own\nversion: 1.0.0\n",
		"own/templates/a.yaml":   besideWeb,
		"far/Chart.yaml":         "apiVersion: v2\nname: far\nversion: 1.0.0\ndependencies: [{name: lib, version: 1.0.0, repository: 'file://../lib'}, {name: x, version: 1.0.0, repository: 'https://example.com'}]\n",
	}
	req = tree{"", charts, "lib"}.request()
	res = mustRender(t, req)
	got, err = render.AlsoChanges(context.Background(), req, ".", res.Edited)
	if err != nil || !slices.Equal(got, []spec.Environment{{Dir: "app"}, {Dir: "far"}, {Dir: "use"}}) {
		t.Errorf("also changes %v, %v", got, err)
	}
}

// TestAlsoChangesThroughLinks: an Application may point to a link.
func TestAlsoChangesThroughLinks(t *testing.T) {
	files := fstest.MapFS{
		"a/kustomization.yaml": {Data: []byte("resources: [web.yaml]\n")}, "a/web.yaml": {Data: []byte(web)}, "a/candidate.yaml": {Data: []byte(tagMarker("2"))},
		"b": {Mode: fs.ModeSymlink | 0o777, Data: []byte("a")}, "c/kustomization.yaml": {Mode: fs.ModeSymlink | 0o777, Data: []byte("../a/kustomization.yaml")},
		"c/web.yaml": {Data: []byte(web)}, "d": {Mode: fs.ModeSymlink | 0o777, Data: []byte("e")}, "e/notes.txt": {},
	}
	req := render.Request{FS: envfs.New(files, envfs.Limits{}), Environment: spec.Environment{Dir: "a"}}
	res := mustRender(t, req)
	got, err := render.AlsoChanges(context.Background(), req, ".", res.Edited)
	if err != nil || !slices.Equal(got, []spec.Environment{{Dir: "b"}, {Dir: "c"}}) {
		t.Errorf("also changes %v, %v", got, err)
	}
}

// TestDigestOfACheckout: a checkout may end lines with CRLF and start files with
// a mark, and a bare repository does not.
func TestDigestOfACheckout(t *testing.T) {
	files := editable()["web.yaml flat"]
	files["apps/web/experiment/load.yaml.tmpl"] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 'a-{{ .ID }}'}\ndata:\n  text: |\n    {{ .Name }}\n    two\n"
	files["apps/web/candidate.yaml"] = tagMarker("2")
	bare := mustRender(t, tree{"", files, "apps/web"}.request())
	crlf := map[string]string{}
	for name, text := range files {
		crlf[name] = strings.ReplaceAll(text, "\n", "\r\n")
		if strings.HasSuffix(name, ".tmpl") {
			crlf[name] = "\ufeff" + crlf[name]
		}
	}
	out := mustRender(t, tree{"", crlf, "apps/web"}.request())
	if bare.Digest != out.Digest || bare.Digest == "" {
		t.Errorf("the digest is %s, and %s in a checkout with CRLF", bare.Digest, out.Digest)
	}
	equalObjects(t, "injected", bare.Injected, out.Injected)
}

// TestJudgesCarryTheDigest: those that judge, and nothing else.
func TestJudgesCarryTheDigest(t *testing.T) {
	for _, tr := range trees(t) {
		res := mustRender(t, tr.request())
		judges := res.Judges()
		for _, o := range res.Output() {
			got, want := o.GetAnnotations()["assay.dev/digest"], ""
			if slices.Contains(judges, object.KeyOf(o)) {
				want = string(res.Digest)
			}
			if got != want {
				t.Errorf("%s: %s has the digest %q, want %q", tr.name, object.KeyOf(o), got, want)
			}
		}
		if res.Digest.ID() != res.ID {
			t.Errorf("%s: the ID of %s is %s", tr.name, res.Digest, res.ID)
		}
	}
}

// TestTemplatesThatKnowThePlaceholder: what a template shows to the digest is not
// what it shows to the cluster, and its bytes tell the one from the other.
func TestTemplatesThatKnowThePlaceholder(t *testing.T) {
	digest := func(image string) string {
		files := editable()["web.yaml flat"]
		delete(files, "apps/web/experiment/judge.yaml")
		files["apps/web/candidate.yaml"] = tagMarker("2")
		files["apps/web/experiment/judge.yaml.tmpl"] = `apiVersion: batch/v1
kind: Job
metadata: {name: "judge-{{ .ID }}"}
spec:
  backoffLimit: 0
  template: {spec: {restartPolicy: Never, containers: [{name: j, image: '{{ if eq .ID "e000000000" }}seen{{ else }}` + image + `{{ end }}'}]}}
`
		return string(mustRender(t, tree{"", files, "apps/web"}.request()).Digest)
	}
	if digest("lax") == digest("strict") {
		t.Error("two judges have one digest")
	}
}
