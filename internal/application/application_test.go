package application

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const head = `# The shop.
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd}
spec:
  project: default
  destination: {namespace: web} # where it goes
  source:
    repoURL: https://example.com/env.git
    path: shop/prod
`

func TestOptionsMove(t *testing.T) {
	for _, test := range []struct {
		name, source string
		want         map[string]any
		notes        int
		after        string
	}{
		{"none", "", nil, 0, head + "    plugin:\n      name: assay\n"},
		{"plugin is null", "    plugin: null\n", nil, 0, head + "    plugin:\n      name: assay\n"},
		{
			"helm", "    helm:\n      valueFiles: [a.yaml]\n      version: v3\n      passCredentials: false\n    targetRevision: main # the tip\n",
			map[string]any{"valueFiles": []any{"a.yaml"}, "version": "v3"},
			1, head + "    targetRevision: main # the tip\n    plugin:\n      name: assay\n",
		},
		{
			"kustomize", "    kustomize:\n      replicas: [{name: web, count: \"3\"}, {name: cart, count: 2}]\n",
			map[string]any{"replicas": []any{map[string]any{"name": "web", "count": int64(3)}, map[string]any{"name": "cart", "count": int64(2)}}},
			0,
			head + "    plugin:\n      name: assay\n",
		},
		{"directory", "    directory: {recurse: true, jsonnet: {tlas: []}}\n", map[string]any{"recurse": true}, 1, head + "    plugin:\n      name: assay\n"},
	} {
		a, err := Read("app.yaml", []byte(head+test.source))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if diff := cmp.Diff(test.want, a.Options); diff != "" || len(a.Notes) != test.notes {
			t.Errorf("%s: notes %v, options:\n%s", test.name, a.Notes, diff)
		}
		if a.Name != "shop" || a.Namespace != "web" || a.Path != "shop/prod" {
			t.Errorf("%s: %+v", test.name, a)
		}
		after, err := a.WithPlugin("")
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.after, string(after)); diff != "" {
			t.Errorf("%s:\n%s", test.name, diff)
		}
	}
}

func TestNamedEnvironment(t *testing.T) {
	a, err := Read("app.yaml", []byte("apiVersion: v1\nkind: Namespace\n---\n"+head))
	if err != nil {
		t.Fatal(err)
	}
	after, err := a.WithPlugin("eu")
	if err != nil || !strings.Contains(string(after), "plugin:\n      name: assay\n      parameters:\n      - name: environment\n        string: eu\n") {
		t.Errorf("%v\n%s", err, after)
	}
}

