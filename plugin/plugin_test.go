package plugin_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/plugin"
	"github.com/assaydev/assay/render"
)

func lookup(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	}
}

func withParameters(json string) func(string) (string, bool) {
	return lookup(map[string]string{
		"ARGOCD_APP_PARAMETERS": json,
		"ARGOCD_APP_NAME":       "shop",
		"ARGOCD_APP_NAMESPACE":  "web",
		"ARGOCD_APP_REVISION":   "0123456789",
		"SECRET":                "hunter2",
	})
}

func TestFromEnv(t *testing.T) {
	for _, test := range []struct {
		name string
		env  map[string]string
		want plugin.Call
	}{
		{"outside Argo CD", nil, plugin.Call{}},
		{
			"an application",
			map[string]string{
				"ARGOCD_APP_NAME": "shop", "ARGOCD_APP_NAMESPACE": "web", "ARGOCD_APP_SOURCE_PATH": "apps/shop",
				"KUBE_VERSION": "1.33+", "KUBE_API_VERSIONS": "v1,apps/v1, batch/v1/Job,", "ARGOCD_APP_PARAMETERS": "null",
			},
			plugin.Call{
				AppName: "shop", Namespace: "web", SourcePath: "apps/shop",
				KubeVersion: "1.33", APIVersions: []string{"v1", "apps/v1", "batch/v1/Job"},
			},
		},
		{"an application outside Argo CD's namespace", map[string]string{"ARGOCD_APP_NAME": "team-a_shop"}, plugin.Call{AppName: "shop"}},
		{"no parameters", map[string]string{"ARGOCD_APP_PARAMETERS": " \n"}, plugin.Call{}},
		{"an empty list", map[string]string{"ARGOCD_APP_PARAMETERS": "[]"}, plugin.Call{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := plugin.FromEnv(lookup(test.env))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreUnexported(plugin.Call{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParametersMirrorSources(t *testing.T) {
	call, err := plugin.FromEnv(withParameters(`[
		{"name": "environment", "string": "prod"},
		{"name": "helm-release-name", "string": "r"},
		{"name": "helm-namespace", "string": "n"},
		{"name": "helm-value-files", "array": ["values-$ARGOCD_APP_NAME.yaml", "b.yaml"]},
		{"name": "helm-ignore-missing-value-files", "string": "true"},
		{"name": "helm-values", "string": "a: 1"},
		{"name": "helm-parameters", "map": {"b": "2", "a": "1"}},
		{"name": "helm-string-parameters", "map": {"c": "3"}},
		{"name": "helm-file-parameters", "map": {"d": "files/$ARGOCD_APP_NAME"}},
		{"name": "helm-kube-version", "string": "1.30"},
		{"name": "helm-api-versions", "array": ["v1"]},
		{"name": "helm-skip-crds", "string": "true"},
		{"name": "helm-skip-tests", "string": "true"},
		{"name": "helm-skip-schema-validation", "string": "true"},
		{"name": "kustomize-name-prefix", "string": "p-"},
		{"name": "kustomize-name-suffix", "string": "-s"},
		{"name": "kustomize-images", "array": ["a=b:$ARGOCD_APP_NAME"]},
		{"name": "kustomize-common-labels", "map": {"app": "$ARGOCD_APP_NAME"}},
		{"name": "kustomize-common-annotations", "map": {"app": "$ARGOCD_APP_NAME"}},
		{"name": "kustomize-common-annotations-envsubst", "string": "true"},
		{"name": "kustomize-force-common-labels", "string": "true"},
		{"name": "kustomize-force-common-annotations", "string": "true"},
		{"name": "kustomize-label-without-selector", "string": "true"},
		{"name": "kustomize-label-include-templates", "string": "true"},
		{"name": "kustomize-namespace", "string": "n"},
		{"name": "kustomize-replicas", "map": {"b": "2", "a": "1"}},
		{"name": "kustomize-patches", "string": "- path: p.yaml\n  target: {kind: Deployment}"},
		{"name": "kustomize-components", "array": ["c"]},
		{"name": "kustomize-ignore-missing-components", "string": "true"},
		{"name": "kustomize-kube-version", "string": "1.30"},
		{"name": "kustomize-api-versions", "array": ["v1"]},
		{"name": "directory-recurse", "string": "true"},
		{"name": "directory-include", "string": "*.yaml"},
		{"name": "directory-exclude", "string": "x/*"}
	]`))
	if err != nil {
		t.Fatal(err)
	}
	var req render.Request
	call.Fill(&req)
	want := render.Request{
		Environment: spec.Environment{Name: "prod"}, AppName: "shop", Namespace: "web",
		Env: map[string]string{"ARGOCD_APP_NAME": "shop", "ARGOCD_APP_NAMESPACE": "web"},
		Helm: &spec.HelmSource{
			ReleaseName: "r", Namespace: "n", ValueFiles: []string{"values-$ARGOCD_APP_NAME.yaml", "b.yaml"}, IgnoreMissingValueFiles: true,
			ValuesObject: map[string]any{"a": 1.0},
			Parameters: []spec.HelmParameter{
				{Name: "a", Value: "1"}, {Name: "b", Value: "2"}, {Name: "c", Value: "3", ForceString: true},
			},
			FileParameters: []spec.HelmFileParameter{{Name: "d", Path: "files/$ARGOCD_APP_NAME"}},
			KubeVersion:    "1.30", APIVersions: []string{"v1"}, SkipCrds: true, SkipTests: true, SkipSchemaValidation: true,
		},
		Kustomize: &spec.KustomizeSource{
			NamePrefix: "p-", NameSuffix: "-s", Images: []string{"a=b:$ARGOCD_APP_NAME"},
			CommonLabels: map[string]string{"app": "$ARGOCD_APP_NAME"}, CommonAnnotations: map[string]string{"app": "$ARGOCD_APP_NAME"}, CommonAnnotationsEnvsubst: true,
			ForceCommonLabels: true, ForceCommonAnnotations: true, LabelWithoutSelector: true, LabelIncludeTemplates: true,
			Namespace: "n", Replicas: []types.Replica{{Name: "a", Count: 1}, {Name: "b", Count: 2}},
			Patches:    []types.Patch{{Path: "p.yaml", Target: &types.Selector{}}},
			Components: []string{"c"}, IgnoreMissingComponents: true, KubeVersion: "1.30", APIVersions: []string{"v1"},
		},
		Directory: &spec.DirectorySource{Recurse: true, Include: "*.yaml", Exclude: "x/*"},
	}
	want.Kustomize.Patches[0].Target.Kind = "Deployment"
	if diff := cmp.Diff(want, req, cmpopts.IgnoreFields(render.Request{}, "FS"), cmp.AllowUnexported(resid.Gvk{})); diff != "" {
		t.Error(diff)
	}
}

func TestParametersAreHostile(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for _, test := range []struct{ name, json, want string }{
		{"unknown", `[{"name": "helm-value-file", "array": ["a"]}]`, `unknown parameter "helm-value-file": did you mean helm-value-files?`},
		{"far from any", `[{"name": "` + long + `", "string": "a"}]`, `docs/parameters.md lists those that exist`},
		{"no name", `[{"string": "a"}]`, `unknown parameter ""`},
		{"given twice", `[{"name": "environment", "string": "a"}, {"name": "environment", "string": "b"}]`, `parameter environment is given twice`},
		{"no value", `[{"name": "environment"}]`, `parameter environment has no value: set its field "string"`},
		{"wrong collection", `[{"name": "helm-value-files", "string": "a"}]`, `parameter helm-value-files takes the field "array", not string`},
		{"two collections", `[{"name": "environment", "string": "a", "array": []}]`, `takes the field "string", not string and array`},
		{"not a boolean", `[{"name": "helm-skip-crds", "string": "yes"}]`, `parameter helm-skip-crds takes true or false`},
		{"not a number", `[{"name": "kustomize-replicas", "map": {"a": "two"}}]`, `parameter kustomize-replicas takes whole numbers`},
		{"negative", `[{"name": "kustomize-replicas", "map": {"a": "-1"}}]`, `parameter kustomize-replicas takes whole numbers`},
		{"values are an alias bomb", `[{"name": "helm-values", "string": "a: &a ` + strings.Repeat("hunter2", 10_000) + `\nb: [` + strings.Repeat("*a,", 2000) + `]"}]`, `parameter helm-values expands its aliases to too much`},
		{"patches are an alias bomb", `[{"name": "kustomize-patches", "string": "- patch: &a ` + strings.Repeat("hunter2", 10_000) + `\n- {a: [` + strings.Repeat("*a,", 2000) + `]}"}]`, `parameter kustomize-patches expands its aliases to too much`},
		{"values are not a mapping", `[{"name": "helm-values", "string": "[hunter2]"}]`, `parameter helm-values is not a YAML mapping`},
		{"patches with another field", `[{"name": "kustomize-patches", "string": "- pathh: hunter2"}]`, `parameter kustomize-patches is not a YAML list`},
		{"not JSON", `{hunter2`, `ARGOCD_APP_PARAMETERS is not Argo CD's list of parameters`},
		{"another shape", `{"environment": "hunter2"}`, `ARGOCD_APP_PARAMETERS is not Argo CD's list`},
		{"another field", `[{"name": "environment", "value": "hunter2"}]`, `ARGOCD_APP_PARAMETERS is not Argo CD's list`},
		{"more than one list", `[] []`, `holds more than one list`},
	} {
		t.Run(test.name, func(t *testing.T) {
			call, err := plugin.FromEnv(withParameters(test.json))
			if err == nil {
				t.Fatalf("accepted as %+v", call)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q does not say %q", err, test.want)
			}
			if len(err.Error()) > 300 || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error is long or tells a value: %q", err)
			}
		})
	}
}

func TestCheckRefusesToTurnOffWhatThePlanTurnsOn(t *testing.T) {
	call, err := plugin.FromEnv(withParameters(`[{"name": "helm-skip-crds", "string": "false"}]`))
	if err != nil {
		t.Fatal(err)
	}
	plan := &spec.Plan{Spec: spec.PlanSpec{Helm: &spec.HelmSource{SkipTests: true}}}
	if err := call.Check(plan); err != nil {
		t.Errorf("the plan does not set it: %v", err)
	}
	plan.Spec.Helm.SkipCrds = true
	if err := call.Check(plan); err == nil || !strings.Contains(err.Error(), "helm-skip-crds") {
		t.Errorf("the plan sets it: %v", err)
	}
}

// The parameter helm-values replaces all that the plan gives as values: Argo CD
// prefers valuesObject to values.
func TestHelmValuesReplaceThePlans(t *testing.T) {
	fsys := fstest.MapFS{
		"app/Chart.yaml":        {Data: []byte("apiVersion: v2\nname: app\nversion: 1.0.0\n")},
		"app/templates/cm.yaml": {Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\ndata: {a: {{ .Values.a | quote }}, b: {{ .Values.b | quote }}}\n")},
		"app/assay.yaml":        {Data: []byte("apiVersion: assay.dev/v1alpha1\nkind: Plan\nspec: {helm: {valuesObject: {a: 1, b: 1}}}\n")},
	}
	for parameter, want := range map[string]map[string]any{
		`"a: 10000000"`: {"a": "1e+07", "b": nil},
		`"{}"`:          {"a": nil, "b": nil},
		`"# none\n"`:    {"a": nil, "b": nil},
		`""`:            {"a": "1", "b": "1"}, // not given
	} {
		call, err := plugin.FromEnv(withParameters(`[{"name": "helm-values", "string": ` + parameter + `}]`))
		if err != nil {
			t.Fatal(err)
		}
		req := render.Request{FS: envfs.New(fsys, envfs.Limits{}), Environment: spec.Environment{Dir: "app"}}
		call.Fill(&req)
		res, err := render.Environment(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, res.Baseline[0].Object["data"]); diff != "" {
			t.Errorf("%s:\n%s", parameter, diff)
		}
	}
}

func FuzzFromEnv(f *testing.F) {
	f.Add("null", "a_b", "1.33+")
	f.Add(`[{"name":"helm-parameters","map":{"a":"$ARGOCD_APP_NAME"}}]`, "a", "v1")
	f.Add(`[{"name":"kustomize-patches","string":"- {}"}]`, "", "")
	f.Add(`[{"name":"helm-values","string":"a: &a [*a]"}]`, "", "")
	f.Fuzz(func(t *testing.T, parameters, app, version string) {
		env := lookup(map[string]string{"ARGOCD_APP_PARAMETERS": parameters, "ARGOCD_APP_NAME": app, "KUBE_VERSION": version})
		call, err := plugin.FromEnv(env)
		if err != nil && len(err.Error()) > 500 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
		var req render.Request
		call.Fill(&req)
		if err == nil && strings.Contains(req.KubeVersion, "+") {
			t.Errorf("version %q", req.KubeVersion)
		}
	})
}
