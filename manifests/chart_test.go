package manifests_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/object/manifest"
)

// helm renders the chart as helm install does, into Argo CD's namespace.
func helm(t *testing.T, values map[string]any) (files map[string]string, err error) {
	t.Helper()
	c := charted(t)
	if err := chartutil.ProcessDependencies(c, values); err != nil {
		return nil, err
	}
	full, err := chartutil.ToRenderValues(c, values, chartutil.ReleaseOptions{Name: "assay", Namespace: "argocd", IsInstall: true, Revision: 1}, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(c, full)
}

func charted(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := loader.Load("chart")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// objectsOf are the objects of the chart, by their names.
func objectsOf(t *testing.T, values map[string]any) map[string]*unstructured.Unstructured {
	t.Helper()
	files, err := helm(t, values)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*unstructured.Unstructured{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasSuffix(name, ".yaml") {
			continue
		}
		objs, err := manifest.Decode(name, []byte(files[name]), manifest.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objs {
			out[object.KeyOf(o).String()] = o
		}
	}
	return out
}

// installed are the objects that the components add to Argo CD.
func installed(t *testing.T, components ...string) map[string]*unstructured.Unstructured {
	t.Helper()
	before := keysOf(t, build(t))
	out := keysOf(t, build(t, components...))
	for name := range before {
		delete(out, name)
	}
	return out
}

func keysOf(t *testing.T, objects resmap.ResMap) map[string]*unstructured.Unstructured {
	t.Helper()
	out := map[string]*unstructured.Unstructured{}
	for _, r := range objects.Resources() {
		data, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		objs, err := manifest.Decode(r.GetName(), data, manifest.Limits{})
		if err != nil || len(objs) != 1 {
			t.Fatal(objs, err)
		}
		out[object.KeyOf(objs[0]).String()] = objs[0]
	}
	return out
}

// TestChartIsTheComponents: the chart renders the objects of the Kustomize components.
func TestChartIsTheComponents(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		components []string
		values     map[string]any
	}{
		"the promoter":  {[]string{"promoter"}, map[string]any{}},
		"any namespace": {[]string{"promoter", "promoter/any-namespace"}, map[string]any{"applicationNamespaces": []any{"*"}}},
		"monitoring": {[]string{"promoter", "monitoring"}, map[string]any{
			"serviceMonitor": map[string]any{"enabled": true}, "prometheusRule": map[string]any{"enabled": true}, "dashboard": map[string]any{"enabled": true},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, got := installed(t, test.components...), objectsOf(t, test.values)
			if len(want) < 8 {
				t.Fatalf("the components add %d objects", len(want))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the chart differs from the components (-component +chart):\n%s", diff)
			}
		})
	}
}

// TestChartOptions: each value changes what it names.
func TestChartOptions(t *testing.T) {
	t.Parallel()
	on := map[string]any{"enabled": true, "interval": "15s", "labels": map[string]any{"release": "prometheus"}}
	objs := objectsOf(t, map[string]any{
		"name": "mine", "image": "registry.example.com/assay:dev", "secret": "keys", "replicas": 1, "serviceMonitor": on,
		"prometheusRule": map[string]any{"enabled": true, "labels": map[string]any{"role": "alerts"}}, "dashboard": map[string]any{"enabled": true, "labels": map[string]any{"folder": "ci"}},
		"podDisruptionBudget": map[string]any{"enabled": false}, "networkPolicy": map[string]any{"enabled": false},
		"applicationNamespaces": []any{"a", "b"}, "extraArgs": []any{"--commit-status"},
		"budgets":        map[string]any{"experiments": 20, "perProject": 5, "perDestination": 3},
		"extraEnv":       []any{map[string]any{"name": "A", "value": "b"}},
		"podAnnotations": map[string]any{"x": "y"}, "podLabels": map[string]any{"team": "z"}, "priorityClassName": "high", "imagePullPolicy": "Always",
		"imagePullSecrets": []any{map[string]any{"name": "pull"}}, "nodeSelector": map[string]any{"os": "linux"},
		"tolerations": []any{map[string]any{"key": "k"}}, "affinity": map[string]any{"nodeAffinity": map[string]any{}},
	})
	var kinds, text []string
	for _, o := range objs {
		kinds = append(kinds, o.GetKind())
		if strings.Contains(o.GetName(), "assay-promoter") {
			t.Errorf("%s is not called as the value name says", o.GetName())
		}
		data, err := o.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, string(data))
	}
	slices.Sort(kinds)
	if want := []string{"ClusterRole", "ClusterRole", "ClusterRoleBinding", "ClusterRoleBinding", "ConfigMap", "Deployment", "PrometheusRule", "Role", "RoleBinding", "Service", "ServiceAccount", "ServiceMonitor"}; !slices.Equal(kinds, want) {
		t.Errorf("it has %q, want %q", kinds, want)
	}
	all := strings.Join(text, "\n")
	for _, part := range []string{
		`"replicas":1`, `"image":"registry.example.com/assay:dev"`, `"secretName":"keys"`, `"--application-namespaces=a,b"`, `"--commit-status"`,
		`"--max-experiments=20","--max-experiments-per-project=5","--max-experiments-per-destination=3"`, `{"name":"A","value":"b"}`,
		`{"x":"y"}`, `"team":"z"`, `"priorityClassName":"high"`, `"imagePullPolicy":"Always"`, `[{"name":"pull"}]`, `{"os":"linux"}`, `[{"key":"k"}]`, `"nodeAffinity"`, `"interval":"15s"`, `"role":"alerts"`, `"folder":"ci"`, `process_resident_memory_bytes{job=\\\"mine\\\"}`, `"release":"prometheus"`,
	} {
		if !strings.Contains(all, part) {
			t.Errorf("nothing has %s", part)
		}
	}
}

// TestChartRefuses: a value that is misspelt, or cannot be, is refused by name.
func TestChartRefuses(t *testing.T) {
	t.Parallel()
	for want, values := range map[string]map[string]any{
		"replica":               {"replica": 3},
		"replicas":              {"replicas": 0},
		"name":                  {"name": "Assay Promoter"},
		"extraArgs":             {"extraArgs": []any{"commit-status"}},
		"applicationNamespaces": {"applicationNamespaces": []any{"team-*"}},
		"experiments":           {"budgets": map[string]any{"experiments": -1}},
		"egressPorts":           {"networkPolicy": map[string]any{"egressPorts": []any{"https"}}},
	} {
		if _, err := helm(t, values); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", values, err)
		}
	}
}

