package helm_test

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render/helm"
)

// caseDir is where each case has its chart: not the root, so that paths differ.
const caseDir = "env/chart"

var options = helm.Options{AppName: "app", Namespace: "apps", KubeVersion: "1.33.0"}

// testCase is one file under testdata: a repo, with what to render and to expect.
type testCase struct {
	files  fstest.MapFS
	source spec.HelmSource
	want   map[string]string // by Helm's version
}

func cases(t *testing.T) map[string]testCase {
	t.Helper()
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	out := map[string]testCase{}
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		c := testCase{files: fstest.MapFS{}, want: map[string]string{}}
		for _, f := range archive.Files {
			switch f.Name {
			case "source.yaml":
				if err := yaml.UnmarshalStrict(f.Data, &c.source); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			case "want.yaml":
				for _, version := range versions {
					if c.want[version] == "" {
						c.want[version] = string(f.Data)
					}
				}
			case "want.v4.yaml":
				c.want[helm.Version4] = string(f.Data)
			default:
				c.files[f.Name] = &fstest.MapFile{Data: f.Data}
			}
		}
		out[strings.TrimSuffix(filepath.Base(name), ".txtar")] = c
	}
	return out
}

// eachVersion runs a test with each version of Helm.
func eachVersion(t *testing.T, name string, test func(t *testing.T, version string)) {
	t.Helper()
	for _, version := range versions {
		t.Run(name+"/"+version, func(t *testing.T) { test(t, version) })
	}
}

// TestCases renders the charts under testdata. TestCasesMatchHelm holds the
// same cases to the real helm.
func TestCases(t *testing.T) {
	for name, c := range cases(t) {
		eachVersion(t, name, func(t *testing.T, version string) {
			c.source.Version = version
			got, _, err := helm.Render(t.Context(), envfs.New(c.files, envfs.Limits{}), caseDir, c.source, options)
			if err != nil {
				t.Fatal(err)
			}
			want, err := splitYAML([]byte(c.want[version]))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(contents(want), contents(got)); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
			if len(got) == 0 {
				t.Error("nothing rendered")
			}
		})
	}
}
