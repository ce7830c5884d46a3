package helm_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render/helm"
)

// show renders a chart whose one object is named by what the template prints.
func show(t *testing.T, template string, files map[string]string, src spec.HelmSource, opt helm.Options) string {
	t.Helper()
	repo := tree(files)
	repo[caseDir+"/templates/cm.yaml"] = &fstest.MapFile{Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: |-\n    " + template + "\n")}
	names, _, err := render(t, repo, src, opt)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(strings.Join(names, " "), "ConfigMap/")
}

func TestRelease(t *testing.T) {
	for _, test := range []struct {
		name  string
		src   spec.HelmSource
		opt   helm.Options
		want  string
		helm4 string // where it is another: Helm 4 does not fill up a version
	}{
		{"nothing is said", spec.HelmSource{}, helm.Options{KubeVersion: "1.33"}, "release-name default v1.33.0", "release-name default v1.33"},
		{"the Application", spec.HelmSource{}, options, "app apps v1.33.0", ""},
		{"an Application in any namespace", spec.HelmSource{}, helm.Options{AppName: "team_app", Namespace: "apps", KubeVersion: "v1.33.1"}, "app apps v1.33.1", ""},
		{"the source wins", spec.HelmSource{ReleaseName: "r", Namespace: "n", KubeVersion: "1.30"}, options, "r n v1.30.0", "r n v1.30"},
		{"a version with a suffix", spec.HelmSource{KubeVersion: "v1.29.3-eks-adc7111"}, options, "app apps v1.29.3", ""},
		{"a version with a plus", spec.HelmSource{KubeVersion: "1.29+"}, options, "app apps v1.29.0", "app apps v1.29"},
		{"a version with metadata", spec.HelmSource{KubeVersion: "v1.29.3+k3s1"}, options, "app apps v1.29.3", ""},
	} {
		eachVersion(t, test.name, func(t *testing.T, version string) {
			test.src.Version = version
			got := show(t, `{{ .Release.Name }} {{ .Release.Namespace }} {{ .Capabilities.KubeVersion }}`, nil, test.src, test.opt)
			want := test.want
			if version == helm.Version4 {
				want = cmp.Or(test.helm4, want)
			}
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	src := spec.HelmSource{Version: helm.Version4, KubeVersion: "v1.29-eks-adc7111"}
	if got := show(t, `{{ .Capabilities.KubeVersion.Version }} {{ .Capabilities.KubeVersion.Minor }}`, nil, src, options); got != "v1.29 29" {
		t.Errorf("Helm 4: got %q", got)
	}
}

func TestAPIVersions(t *testing.T) {
	const template = `{{ .Capabilities.APIVersions.Has "apps/v1" }} {{ .Capabilities.APIVersions.Has "a/v1" }} {{ .Capabilities.APIVersions.Has "b/v1" }}`
	opt := options
	opt.APIVersions = []string{"a/v1"}
	if got := show(t, template, nil, spec.HelmSource{}, opt); got != "true true false" {
		t.Errorf("the cluster's: %s", got)
	}
	if got := show(t, template, nil, spec.HelmSource{APIVersions: []string{"b/v1"}}, opt); got != "true false true" {
		t.Errorf("the source's instead of the cluster's: %s", got)
	}
}

// The versions that Helm starts from are those of its own release, whatever the
// Kubernetes client is that this module has.
func TestDefaultAPIVersions(t *testing.T) {
	for version, want := range map[string][2]string{
		"v1": {"true", "true"}, "batch/v1beta1": {"true", "true"},
		"storagemigration.k8s.io/v1alpha1": {"true", "false"}, "networking.k8s.io/v1alpha1": {"true", "false"},
		"resource.k8s.io/v1": {"false", "true"}, "storagemigration.k8s.io/v1beta1": {"false", "true"},
	} {
		for i, helmVersion := range versions {
			got := show(t, `{{ .Capabilities.APIVersions.Has "`+version+`" }}`, nil, spec.HelmSource{Version: helmVersion}, options)
			if got != want[i] {
				t.Errorf("Helm %s: %s: %s, want %s", helmVersion, version, got, want[i])
			}
		}
	}
}

// Argo CD expands its build environment in parameters and in file names.
func TestExpandsTheBuildEnvironment(t *testing.T) {
	src := spec.HelmSource{
		ValueFiles:     []string{"${ARGOCD_APP_NAME}.yaml", "$DIR/b.yaml"},
		FileParameters: []spec.HelmFileParameter{{Name: "file", Path: "$DIR/note.txt"}},
		Values:         "literal: $ARGOCD_APP_NAME",
		Parameters: []spec.HelmParameter{
			{Name: "set", Value: "$ARGOCD_APP_NAMESPACE-$UNKNOWN-$$5"},
			{Name: "forced", Value: "${ARGOCD_APP_NAME}", ForceString: true},
			{Name: "twice", Value: "first"},
			{Name: "twice", Value: "second"},
		},
	}
	opt := options
	opt.Env = map[string]string{"DIR": "sub"}
	files := map[string]string{caseDir + "/app.yaml": "a: A", caseDir + "/sub/b.yaml": "b: B", caseDir + "/sub/note.txt": "N"}
	got := show(t, "{{ .Values.a }} {{ .Values.b }} {{ .Values.file }} {{ .Values.literal }} {{ .Values.set }} {{ .Values.forced }} {{ .Values.twice }}", files, src, opt)
	if want := "A B N $ARGOCD_APP_NAME apps--$5 app second"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCommasInParameters(t *testing.T) {
	for value, want := range map[string]string{
		"a,b":     "a,b",
		`a\,b,c`:  "a,b,c",
		",":       ",",
		`\,`:      ",",
		"{a,b}":   "[a b]",
		"{a,b":    "",
		"a,b=c,d": "a,b=c,d",
	} {
		src := spec.HelmSource{Parameters: []spec.HelmParameter{{Name: "v", Value: value}}}
		if want == "" {
			if _, _, err := render(t, tree(nil), src, options); err == nil {
				t.Errorf("%s: no error", value)
			}
			continue
		}
		if got := show(t, "{{ .Values.v }}", nil, src, options); got != want {
			t.Errorf("%s: got %q, want %q", value, got, want)
		}
	}
}

// Argo CD's valuesObject hides values, even when it is empty.
func TestEmptyValuesObjectWins(t *testing.T) {
	src := spec.HelmSource{Values: "a: text", ValuesObject: map[string]any{}}
	if got := show(t, `{{ .Values.a | default "none" }}`, nil, src, options); got != "none" {
		t.Errorf("got %q", got)
	}
}

func TestHide(t *testing.T) {
	files := map[string]string{
		caseDir + "/candidate.yaml":       "x",
		caseDir + "/experiment/job.yaml":  "x",
		caseDir + "/kept.yaml":            "x",
		caseDir + "/templates/hidden.yml": `{{ fail "hidden" }}`,
	}
	opt := options
	opt.Hide = func(name string) bool {
		return name == caseDir+"/candidate.yaml" || strings.HasPrefix(name, caseDir+"/experiment/") || strings.HasSuffix(name, "/hidden.yml")
	}
	if got := show(t, `{{ range $name, $_ := .Files.Glob "**" }}{{ $name }} {{ end }}`, files, spec.HelmSource{}, opt); strings.TrimSpace(got) != "kept.yaml" {
		t.Errorf("the chart sees %q", got)
	}
}

// A candidate is rendered from edits that are laid over the files.
func TestRendersEdits(t *testing.T) {
	fsys := envfs.New(tree(nil), envfs.Limits{}).With(map[string][]byte{
		caseDir + "/templates/cm.yaml":  nil,
		caseDir + "/values.yaml":        []byte("name: edited"),
		caseDir + "/templates/new.yaml": []byte("apiVersion: v1\nkind: Secret\nmetadata: {name: {{ .Values.name }}}"),
	})
	objs, _, err := helm.Render(t.Context(), fsys, caseDir, spec.HelmSource{}, options)
	if err != nil || len(objs) != 1 || objs[0].GetName() != "edited" {
		t.Fatalf("Render = %v, %v", objs, err)
	}
}

func TestChartAtTheRoot(t *testing.T) {
	files := fstest.MapFS{}
	for name, f := range tree(nil) {
		files[strings.TrimPrefix(name, caseDir+"/")] = f
	}
	src := spec.HelmSource{ValueFiles: []string{"values.yaml", "/outside.yaml"}}
	objs, _, err := helm.Render(t.Context(), envfs.New(files, envfs.Limits{}), ".", src, options)
	if err != nil || len(objs) != 1 {
		t.Fatalf("Render = %v, %v", objs, err)
	}
	files["templates/cm.yaml"] = &fstest.MapFile{Data: []byte("{{ fail `why` }}")}
	if _, _, err := helm.Render(t.Context(), envfs.New(files, envfs.Limits{}), ".", src, options); err == nil || err.Error() != "templates/cm.yaml:1: why" {
		t.Errorf("error: %v", err)
	}
}

func TestValueFiles(t *testing.T) {
	files := tree(map[string]string{
		caseDir + "/values-b.yaml":    "x: 1",
		caseDir + "/values-a.yaml":    "x: 1",
		caseDir + "/values-c.yaml":    "x: 1",
		caseDir + "/odd[1].yaml":      "x: 1",
		"env/shared/deep/er/one.yaml": "x: 1",
		"env/shared/two.yaml":         "x: 1",
		"env/shared/README.md":        "x",
	})
	for _, test := range []struct {
		name  string
		files []string
		want  []string // relative to env; a leading slash is the root
	}{
		{"the chart's own", nil, []string{"chart/values.yaml"}},
		{"in their order, repeated", []string{"values-b.yaml", "values-a.yaml", "values-b.yaml"}, []string{"chart/values.yaml", "chart/values-b.yaml", "chart/values-a.yaml", "chart/values-b.yaml"}},
		{"beside the chart, at the root", []string{"../shared/two.yaml", "/outside.yaml"}, []string{"chart/values.yaml", "shared/two.yaml", "/outside.yaml"}},
		{"a glob, in lexical order", []string{"values-*.yaml"}, []string{"chart/values.yaml", "chart/values-a.yaml", "chart/values-b.yaml", "chart/values-c.yaml"}},
		{"a glob leaves named files in their place", []string{"values-[ab].yaml", "values-a.yaml"}, []string{"chart/values.yaml", "chart/values-b.yaml", "chart/values-a.yaml"}},
		{"globs that overlap", []string{"values-[ab].yaml", "values-?.yaml"}, []string{"chart/values.yaml", "chart/values-a.yaml", "chart/values-b.yaml", "chart/values-c.yaml"}},
		{"a glob over directories", []string{"../shared/**/*.yaml"}, []string{"chart/values.yaml", "shared/deep/er/one.yaml", "shared/two.yaml"}},
		{"a file whose name looks like a glob", []string{"odd[1].yaml"}, []string{"chart/values.yaml", "chart/odd[1].yaml"}},
		{"missing ones are left out", []string{"none.yaml", "none-*.yaml", "values-a.yaml"}, []string{"chart/values.yaml", "chart/values-a.yaml"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			src := spec.HelmSource{ValueFiles: test.files, IgnoreMissingValueFiles: true}
			got, err := helm.ValueFiles(envfs.New(files, envfs.Limits{}), caseDir, src, options)
			if err != nil {
				t.Fatal(err)
			}
			want := slices.Clone(test.want)
			for i, name := range want {
				if root, ok := strings.CutPrefix(name, "/"); ok {
					want[i] = root
				} else {
					want[i] = "env/" + name
				}
			}
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
	delete(files, caseDir+"/values.yaml")
	got, err := helm.ValueFiles(envfs.New(files, envfs.Limits{}), caseDir, spec.HelmSource{}, options)
	if err != nil || len(got) != 0 {
		t.Errorf("ValueFiles of a chart without values.yaml = %v, %v", got, err)
	}
	if _, err := helm.ValueFiles(envfs.New(files, envfs.Limits{}), caseDir, spec.HelmSource{ValueFiles: []string{"none.yaml"}}, options); err == nil {
		t.Error("a missing file is not an error")
	}
}

func TestValues(t *testing.T) {
	files := tree(map[string]string{
		caseDir + "/values.yaml": "\ufeffown: 1\nmap: {a: 1, b: 1}\ngone: 1\n",
		"env/shared/one.yaml":    "map: {b: 2}\ngone: null\n",
	})
	src := spec.HelmSource{ValueFiles: []string{"../shared/*.yaml"}, Values: "map: {c: 3}", Parameters: []spec.HelmParameter{{Name: "map.a", Value: "9"}}}
	got, err := helm.Values(t.Context(), envfs.New(files, envfs.Limits{}), caseDir, src, options)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"own": 1.0, "map": map[string]any{"a": 1.0, "b": 2.0, "c": 3.0}, "gone": nil}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	delete(files, caseDir+"/values.yaml")
	if got, err := helm.Values(t.Context(), envfs.New(files, envfs.Limits{}), caseDir, spec.HelmSource{}, options); err != nil || len(got) != 0 {
		t.Errorf("Values of a chart without any = %v, %v", got, err)
	}
}