// TestChartNotes: who installs it is told what its pods wait for.
func TestChartNotes(t *testing.T) {
	t.Parallel()
	files, err := helm(t, map[string]any{"secret": "the-keys"})
	if err != nil {
		t.Fatal(err)
	}
	if notes := files["assay/templates/NOTES.txt"]; !strings.Contains(notes, "kubectl create secret generic the-keys -n argocd --from-file=signing-key") {
		t.Errorf("it says %s", notes)
	}
}

// TestChartValuesAreInTheSchema: every value of the chart is one that the schema knows, and
// is told of in values.yaml.
func TestChartValuesAreInTheSchema(t *testing.T) {
	t.Parallel()
	schema, err := os.ReadFile("chart/values.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for name := range charted(t).Values {
		if !strings.Contains(string(schema), `"`+name+`"`) {
			t.Errorf("values.schema.json does not know %s", name)
		}
	}
}

// TestArgoCDChart: the values of Argo CD's own chart in docs/install.md hold the sidecar of the
// component.
func TestArgoCDChart(t *testing.T) {
	t.Parallel()
	_, rest, _ := strings.Cut(string(read(t, "../docs/install.md")), "```yaml\nrepoServer:\n")
	text, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("docs/install.md has no values of repoServer")
	}
	var values struct {
		RepoServer struct {
			ExtraContainers []corev1.Container
			Volumes         []corev1.Volume
		}
	}
	if err := yaml.UnmarshalStrict([]byte("repoServer:\n"+text), &values); err != nil {
		t.Fatal(err)
	}
	want := sidecar(t)
	if len(values.RepoServer.ExtraContainers) != 1 {
		t.Fatalf("it has %d containers", len(values.RepoServer.ExtraContainers))
	}
	got := values.RepoServer.ExtraContainers[0]
	got.Image = want.Image
	if diff := cmp.Diff(want.Container, got); diff != "" {
		t.Errorf("the container differs from the component's (-component +docs):\n%s", diff)
	}
	for _, v := range values.RepoServer.Volumes {
		if !slices.ContainsFunc(want.Volumes, func(w corev1.Volume) bool { return cmp.Equal(v, w) }) {
			t.Errorf("the component has no volume %+v", v)
		}
	}
}
