package render

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
)

// TestDetect holds the facts of Argo CD's discovery: the walk of the
// directory is in the order of names, and the last match stands.
func TestDetect(t *testing.T) {
	plan := func(edit func(*spec.PlanSpec)) *spec.Plan {
		p := &spec.Plan{}
		edit(&p.Spec)
		return p
	}
	none := plan(func(*spec.PlanSpec) {})
	cases := map[string]struct {
		files []string
		plan  *spec.Plan
		want  spec.Layout
	}{
		"plain files":           {[]string{"a.yaml"}, none, spec.Flat},
		"chart":                 {[]string{"Chart.yaml", "values.yaml"}, none, spec.Helm},
		"any name that ends so": {[]string{"myChart.yaml"}, none, spec.Helm},
		"kustomization.yaml":    {[]string{"kustomization.yaml"}, none, spec.Kustomize},
		"kustomization.yml":     {[]string{"kustomization.yml"}, none, spec.Kustomize},
		"Kustomization":         {[]string{"Kustomization"}, none, spec.Kustomize},
		"other case":            {[]string{"Kustomization.yaml", "chart.yaml"}, none, spec.Flat},
		"both":                  {[]string{"Chart.yaml", "kustomization.yaml"}, none, spec.Kustomize},
		"the last name wins":    {[]string{"Kustomization", "myChart.yaml"}, none, spec.Helm},
		"in a directory below":  {[]string{"sub/Chart.yaml", "sub/kustomization.yaml"}, none, spec.Flat},
		"a directory so named":  {[]string{"Chart.yaml/a.yaml"}, none, spec.Flat},
		"explicit directory":    {[]string{"Chart.yaml"}, plan(func(s *spec.PlanSpec) { s.Directory = &spec.DirectorySource{} }), spec.Flat},
		"explicit helm":         {[]string{"kustomization.yaml"}, plan(func(s *spec.PlanSpec) { s.Helm = &spec.HelmSource{} }), spec.Helm},
		"explicit kustomize":    {[]string{"a.yaml"}, plan(func(s *spec.PlanSpec) { s.Kustomize = &spec.KustomizeSource{} }), spec.Kustomize},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m := fstest.MapFS{}
			for _, file := range c.files {
				m["env/"+file] = &fstest.MapFile{}
			}
			got, err := detect(envfs.New(m, envfs.Limits{}), "env", c.plan)
			if err != nil || got != c.want {
				t.Errorf("%s, %v; want %s", got, err, c.want)
			}
		})
	}
	link := fstest.MapFS{"env/kustomization.yaml": {Data: []byte("x.txt"), Mode: fs.ModeSymlink}, "env/x.txt": {}}
	if got, err := detect(envfs.New(link, envfs.Limits{}), "env", none); err != nil || got != spec.Kustomize {
		t.Errorf("a link: %s, %v", got, err)
	}
}

func TestDetectWithoutDirectory(t *testing.T) {
	fsys := envfs.New(fstest.MapFS{"env/a.yaml": {}}, envfs.Limits{})
	if _, err := detect(fsys, "nope", &spec.Plan{}); err == nil || !strings.HasPrefix(err.Error(), "nope: no such directory") {
		t.Errorf("error %v", err)
	}
}
