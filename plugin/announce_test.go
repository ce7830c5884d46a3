package plugin_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/argoproj/argo-cd/v2/reposerver/apiclient"
	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/render"
)

const planHead = "apiVersion: assay.dev/v1alpha1\nkind: Plan\nspec:\n"

// announce returns what Argo CD makes of the announcement, by name.
func announce(t *testing.T, files map[string]string) map[string]*apiclient.ParameterAnnouncement {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	list, err := plugin.Announce(t.Context(), render.Request{FS: envfs.New(fsys, envfs.Limits{}), Environment: spec.Environment{Dir: "app"}, AppName: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	var decoded []*apiclient.ParameterAnnouncement
	if err := json.Unmarshal(data, &decoded); err != nil {
		t.Fatal(err)
	}
	byName := map[string]*apiclient.ParameterAnnouncement{}
	for _, a := range decoded {
		if a.Title == "" || a.Tooltip == "" || a.CollectionType == "" {
			t.Errorf("%s is announced without title, tooltip or collectionType", a.Name)
		}
		byName[a.Name] = a
	}
	if len(byName) != len(list) {
		t.Errorf("%d announcements under %d names", len(list), len(byName))
	}
	return byName
}

func TestAnnounceHelm(t *testing.T) {
	got := announce(t, map[string]string{
		"app/Chart.yaml":  "apiVersion: v2\nname: app\nversion: 1.0.0\n",
		"app/values.yaml": "image: {repository: nginx, tag: \"1\"}\ngone: 1\nlist: [{a: 1}, b]\nannotations: {x.io/y: on}\nbig: 10000000\nempty: {}\n",
		"app/prod.yaml":   "image: {tag: \"2\"}\n",
		"app/assay.yaml": planHead + "  helm:\n    releaseName: shop\n    skipCrds: true\n    valueFiles: [prod.yaml]\n" +
			"    valuesObject: {gone: null}\n    parameters: [{name: replicas, value: \"3\"}]\n",
	})
	if got["kustomize-images"] != nil || got["directory-recurse"] != nil {
		t.Error("parameters of another layout are announced")
	}
	if a := got["helm-release-name"]; a.String_ != "shop" || a.CollectionType != "string" {
		t.Errorf("release name: %+v", a)
	}
	if a := got["helm-skip-crds"]; a.String_ != "true" || a.ItemType != "boolean" {
		t.Errorf("skip CRDs: %+v", a)
	}
	if diff := cmp.Diff([]string{"prod.yaml"}, got["helm-value-files"].Array); diff != "" {
		t.Error(diff)
	}
	want := map[string]string{
		"image.repository": "nginx", "image.tag": "2", "list[0].a": "1", "list[1]": "b",
		`annotations.x\.io/y`: "true", "big": "10000000", "replicas": "3",
	}
	if diff := cmp.Diff(want, got["helm-parameters"].Map); diff != "" {
		t.Error(diff)
	}
}

// Value files are found as rendering finds them.
func TestAnnounceValueFiles(t *testing.T) {
	got := announce(t, map[string]string{
		"app/Chart.yaml":  "apiVersion: v2\nname: app\nversion: 1.0.0\n",
		"app/values.yaml": "a: 1\nb: 1\nc: 1\nd: 1\n",
		"shared/v.yaml":   "b: 2\n",
		"globbed/1.yaml":  "c: 2\nd: 2\n",
		"globbed/2.yaml":  "c: 3\n",
		"app/shop.yaml":   "d: 4\n",
		"app/assay.yaml":  planHead + "  helm:\n    valueFiles: [/shared/v.yaml, ../globbed/*.yaml, $ARGOCD_APP_NAME.yaml]\n    values: 'ignored: 1'\n    valuesObject: {e: 5}\n",
	})
	want := map[string]string{"a": "1", "b": "2", "c": "3", "d": "4", "e": "5"}
	if diff := cmp.Diff(want, got["helm-parameters"].Map); diff != "" {
		t.Error(diff)
	}
}

// A small values.yaml must not become a large announcement.
func TestAnnounceRefusesLargeValues(t *testing.T) {
	const secret = "s3cret"
	for name, test := range map[string]struct{ values, want string }{
		"aliases":    {"a: &a " + strings.Repeat(secret, 1<<17) + "\nb: [" + strings.Repeat("*a,", 300) + "]\n", "app/values.yaml: YAML aliases expand to more than"},
		"long names": {"? " + strings.Repeat(secret, 1<<8) + "\n: [" + strings.Repeat("1,", 20_000) + "]\n", "app: the chart's values take more than 16 MiB as single parameters"},
		"no mapping": {"- " + secret + "\n", "app/values.yaml: parse values: "},
		"none":       {"{}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			fsys := fstest.MapFS{
				"app/Chart.yaml":  {Data: []byte("apiVersion: v2\nname: app\nversion: 1.0.0\n")},
				"app/values.yaml": {Data: []byte(test.values)},
			}
			_, err := plugin.Announce(t.Context(), render.Request{FS: envfs.New(fsys, envfs.Limits{}), Environment: spec.Environment{Dir: "app"}})
			if test.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), secret) || len(err.Error()) > 2000 {
				t.Fatalf("error %.300v, want %q", err, test.want)
			}
		})
	}
}

func TestAnnounceKustomize(t *testing.T) {
	got := announce(t, map[string]string{
		"app/kustomization.yaml": "resources: []\n",
		"app/assay.yaml":         planHead + "  kustomize:\n    namePrefix: p-\n    commonLabels: {a: b}\n    replicas: [{name: web, count: 2}]\n    patches: [{path: p.yaml}]\n",
	})
	if got["helm-parameters"] != nil || got["environment"] == nil {
		t.Error("wrong parameters")
	}
	if got["kustomize-name-prefix"].String_ != "p-" || got["kustomize-common-labels"].Map["a"] != "b" ||
		got["kustomize-replicas"].Map["web"] != "2" || got["kustomize-patches"].String_ != "- path: p.yaml\n" {
		t.Errorf("values: %+v", got)
	}
}

func TestAnnounceFlat(t *testing.T) {
	got := announce(t, map[string]string{"app/assay.yaml": planHead + "  directory: {recurse: true, exclude: x/*}\n"})
	if len(got) != 5 || got["directory-recurse"].String_ != "true" || got["directory-exclude"].String_ != "x/*" {
		t.Errorf("values: %+v", got)
	}
}
