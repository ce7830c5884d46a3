package verify_test

import (
	"context"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/promote/verify"
	"github.com/assaydev/assay/test/envrepo"
)

const hook = `apiVersion: batch/v1
kind: Job
metadata: {name: notify, annotations: {argocd.argoproj.io/hook: PostSync}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: notify, image: "example.com/notify:1"}]}}}
`

func TestEnvironment(t *testing.T) {
	baseline := envrepo.Files{"prod/web.yaml": envrepo.Deployment("web")}
	engine := "experiment: {engines: [{kind: Check.example.com, concluded: %, promote: 'true', reject: 'false'}]}"
	staging := envrepo.Files{"staging/web.yaml": envrepo.Deployment("web"), "docs/README.md": "The shop.\n"}
	to := func(next string) envrepo.Files {
		return envrepo.Files{"prod/assay.yaml": envrepo.Plan("promotion: {to: [" + next + "]}")}
	}
	for name, test := range map[string]struct {
		files        envrepo.Files
		err, warning string
		proven       bool
	}{
		"no candidate":           {files: baseline},
		"a candidate":            {files: envrepo.Shop(), proven: true},
		"a PostSync hook":        {files: baseline.With(envrepo.Files{"prod/hook.yaml": hook}), warning: "Job/notify is a PostSync hook"},
		"no environment":         {files: envrepo.Files{"prod/readme.txt": ""}, err: "no environment is there or below"},
		"no objects":             {files: envrepo.Files{"prod/assay.yaml": envrepo.Plan("queue: every")}, warning: "renders no objects"},
		"a broken file":          {files: envrepo.Files{"prod/web.yaml": "apiVersion: v1\n  kind: Service\nmetadata: {name: web}\n"}, err: "prod/web.yaml:2"},
		"a broken engine":        {files: baseline.With(envrepo.Files{"prod/assay.yaml": envrepo.Plan(strings.ReplaceAll(engine, "%", "'('"))}), err: "prod/assay.yaml:"},
		"a next environment":     {files: baseline.With(to("{path: ../staging}")).With(staging)},
		"... from the root":      {files: baseline.With(to("{path: /staging}")).With(staging)},
		"... by a name":          {files: baseline.With(to("{path: ../staging, environment: eu}")).With(staging)},
		"... that is not there":  {files: baseline.With(to("{path: ../stagign}")).With(staging), err: "prod/assay.yaml:5: spec.promotion.to[0]: stagign is not a directory of the repository"},
		"... not at the root":    {files: baseline.With(to("{path: /apps/staging}")).With(staging), err: ": spec.promotion.to[0]: apps/staging is not a directory of the repository"},
		"... outside":            {files: baseline.With(to("{path: ../../staging}")).With(staging), err: ": spec.promotion.to[0]: "},
		"... that is itself":     {files: baseline.With(to("{path: .}")).With(staging), err: "it names this environment itself"},
		"... without objects":    {files: baseline.With(to("{path: /docs}")).With(staging), err: ": spec.promotion.to[0]: docs renders no objects: is this the environment's directory?"},
		"... on another branch":  {files: baseline.With(to("{path: ../nowhere, branch: other}")).With(staging)},
		"... in another repo":    {files: baseline.With(to("{path: nowhere, repo: 'https://git.example.com/env.git'}")).With(staging)},
		"... beside a candidate": {files: envrepo.Shop().With(to("{path: ../stagign}")).With(staging), err: "stagign is not a directory of the repository"},
		"a broken rehearsal": {files: baseline.With(envrepo.Files{
			"prod/assay.yaml": envrepo.Plan("targets: [{kind: Deployment, name: web}]"), "prod/experiment/job.yaml.tmpl": "{{ .Parameters.none }}",
		}), err: "the parameter none is not set"},
	} {
		req, err := envrepo.Request(test.files.On(t), "prod")
		if err != nil {
			t.Fatal(err)
		}
		r, err := verify.Environment(t.Context(), req, verify.Options{Limits: envfs.Limits{}, Top: ".", Branch: func(context.Context) (string, error) { return "", nil }})
		_ = req.FS.Close()
		switch {
		case test.err == "" && err != nil, test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
			t.Errorf("%s: error %v, want %q", name, err, test.err)
		case r.Proven != test.proven:
			t.Errorf("%s: proven %v", name, r.Proven)
		case !strings.Contains(strings.Join(r.Warnings, "\n"), test.warning):
			t.Errorf("%s: warnings %q, want %q", name, r.Warnings, test.warning)
		}
	}
}
