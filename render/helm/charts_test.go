package helm_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render/helm"
)

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"{{ .Chart.Name }}\"}\n"

// pack makes a chart archive of files in the given order.
func pack(t *testing.T, names []string, texts map[string]string) string {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	archive := tar.NewWriter(zip)
	for _, name := range names {
		text := texts[name]
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func packChart(t *testing.T, name string, more map[string]string) string {
	t.Helper()
	texts := map[string]string{name + "/Chart.yaml": "name: " + name + "\nversion: 1.0.0\n", name + "/templates/cm.yaml": configMap}
	for file, text := range more {
		texts[name+"/"+file] = text
	}
	names := make([]string, 0, len(texts))
	for file := range texts {
		names = append(names, file)
	}
	slices.Sort(names)
	return pack(t, names, texts)
}

func TestPackedSubcharts(t *testing.T) {
	inner := packChart(t, "inner", map[string]string{"crds/a.yaml": "apiVersion: v1\nkind: CRD\nmetadata: {name: inner}"})
	files := tree(map[string]string{
		caseDir + "/charts/outer-1.0.0.tgz": packChart(t, "outer", map[string]string{
			"charts/inner-1.0.0.tgz":           inner,
			".helmignore":                      "templates/",
			"values.yaml":                      "\ufeffa: 1",
			"charts/plain/Chart.yaml":          "name: plain\nversion: 1.0.0\n",
			"charts/plain/templates/cm.yaml":   configMap,
			"charts/plain/templates/NOTES.txt": "notes",
		}),
	})
	got, _, err := render(t, files, spec.HelmSource{}, options)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"CRD/inner", "ConfigMap/inner", "ConfigMap/plain", "ConfigMap/outer", "ConfigMap/cm"}, got); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}

	files[caseDir+"/charts/outer-1.0.0.tgz"].Data = []byte(packChart(t, "outer", map[string]string{"templates/x.yaml": "{{ fail `why` }}"}))
	if _, _, err := render(t, files, spec.HelmSource{}, options); err == nil || err.Error() != "env/chart/charts/outer-1.0.0.tgz/templates/x.yaml:1: why" {
		t.Errorf("error: %v", err)
	}
}

func TestArchiveBombs(t *testing.T) {
	var empties []string
	for i := range 2000 {
		empties = append(empties, fmt.Sprintf("sub/%d", i))
	}
	nested := packChart(t, "sub", nil)
	for range 50 {
		nested = packChart(t, "sub", map[string]string{"charts/sub.tgz": nested})
	}
	zeros := packChart(t, "sub", map[string]string{"zeros": strings.Repeat("\x00", 200_000)})
	for _, test := range []struct {
		name    string
		archive string
		limit   int64
		want    string
	}{
		{"one large file", zeros, 100_000, "charts/sub.tgz: packed charts unpack to more than 100000 bytes"},
		{"many empty files", pack(t, empties, nil), 100_000, "charts/sub.tgz: packed charts unpack to more than 100000 bytes"},
		{"in all archives together", packChart(t, "sub", map[string]string{"charts/a.tgz": zeros, "charts/b.tgz": zeros}), 300_000, "charts/sub.tgz/charts/b.tgz: packed charts unpack"},
		{"archives in archives", nested, 0, "charts are nested deeper than"},
		{"outside the archive", pack(t, []string{"sub/../../x"}, nil), 0, "charts/sub.tgz: unpack the chart"},
	} {
		t.Run(test.name, func(t *testing.T) {
			opt := options
			opt.Limits.ChartBytes = test.limit
			_, _, err := render(t, tree(map[string]string{caseDir + "/charts/sub.tgz": test.archive}), spec.HelmSource{}, opt)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "env/chart") {
				t.Errorf("error: %v", err)
			}
		})
	}
}

// onDisk writes the files below a new directory and links the rest.
func onDisk(t *testing.T, files fstest.MapFS, links map[string]string) *envfs.FS {
	t.Helper()
	root := t.TempDir()
	for name, f := range files {
		full := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range links {
		full := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, full); err != nil {
			t.Fatal(err)
		}
	}
	return openDir(t, root)
}

