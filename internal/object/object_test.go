package object_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/object"
)

func parse(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON(data); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestKey(t *testing.T) {
	o := parse(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}}")
	k := object.KeyOf(o)
	if want := (object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}); k != want {
		t.Errorf("got %v", k)
	}
	if k.String() != "Deployment/shop/web" {
		t.Errorf("got %s", k)
	}
	if s := (object.Key{Kind: "Service", Name: "web"}).String(); s != "Service/web" {
		t.Errorf("got %s", s)
	}
}

func TestFind(t *testing.T) {
	objs := []*unstructured.Unstructured{
		parse(t, "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: a}}"),
		parse(t, "{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: web}}"),
		parse(t, "{apiVersion: v1, kind: Service, metadata: {name: other}}"),
	}
	for _, tt := range []struct {
		ref  object.Key
		want int
	}{
		{object.Key{Kind: "Service", Name: "web"}, 2},
		{object.Key{Kind: "Service", Name: "web", Group: "serving.knative.dev"}, 1},
		{object.Key{Kind: "Service", Name: "web", Namespace: "a"}, 1},
		{object.Key{Kind: "Service", Name: "web", Namespace: "b"}, 0},
		{object.Key{Kind: "Service", Name: "nothing"}, 0},
	} {
		if got := object.Find(objs, tt.ref); len(got) != tt.want {
			t.Errorf("Find(%v) = %d objects, want %d", tt.ref, len(got), tt.want)
		}
	}
}

func TestHooksAndWaves(t *testing.T) {
	for annotation, want := range map[string]struct {
		hook, test bool
		wave       int
	}{
		"helm.sh/hook: pre-install":                           {hook: true},
		"helm.sh/hook: crd-install":                           {},
		"helm.sh/hook: test":                                  {hook: true, test: true},
		"helm.sh/hook: test-success":                          {hook: true, test: true},
		"helm.sh/hook: 'post-install, test-failure'":          {hook: true, test: true},
		"argocd.argoproj.io/hook: PreSync":                    {hook: true},
		"argocd.argoproj.io/hook: Skip":                       {},
		"argocd.argoproj.io/sync-wave: '-5'":                  {wave: -5},
		"argocd.argoproj.io/sync-wave: soon":                  {},
		"helm.sh/hook-weight: '3'":                            {},
		"{argocd.argoproj.io/hook: Sync, helm.sh/hook: test}": {hook: true},
	} {
		o := parse(t, "{apiVersion: v1, kind: Pod, metadata: {name: x}}")
		var annotations map[string]string
		if err := yaml.Unmarshal([]byte(annotation), &annotations); err != nil {
			t.Fatal(err)
		}
		o.SetAnnotations(annotations)
		if object.IsHook(o) != want.hook || object.IsHelmTest(o) != want.test || object.SyncWave(o) != want.wave {
			t.Errorf("%s: hook %v, test %v, wave %d", annotation, object.IsHook(o), object.IsHelmTest(o), object.SyncWave(o))
		}
	}
}

func TestPodTemplate(t *testing.T) {
	const pods = "{spec: {containers: [{name: c, image: x}]}}"
	for _, tt := range []struct {
		text     string
		path     []string
		workload bool
	}{
		{"{apiVersion: apps/v1, kind: Deployment, spec: {template: " + pods + "}}", []string{"spec", "template"}, true},
		{"{apiVersion: apps/v1, kind: StatefulSet, spec: {template: " + pods + "}}", []string{"spec", "template"}, true},
		{"{apiVersion: apps/v1, kind: DaemonSet, spec: {template: " + pods + "}}", []string{"spec", "template"}, true},
		{"{apiVersion: apps/v1, kind: ReplicaSet, spec: {template: " + pods + "}}", []string{"spec", "template"}, true},
		{"{apiVersion: v1, kind: ReplicationController, spec: {template: " + pods + "}}", []string{"spec", "template"}, true},
		{"{apiVersion: argoproj.io/v1alpha1, kind: Rollout, spec: {template: " + pods + "}}", []string{"spec", "template"}, true},
		{"{apiVersion: serving.knative.dev/v1, kind: Service, spec: {template: " + pods + "}}", []string{"spec", "template"}, true},
		{"{apiVersion: batch/v1, kind: Job, spec: {template: " + pods + "}}", []string{"spec", "template"}, false},
		{"{apiVersion: batch/v1, kind: CronJob, spec: {jobTemplate: {spec: {template: " + pods + "}}}}", []string{"spec", "jobTemplate", "spec", "template"}, false},
		{"{apiVersion: v1, kind: PodTemplate, template: " + pods + "}", []string{"template"}, false},
		{"{apiVersion: v1, kind: Pod, spec: {containers: []}}", []string{}, false},
		{"{apiVersion: apps.kruise.io/v1alpha1, kind: CloneSet, spec: {selector: {matchLabels: {a: b}}, template: " + pods + "}}", []string{"spec", "template"}, true},
		{"{apiVersion: example.com/v1, kind: Runner, spec: {template: " + pods + "}}", []string{"spec", "template"}, false},
		{"{apiVersion: argoproj.io/v1alpha1, kind: Rollout, spec: {workloadRef: {kind: Deployment, name: x}}}", nil, true},
		{"{apiVersion: v1, kind: Service, spec: {selector: {a: b}}}", nil, false},
		{"{apiVersion: example.com/v1, kind: Odd, spec: {template: {spec: {containers: none}}}}", nil, false},
		{"{apiVersion: example.com/v1, kind: Odd, spec: [1]}", nil, false},
	} {
		o := parse(t, tt.text)
		path, ok := object.PodTemplate(o)
		if diff := cmp.Diff(tt.path, path); diff != "" || ok != (tt.path != nil) {
			t.Errorf("%s: %v %v", tt.text, path, ok)
		}
		if got := object.IsWorkload(o); got != tt.workload {
			t.Errorf("%s: IsWorkload = %v", tt.text, got)
		}
	}
}

