package render_test

import (
	"context"
	"maps"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

const web = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: web, image: shop/web:1}
`

// env is a flat environment in apps/web with extra files laid over it.
func env(extra map[string]string) tree {
	files := map[string]string{"apps/web/web.yaml": web, "apps/other/x.yaml": "x: y\n"}
	maps.Copy(files, extra)
	return tree{"web", files, "apps/web"}
}

func tagMarker(tag string) string { return marker("images: [{name: shop/web, newTag: '" + tag + "'}]") }

func TestFailures(t *testing.T) {
	chart := map[string]string{
		"apps/web/Chart.yaml":         "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"apps/web/values.yaml":        "tag: '1'\nname: web\n",
		"apps/web/templates/web.yaml": strings.ReplaceAll(web, "shop/web:1", "shop/web:{{ .Values.tag }}"),
		"apps/web/web.yaml":           "",
		"apps/web/candidate.yaml":     marker("values: {tag: '2'}"),
	}
	for _, test := range []struct {
		name  string
		files map[string]string
		req   func(*render.Request)
		want  []string // parts of the message
	}{
		{
			"a marker that changes nothing",
			map[string]string{"apps/web/candidate.yaml": tagMarker("1")},
			nil,
			[]string{"apps/web/candidate.yaml", "nothing"},
		},
		{
			"an image that matches nothing",
			map[string]string{"apps/web/candidate.yaml": marker("images: [{name: shop/wbe, newTag: '2'}]")},
			nil,
			[]string{"apps/web/candidate.yaml", "spec.images[0].name", "shop/web"},
		},
		{
			"a target that does not exist",
			map[string]string{
				"apps/web/candidate.yaml": tagMarker("2"),
				"apps/web/assay.yaml":     plan("targets: [{kind: Deployment, name: wbe}]"),
			},
			nil,
			[]string{"apps/web/assay.yaml", "spec.targets[0]", "web"},
		},
		{
			"an altered object that nothing tests",
			map[string]string{
				"apps/web/candidate.yaml": tagMarker("2"),
				"apps/web/job.yaml": "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate}\nspec:\n  template:\n" +
					"    spec: {restartPolicy: Never, containers: [{name: m, image: 'shop/web:1'}]}\n",
			},
			nil,
			[]string{"Job/migrate", "untested", "apps/web/assay.yaml"},
		},
		{
			"two documents of one identity under a marker",
			map[string]string{
				"apps/web/candidate.yaml": tagMarker("2"),
				"apps/web/a.yaml":         "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n",
			},
			nil,
			[]string{"ConfigMap/c", "twice"},
		},
		{
			"an unknown field",
			map[string]string{"apps/web/assay.yaml": plan("experment: {}")},
			nil,
			[]string{"apps/web/assay.yaml:5", "experment", "experiment"},
		},
		{
			"a template with a missing key",
			map[string]string{
				"apps/web/candidate.yaml":         tagMarker("2"),
				"apps/web/experiment/a.yaml.tmpl": "apiVersion: batch/v1\nkind: Job\nmetadata: {name: 'a-{{ .ID }}-{{ .Parameters.qsp }}'}\n",
				"apps/web/assay.yaml":             plan("experiment: {parameters: {qps: 1}}"),
			},
			nil,
			[]string{"apps/web/experiment/a.yaml.tmpl:3", "qsp"},
		},
		{
			"a chart without a release name",
			chart,
			nil,
			[]string{"apps/web/assay.yaml", "spec.helm.releaseName"},
		},
		{
			"parameters that alter the change",
			merged(chart, map[string]string{"apps/web/assay.yaml": plan("helm: {releaseName: r, namespace: n}")}),
			func(req *render.Request) {
				req.Helm = &spec.HelmSource{Parameters: []spec.HelmParameter{{Name: "tag", Value: "3"}}}
			},
			[]string{"apps/web/candidate.yaml", "parameters"},
		},
		{
			"a mode that is not there yet",
			map[string]string{
				"apps/web/candidate.yaml": tagMarker("2"),
				"apps/web/assay.yaml":     plan("candidate: {mode: native}"),
			},
			nil,
			[]string{"apps/web/assay.yaml", "native"},
		},
		{
			"patches",
			map[string]string{"apps/web/candidate.yaml": marker("patches: [{patch: '[]', target: {kind: Deployment}}]")},
			nil,
			[]string{"apps/web/candidate.yaml", "spec.patches"},
		},
		{
			"a bad environment name",
			nil,
			func(req *render.Request) { req.Name = "../prod" },
			[]string{"environment", "../prod"},
		},
		{
			"a directory that does not exist",
			nil,
			func(req *render.Request) { req.Dir = "apps/nope" },
			[]string{"apps/nope"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			req := env(test.files).request()
			if test.req != nil {
				test.req(&req)
			}
			res, err := render.Environment(context.Background(), req)
			if err == nil {
				t.Fatalf("rendered %d objects", len(res.Output()))
			}
			if len(err.Error()) > 2000 {
				t.Errorf("the message has %d bytes", len(err.Error()))
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the message lacks %q:\n%v", part, err)
				}
			}
		})
	}
}

func merged(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// TestIDIsTheSameEverywhere renders as a laptop and as Argo CD would.
func TestIDIsTheSameEverywhere(t *testing.T) {
	for _, tr := range trees(t) {
		laptop := mustRender(t, tr.request())
		req := tr.request()
		req.AppName, req.Namespace, req.KubeVersion = "shop-prod-eu", "elsewhere", "v1.31.0"
		req.APIVersions = []string{"monitoring.coreos.com/v1"}
		cluster := mustRender(t, req)
		if laptop.ID != cluster.ID || len(laptop.ID) != 10 {
			t.Errorf("%s: ID %q on a laptop, %q in a cluster", tr.name, laptop.ID, cluster.ID)
		}
	}
}

func TestIDNamesWhatIsTested(t *testing.T) {
	id := func(extra map[string]string) string {
		return mustRender(t, env(merged(map[string]string{"apps/web/candidate.yaml": tagMarker("2")}, extra)).request()).ID
	}
	first := id(nil)
	for name, extra := range map[string]map[string]string{
		"change":   {"apps/web/candidate.yaml": tagMarker("3")},
		"attempt":  {"apps/web/candidate.yaml": tagMarker("2") + "  attempt: 1\n"},
		"plan":     {"apps/web/assay.yaml": plan("candidate: {replicas: 2}")},
		"baseline": {"apps/web/web.yaml": strings.ReplaceAll(web, "name: web, image", "name: web, tty: true, image")},
		"resource": {"apps/web/experiment/c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"},
	} {
		if id(extra) == first {
			t.Errorf("another %s has the same ID", name)
		}
	}
	for name, extra := range map[string]map[string]string{
		"promotion":      {"apps/web/assay.yaml": plan("promotion: {method: push}")},
		"queue":          {"apps/web/assay.yaml": plan("queue: every")},
		"other workload": {"apps/web/db.yaml": strings.NewReplacer("web", "db").Replace(web)},
	} {
		if id(extra) != first {
			t.Errorf("another %s has another ID", name)
		}
	}
}

func TestNamedEnvironments(t *testing.T) {
	tr := env(map[string]string{
		"apps/web/assay.prod.yaml":        plan("candidate: {nameSuffix: -next}"),
		"apps/web/candidate.prod.yaml":    tagMarker("2"),
		"apps/web/candidate.staging.yaml": "apiVersion: assay.dev/v1alpha1\nkind: [broken\n",
	})
	req := tr.request()
	if res := mustRender(t, req); res.Marker != nil || len(res.Output()) != 1 {
		t.Errorf("the unnamed environment renders %d objects, marker %v", len(res.Output()), res.Marker)
	}
	req.Name = "prod"
	res := mustRender(t, req)
	if len(res.Variant) != 1 || res.Variant[0].GetName() != "web-next" {
		t.Errorf("prod's variant is %v", res.Variant)
	}
	req.Name = "prd"
	if res := mustRender(t, req); !strings.Contains(strings.Join(res.Warnings, "\n"), "prod, staging") {
		t.Errorf("no warning of a misspelt environment: %q", res.Warnings)
	}
	req.Name = "staging"
	if _, err := render.Environment(context.Background(), req); err == nil || !strings.Contains(err.Error(), "candidate.staging.yaml") {
		t.Errorf("staging's broken marker: %v", err)
	}
}

func TestForeignKindsAreManifests(t *testing.T) {
	tr := env(map[string]string{"apps/web/candidate.yaml": "apiVersion: example.com/v1\nkind: Candidate\nmetadata: {name: person}\n"})
	res := mustRender(t, tr.request())
	if res.Marker != nil || len(res.Output()) != 2 {
		t.Errorf("rendered %d objects, marker %v", len(res.Output()), res.Marker)
	}
}

func TestWavesAndHooks(t *testing.T) {
	tr := env(map[string]string{
		"apps/web/candidate.yaml": tagMarker("2"),
		"apps/web/late.yaml":      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: late, annotations: {argocd.argoproj.io/sync-wave: '7'}}\n",
		"apps/web/hook.yaml": "apiVersion: batch/v1\nkind: Job\nmetadata: {name: after, annotations: {argocd.argoproj.io/hook: PostSync}}\n" +
			"spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: busybox}]}}}\n",
	})
	res := mustRender(t, tr.request())
	if got := object.SyncWave(res.Variant[0]); got != 7 {
		t.Errorf("the variant is in wave %d, the baseline ends with 7", got)
	}
	if !strings.Contains(strings.Join(res.Warnings, "\n"), "PostSync") {
		t.Errorf("no warning of the PostSync hook in %q", res.Warnings)
	}
}

func TestDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 0)
	defer cancel()
	if _, err := render.Environment(ctx, env(nil).request()); err == nil || !strings.Contains(err.Error(), "deadline") {
		t.Errorf("got %v", err)
	}
}

// TestExperimentFilesAreNotManifests, and a broken one breaks no baseline.
func TestExperimentFilesAreNotManifests(t *testing.T) {
	files := map[string]string{
		"apps/web/assay.yaml":              plan("directory: {recurse: true}"),
		"apps/web/experiment/a.yaml":       "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: injected}\n",
		"apps/web/experiment/b.yaml.tmpl":  "{{ .Nope",
		"apps/web/more/c.yaml":             "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n",
		"apps/web/experiment/deep/d.yaml":  "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: deep}\n",
		"apps/web/experiment/script.jsonx": "not yaml: [",
	}
	if got := len(mustRender(t, env(files).request()).Output()); got != 3 {
		t.Errorf("with a plan %d objects, not web, more and deep", got)
	}
	delete(files, "apps/web/assay.yaml")
	req := env(files).request()
	req.Directory = &spec.DirectorySource{Recurse: true}
	if got := len(mustRender(t, req).Output()); got != 4 {
		t.Errorf("without a plan %d objects, not all that Argo CD would take", got)
	}
}

// TestIDIgnoresTheDestination: what an object without a namespace belongs to
// depends on where it goes, and the ID must not.
func TestIDIgnoresTheDestination(t *testing.T) {
	tr := env(map[string]string{
		"apps/web/candidate.yaml": tagMarker("2"),
		"apps/web/svc.yaml":       "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n",
	})
	laptop := mustRender(t, tr.request())
	req := tr.request()
	req.Namespace = "shop"
	cluster := mustRender(t, req)
	if laptop.ID != cluster.ID {
		t.Errorf("ID %s on a laptop, %s in namespace shop", laptop.ID, cluster.ID)
	}
	if len(cluster.Variant) != 2 {
		t.Errorf("in namespace shop the variant has %d objects, not its Service too", len(cluster.Variant))
	}
}

func randomChart(values string) map[string]string {
	return map[string]string{
		"apps/web/web.yaml":    "",
		"apps/web/Chart.yaml":  "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"apps/web/values.yaml": values,
		"apps/web/assay.yaml":  plan("helm: {releaseName: r, namespace: n}"),
		"apps/web/templates/web.yaml": strings.NewReplacer("shop/web:1", "shop/web:{{ .Values.tag }}",
			"metadata: {labels: {app: web}}", "metadata: {labels: {app: web}, annotations: {roll: '{{ if .Values.roll }}{{ randAlphaNum 5 }}{{ end }}'}}").Replace(web),
	}
}

// TestRandomTargets: a target that differs between two renders of the same
// files would be another experiment at every sync.
func TestRandomTargets(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"in both":           merged(randomChart("tag: '1'\nroll: true\n"), map[string]string{"apps/web/candidate.yaml": marker("values: {tag: '2'}")}),
		"in the candidate":  merged(randomChart("tag: '1'\nroll: false\n"), map[string]string{"apps/web/candidate.yaml": marker("values: {tag: '2', roll: true}")}),
		"gone by candidate": merged(randomChart("tag: '1'\nroll: true\n"), map[string]string{"apps/web/candidate.yaml": marker("values: {tag: '2', roll: false}")}),
	} {
		_, err := render.Environment(context.Background(), env(files).request())
		if err == nil || !strings.Contains(err.Error(), "Deployment/web") || !strings.Contains(err.Error(), "two renders") {
			t.Errorf("random %s: %v", name, err)
		}
	}
}

func TestParametersOverPlan(t *testing.T) {
	files := merged(randomChart("tag: '1'\nroll: false\n"), map[string]string{
		"apps/web/assay.yaml": plan("helm: {releaseName: r, namespace: n, valuesObject: {tag: '5'}, parameters: [{name: tag, value: '6'}]}"),
	})
	image := func(helm *spec.HelmSource) string {
		req := env(files).request()
		req.Helm = helm
		return object.Images(mustRender(t, req).Output()[0])[0].Ref
	}
	for _, test := range []struct {
		name string
		helm *spec.HelmSource
		want string
	}{
		{"none", nil, "shop/web:6"},
		{"another parameter", &spec.HelmSource{Parameters: []spec.HelmParameter{{Name: "x", Value: "y", ForceString: true}}}, "shop/web:6"},
		{"the same parameter", &spec.HelmSource{Parameters: []spec.HelmParameter{{Name: "tag", Value: "7"}}}, "shop/web:7"},
	} {
		if got := image(test.helm); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
	files["apps/web/assay.yaml"] = plan("helm: {releaseName: r, namespace: n, valuesObject: {tag: '5'}}")
	if got := image(&spec.HelmSource{Values: "tag: '9'"}); got != "shop/web:9" {
		t.Errorf("values as a parameter over the plan's valuesObject: %s", got)
	}
}

func TestParametersChooseTheLayout(t *testing.T) {
	files := map[string]string{"apps/web/kustomization.yaml": "resources: [web.yaml]\nnamePrefix: x-\n", "apps/web/sub/c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"}
	req := env(files).request()
	req.Directory = &spec.DirectorySource{Recurse: true, Exclude: "kustomization.yaml"}
	res := mustRender(t, req)
	if res.Layout != spec.Flat || len(res.Output()) != 2 {
		t.Errorf("layout %s with %d objects", res.Layout, len(res.Output()))
	}
	req.Helm = &spec.HelmSource{ReleaseName: "r"}
	if _, err := render.Environment(context.Background(), req); err == nil || !strings.Contains(err.Error(), "more than one layout") {
		t.Errorf("two layouts: %v", err)
	}
	files["apps/web/candidate.yaml"] = tagMarker("2")
	req = env(files).request()
	req.Directory = &spec.DirectorySource{Exclude: "kustomization.yaml"}
	if _, err := render.Environment(context.Background(), req); err == nil || !strings.Contains(err.Error(), "candidate.yaml: the plugin's parameters make this a flat") {
		t.Errorf("another layout than Git's, with a marker: %v", err)
	}
}

// TestHarmlessParameters set what lies beside the change.
func TestHarmlessParameters(t *testing.T) {
	files := map[string]string{
		"apps/web/kustomization.yaml": "resources: [web.yaml]\nconfigMapGenerator: [{name: c, literals: [a=b]}]\n",
		"apps/web/candidate.yaml":     tagMarker("2"),
		"apps/web/web.yaml": strings.ReplaceAll(web, "- {name: web, image: shop/web:1}",
			"- {name: web, image: shop/web:1, envFrom: [{configMapRef: {name: c}}]}\n        - {name: side, image: shop/side:1}"),
	}
	req := env(files).request()
	req.Kustomize = &spec.KustomizeSource{NamePrefix: "eu-", Images: []string{"shop/side:3"}}
	laptop, cluster := mustRender(t, env(files).request()), mustRender(t, req)
	if laptop.ID != cluster.ID {
		t.Errorf("IDs %s and %s", laptop.ID, cluster.ID)
	}
	req.Kustomize = &spec.KustomizeSource{Images: []string{"shop/web:3"}}
	if _, err := render.Environment(context.Background(), req); err == nil || !strings.Contains(err.Error(), "parameters alter the change") {
		t.Errorf("a parameter that sets the tested image: %v", err)
	}
}

// TestDefaultExperiment: the default resources need no plan, but what a
// recursive directory renders stays a manifest then.
func TestDefaultExperiment(t *testing.T) {
	req := env(map[string]string{
		"apps/web/candidate.yaml":    tagMarker("2"),
		"apps/web/experiment/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
	}).request()
	if res := mustRender(t, req); len(res.Injected) != 1 || len(res.Baseline) != 1 {
		t.Errorf("injected %d, baseline %d", len(res.Injected), len(res.Baseline))
	}
	req.Directory = &spec.DirectorySource{Recurse: true}
	if res := mustRender(t, req); len(res.Injected) != 0 || len(res.Baseline) != 2 {
		t.Errorf("recursive: injected %d, baseline %d", len(res.Injected), len(res.Baseline))
	}
}

func TestWarnsOfResourcesAmongManifests(t *testing.T) {
	res := mustRender(t, env(map[string]string{
		"apps/web/assay.yaml":  plan("experiment: {resources: ['e*']}"),
		"apps/web/e-shop.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\n",
	}).request())
	if !strings.Contains(strings.Join(res.Warnings, "\n"), "apps/web/e-shop.yaml") {
		t.Errorf("warnings %q", res.Warnings)
	}
}

func TestExperimentFollowsTheVariant(t *testing.T) {
	files := merged(randomChart("tag: '1'\nroll: false\n"), map[string]string{
		"apps/web/candidate.yaml":         marker("values: {tag: '2'}"),
		"apps/web/experiment/c.yaml.tmpl": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 'c-{{ .ID }}', namespace: '{{ .Namespace }}'}\n",
	})
	files["apps/web/templates/web.yaml"] = strings.Replace(files["apps/web/templates/web.yaml"], "metadata: {name: web}", "metadata: {name: web, namespace: '{{ .Release.Namespace }}'}", 1)
	req := env(files).request()
	req.Namespace, req.Helm = "shop", &spec.HelmSource{Namespace: "other"}
	res := mustRender(t, req)
	if v, i := res.Variant[0].GetNamespace(), res.Injected[0].GetNamespace(); v != "other" || i != v {
		t.Errorf("the variant is in %s, the experiment in %s", v, i)
	}
}

func TestBrokenByTheChange(t *testing.T) {
	files := merged(randomChart("tag: '1'\nroll: false\n"), map[string]string{"apps/web/candidate.yaml": marker("values: {tag: {no: string}}")})
	files["apps/web/templates/web.yaml"] += "{{ if not (kindIs \"string\" .Values.tag) }}{{ fail \"tag is not a string\" }}{{ end }}"
	_, err := render.Environment(context.Background(), env(files).request())
	if err == nil || !strings.Contains(err.Error(), "with the change of apps/web/candidate.yaml") {
		t.Errorf("error %v", err)
	}
}

// TestStrayLoad: the live Service must not send traffic to the experiment's own pods.
func TestStrayLoad(t *testing.T) {
	files := map[string]string{
		"apps/web/candidate.yaml": tagMarker("2"),
		"apps/web/svc.yaml":       "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n",
		"apps/web/experiment/load.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: load}\nspec:\n  selector: {matchLabels: {app: web, role: load}}\n" +
			"  template:\n    metadata: {labels: {app: web, role: load}}\n    spec: {containers: [{name: l, image: fortio/fortio}]}\n",
	}
	_, err := render.Environment(context.Background(), env(files).request())
	if err == nil || !strings.Contains(err.Error(), "Deployment/load") || !strings.Contains(err.Error(), "Service/web") {
		t.Errorf("error %v", err)
	}
}
