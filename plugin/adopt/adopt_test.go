package adopt_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/plugin/adopt"
	"github.com/assaydev/assay/test/envrepo"
)

const service = `apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`

// open is the environment in a directory of its own.
func open(t *testing.T, files envrepo.Files) adopt.Environment {
	t.Helper()
	req, err := envrepo.Request(files.On(t), "prod")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = req.FS.Close() })
	return adopt.Environment{Request: req, Title: "shop"}
}

func TestTitle(t *testing.T) {
	for dir, want := range map[string]string{
		"shop": "shop", "shop/prod": "shop-prod", "apps/front/dev": "front-dev", "apps/front/overlays/prod-eu": "front-prod-eu",
		"prod": "prod", "envs/prod": "prod", "prod/shop": "shop", "apps/produce": "produce",
	} {
		if got := adopt.Title(dir); got != want {
			t.Errorf("%s: %s, want %s", dir, got, want)
		}
	}
}

func TestInitAsksForWhatIsLeftOut(t *testing.T) {
	env := open(t, envrepo.Files{"prod/web.yaml": envrepo.Deployment("web") + "---\n" + service, "prod/side.yaml": strings.ReplaceAll(envrepo.Deployment("side"), "shop/web", "shop/side")})
	var asked []string
	ask := func(q adopt.Question) (string, error) {
		asked = append(asked, q.Prompt)
		if q.Listed {
			return "Deployment/web", nil
		}
		return q.Default, nil
	}
	s, err := adopt.Init(t.Context(), env, adopt.Options{Load: "none"}, ask)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(asked, ", "); got != "Workload to test, Engine that judges candidates, URL of the candidate" {
		t.Errorf("asked: %s", got)
	}
	if plan := string(s.Files["prod/assay.yaml"]); !strings.Contains(plan, "name: shop\n") || !strings.Contains(plan, "name: web\n") {
		t.Errorf("the plan:\n%s", plan)
	}
	if len(s.Files) != 2 || len(s.Notes) != 0 {
		t.Errorf("%d files, notes %q", len(s.Files), s.Notes)
	}
}

func TestInitRefuses(t *testing.T) {
	two := envrepo.Files{"prod/web.yaml": envrepo.Deployment("web"), "prod/side.yaml": envrepo.Deployment("side")}
	var exists *adopt.ExistsError
	var target *adopt.TargetError
	var address *adopt.AddressError
	for name, test := range map[string]struct {
		files envrepo.Files
		opt   adopt.Options
		is    func(error) bool
	}{
		"a plan that is there": {two.With(envrepo.Files{"prod/assay.yaml": "{}"}), adopt.Options{}, func(err error) bool { return errors.As(err, &exists) && exists.Path == "prod/assay.yaml" }},
		"a resource that is there": {
			two.With(envrepo.Files{"prod/experiment/job.yaml.tmpl": ""}),
			adopt.Options{Target: "Deployment/web", URL: "http://web/"},
			func(err error) bool { return errors.As(err, &exists) && exists.Path == "prod/experiment/job.yaml.tmpl" },
		},
		"several workloads": {two, adopt.Options{}, func(err error) bool {
			return errors.As(err, &target) && target.Given == "" && len(target.Workloads) == 2
		}},
		"another workload":      {two, adopt.Options{Target: "Deployment/wep"}, func(err error) bool { return errors.As(err, &target) && target.Given == "Deployment/wep" }},
		"no address":            {two, adopt.Options{Target: "deployment/web"}, func(err error) bool { return errors.As(err, &address) }},
		"no workload":           {envrepo.Files{"prod/web.yaml": service}, adopt.Options{}, func(err error) bool { return errors.Is(err, adopt.ErrNoWorkload) }},
		"a Prometheus of a Job": {two, adopt.Options{Target: "Deployment/web", Prometheus: "http://p/"}, func(err error) bool { return errors.Is(err, adopt.ErrPrometheus) }},
	} {
		if s, err := adopt.Init(t.Context(), open(t, test.files), test.opt, nil); s != nil || !test.is(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMove(t *testing.T) {
	env := open(t, envrepo.Files{"prod/kustomization.yaml": "resources: [web.yaml]\n", "prod/web.yaml": envrepo.Deployment("web")})
	app, err := application.Read("app.yaml", []byte(`apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop}
spec:
  source:
    path: prod
    kustomize: {namePrefix: eu-}
`))
	if err != nil {
		t.Fatal(err)
	}
	moved, err := adopt.Move(t.Context(), env, app, nil)
	if err != nil {
		t.Fatal(err)
	}
	if moved.PlanFile != "prod/assay.yaml" || !strings.Contains(string(moved.Plan), "namePrefix: eu-") {
		t.Errorf("%s:\n%s", moved.PlanFile, moved.Plan)
	}
	if text := string(moved.Application); strings.Contains(text, "eu-") || !strings.Contains(text, "name: assay") {
		t.Errorf("the Application:\n%s", text)
	}
}
