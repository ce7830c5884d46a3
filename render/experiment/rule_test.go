package experiment

import (
	"context"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/spec"
)

const job = `
apiVersion: batch/v1
kind: Job
metadata: {name: judge}
spec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: [{name: a, image: b}]}}}
`

// samples are one valid object of each engine, as users write them.
func samples() map[string]string {
	return map[string]string{
		"Job": job,
		"Iter8": `
apiVersion: iter8.tools/v2alpha2
kind: Experiment
metadata: {name: judge}
spec:
  target: shop/web
  strategy: {testingPattern: Canary, deploymentPattern: Progressive}
  criteria: {objectives: [{metric: iter8-istio/mean-latency, upperLimit: 300}]}
  duration: {intervalSeconds: 10, iterationsPerLoop: 12}`,
		"Argo Rollouts AnalysisRun": `
apiVersion: argoproj.io/v1alpha1
kind: AnalysisRun
metadata: {name: judge}
spec: {metrics: [{name: errors, successCondition: "result[0] < 0.01", provider: {prometheus: {query: up}}}]}`,
		"Argo Rollouts Experiment": `
apiVersion: argoproj.io/v1alpha1
kind: Experiment
metadata: {name: judge}
spec: {analyses: [{name: a, templateName: b, requiredForCompletion: true}]}`,
		"k6": `
apiVersion: k6.io/v1alpha1
kind: TestRun
metadata: {name: judge}
spec: {parallelism: 2, script: {configMap: {name: a, file: b.js}}}`,
		"Flagger": `
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: judge}
spec: {analysis: {interval: 30s}}`,
		"Argo Rollouts Rollout": `
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: judge}
spec: {strategy: {canary: {steps: [{pause: {}}]}}}`,
	}
}

func TestEngineSamples(t *testing.T) {
	for _, e := range engine.With(nil) {
		t.Run(e.Name, func(t *testing.T) {
			text := samples()[e.Name]
			o := object1(t, text)
			if !engine.With(nil).Judges(o) {
				t.Error("it does not judge")
			}
			got, warnings, err := render(t, input(t, file("a.yaml", text)), Options{})
			if err != nil || len(warnings) != 0 || !strings.Contains(got, "name: judge-"+testID) {
				t.Errorf("%v %q\n%s", err, warnings, got)
			}
			o.SetAnnotations(map[string]string{engine.RoleAnnotation: engine.RoleLoad})
			if engine.With(nil).Judges(o) {
				t.Error("load judges")
			}
		})
		t.Run(e.Name+" in a template", func(t *testing.T) {
			_, _, err := render(t, input(t, file("a.yaml.tmpl", samples()[e.Name])), Options{})
			if !e.RunsOnce {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, "a.yaml.tmpl: document 1: "+e.Kind+"/judge", "the name must hold the ID", "metadata.name: judge-{{ .ID }}")
		})
		t.Run(e.Name+" of another version", func(t *testing.T) {
			text := strings.Replace(samples()[e.Name], "/"+e.Versions[0], "/v99", 1)
			_, _, err := render(t, input(t, file("a.yaml", text)), Options{})
			wantError(t, err, "the version v99 of "+e.Name+" is not known: use "+e.Group+"/"+e.Versions[0])
		})
	}
	for _, text := range []string{"apiVersion: v1\nkind: ConfigMap", "apiVersion: serving.knative.dev/v1\nkind: Job", "apiVersion: v1\nkind: Experiment"} {
		if o := object1(t, text+"\nmetadata: {name: a}"); engine.With(nil).Judges(o) {
			t.Errorf("%s judges", text)
		}
	}
}

// TestCustomEngine holds the plan's engines to the rules of the built-in ones.
func TestCustomEngine(t *testing.T) {
	custom := spec.Engine{Group: "apps", Kind: "Deployment", Concluded: "a", Promote: "b", Reject: "c"}
	in := input(t, file("a.yaml.tmpl", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: judge}"))
	if _, warnings, err := render(t, in, Options{}); err != nil || len(warnings) != 1 {
		t.Fatalf("%v %q", err, warnings)
	}
	in.Experiment.Engines = []spec.Engine{custom}
	_, _, err := render(t, in, Options{})
	wantError(t, err, "the name must hold the ID")

	in.Sources = []Source{file("a.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: judge}")}
	got, warnings, err := render(t, in, Options{})
	if err != nil || len(warnings) != 0 || !strings.Contains(got, "judge-"+testID) {
		t.Errorf("%v %q\n%s", err, warnings, got)
	}
	if o := object1(t, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}"); engine.With(nil).Judges(o) || !engine.With([]spec.Engine{custom}).Judges(o) {
		t.Error("the plan's engine does not judge, or without the plan")
	}

	// A kind may not be injected just because it judges.
	in.Experiment.Engines[0] = spec.Engine{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Concluded: "a", Promote: "b", Reject: "c"}
	in.Sources = []Source{file("a.yaml", "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: judge}")}
	_, _, err = render(t, in, Options{})
	wantError(t, err, "kind ClusterRole.rbac.authorization.k8s.io may not be injected")
}

