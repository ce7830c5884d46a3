package kustomize

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/spec"
)

// option is one use of Argo CD's source options. The real `kustomize edit`
// judges the same table in native_test.go.
type option struct {
	kustomization string // after "resources: [d.yaml]"
	src           spec.KustomizeSource
	want          string // what the kustomization has then
	judge         string // the kustomize that judges, default 5.8.1
}

var env = map[string]string{"ARGOCD_APP_NAME": "shop", "ARGOCD_APP_PROJECT_NAME": "abc"}

var options = map[string]option{
	"nothing":                {"namePrefix: a-", spec.KustomizeSource{}, "namePrefix: a-", ""},
	"prefix":                 {"namePrefix: a-", spec.KustomizeSource{NamePrefix: "b-"}, "namePrefix: b-", ""},
	"suffix":                 {"", spec.KustomizeSource{NameSuffix: "-b"}, "nameSuffix: -b", ""},
	"namespace":              {"namespace: a", spec.KustomizeSource{Namespace: "b"}, "namespace: b", ""},
	"image tag":              {"", spec.KustomizeSource{Images: []string{"example.org/web:2"}}, "images: [{name: example.org/web, newTag: \"2\"}]", ""},
	"image digest":           {"", spec.KustomizeSource{Images: []string{"example.org/web@sha256:aa"}}, "images: [{name: example.org/web, digest: \"sha256:aa\"}]", ""},
	"image tag and digest":   {"", spec.KustomizeSource{Images: []string{"example.org/web:2@sha256:aa"}}, "images: [{name: example.org/web, newTag: \"2\", digest: \"sha256:aa\"}]", ""},
	"image renamed":          {"", spec.KustomizeSource{Images: []string{"example.org/web=other:5000/web:2"}}, "images: [{name: example.org/web, newName: \"other:5000/web\", newTag: \"2\"}]", ""},
	"image name alone":       {"", spec.KustomizeSource{Images: []string{"example.org/web=other/web"}}, "images: [{name: example.org/web, newName: other/web}]", ""},
	"image replaces":         {"images: [{name: z, newTag: \"1\"}, {name: example.org/web, newName: a, digest: \"sha256:bb\"}]", spec.KustomizeSource{Images: []string{"example.org/web:2"}}, "images: [{name: example.org/web, newTag: \"2\"}, {name: z, newTag: \"1\"}]", ""},
	"image keeps":            {"images: [{name: example.org/web, newName: a, newTag: \"1\"}]", spec.KustomizeSource{Images: []string{"example.org/web=*:2"}}, "images: [{name: example.org/web, newName: a, newTag: \"2\"}]", ""},
	"image keeps its tag":    {"images: [{name: example.org/web, newTag: \"1\"}]", spec.KustomizeSource{Images: []string{"example.org/web=b:*"}}, "images: [{name: example.org/web, newName: b, newTag: \"1\"}]", ""},
	"image keeps nothing":    {"", spec.KustomizeSource{Images: []string{"example.org/web=b:*"}}, "images: [{name: example.org/web, newName: b}]", ""},
	"image twice":            {"", spec.KustomizeSource{Images: []string{"example.org/web:2", "example.org/web:3"}}, "images: [{name: example.org/web, newTag: \"3\"}]", ""},
	"image with env":         {"", spec.KustomizeSource{Images: []string{"example.org/web:${ARGOCD_APP_PROJECT_NAME}"}}, "images: [{name: example.org/web, newTag: abc}]", ""},
	"imageTags":              {"imageTags: [{name: b, newTag: \"1\"}]", spec.KustomizeSource{Images: []string{"example.org/web:2"}}, "images: [{name: b, newTag: \"1\"}, {name: example.org/web, newTag: \"2\"}]", ""},
	"replicas":               {"replicas: [{name: web, count: 1}]", spec.KustomizeSource{Replicas: []types.Replica{{Name: "web", Count: 3}}}, "replicas: [{name: web, count: 3}]", ""},
	"labels":                 {"commonLabels: {a: b}", spec.KustomizeSource{CommonLabels: map[string]string{"c": "$ARGOCD_APP_NAME", "d": "\"e:f\""}}, "commonLabels: {a: b, c: shop, d: \"e:f\"}", ""},
	"labels forced":          {"commonLabels: {a: b}", spec.KustomizeSource{CommonLabels: map[string]string{"a": "c"}, ForceCommonLabels: true}, "commonLabels: {a: c}", ""},
	"labels without":         {"", spec.KustomizeSource{CommonLabels: map[string]string{"a": "c", "b": "d"}, LabelWithoutSelector: true}, "labels: [{pairs: {a: c, b: d}}]", "kustomize-5.4.3"}, // 5.7.1 trips over its own second label
	"labels in templates":    {"", spec.KustomizeSource{CommonLabels: map[string]string{"a": "c"}, LabelWithoutSelector: true, LabelIncludeTemplates: true}, "labels: [{pairs: {a: c}, includeTemplates: true}]", ""},
	"labels joined":          {"labels: [{pairs: {x: w}, includeSelectors: true}, {pairs: {a: b}}]", spec.KustomizeSource{CommonLabels: map[string]string{"c": "d"}, LabelWithoutSelector: true}, "labels: [{pairs: {x: w}, includeSelectors: true}, {pairs: {a: b, c: d}}]", ""},
	"label dollar":           {"", spec.KustomizeSource{CommonLabels: map[string]string{"a": "$$x$NOPE"}}, "commonLabels: {a: $x}", ""},
	"annotations":            {"commonAnnotations: {a: b}", spec.KustomizeSource{CommonAnnotations: map[string]string{"c": "$ARGOCD_APP_NAME"}}, "commonAnnotations: {a: b, c: $ARGOCD_APP_NAME}", ""},
	"annotations with env":   {"", spec.KustomizeSource{CommonAnnotations: map[string]string{"c": "${ARGOCD_APP_NAME}-x"}, CommonAnnotationsEnvsubst: true}, "commonAnnotations: {c: shop-x}", ""},
	"annotations forced":     {"commonAnnotations: {a: b}", spec.KustomizeSource{CommonAnnotations: map[string]string{"a": "c"}, ForceCommonAnnotations: true}, "commonAnnotations: {a: c}", ""},
	"patch":                  {"", spec.KustomizeSource{Patches: []types.Patch{{Patch: "- {op: replace, path: /spec/replicas, value: 4}", Target: &types.Selector{ResId: resid.ResId{Gvk: resid.Gvk{Kind: "Deployment"}}}}}}, "patches: [{patch: \"- {op: replace, path: /spec/replicas, value: 4}\", target: {kind: Deployment}}]", ""},
	"patch after":            {"patches: [{path: p.yaml}]", spec.KustomizeSource{Patches: []types.Patch{{Path: "q.yaml"}}}, "patches: [{path: p.yaml}, {path: q.yaml}]", ""},
	"component":              {"", spec.KustomizeSource{Components: []string{"../c"}}, "components: [../c]", ""},
	"component there":        {"components: [../c]", spec.KustomizeSource{Components: []string{"../c"}}, "components: [../c]", ""},
	"component missing":      {"", spec.KustomizeSource{Components: []string{"../c", "../nope"}, IgnoreMissingComponents: true}, "components: [../c]", ""},
	"env file":               {"configMapGenerator: [{name: a, env: e.env}]", spec.KustomizeSource{NamePrefix: "b-"}, "configMapGenerator: [{name: a, envs: [e.env]}]\nnamePrefix: b-", ""},
	"kustomization of dates": {"commonAnnotations: {a: \"2001-01-01\", b: \"on\"}", spec.KustomizeSource{NamePrefix: "b-"}, "commonAnnotations: {a: \"2001-01-01\", b: \"on\"}\nnamePrefix: b-", ""},
}