func TestImages(t *testing.T) {
	o := parse(t, `
apiVersion: example.com/v1
kind: Anything
spec:
  image: not-in-a-list
  containers: [{name: top, image: a:1}, {name: none}, text, {name: number, image: 5}]
  deep: [{initContainers: [{name: init, image: b}], sidecars: [{image: c}]}]
  template:
    spec:
      containers: [{name: web, image: "host:5000/d:2@sha256:abc"}]
      volumes: [{name: data, image: {reference: e:3}}, {name: other, emptyDir: {}}]
`)
	want := []object.Image{
		{Path: []any{"spec", "containers", 0, "image"}, Container: "top", Ref: "a:1"},
		{Path: []any{"spec", "deep", 0, "initContainers", 0, "image"}, Container: "init", Ref: "b"},
		{Path: []any{"spec", "template", "spec", "containers", 0, "image"}, Container: "web", Ref: "host:5000/d:2@sha256:abc"},
		{Path: []any{"spec", "template", "spec", "volumes", 0, "image", "reference"}, Container: "data", Ref: "e:3"},
	}
	if diff := cmp.Diff(want, object.Images(o)); diff != "" {
		t.Error(diff)
	}
	o.SetKind("CustomResourceDefinition")
	if got := object.Images(o); len(got) != 1 || got[0].Ref != "e:3" {
		t.Errorf("a CustomResourceDefinition has %v", got)
	}
}

func TestSplitImage(t *testing.T) {
	for ref, want := range map[string][3]string{
		"nginx":                        {"nginx", "", ""},
		"nginx:1.25":                   {"nginx", "1.25", ""},
		"host:5000/a/b":                {"host:5000/a/b", "", ""},
		"host:5000/a/b:v1@sha256:abcd": {"host:5000/a/b", "v1", "sha256:abcd"},
		"a@sha256:abcd":                {"a", "", "sha256:abcd"},
		"":                             {"", "", ""},
	} {
		name, tag, digest := object.SplitImage(ref)
		if got := [3]string{name, tag, digest}; got != want {
			t.Errorf("SplitImage(%q) = %q", ref, got)
		}
	}
}

func TestReferences(t *testing.T) {
	o := parse(t, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      serviceAccountName: runner
      serviceAccount: runner
      imagePullSecrets: [{name: pull}]
      containers:
      - envFrom: [{configMapRef: {name: from-cm}}, {secretRef: {name: from-secret}}]
        env:
        - {name: A, valueFrom: {configMapKeyRef: {name: key-cm, key: a}}}
        - {name: B, valueFrom: {secretKeyRef: {name: key-secret, key: b}}}
        - {name: C, value: plain}
        - {name: D, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
      initContainers: [{envFrom: [{configMapRef: {name: init-cm}}, {configMapRef: {name: from-cm}}]}]
      ephemeralContainers: [{envFrom: [{secretRef: {name: debug}}]}]
      volumes:
      - {name: a, configMap: {name: vol-cm}}
      - {name: b, secret: {secretName: vol-secret}}
      - {name: c, persistentVolumeClaim: {claimName: claim}}
      - {name: d, projected: {sources: [{configMap: {name: proj-cm}}, {secret: {name: proj-secret}}, {serviceAccountToken: {path: x}}]}}
      - {name: e, csi: {driver: x, nodePublishSecretRef: {name: csi-secret}}}
      - {name: f, cephfs: {secretRef: {name: ceph-secret}}}
      - {name: g, emptyDir: {}}
`)
	var got []string
	for _, k := range object.References(o) {
		if k.Namespace != "shop" || k.Group != "" {
			t.Errorf("%v", k)
		}
		got = append(got, k.Kind+"/"+k.Name)
	}
	want := []string{
		"ConfigMap/from-cm", "ConfigMap/init-cm", "ConfigMap/key-cm", "ConfigMap/proj-cm", "ConfigMap/vol-cm",
		"PersistentVolumeClaim/claim",
		"Secret/ceph-secret", "Secret/csi-secret", "Secret/debug", "Secret/from-secret", "Secret/key-secret", "Secret/proj-secret", "Secret/pull", "Secret/vol-secret",
		"ServiceAccount/runner",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if refs := object.References(parse(t, "{apiVersion: v1, kind: Service, metadata: {name: x}}")); refs != nil {
		t.Errorf("a Service refers to %v", refs)
	}
}