func TestRules(t *testing.T) {
	with := func(engine, old, replacement string) string {
		text := samples()[engine]
		if !strings.Contains(text, old) {
			t.Fatalf("%s lacks %s", engine, old)
		}
		return strings.Replace(text, old, replacement, 1)
	}
	annotated := func(annotation string) string {
		return with("Job", "name: judge", "name: judge, annotations: {"+annotation+"}")
	}
	tests := map[string]struct {
		text string
		want []string
	}{
		"generateName":         {with("Job", "name: judge", "generateName: judge-"), []string{"Job: metadata.generateName", "use metadata.name"}},
		"no name":              {with("Job", "name: judge", "labels: {}"), []string{"metadata.name is missing"}},
		"name of another type": {with("Job", "name: judge", "name: 12"), []string{"metadata.name is missing, or is not a string: add it"}},
		"no apiVersion":        {"kind: Job\nmetadata: {name: judge}", []string{"Job/judge: apiVersion is missing"}},
		"no kind":              {"apiVersion: v1\nmetadata: {name: judge}", []string{"a.yaml", "no kind"}},
		"hidden annotation":    {annotated("helm.sh/hook: test, other: 1"), []string{"metadata.annotations has a value that is not a string"}},
		"Argo CD hook":         {annotated("argocd.argoproj.io/hook: Sync"), []string{"the annotation argocd.argoproj.io/hook makes it a hook", "remove it"}},
		"Helm hook":            {annotated("helm.sh/hook: test"), []string{"the annotation helm.sh/hook makes it a hook"}},
		"Replace":              {annotated("argocd.argoproj.io/sync-options: 'Prune=false, Replace=true'"), []string{"sync-options: Replace=true recreates it"}},
		"Force":                {annotated("argocd.argoproj.io/sync-options: Force=true"), []string{"sync-options: Force=true recreates it"}},
		"role":                 {annotated("assay.dev/role: laod"), []string{`assay.dev/role is "laod": the only role is "load"`}},
		"namespace":            {with("Job", "name: judge", "name: judge, namespace: kube-system"), []string{"metadata.namespace is kube-system, and the application's is prod"}},
		"TTL":                  {with("Job", "backoffLimit: 0", "backoffLimit: 0, ttlSecondsAfterFinished: 100"), []string{"spec.ttlSecondsAfterFinished deletes the verdict", "activeDeadlineSeconds"}},
		"TTL of load": {
			with("Job", "name: judge}\nspec: {", "name: judge, annotations: {assay.dev/role: load}}\nspec: {ttlSecondsAfterFinished: 0, "),
			[]string{"spec.ttlSecondsAfterFinished"},
		},
		"TTL of a CronJob":     {"apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec: {jobTemplate: {spec: {ttlSecondsAfterFinished: 1}}}", []string{"spec.jobTemplate.spec.ttlSecondsAfterFinished"}},
		"ttlStrategy":          {with("Argo Rollouts AnalysisRun", "spec: {", "spec: {ttlStrategy: {secondsAfterCompletion: 1}, "), []string{"spec.ttlStrategy deletes"}},
		"cleanup":              {with("k6", "spec: {", "spec: {cleanup: post, "), []string{"spec.cleanup deletes"}},
		"k6 without runners":   {with("k6", "parallelism: 2, ", ""), []string{"TestRun/judge: spec.parallelism is missing"}},
		"Job tries again":      {with("Job", "backoffLimit: 0, ", ""), []string{"Job/judge: a Job that judges must not try again: set spec.backoffLimit: 0", "assay.dev/role: load"}},
		"Job tries twice":      {with("Job", "backoffLimit: 0", "backoffLimit: 1"), []string{"set spec.backoffLimit: 0"}},
		"named template":       {with("Argo Rollouts AnalysisRun", "metrics:", "templates:"), []string{"spec.metrics is missing", "inline"}},
		"no metrics":           {"apiVersion: argoproj.io/v1alpha1\nkind: AnalysisRun\nmetadata: {name: a}\nspec: {metrics: []}", []string{"spec.metrics is missing"}},
		"no analyses":          {with("Argo Rollouts Experiment", "analyses:", "other:"), []string{"spec.analyses is missing"}},
		"analysis not awaited": {with("Argo Rollouts Experiment", ", requiredForCompletion: true", ""), []string{"spec.analyses[0]", "requiredForCompletion: true"}},
		"no evidence":          {with("Flagger", "spec: {", "spec: {skipAnalysis: true, "), []string{"spec.skipAnalysis: true promotes without evidence"}},
		"cluster-scoped":       {"apiVersion: v1\nkind: Namespace\nmetadata: {name: a}", []string{"Namespace/a: kind Namespace may not be injected", "operator"}},
		"RBAC":                 {"apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: a}", []string{"kind RoleBinding.rbac.authorization.k8s.io may not be injected"}},
		"other group":          {"apiVersion: example.com/v1\nkind: Deployment\nmetadata: {name: a}", []string{"kind Deployment.example.com may not be injected"}},
		"a plan":               {"apiVersion: assay.dev/v1alpha1\nkind: Plan\nmetadata: {name: a}", []string{"kind Plan.assay.dev may not be injected"}},
		"twice":                {job + "---" + job, []string{"a.yaml: document 2: Job/judge", "another object", "another name"}},
		"taken":                {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: taken, namespace: prod}", []string{"document 1: Deployment/taken-" + testID + ": has the identity of an object of the environment or the variant"}},
		"bad name":             {with("Job", "name: judge", "name: Judge_1"), []string{"Job/Judge_1-" + testID + ": the name is not one that Kubernetes takes"}},
		"long name":            {with("Job", "name: judge", "name: "+strings.Repeat("a", 53)), []string{"the name has 64 characters with the ID, and at most 63"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := input(t, file("a.yaml", tt.text))
			taken := deployment(t, "taken-"+testID, "v1")
			in.Taken = append(in.Taken, taken)
			_, _, err := render(t, in, Options{})
			wantError(t, err, append(tt.want, "shop/experiment/a.yaml")...)
		})
	}
}