// optionFiles are the files around the kustomization of an option.
func optionFiles(o option) map[string]string {
	return map[string]string{
		"app/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [d.yaml]\n" + o.kustomization + "\n",
		"app/d.yaml":             strings.Replace(deployment, "spec:\n", "spec:\n  replicas: 1\n", 1) + "---\n" + service,
		"app/e.env":              "A=b\n",
		"app/p.yaml":             "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, annotations: {p: p}}\n",
		"app/q.yaml":             "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, annotations: {q: q}}\n",
		"c/kustomization.yaml":   "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -c\n",
	}
}

func TestOptions(t *testing.T) {
	for name, o := range options {
		t.Run(name, func(t *testing.T) {
			files := optionFiles(o)
			e := edits{src: o.src, env: env, fsys: repo(files), dir: "app"}
			edited, err := e.apply("app/kustomization.yaml", []byte(files["app/kustomization.yaml"]))
			if err != nil {
				t.Fatal(err)
			}
			var got, want map[string]any
			if err := yaml.Unmarshal(edited, &got); err != nil {
				t.Fatal(err)
			}
			if err := yaml.Unmarshal([]byte("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [d.yaml]\n"+o.want), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if _, _, err := Render(t.Context(), repo(files), "app", o.src, Options{Env: env}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOptionsReachTheObjects(t *testing.T) {
	src := spec.KustomizeSource{
		NamePrefix: "p-", Namespace: "shop", Images: []string{"example.org/web:2"}, Replicas: []types.Replica{{Name: "web", Count: 5}},
		CommonLabels: map[string]string{"team": "a"}, KubeVersion: "1.30", APIVersions: []string{"v1"},
	}
	objs, warnings, err := Render(t.Context(), repo(optionFiles(option{})), "app", src, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "kubeVersion and apiVersions have no effect") {
		t.Errorf("warnings %q", warnings)
	}
	text := ""
	for _, o := range objs {
		data, _ := yaml.Marshal(o.Object)
		text += string(data)
	}
	for _, want := range []string{"name: p-web", "namespace: shop", "image: example.org/web:2", "replicas: 5", "team: a"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestOptionErrors(t *testing.T) {
	for name, c := range map[string]struct {
		kustomization string
		src           spec.KustomizeSource
		want          string
	}{
		"image without tag":   {"", spec.KustomizeSource{Images: []string{"web"}}, "app/kustomization.yaml: kustomize.images: \"web\" has no tag, digest or new name; write NAME:TAG"},
		"label there":         {"commonLabels: {a: b}", spec.KustomizeSource{CommonLabels: map[string]string{"a": "c"}}, "app/kustomization.yaml: kustomize.commonLabels: a is in the kustomization already; set forceCommonLabels to replace it"},
		"label without there": {"labels: [{pairs: {a: b}}]", spec.KustomizeSource{CommonLabels: map[string]string{"a": "c"}, LabelWithoutSelector: true}, "set forceCommonLabels"},
		"annotation there":    {"commonAnnotations: {a: b}", spec.KustomizeSource{CommonAnnotations: map[string]string{"a": "c"}}, "set forceCommonAnnotations to replace it"},
		"templates alone":     {"", spec.KustomizeSource{CommonLabels: map[string]string{"a": "c"}, LabelIncludeTemplates: true}, "app/kustomization.yaml: kustomize.labelIncludeTemplates: it needs labelWithoutSelector"},
		"empty label":         {"", spec.KustomizeSource{CommonLabels: map[string]string{"": "c"}}, "kustomize.commonLabels: a name is empty"},
		"replica":             {"", spec.KustomizeSource{Replicas: []types.Replica{{Name: "a=b"}}}, "kustomize.replicas: \"a=b\" is not a name"},
		"component missing":   {"", spec.KustomizeSource{Components: []string{"../nope"}}, "app/kustomization.yaml: components[0]: there is no ../nope"},
		"component outside":   {"", spec.KustomizeSource{Components: []string{"../../x"}}, "app/kustomization.yaml: components[0]: ../../x leaves the repository"},
		"patch by URL":        {"", spec.KustomizeSource{Patches: []types.Patch{{Path: "https://example.org/p.yaml"}}}, "app/kustomization.yaml: patches[0].path: https://example.org/p.yaml is a URL"},
		"unknown field":       {"resorces: []", spec.KustomizeSource{NamePrefix: "a"}, "app/kustomization.yaml:4: unknown field resorces"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := Render(t.Context(), repo(optionFiles(option{kustomization: c.kustomization})), "app", c.src, Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v\nwant  %s", err, c.want)
			}
		})
	}
}

func TestRevisionIsRefused(t *testing.T) {
	fsys := repo(map[string]string{"a/kustomization.yaml": "resources: [d.yaml]\n", "a/d.yaml": deployment})
	src := spec.KustomizeSource{Images: []string{"example.org/web:${ARGOCD_APP_REVISION_SHORT}"}}
	_, _, err := Render(t.Context(), fsys, "a", src, Options{Env: env})
	if err == nil || !strings.Contains(err.Error(), "a/kustomization.yaml: source options use $ARGOCD_APP_REVISION_SHORT") {
		t.Errorf("error %v", err)
	}
}
