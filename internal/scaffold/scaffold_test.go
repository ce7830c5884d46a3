package scaffold_test

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/assaydev/assay/internal/engine"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/scaffold"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

const shop = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, tier: front}}
    spec: {containers: [{name: web, image: "example.com/web:1"}]}
---
apiVersion: v1
kind: Service
metadata: {name: other, namespace: shop}
spec: {selector: {app: other}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: headless, namespace: shop}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: front, namespace: shop}
spec: {selector: {app: web, tier: front}, ports: [{name: grpc, port: 9000}, {name: http, port: 8080}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec: {template: {spec: {containers: [{name: migrate, image: "example.com/migrate:1"}], restartPolicy: Never}}}
`

func objects(t *testing.T, text string) []*unstructured.Unstructured {
	t.Helper()
	var list []*unstructured.Unstructured
	for doc := range strings.SplitSeq(text, "---\n") {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(doc), &o.Object); err != nil {
			t.Fatal(err)
		}
		list = append(list, o)
	}
	return list
}

func TestSurvey(t *testing.T) {
	objs := objects(t, shop)
	want := []scaffold.Target{{Group: "apps", Kind: "Deployment", Name: "web", Service: "front", Port: 8080, Namespace: "shop"}}
	got := scaffold.Survey(objs, "elsewhere")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if url := got[0].URL("-candidate"); url != "http://front-candidate.shop:8080/" {
		t.Error(url)
	}
	if diff := cmp.Diff([]string{"example.com/migrate", "example.com/web"}, scaffold.Images(objs)); diff != "" {
		t.Error(diff)
	}
}

func TestImageValues(t *testing.T) {
	values := map[string]any{}
	if err := yaml.Unmarshal([]byte(`
image: {registry: example.com, repository: shop/web, tag: "", digest: "", pullPolicy: Always}
sidecar: {image: {repository: envoy, tag: v1}}
init: {image: "docker.io/library/busybox:1.36"}
twice: {a: {repository: redis, tag: 1}, b: {repository: redis, tag: 2}}
unused: {repository: nothing, tag: 1}
named: {name: example.com/cron, tag: 1}
a.b: {repository: dotted, tag: 1}
title: "not: an image"
appVersion: {image: {repository: example.com/default}}
split: {imageName: example.com/split, imageTag: 3}
version: {image: {name: example.com/version, version: 4}}
mirrored: {repository: shop/cart, tag: 5}
global: {imageRegistry: mirror.example.com}
`), &values); err != nil {
		t.Fatal(err)
	}
	got := scaffold.ImageValues(values, []string{"example.com/shop/web", "docker.io/envoy", "busybox", "redis", "example.com/cron", "dotted", "example.com/default", "example.com/split", "example.com/version", "mirror.example.com/shop/cart"})
	want := map[string]spec.ImageKeys{
		"example.com/shop/web": {Registry: "image.registry", Repository: "image.repository", Tag: "image.tag", Digest: "image.digest"},
		"docker.io/envoy":      {Repository: "sidecar.image.repository", Tag: "sidecar.image.tag"},
		"busybox":              {Image: "init.image"},
		"example.com/cron":     {Repository: "named.name", Tag: "named.tag"},
		"example.com/default":  {Repository: "appVersion.image.repository", Tag: "appVersion.image.tag"},
		"example.com/split":    {Repository: "split.imageName", Tag: "split.imageTag"},
		"example.com/version":  {Repository: "version.image.name", Tag: "version.image.version"},

		"mirror.example.com/shop/cart": {Registry: "global.imageRegistry", Repository: "mirrored.repository", Tag: "mirrored.tag"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestFilesRender renders every engine with every load, under a candidate, as
// they are written.
func TestFilesRender(t *testing.T) {
	for _, engine := range scaffold.Engines() {
		for _, load := range scaffold.Loads() {
			t.Run(engine+" with "+load, func(t *testing.T) {
				for _, prometheus := range []string{"", "http://prometheus:9090"} {
					files, err := scaffold.Files(scaffold.Options{
						Environment: "shop", Plan: "assay.yaml", Directory: "experiment", Engine: engine, Load: load, Prometheus: prometheus,
						Target: scaffold.Target{Kind: "Deployment", Name: "web"}, URL: "http://front-candidate:8080/",
					})
					if err != nil {
						t.Fatal(err)
					}
					checkRendered(t, load, renderWith(t, files))
				}
			})
		}
	}
}

func renderWith(t *testing.T, files map[string][]byte) *render.Result {
	t.Helper()
	fsys := fstest.MapFS{
		"shop/shop.yaml": {Data: []byte(shop)},
		"shop/candidate.yaml": {Data: []byte("apiVersion: assay.dev/v1alpha1\nkind: Candidate\nmetadata: {name: v2}\n" +
			"spec: {images: [{name: example.com/web, newTag: \"2\"}]}\n")},
	}
	for name, data := range files {
		fsys["shop/"+name] = &fstest.MapFile{Data: data}
	}
	res, err := render.Environment(context.Background(), render.Request{FS: envfs.New(fsys, envfs.Limits{}), Environment: spec.Environment{Dir: "shop"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Warnings) > 0 {
		t.Errorf("warnings: %v", res.Warnings)
	}
	return res
}

func checkRendered(t *testing.T, load string, res *render.Result) {
	t.Helper()
	judges, loads := 0, 0
	for _, o := range res.Injected {
		if o.GetNamespace() != "shop" || !strings.HasSuffix(o.GetName(), res.ID) {
			t.Errorf("%s %s/%s is not the candidate's own", o.GetKind(), o.GetNamespace(), o.GetName())
		}
		if engine.With(nil).Judges(o) {
			judges++
		}
		if o.GetAnnotations()[engine.RoleAnnotation] == engine.RoleLoad {
			loads++
		}
		if o.GetKind() == "Job" {
			checkJob(t, o)
		}
	}
	if judges != 1 || (load != scaffold.None) != (loads == 1) {
		t.Errorf("%d objects judge and %d are load", judges, loads)
	}
}

func checkJob(t *testing.T, o *unstructured.Unstructured) {
	t.Helper()
	spec, _, _ := unstructured.NestedMap(o.Object, "spec")
	if spec["backoffLimit"] != int64(0) || spec["activeDeadlineSeconds"] == nil || spec["ttlSecondsAfterFinished"] != nil {
		t.Errorf("%s: backoffLimit %v, activeDeadlineSeconds %v, ttl %v", o.GetName(), spec["backoffLimit"], spec["activeDeadlineSeconds"], spec["ttlSecondsAfterFinished"])
	}
}

func TestFilesRefusesTheUnknown(t *testing.T) {
	for _, opt := range []scaffold.Options{{Engine: "job", Load: "hey"}, {Engine: "flagger", Load: "none"}} {
		if files, err := scaffold.Files(opt); err == nil {
			t.Errorf("%+v writes %d files", opt, len(files))
		}
	}
}

func TestPlanSurvivesAnyName(t *testing.T) {
	for _, name := range []string{"web", "1e3", "on", "null", "a: b", "it's", "-", "x#y", "~"} {
		files, err := scaffold.Files(scaffold.Options{
			Environment: name, Plan: "assay.prod.yaml", Directory: "experiment-prod", Engine: scaffold.Job, Load: scaffold.None,
			Target: scaffold.Target{Kind: "Deployment", Name: "web"}, URL: "http://web-candidate/",
			Helm: &spec.HelmSource{ReleaseName: name, Namespace: name, ValueFiles: []string{"a b.yaml"}, ImageValues: map[string]spec.ImageKeys{
				"a/b": {Registry: "r", Repository: "x.y", Tag: "t", Digest: "d"}, "c": {Image: "i"},
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		plan, err := spec.DecodePlan("assay.prod.yaml", files["assay.prod.yaml"])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if plan.Metadata.Name != name || plan.Spec.Helm.ReleaseName != name || plan.Spec.Helm.ImageValues["a/b"].Digest != "d" || plan.Spec.Helm.ImageValues["c"].Image != "i" || plan.Spec.Helm.ValueFiles[0] != "a b.yaml" {
			t.Errorf("%s became %+v", name, plan)
		}
	}
}