func TestRefusals(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"not YAML", "a: [", "app.yaml"},
		{"something else", "apiVersion: v1\nkind: ConfigMap\n", "app.yaml: it holds no Application"},
		{"a set", "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\n", "it is an ApplicationSet"},
		{"two", head + "---\n" + head, "it holds several Applications"},
		{"no name", strings.Replace(head, "name: shop, ", "", 1), "metadata.name: missing"},
		{"no source", strings.Split(head, "  source:")[0], "spec.source: missing"},
		{"several that render", several("- {path: a}", "- {path: b}"), "app.yaml:8: spec.sources[1]: it renders beside spec.sources[0], and Argo CD renders each alone"},
		{"a chart and its values", several("- {chart: redis}", "- {repoURL: r, ref: values}"), "app.yaml:7: spec.sources[0].chart: a chart of a Helm repository"},
		{"none that renders", several("- {ref: a}", "- {ref: b}"), "app.yaml:6: spec.sources: none of them has a path"},
		{"no source", several("- 3"), "app.yaml:7: spec.sources[0]: it is not a mapping"},
		{
			"values of another repository",
			several("- {repoURL: 'https://example.com/a', path: x, helm: {valueFiles: [$v/prod.yaml]}}", "- {repoURL: 'https://example.com/b', ref: v}"),
			"app.yaml:7: spec.sources[0].helm.valueFiles[0]: $v/prod.yaml is in another repository",
		},
		{
			"values of another revision",
			several("- {repoURL: 'https://example.com/a', path: x, helm: {valueFiles: [$v/prod.yaml]}}", "- {repoURL: 'https://example.com/a', targetRevision: live, ref: v}"),
			"$v/prod.yaml is of the revision live, and spec.sources[0] is of HEAD: let both be of one",
		},
		{"no path", strings.Replace(head, "    path: shop/prod\n", "", 1), "spec.source.path: missing"},
		{"a chart", head + "    chart: redis\n", "app.yaml:11: spec.source.chart: a chart of a Helm repository"},
		{"another plugin", head + "    plugin: {name: lovely}\n", "another plugin renders it"},
		{"moved already", head + "    plugin: {name: assay}\n", "uses Assay already"},
		{"two sections", head + "    helm: {}\n    directory: {}\n", "Argo CD takes one of them"},
		{"no mapping", head + "    helm: 3\n", "spec.source.helm: it is not a mapping"},
		{"an unknown field of the source", head + "    ref: values\n", "spec.source.ref: Assay cannot honour it"},
		{"helm 2", head + "    helm: {version: v2}\n", "spec.source.helm.version: Assay renders with Helm v3 and v4: name one of them"},
		{"credentials", head + "    helm: {passCredentials: true}\n", "spec.source.helm.passCredentials: Assay fetches no charts"},
		{"the plan's own", head + "    helm: {imageValues: {a: {tag: b}}}\n", "spec.source.helm.imageValues: no such option"},
		{"a version of Kustomize", head + "    kustomize: {version: v4}\n", "spec.source.kustomize.version"},
		{"Jsonnet", head + "    directory:\n      jsonnet: {tlas: [{name: a}]}\n", "app.yaml:12: spec.source.directory.jsonnet: Assay renders no Jsonnet"},
		{"a slip", head + "    helm: {releasName: x}\n", "no such option: did you mean releaseName?"},
		{"a count", head + "    kustomize: {replicas: [{name: a, count: many}]}\n", "entry 0 has a count that is not a number"},
	} {
		if _, err := Read("app.yaml", []byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
	}
}

func several(sources ...string) string {
	before, _, _ := strings.Cut(head, "  destination:")
	return strings.Replace(before, "  project: default\n", "  sources:\n  "+strings.Join(sources, "\n  ")+"\n", 1)
}

// TestOneOfSeveral: value files that another source lends, from the same tree, are those
// of the environment's own repository.
func TestOneOfSeveral(t *testing.T) {
	a, err := Read("app.yaml", []byte(several(
		"# Values.\n  - {repoURL: git@example.com:acme/env.git, targetRevision: HEAD, ref: values}",
		"- repoURL: https://example.com/acme/env\n    path: charts/shop\n    helm:\n      valueFiles: [common.yaml, $values/values/prod.yaml, $values/charts/shop/own.yaml]\n      fileParameters: [{name: a, path: $values/a.txt}]",
	)))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"valueFiles":     []any{"common.yaml", "/values/prod.yaml", "own.yaml"},
		"fileParameters": []any{map[string]any{"name": "a", "path": "/a.txt"}},
	}
	if diff := cmp.Diff(want, a.Options); diff != "" || a.Path != "charts/shop" {
		t.Errorf("%s:\n%s", a.Path, diff)
	}
	after, err := a.WithPlugin("")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(several("- repoURL: https://example.com/acme/env\n    path: charts/shop\n    plugin:\n      name: assay"), string(after)); diff != "" {
		t.Error(diff)
	}
	for _, one := range []string{several("- {repoURL: r, path: a}"), strings.Replace(head, "  source:", "  sources: []\n  source:", 1)} {
		if _, err := Read("app.yaml", []byte(one)); err != nil {
			t.Error(err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(head))
	f.Add([]byte(several("- {path: a, ref: b, helm: {valueFiles: [$b/c]}}", "- {ref: c}")))
	f.Add([]byte(head + "    helm: {values: \"a: b\"}\n"))
	f.Add([]byte(head + "    kustomize:\n      images: [a=b:1]\n---\nkind: List\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := Read("app.yaml", data)
		if err != nil {
			return
		}
		after, err := a.WithPlugin("")
		if err != nil {
			return
		}
		if _, err := Read("app.yaml", after); err == nil || !strings.Contains(err.Error(), "uses Assay already") {
			t.Errorf("after the move: %v\n%s", err, after)
		}
	})
}
