package application

import (
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/object"
)

func deployed(t *testing.T, text string) Deployed {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte("apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop, namespace: argocd}\n" + text))
	if err != nil {
		t.Fatal(err)
	}
	d, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestPlacesOfDeployed(t *testing.T) {
	for name, test := range map[string]struct {
		spec     string
		places   []string
		problems string
	}{
		"one source":       {"source: {repoURL: https://a/r, path: p, targetRevision: main, plugin: {name: assay}}", []string{"https://a/r p main"}, ""},
		"another plugin":   {"source: {repoURL: https://a/r, path: p, plugin: {name: other}}", nil, ""},
		"no plugin":        {"source: {repoURL: https://a/r, path: p}", nil, ""},
		"no source at all": {"project: default", nil, ""},
		"several, of which two use it": {`sources:
  - {repoURL: https://a/r, path: p, plugin: {name: assay-v1.0}}
  - {repoURL: https://a/values, ref: values}
  - {repoURL: https://a/other, path: q, plugin: {name: assay}}`, []string{"https://a/r p ", "https://a/other q "}, ""},
		"one of two is broken": {`sources:
  - {repoURL: https://a/r, plugin: {name: assay}}
  - {repoURL: https://a/other, path: q, plugin: {name: assay}}`, []string{"https://a/other q "}, "its path is missing"},
		"a hydrator's dry source": {`source: {repoURL: https://a/hydrated, path: h, plugin: {name: assay}}
  sourceHydrator:
    drySource: {repoURL: https://a/dry, path: d, targetRevision: main, plugin: {name: assay}}
    syncSource: {targetBranch: env/prod, path: h}`, []string{"https://a/dry d main"}, ""},
		"fields of other types": {"source: [1, 2]\n  sources: yes", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := deployed(t, "spec:\n  "+test.spec)
			var got []string
			for _, p := range d.Places {
				got = append(got, p.RepoURL+" "+p.Path+" "+p.Revision)
			}
			if !slices.Equal(got, test.places) {
				t.Errorf("places %q, want %q", got, test.places)
			}
			var problems []string
			for _, err := range d.Problems {
				problems = append(problems, err.Error())
			}
			if text := strings.Join(problems, "; "); !strings.Contains(text, test.problems) || (test.problems == "") != (text == "") {
				t.Errorf("problems %q, want %q", text, test.problems)
			}
		})
	}
}

func TestHowDeployedStands(t *testing.T) {
	d := deployed(t, `spec: {destination: {namespace: web}, project: team}
status:
  resources:
  - {group: batch, kind: Job, name: judge-e1, status: Synced}
  - {group: apps, kind: Deployment, namespace: other, name: x}
  operationState:
    phase: Running
    message: waiting for completion of hook batch/Job/done
    startedAt: "2026-01-02T03:04:05Z"
    syncResult: {revision: abc}
`)
	want := []object.Key{{Group: "batch", Kind: "Job", Namespace: "web", Name: "judge-e1"}, {Group: "apps", Kind: "Deployment", Namespace: "other", Name: "x"}}
	if !slices.Equal(d.Manages, want) || d.Project != "team" {
		t.Errorf("%+v", d)
	}
	if !d.Operation.Waits() || d.Operation.Of(Place{}) != "abc" || d.Operation.Started.Year() != 2026 {
		t.Errorf("operation %+v", d.Operation)
	}
	if done := deployed(t, "status: {operationState: {phase: Succeeded, message: waiting for nothing}}"); done.Operation.Waits() {
		t.Errorf("operation %+v", done.Operation)
	}
}

func TestRolledBack(t *testing.T) {
	const off, on = "spec: {syncPolicy: {}}\n", "spec: {syncPolicy: {automated: {prune: true}}}\n"
	for name, test := range map[string]struct{ text, want string }{
		"never":                  {off + "status: {history: [{revision: a}, {revision: b}]}", ""},
		"the same again":         {off + "status: {history: [{revision: a}, {revision: a}, {revision: a}]}", ""},
		"back to the first":      {off + "status: {history: [{revision: a}, {revision: b}, {revision: a}]}", "a"},
		"forth by hand":          {off + "status: {history: [{revision: a}, {revision: b}, {revision: a}, {revision: b}]}", ""},
		"of several sources":     {off + "status: {history: [{revisions: [a, x]}, {revisions: [b, x]}, {revisions: [a, x]}]}", "a x"},
		"back, and forth again":  {off + "status: {history: [{revision: a}, {revision: b}, {revision: a}, {revision: c}]}", ""},
		"automated sync is on":   {on + "status: {history: [{revision: a}, {revision: b}, {revision: a}]}", ""},
		"its switch is off":      {"spec: {syncPolicy: {automated: {enabled: false}}}\nstatus: {history: [{revision: a}, {revision: b}, {revision: a}]}", "a"},
		"nothing was synced yet": {off, ""},
	} {
		if got := deployed(t, test.text).RolledBack; got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
