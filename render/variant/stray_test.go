package variant_test

import (
	"strings"
	"testing"

	"github.com/assaydev/assay/render/variant"
)

const loadJob = `
apiVersion: batch/v1
kind: Job
metadata: {name: load%META%}
spec: {template: {metadata: {labels: {%LABELS%}}, spec: {containers: [{name: load, image: fortio}]}}}
`

func TestStray(t *testing.T) {
	const (
		cron = `
apiVersion: batch/v1
kind: CronJob
metadata: {name: load}
spec: {jobTemplate: {spec: {template: {metadata: {labels: {%LABELS%}}, spec: {containers: [{name: load, image: fortio}]}}}}}
`
		pod = `
apiVersion: v1
kind: Pod
metadata: {name: load, labels: {%LABELS%}}
spec: {containers: [{name: load, image: fortio}]}
`
		k6 = `
apiVersion: k6.io/v1alpha1
kind: TestRun
metadata: {name: load}
spec: {parallelism: 1, runner: {metadata: {labels: {%LABELS%}}}}
`
		experiment = `
apiVersion: argoproj.io/v1alpha1
kind: Experiment
metadata: {name: load}
spec: {templates: [{name: a, template: {metadata: {labels: {a: b}}}}, {name: b, template: {metadata: {labels: {%LABELS%}}}}]}
`
		analysis = `
apiVersion: argoproj.io/v1alpha1
kind: AnalysisRun
metadata: {name: load}
spec: {metrics: [{name: a, provider: {job: {spec: {template: {metadata: {labels: {%LABELS%}}}}}}}]}
`
		alone = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: batch}
spec:
  selector: {matchExpressions: [{key: app, operator: In, values: [batch, cron]}]}
  template: {metadata: {labels: {app: batch}}, spec: {containers: [{name: a, image: b}]}}
`
		everything = `
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: all}
spec: {selector: {matchLabels: {app: load}}}
---
apiVersion: v1
kind: Service
metadata: {name: elsewhere, namespace: other}
spec: {selector: {app: load}}
---
apiVersion: v1
kind: Service
metadata: {name: none}
spec: {}
`
	)
	env := web + webService + "\n---" + alone + "---" + everything
	for name, tc := range map[string]struct{ object, meta, labels, fails string }{
		"of its own":           {loadJob, "", "app: load", ""},
		"no labels":            {loadJob, "", "", ""},
		"more than the live":   {loadJob, "", "app: web, tier: load", "Job/load"},
		"a named namespace":    {loadJob, ", namespace: shop", "app: web", "Job/shop/load"},
		"another namespace":    {loadJob, ", namespace: other", "app: web", ""},
		"selected there":       {loadJob, ", namespace: other", "app: load", "Job/other/load"},
		"a CronJob":            {cron, "", "app: web", "CronJob/load"},
		"a Pod":                {pod, "", "app: web", "Pod/load"},
		"k6's runners":         {k6, "", "app: web", "TestRun/load"},
		"k6's own":             {k6, "", "app: k6", ""},
		"pods of a template":   {experiment, "", "app: web", "Experiment/load"},
		"a metric's Job":       {analysis, "", "app: web", "AnalysisRun/load"},
		"another's expression": {loadJob, "", "app: cron", "Job/load"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.NewReplacer("%META%", tc.meta, "%LABELS%", tc.labels).Replace(tc.object)
			err := variant.Stray(parse(t, env), parse(t, text), "shop")
			if tc.fails == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil {
				t.Fatal("no error")
			}
			wantText(t, err.Error(), "although traffic is isolated", "give its pods labels of their own")
			if kind, _, _ := strings.Cut(tc.fails, "/"); !strings.HasPrefix(err.Error(), kind) {
				t.Errorf("the message does not begin with the object: %v", err)
			}
		})
	}
}

func TestStrayNamesWhatSelects(t *testing.T) {
	job := strings.NewReplacer("%META%", "", "%LABELS%", "app: web").Replace(loadJob)
	err := variant.Stray(parse(t, "---\n"+strings.TrimPrefix(webService, "\n---\n")), parse(t, job), "shop")
	if err == nil {
		t.Fatal("no error")
	}
	wantText(t, err.Error(), "Job/load", "Service/web", "app=web")
}