func TestSymlinks(t *testing.T) {
	files := tree(map[string]string{
		"shared/sub/Chart.yaml":        "name: sub\nversion: 1.0.0\n",
		"shared/sub/templates/cm.yaml": configMap,
		"shared/extra.yaml":            configMap,
		"shared/values.yaml":           "a: 1\n",
	})
	fsys := onDisk(t, files, map[string]string{
		caseDir + "/charts/sub":          "../../../shared/sub",
		caseDir + "/templates/more.yaml": "../../../shared/extra.yaml",
		caseDir + "/linked.yaml":         "../../shared/values.yaml",
	})
	objs, _, err := helm.Render(t.Context(), fsys, caseDir, spec.HelmSource{ValueFiles: []string{"linked.yaml"}}, options)
	if err != nil {
		t.Fatal(err)
	}
	if len(objs) != 3 {
		t.Errorf("%d objects, want 3", len(objs))
	}
	for name, target := range map[string]string{
		"outside":  "../../../../../../../../etc/passwd",
		"absolute": "/etc/passwd",
		"up":       "..",
		"itself":   "itself",
		"dangling": "nosuch",
	} {
		t.Run(name, func(t *testing.T) {
			fsys := onDisk(t, tree(nil), map[string]string{caseDir + "/files/" + name: target})
			objs, _, err := helm.Render(t.Context(), fsys, caseDir, spec.HelmSource{}, options)
			if err == nil || !strings.Contains(err.Error(), caseDir+"/files") || len(err.Error()) > 2000 {
				t.Errorf("Render = %v, %v", objs, err)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	files := tree(map[string]string{
		caseDir + "/Chart.yaml":                 "apiVersion: v2\nname: web\nversion: 1.0.0\ndeprecated: true\n",
		caseDir + "/charts/sub/Chart.yaml":      "apiVersion: v2\nname: sub\nversion: 1.0.0\ndependencies: [{name: redis, version: 1.x, repository: ''}]\n",
		caseDir + "/charts/sub/templates/x.tpl": "apiVersion: v1\nkind: Pod\nmetadata: {name: x, annotations: {helm.sh/hook: crd-install}}\n",
	})
	names, got, err := render(t, files, spec.HelmSource{}, options)
	if err != nil || !slices.Equal(names, []string{"ConfigMap/cm"}) {
		t.Fatalf("Render = %v, %v", names, err)
	}
	want := []string{
		"env/chart/Chart.yaml: the chart is deprecated",
		"env/chart/Chart.yaml: subchart \"web/charts/sub\" lacks its dependency \"redis\", and Helm leaves it out: run `helm dependency build` for the subchart first",
		"env/chart/charts/sub/templates/x.tpl: Helm leaves out 1 of the rendered objects: it does not know their helm.sh/hook",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// The SDK loads subcharts in random order.
func TestSameTreeSameOrder(t *testing.T) {
	files := map[string]string{}
	for i := range 12 {
		sub := fmt.Sprintf("%s/charts/sub%02d/", caseDir, i)
		files[sub+"Chart.yaml"] = fmt.Sprintf("name: sub%02d\nversion: 1.0.0\n", i)
		files[sub+"crds/crd.yaml"] = fmt.Sprintf("apiVersion: v1\nkind: CRD\nmetadata: {name: crd%02d}\n", i)
		files[sub+"templates/cm.yaml"] = configMap
	}
	first, _, err := render(t, tree(files), spec.HelmSource{}, options)
	if err != nil {
		t.Fatal(err)
	}
	if len(first) != 25 || !slices.IsSorted(first[:12]) {
		t.Errorf("objects: %v", first)
	}
	for range 5 {
		again, _, err := render(t, tree(files), spec.HelmSource{}, options)
		if diff := cmp.Diff(first, again); diff != "" || err != nil {
			t.Fatalf("rendered again: %v (-first +again):\n%s", err, diff)
		}
	}
}

// A panic, here in a caller's function, is an error and shows nothing.
func TestPanicIsAnError(t *testing.T) {
	opt := options
	opt.Hide = func(string) bool { panic(secret) }
	_, _, err := render(t, tree(nil), spec.HelmSource{}, opt)
	if err == nil || !strings.HasPrefix(err.Error(), "env/chart: ") || strings.Contains(err.Error(), secret) {
		t.Errorf("error: %v", err)
	}
}

func FuzzRender(f *testing.F) {
	f.Add("apiVersion: v2\nname: web\nversion: 1.0.0\n", "a: 1\n", "kind: A\napiVersion: v1\nmetadata: {name: {{ .Values.a | quote }}}\n", "{}")
	f.Add("name: web\nversion: 1.0.0\ndependencies:\n- {name: sub, version: '1', alias: x, condition: a, tags: [b], import-values: [c, {child: d, parent: e}]}\n", "tags: {b: 1}\nsub: 1\n", "---\n--- \n---", `{"$ref": "#"}`)
	f.Add("dependencies: [null]", "? [a]\n: b", "{{ tpl \"{{\" . }}", `{"type": []}`)
	f.Add("name: ../x\nversion: 1", "a: &a [*a]", "{{ .Files.Glob \"[\" }}", "null")
	f.Add("maintainers: [null]\nname: x\nversion: 1.0.0", "null", "items: null\nkind: List", "[]")
	f.Fuzz(func(t *testing.T, chart, values, template, schema string) {
		files := fstest.MapFS{
			"c/Chart.yaml":            {Data: []byte(chart)},
			"c/values.yaml":           {Data: []byte(values)},
			"c/values.schema.json":    {Data: []byte(schema)},
			"c/templates/t.yaml":      {Data: []byte(template)},
			"c/charts/sub/Chart.yaml": {Data: []byte("name: sub\nversion: 1.0.0\n")},
		}
		src := spec.HelmSource{Values: values, ValueFiles: []string{"values.yaml"}, Parameters: []spec.HelmParameter{{Name: schema, Value: values}}}
		for _, src.Version = range versions {
			objs, _, err := helm.Render(t.Context(), envfs.New(files, envfs.Limits{}), "c", src, options)
			if err != nil && (objs != nil || len(err.Error()) > 2000 || strings.Contains(err.Error(), "panicked")) {
				t.Errorf("Helm %s: Render = %v, %v", src.Version, objs, err)
			}
		}
	})
}
