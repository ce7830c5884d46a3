package experiment

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
)

func repo(names ...string) *envfs.FS {
	files := fstest.MapFS{}
	for _, name := range names {
		files[name] = &fstest.MapFile{Data: []byte(name)}
	}
	return envfs.New(files, envfs.Limits{})
}

func TestLoad(t *testing.T) {
	all := []string{
		"apps/shop/experiment/b.yml", "apps/shop/experiment/a.yaml", "apps/shop/experiment/c.yaml.tmpl", "apps/shop/experiment/d.yml.tmpl",
		"apps/shop/experiment/test.js", "apps/shop/experiment/README.md",
		"apps/shop/experiment/deep/f.yaml", "apps/shop/experiment/dir.yaml/g.yaml", "apps/experiments/k6.yaml", "apps/shop/web.yaml",
	}
	tests := map[string]struct {
		resources []string
		want      []string
	}{
		"default": {nil, []string{"apps/shop/experiment/a.yaml", "apps/shop/experiment/b.yml", "apps/shop/experiment/c.yaml.tmpl", "apps/shop/experiment/d.yml.tmpl"}},
		"shared":  {[]string{"../experiments/*"}, []string{"apps/experiments/k6.yaml"}},
		"sorted and once": {
			[]string{"experiment/b.yml", "../experiments/k6.yaml", "experiment/?.yml", "experiment/a.yaml"},
			[]string{"apps/experiments/k6.yaml", "apps/shop/experiment/a.yaml", "apps/shop/experiment/b.yml"},
		},
		"deep": {[]string{"experiment/*/f.yaml"}, []string{"apps/shop/experiment/deep/f.yaml"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			exp := spec.Experiment{Resources: tt.resources}
			got, err := Load(repo(all...), "apps/shop", exp)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, s := range got {
				names = append(names, s.File)
				if string(s.Data) != s.File || s.Template() != strings.HasSuffix(s.File, ".tmpl") {
					t.Errorf("%s: %q, template %v", s.File, s.Data, s.Template())
				}
				if !Owns("apps/shop", exp, s.File) {
					t.Errorf("%s is not owned", s.File)
				}
			}
			if diff := cmp.Diff(tt.want, names); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLoadErrors(t *testing.T) {
	tests := map[string]string{
		"../../x/*":            "leaves the repository",
		"/etc/*":               "relative to the environment",
		"https://example.com/": "relative to the environment",
		"experiment/**":        "** is not known",
		"experiment/[":         "not a valid pattern",
		"":                     "relative to the environment",
	}
	for pattern, want := range tests {
		_, err := Load(repo("shop/experiment/t.js"), "shop", spec.Experiment{Resources: []string{pattern}})
		wantError(t, err, "shop: spec.experiment.resources: ", want)
	}
	for _, pattern := range []string{"experimnet/*", "experiment/*.js"} {
		exp := spec.Experiment{Resources: []string{"experiment/a.yaml", pattern}}
		sources, err := Load(repo("shop/experiment/t.js", "shop/experiment/a.yaml"), "shop", exp)
		if err != nil || len(sources) != 1 {
			t.Errorf("%s: %v, %v", pattern, sources, err)
		}
		_, err = Parse(context.Background(), Input{Sources: sources, Experiment: exp}, Options{})
		wantError(t, err, "spec.experiment.resources[1]", pattern, "matches no .yaml")
	}
	if got, err := Load(repo("shop/web.yaml"), "shop", spec.Experiment{}); err != nil || got != nil {
		t.Errorf("without resources: %v, %v", got, err)
	}
	small := envfs.New(fstest.MapFS{"experiment/a.yaml": {Data: make([]byte, 100)}}, envfs.Limits{FileBytes: 10})
	_, err := Load(small, ".", spec.Experiment{})
	var limit *envfs.LimitError
	if !errors.As(err, &limit) {
		t.Errorf("a large file: %v", err)
	}
}

func TestOwns(t *testing.T) {
	tests := []struct {
		dir, resource, file string
		want                bool
	}{
		{"shop", "", "shop/experiment/a.yaml", true},
		{"shop", "", "shop/experiment/test.js", true},
		{"shop", "", "shop/experiment/deep/a.yaml", false},
		{"shop", "", "shop/web.yaml", false},
		{"shop", "", "experiment/a.yaml", false},
		{".", "", "experiment/a.yaml", true},
		{"a/shop", "../experiments/*", "a/experiments/k6.yaml", true},
		{"a/shop", "../../../*", "x.yaml", false},
		{"shop", "load.yaml", "shop/load.yaml", true},
	}
	for _, tt := range tests {
		exp := spec.Experiment{}
		if tt.resource != "" {
			exp.Resources = []string{tt.resource}
		}
		if got := Owns(tt.dir, exp, tt.file); got != tt.want {
			t.Errorf("Owns(%s, %s, %s) = %v", tt.dir, tt.resource, tt.file, got)
		}
	}
}
