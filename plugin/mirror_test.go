package plugin

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/argoproj/argo-cd/v2/pkg/apis/application/v1alpha1"
	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/test/argocdcode"
)

// TestTableMirrorsArgoCD holds the table to Argo CD's own source options, in each
// version whose code there is: each option is a parameter, or is left out for a
// reason. Later versions have options more, which are named here.
func TestTableMirrorsArgoCD(t *testing.T) {
	leftOut := map[string]string{
		"helm.passCredentials": "nothing is fetched",
		"kustomize.version":    "there is one Kustomize in the binary",
		"directory.jsonnet":    "jsonnet is refused",
	}
	later := map[string]string{
		"directory.disableExtensionFilter": "3.6",
	}
	ours := map[string]bool{}
	for _, p := range parameters() {
		for option := range strings.SplitSeq(p.option, ", ") {
			if option != "" {
				ours[option] = true
			}
		}
	}
	known := map[string]bool{}
	for version, dir := range argocdcode.Dirs(t) {
		options := sourceOptions(t, dir)
		if len(options) < 30 {
			t.Fatalf("Argo CD %s: only %d options found", version, len(options))
		}
		for _, option := range options {
			known[option] = true
			if _, left := leftOut[option]; !left && !ours[option] {
				t.Errorf("Argo CD %s: its option %s has no parameter", version, option)
			}
		}
	}
	for option := range ours {
		if _, newer := later[option]; !known[option] && !newer {
			t.Errorf("parameter of %s, which Argo CD does not have", option)
		}
	}
	for option := range leftOut {
		if !known[option] {
			t.Errorf("%s is left out, and Argo CD does not have it", option)
		}
	}
}

// sourceOptions reads the fields of Argo CD's types from its code.
func sourceOptions(t *testing.T, dir string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, "pkg/apis/application/v1alpha1/types.go"), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{"ApplicationSourceHelm": "helm", "ApplicationSourceKustomize": "kustomize", "ApplicationSourceDirectory": "directory"}
	var out []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || sections[spec.Name.Name] == "" {
			return true
		}
		body, ok := spec.Type.(*ast.StructType)
		if !ok {
			t.Fatalf("%s is not a struct", spec.Name.Name)
		}
		for _, field := range body.Fields.List {
			tag := reflect.StructTag(strings.Trim(field.Tag.Value, "`"))
			name, _, _ := strings.Cut(tag.Get("json"), ",")
			out = append(out, sections[spec.Name.Name]+"."+name)
		}
		return false
	})
	return out
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
