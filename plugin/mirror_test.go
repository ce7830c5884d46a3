package plugin

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/argoproj/argo-cd/v2/pkg/apis/application/v1alpha1"
	"github.com/google/go-cmp/cmp"
)

// TestTableMirrorsArgoCD holds the table to Argo CD's own source options: each
// is a parameter, or is left out for a reason.
func TestTableMirrorsArgoCD(t *testing.T) {
	leftOut := map[string]string{
		"helm.passCredentials": "nothing is fetched",
		"kustomize.version":    "there is one Kustomize in the binary",
		"directory.jsonnet":    "jsonnet is refused",
	}
	var options []string
	for _, p := range parameters() {
		options = append(options, strings.Split(p.option, ", ")...)
	}
	for source, kind := range map[string]reflect.Type{
		"helm":      reflect.TypeFor[v1alpha1.ApplicationSourceHelm](),
		"kustomize": reflect.TypeFor[v1alpha1.ApplicationSourceKustomize](),
		"directory": reflect.TypeFor[v1alpha1.ApplicationSourceDirectory](),
	} {
		for i := range kind.NumField() {
			name, _, _ := strings.Cut(kind.Field(i).Tag.Get("json"), ",")
			option := source + "." + name
			if _, left := leftOut[option]; !left && !slices.Contains(options, option) {
				t.Errorf("Argo CD's option %s has no parameter", option)
			}
		}
	}
}

// TestArgoCDEncodesParameters takes parameters as Argo CD passes them on.
func TestArgoCDEncodesParameters(t *testing.T) {
	release := "shop"
	env, err := v1alpha1.ApplicationSourcePluginParameters{
		{Name: "helm-release-name", String_: &release},
		{Name: "helm-value-files", OptionalArray: &v1alpha1.OptionalArray{Array: []string{"a.yaml"}}},
		{Name: "helm-api-versions", OptionalArray: &v1alpha1.OptionalArray{}},
		{Name: "helm-parameters", OptionalMap: &v1alpha1.OptionalMap{Map: map[string]string{"a": "b"}}},
		{Name: "helm-file-parameters", OptionalMap: &v1alpha1.OptionalMap{}},
	}.Environ()
	if err != nil {
		t.Fatal(err)
	}
	call, err := FromEnv(func(asked string) (string, bool) {
		for _, entry := range env {
			if name, value, _ := strings.Cut(entry, "="); name == asked {
				return value, true
			}
		}
		return "", false
	})
	if err != nil {
		t.Fatal(err)
	}
	if call.Helm == nil || call.Helm.ReleaseName != "shop" || call.Helm.Parameters[0].Value != "b" {
		t.Errorf("Helm's options: %+v", call.Helm)
	}
	if diff := cmp.Diff([]string{"a.yaml"}, call.Helm.ValueFiles); diff != "" {
		t.Error(diff)
	}
}

func TestTableIsWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range parameters() {
		if seen[p.name] || p.title == "" || p.tooltip == "" || p.set == nil || p.get == nil {
			t.Errorf("%s: twice %t, or a part is missing", p.name, seen[p.name])
		}
		seen[p.name] = true
		if !slices.Contains([]string{collectionString, collectionArray, collectionMap}, p.collection) {
			t.Errorf("%s is a %q", p.name, p.collection)
		}
		// What is read back is what was set.
		v := value{text: "true", list: []string{"a"}, pairs: map[string]string{"a": "1"}}
		if p.name == "helm-values" || p.name == "kustomize-patches" {
			v.text = map[string]string{"helm-values": "a: 1\n", "kustomize-patches": "- path: p.yaml\n"}[p.name]
		}
		var s sources
		if err := p.set(&s, v); err != nil {
			t.Errorf("%s: %v", p.name, err)
			continue
		}
		got := p.get(&s)
		want := map[string]value{collectionString: {text: v.text}, collectionArray: {list: v.list}, collectionMap: {pairs: v.pairs}}[p.collection]
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(value{})); diff != "" {
			t.Errorf("%s:\n%s", p.name, diff)
		}
	}
}