func TestRulesLetPass(t *testing.T) {
	tests := map[string]struct {
		text string
		opt  Options
	}{
		"load that tries again":  {"apiVersion: batch/v1\nkind: Job\nmetadata: {name: a, annotations: {assay.dev/role: load}}\nspec: {backoffLimit: 3}", Options{}},
		"the app's namespace":    {strings.Replace(job, "name: judge", "name: judge, namespace: prod", 1), Options{}},
		"the target's namespace": {strings.Replace(job, "name: judge", "name: judge, namespace: shop", 1), Options{}},
		"harmless options":       {strings.Replace(job, "name: judge", "name: judge, annotations: {argocd.argoproj.io/sync-options: 'Replace=false'}", 1), Options{}},
		"allowed kind":           {"apiVersion: example.com/v1\nkind: Load\nmetadata: {name: a}", Options{AllowKinds: []string{"Load.example.com"}}},
		"allowed core kind":      {"apiVersion: v1\nkind: Namespace\nmetadata: {name: a}", Options{AllowKinds: []string{"Namespace"}}},
		"long name":              {strings.Replace(job, "judge", strings.Repeat("a", 52), 1), Options{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := input(t, file("a.yaml", tt.text))
			in.Targets[0].Candidate.Namespace = "shop"
			if _, _, err := render(t, in, tt.opt); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("unknown namespace", func(t *testing.T) {
		in := input(t, file("a.yaml", strings.Replace(job, "name: judge", "name: judge, namespace: any", 1)))
		in.Namespace = ""
		if _, _, err := render(t, in, Options{}); err != nil {
			t.Error(err)
		}
	})
}

func TestCollisionsBetweenFiles(t *testing.T) {
	plain := file("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}")
	same := file("b.yaml.tmpl", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"x-{{ .ID }}\", namespace: prod}")
	_, _, err := render(t, input(t, plain, same), Options{})
	wantError(t, err, "b.yaml.tmpl: document 1: ConfigMap/x-"+testID, "has the identity of another in shop/experiment/a.yaml")
}

func TestLimits(t *testing.T) {
	in := input(t, file("a.yaml", job), file("b.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}"))
	_, _, err := render(t, in, Options{Documents: 1})
	wantError(t, err, "b.yaml", "more than 1 objects")
	in = input(t, file("a.yaml.tmpl", "{{ range 20 }}a{{ end }}"))
	_, _, err = render(t, in, Options{OutputBytes: 10})
	wantError(t, err, "a.yaml.tmpl: the template writes more than 10 bytes")
}

func TestNothingToInject(t *testing.T) {
	objs, warnings, err := Render(context.Background(), input(t), testID, Options{})
	if err != nil || len(objs) != 0 || len(warnings) != 0 {
		t.Errorf("%v %q %v", objs, warnings, err)
	}
}

func TestVersionOfNothing(t *testing.T) {
	var none *unstructured.Unstructured
	if v := VersionOf(none); v.Name != "" {
		t.Errorf("%v", v)
	}
}
