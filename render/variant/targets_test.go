package variant_test

import (
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/object"
)

const db = `
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector:
    matchLabels: {app: db}
  template:
    metadata:
      labels: {app: db}
    spec:
      containers:
      - {name: db, image: "shop/db:v1"}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce]}
`

const migrate = `
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
      - {name: migrate, image: "shop/migrate:v1"}
`

func TestTargets(t *testing.T) {
	for _, tc := range []struct {
		name, plan string
		edits      []string
		want       string
	}{
		{"the workload that the change alters", ``, []string{"web:v1", "web:v2"}, "web"},
		{"every workload that the change alters", ``, []string{"web:v1", "web:v2", "db:v1", "db:v2"}, "web db"},
		{"none that ships untested", `untested: [{kind: StatefulSet, name: db}]`, []string{"web:v1", "web:v2", "db:v1", "db:v2"}, "web"},
		{"none that differs in labels alone", ``, []string{"web:v1", "web:v2", "metadata: {name: db}", "metadata: {name: db, labels: {v: b}}"}, "web"},
		{"the plan's, in its order, altered or not", `targets: [{kind: StatefulSet, name: db}, {kind: Deployment, name: web, namespace: shop, group: apps}]`, []string{"web:v1", "web:v2"}, "db web"},
		{"a Job where the plan says so", `targets: [{kind: Job, name: migrate}]`, []string{"migrate:v1", "migrate:v2"}, "migrate"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := build(t, input(t, tc.plan, web+db+migrate, tc.edits...))
			var have []string
			for _, target := range r.Targets {
				have = append(have, target.Baseline.GetName())
				if want := target.Baseline.GetName() + "-candidate"; target.Candidate.GetName() != want {
					t.Errorf("the variant is called %s, want %s", target.Candidate.GetName(), want)
				}
			}
			if strings.Join(have, " ") != tc.want {
				t.Errorf("targets %v, want %s", have, tc.want)
			}
		})
	}
}

func TestTargetErrors(t *testing.T) {
	added := strings.ReplaceAll(web, "web", "shop")
	for _, tc := range []struct {
		name, plan string
		edits      []string
		want       []string
	}{
		{
			"near miss", `targets: [{kind: Deployment, name: wbe}]`,
			[]string{"web:v1", "web:v2"},
			[]string{"env/assay.yaml: spec.targets[0]: ", "no Deployment/wbe", "did you mean Deployment/web?"},
		},
		{
			"not there", `targets: [{kind: Deployment, name: warehouse}]`,
			[]string{"web:v1", "web:v2"},
			[]string{"spec.targets[0]: ", "no Deployment/warehouse", "there is Deployment/web"},
		},
		{
			"twice", `targets: [{kind: Deployment, name: web}, {kind: Deployment, name: web}]`,
			[]string{"web:v1", "web:v2"},
			[]string{"spec.targets[1]: Deployment/web is listed twice"},
		},
		{
			"new", `targets: [{kind: Deployment, name: shop}]`,
			[]string{"apiVersion: batch/v1", added + "---\napiVersion: batch/v1"},
			[]string{"spec.targets[0]: Deployment/shop is new", "spec.untested"},
		},
		{
			"one name for two", `candidate: {name: next}`,
			[]string{":v1", ":v2"},
			[]string{"spec.candidate.name: one name cannot serve 2 targets (Deployment/web, StatefulSet/db)"},
		},
		{"nothing changes", ``, nil, []string{"the change alters nothing"}},
		{
			"no workload changes", ``,
			[]string{"migrate:v1", "migrate:v2"},
			[]string{"no long-running workload", "Job/migrate: spec.template.spec.containers[0].image changed", "spec.targets in env/assay.yaml"},
		},
		{
			"no pods", `{targets: [{kind: Service, name: web}], untested: [{kind: Deployment, name: web}]}`,
			[]string{"web:v1", "web:v2"},
			[]string{"Service/web: has no pod template"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			wantText(t, buildError(t, input(t, tc.plan, web+webService+db+migrate, tc.edits...)), tc.want...)
		})
	}
}

func TestUnstable(t *testing.T) {
	in := input(t, ``, web, "web:v1", "web:v2")
	in.Unstable = []object.Key{{Group: "apps", Kind: "Deployment", Name: "web"}}
	wantText(t, buildError(t, in), "Deployment/web: differs between two renders", "cannot be a target")

	const secret = `
---
apiVersion: v1
kind: Secret
metadata: {name: web}
stringData: {password: one}
`
	env := strings.Replace(web, "image: shop/web:v1", "image: shop/web:v1\n        envFrom: [{secretRef: {name: web}}]", 1) + secret
	in = input(t, ``, env, "web:v1", "web:v2", "password: one", "password: two")
	in.Unstable = []object.Key{{Kind: "Secret", Name: "web", Namespace: "shop"}}
	text := buildError(t, in)
	wantText(t, text, "Secret/web: differs between two renders", "cannot be cloned for Deployment/web", "spec.untested")

	in.Plan = plan(t, `untested: [{kind: Secret, name: web}]`)
	r := build(t, in)
	if have := strings.Join(names(r.Objects), " "); have != "Deployment/web-candidate" {
		t.Errorf("objects: %s", have)
	}
	wantAt(t, r.Objects[0], "spec.template.spec.containers.0.envFrom.0.secretRef.name", "web")
	wantText(t, strings.Join(r.Untested, "\n"), "Secret/web (listed under untested: stringData.password changed)")
}

func TestAmbiguousTarget(t *testing.T) {
	other := strings.Replace(web, "name: web\n", "name: web\n  namespace: other\n", 1)
	in := input(t, `targets: [{kind: Deployment, name: web}]`, web+"---\n"+other, "web:v1", "web:v2")
	wantText(t, buildError(t, in), "Deployment/web names 2 objects", `namespace "shop"`, `namespace "other"`, "add group or namespace")
	in.Plan = plan(t, `{targets: [{kind: Deployment, name: web, namespace: other}], untested: [{kind: Deployment, name: web, namespace: shop}]}`)
	if r := build(t, in); r.Targets[0].Candidate.GetNamespace() != "other" {
		t.Error("the wrong one was taken")
	}
}

func TestGenerateNameIsNotATarget(t *testing.T) {
	env := strings.Replace(web, "  name: web\n", "  generateName: web-\n", 1) + db
	text := buildError(t, input(t, ``, env, "web:v1", "web:v2", "db:v1", "db:v2"))
	wantText(t, text, "Deployment/web- (generateName)", "does not test")
	text = buildError(t, input(t, `targets: [{kind: Deployment, name: web-}]`, env, "web:v1", "web:v2"))
	wantText(t, text, "Deployment/web- (generateName): an object with generateName cannot be a target")
}

func TestNativeIsNotSupported(t *testing.T) {
	text := buildError(t, input(t, `candidate: {mode: native}`, web, "web:v1", "web:v2"))
	wantText(t, text, "env/assay.yaml: spec.candidate.mode: native is not supported yet; use clone")
	text = buildError(t, input(t, `candidate: {mode: twin}`, web, "web:v1", "web:v2"))
	wantText(t, text, `unknown mode "twin"`)
}

func TestTargetThatTheChangeRemoves(t *testing.T) {
	env := db[len("\n---\n"):] + "---" + web
	in := input(t, `targets: [{kind: Deployment, name: web}]`, env, "---"+web, "")
	wantText(t, buildError(t, in), "spec.targets[0]: the change removes Deployment/web")
}
