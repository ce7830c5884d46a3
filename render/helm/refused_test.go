package helm_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render/helm"
)

// secret stands for any value: no message may hold it.
const secret = "s3cr3t-v4lue"

// tree is a repo with a chart in caseDir that renders one ConfigMap. Files add
// to it, or replace its files; an empty one removes.
func tree(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{
		caseDir + "/Chart.yaml":        {Data: []byte("apiVersion: v2\nname: web\nversion: 1.0.0\n")},
		caseDir + "/values.yaml":       {Data: []byte("secret: " + secret + "\n")},
		caseDir + "/templates/cm.yaml": {Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\n")},
		"outside.yaml":                 {Data: []byte("a: 1\n")},
	}
	for name, text := range files {
		if text == "" {
			delete(fsys, name)
			continue
		}
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

// versions are those that every chart is rendered with.
var versions = []string{helm.Version3, helm.Version4}

// outcome is what a render gives: the names of objects, warnings, an error.
type outcome struct {
	Names, Warnings []string
	Error           string
}

// render renders with the version that src names, and otherwise with each of them,
// which must do the same.
func render(t *testing.T, files fstest.MapFS, src spec.HelmSource, opt helm.Options) ([]string, []string, error) {
	t.Helper()
	if src.Version != "" {
		return renderOne(t, files, src, opt)
	}
	var outcomes []outcome
	var names, warnings []string
	var err error
	for _, version := range versions {
		src.Version = version
		names, warnings, err = renderOne(t, files, src, opt)
		o := outcome{Names: names, Warnings: warnings}
		if err != nil {
			o.Error = err.Error()
		}
		outcomes = append(outcomes, o)
	}
	if diff := cmp.Diff(outcomes[0], outcomes[1]); diff != "" {
		t.Errorf("the versions of Helm do not do the same (-v3 +v4):\n%s", diff)
	}
	return names, warnings, err
}

func renderOne(t *testing.T, files fstest.MapFS, src spec.HelmSource, opt helm.Options) ([]string, []string, error) {
	t.Helper()
	objs, warnings, err := helm.Render(t.Context(), envfs.New(files, envfs.Limits{}), caseDir, src, opt)
	var names []string
	for _, o := range objs {
		names = append(names, o.GetKind()+"/"+o.GetName())
	}
	return names, warnings, err
}

func TestRefused(t *testing.T) {
	const chart = caseDir + "/"
	values := func(files ...string) spec.HelmSource { return spec.HelmSource{ValueFiles: files} }
	template := func(text string) map[string]string {
		return map[string]string{chart + "templates/cm.yaml": text}
	}
	dependency := func(fields string) map[string]string {
		return map[string]string{chart + "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- " + fields + "\n"}
	}
	schema := func(text string) map[string]string {
		return map[string]string{chart + "values.schema.json": text}
	}
	for _, test := range []struct {
		name  string
		files map[string]string
		src   spec.HelmSource
		opt   helm.Options
		want  []string // in order
	}{
		{name: "no chart", files: map[string]string{chart + "Chart.yaml": ""}, want: []string{"env/chart/Chart.yaml: not found"}},
		{name: "chart is not YAML", files: map[string]string{chart + "Chart.yaml": "name: [" + secret}, want: []string{"env/chart/Chart.yaml:2: invalid YAML: did not find expected"}},
		{name: "chart without a version", files: map[string]string{chart + "Chart.yaml": "name: web"}, want: []string{"env/chart/Chart.yaml: chart.metadata.version is required"}},
		{name: "chart of a wrong type", files: map[string]string{chart + "Chart.yaml": "name: {" + secret + ": 1}\nversion: 1.0.0"}, want: []string{"env/chart/Chart.yaml: json: cannot unmarshal object"}},
		{name: "library", files: map[string]string{chart + "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\ntype: library\n"}, want: []string{"env/chart/Chart.yaml: is a library chart"}},
		{name: "values are not YAML", files: map[string]string{chart + "values.yaml": "a: b: " + secret}, want: []string{"env/chart/values.yaml:1: invalid YAML: mapping values are not allowed"}},
		{name: "values are a list", files: map[string]string{chart + "values.yaml": "- " + secret}, want: []string{"env/chart/values.yaml: json: cannot unmarshal array"}},
		{name: "kubeVersion", files: map[string]string{chart + "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\nkubeVersion: '>=1.40'\n"}, want: []string{`env/chart/Chart.yaml: the chart wants Kubernetes ">=1.40", and this is v1.33.0`, "helm.kubeVersion"}},
		{name: "release name", opt: helm.Options{AppName: "Not_Valid!"}, want: []string{`release name "Valid!" is invalid`, "helm.releaseName"}},
		{name: "release name is a template", src: spec.HelmSource{ReleaseName: `{{ env "HOME" }}`}, want: []string{`release name`, "is invalid"}},
		{name: "release name of 54 characters", opt: helm.Options{AppName: strings.Repeat("a", 54)}, want: []string{"is invalid", "53"}},
		{name: "Kubernetes version", src: spec.HelmSource{KubeVersion: "latest"}, want: []string{`Kubernetes version "latest" is not a version`}},

		{name: "missing value file", src: values("values-prod.yaml"), want: []string{"env/chart/values-prod.yaml: value file does not exist: correct spec.helm.valueFiles[0] in assay.yaml or the plugin's parameters", "helm.ignoreMissingValueFiles"}},
		{name: "glob that matches nothing", src: values("none-*.yaml"), want: []string{"env/chart/none-*.yaml: value file does not exist"}},
		{name: "value file outside", src: values("../../../etc/passwd"), want: []string{`env/chart: spec.helm.valueFiles[0] in assay.yaml or the plugin's parameters: "../../../etc/passwd" is outside the repo`, "copy"}},
		{name: "absolute value file outside", src: values("/../etc/passwd"), want: []string{"is outside the repo"}},
		{name: "URL", src: values("https://user:" + secret + "@example.com/values.yaml"), want: []string{`spec.helm.valueFiles[0] in assay.yaml or the plugin's parameters: "https://example.com/values.yaml" is a URL`, "copy"}},
		{name: "file URL", src: values("file:///etc/passwd"), want: []string{"is a URL"}},
		{name: "other source", src: values("$values/prod.yaml"), want: []string{`"$values/prod.yaml" is in another source`, "copy"}},
		{name: "revision", src: values("$ARGOCD_APP_REVISION.yaml"), want: []string{"$ARGOCD_APP_REVISION: the revision must not reach the output"}},
		{name: "directory as value file", src: values("templates"), want: []string{"env/chart/templates: is not a regular file", "name a file in spec.helm.valueFiles[0]"}},
		{name: "empty name of a value file", src: values("values.yaml", ""), want: []string{`env/chart: spec.helm.valueFiles[1] in assay.yaml or the plugin's parameters: "" is empty: name a file, or remove the entry`}},
		{name: "value file by a variable that is not set", src: values("$ARGOCD_NOSUCH"), want: []string{`spec.helm.valueFiles[0]`, `"$ARGOCD_NOSUCH" is empty: `}},
		{name: "repo as value file", src: values("../.."), want: []string{"is the repo itself"}},
		{name: "bad value file", files: map[string]string{chart + "bad.yaml": "a:\n  b: `" + secret}, src: values("bad.yaml"), want: []string{"env/chart/bad.yaml:2: invalid YAML: found character that cannot start any token; quote the value"}},
		{name: "tab in a value file", files: map[string]string{chart + "bad.yaml": "a:\n  b: 1\n\tc: " + secret}, src: values("bad.yaml"), want: []string{"env/chart/bad.yaml:3: a tab in the indentation; indent with spaces"}},
		{name: "value file in Latin 1", files: map[string]string{chart + "bad.yaml": "a: 1\nb: caf\xe9"}, src: values("bad.yaml"), want: []string{"env/chart/bad.yaml:2: invalid UTF-8; save the file as UTF-8"}},
		{name: "alias without an anchor", files: map[string]string{chart + "bad.yaml": "a: 1\nb: *" + secret}, src: values("bad.yaml"), want: []string{"env/chart/bad.yaml:2: an alias that has no anchor; define the anchor above it, or quote the value"}},
		{name: "tab in the chart's values", files: map[string]string{chart + "values.yaml": "a:\n\tb: 1"}, want: []string{"env/chart/values.yaml:2: a tab in the indentation"}},
		{name: "tab in Chart.yaml", files: map[string]string{chart + "Chart.yaml": "name: web\n\tversion: 1"}, want: []string{"env/chart/Chart.yaml:2: a tab in the indentation"}},
		{name: "Chart.yaml in Latin 1", files: map[string]string{chart + "Chart.yaml": "name: web\nversion: 1.0.0\ndescription: caf\xe9"}, want: []string{"env/chart/Chart.yaml:3: invalid UTF-8; save the file as UTF-8"}},
		{name: "tab in a subchart", files: map[string]string{chart + "charts/sub/Chart.yaml": "name: sub\n\tversion: 1"}, want: []string{"env/chart/charts/sub/Chart.yaml:2: a tab in the indentation"}},
		{name: "bad values text", src: spec.HelmSource{Values: "[" + secret}, want: []string{"env/chart: helm.values:2: invalid YAML: did not find expected"}},
		{name: "parameter name", src: spec.HelmSource{Parameters: []spec.HelmParameter{{Name: "a[x]", Value: secret}}}, want: []string{`helm parameter: its name "a[x]"`}},
		{name: "parameter value", src: spec.HelmSource{Parameters: []spec.HelmParameter{{Name: "a", Value: "{" + secret}}}, want: []string{`helm parameter "a": its value`}},
		{name: "file parameter outside", src: spec.HelmSource{FileParameters: []spec.HelmFileParameter{{Name: "a", Path: "../../../x"}}}, want: []string{"env/chart: spec.helm.fileParameters[0] in assay.yaml", "is outside the repo"}},
		{name: "empty file parameter", src: spec.HelmSource{FileParameters: []spec.HelmFileParameter{{Name: "a"}}}, want: []string{"spec.helm.fileParameters[0]", "is empty: name a file"}},
		{name: "missing file parameter", src: spec.HelmSource{FileParameters: []spec.HelmFileParameter{{Name: "a", Path: "none.txt"}}}, want: []string{`helm file parameter "a"`, "env/chart/none.txt"}},

		{name: "parse error", files: template("a: 1\nb: {{ nosuch }}"), want: []string{`env/chart/templates/cm.yaml:2: function "nosuch" not defined`}},
		{name: "nil pointer", files: template("a: 1\nb: {{ .Values.no.such }}"), want: []string{"env/chart/templates/cm.yaml:2: nil pointer evaluating", "<.Values.no.such>"}},
		{name: "fail", files: template("a: 1\n\nb: {{ fail \"set the thing\" }}"), want: []string{"env/chart/templates/cm.yaml:3: set the thing"}},
		{name: "required", files: template("b: {{ required \"x is needed\" .Values.x }}"), want: []string{"env/chart/templates/cm.yaml:1: x is needed"}},
		{
			name:  "in an included template",
			files: map[string]string{chart + "templates/cm.yaml": `a: {{ include "x" . }}`, chart + "templates/_x.tpl": "{{ define \"x\" }}\n\n{{ .Values.no.such }}{{ end }}"},
			want:  []string{"env/chart/templates/_x.tpl:3: nil pointer"},
		},
		{name: "no such template", files: template(`{{ include "web.nosuch" . }}`), want: []string{`env/chart/templates/cm.yaml:1: no template "web.nosuch"`}},
		{name: "range over a value", files: template(`{{ range .Values.secret }}{{ end }}`), want: []string{"env/chart/templates/cm.yaml:1: range can't iterate over"}},
		{name: "tpl of a value", files: template(`{{ tpl (printf "{{ %s" .Values.secret) . }}`), want: []string{"env/chart/templates/cm.yaml:1: error calling tpl"}},
		{name: "tpl that fails", files: template(`{{ tpl (printf "%s {{ .no.such }}" .Values.secret) . }}`), want: []string{"env/chart/templates/cm.yaml:1: nil pointer"}},
		{name: "function that quotes its argument", files: template(`{{ semverCompare .Values.secret "1.0.0" }}`), want: []string{"env/chart/templates/cm.yaml:1: error calling semverCompare"}},
		{name: "recursion", files: template(`{{ define "x" }}{{ include "x" . }}{{ end }}{{ include "x" . }}`), want: []string{"env/chart/templates/cm.yaml:1: ", "nested"}},
		{name: "panic", files: template(`{{ repeat -1 "x" }}{{ index .Files "x" }}`), want: []string{"env/chart"}},
		{
			name:  "in a subchart",
			files: map[string]string{chart + "charts/sub/Chart.yaml": "name: sub\nversion: 1.0.0", chart + "charts/sub/templates/x.yaml": "{{ .Values.no.such }}"},
			want:  []string{"env/chart/charts/sub/templates/x.yaml:1: nil pointer"},
		},

		{name: "rendered YAML", files: template("a: 1\n---\nb: [" + secret), want: []string{"env/chart/templates/cm.yaml: rendered document 2: line 1: did not find expected"}},
		{name: "null key", files: template("kind: A\n{{ print \"null\" }}: {{ .Values.secret }}"), want: []string{"env/chart/templates/cm.yaml: rendered document 1: a mapping has a null key"}},
		{name: "annotation that is a mapping", files: template("kind: A\nmetadata: {annotations: {a: {b: " + secret + "}}}"), want: []string{"env/chart/templates/cm.yaml: rendered document 1: json: cannot unmarshal object"}},
		{name: "rendered text", files: template(secret), want: []string{"env/chart/templates/cm.yaml: rendered document 1: json: cannot unmarshal string"}},
		{name: "no kind", files: template("apiVersion: v1\nmetadata: {name: x}"), want: []string{"env/chart/templates/cm.yaml: ", "no kind"}},
		{name: "no apiVersion", files: template("kind: A\nmetadata: {name: x}"), want: []string{"env/chart/templates/cm.yaml: a rendered object (A/x) has no apiVersion"}},
		{name: "no name", files: template("kind: A\napiVersion: v1"), want: []string{"env/chart/templates/cm.yaml: a rendered object (A/) has no metadata.name"}},
		{name: "name is a number", files: template("kind: A\napiVersion: v1\nmetadata: {name: 1}"), want: []string{"has no metadata.name, or one that is not a string"}},
		{name: "list item is not an object", files: template("kind: List\napiVersion: v1\nitems: [1]"), want: []string{"env/chart/templates/cm.yaml: items[0] of List is not an object"}},
		{name: "list item without a name", files: template("kind: List\napiVersion: v1\nitems: [{kind: A, apiVersion: v1}]"), want: []string{"(A/) has no metadata.name"}},
		{name: "CRD is not YAML", files: map[string]string{chart + "crds/x.yaml": "a: [" + secret}, want: []string{"env/chart/crds/x.yaml"}},
		{name: "too deep", files: template("kind: A\napiVersion: v1\nmetadata: {name: x}\na: [[[[[]]]]]"), opt: helm.Options{Limits: helm.Limits{Depth: 4}}, want: []string{"env/chart/templates/cm.yaml: ", "deeper than 4"}},
		{name: "too many objects", files: template("{{ range until 3 }}\n---\nkind: A\napiVersion: v1\nmetadata: {name: x}\n{{ end }}"), opt: helm.Options{Limits: helm.Limits{Documents: 2}}, want: []string{"env/chart: the chart renders more than 2 objects"}},
		{name: "too much text", files: template("{{ repeat 1000 \"#\" }}"), opt: helm.Options{Limits: helm.Limits{OutputBytes: 500}}, want: []string{"more than 500 bytes"}},

		{
			name:  "missing dependency",
			files: dependency(`{name: redis, version: 17.x, repository: "https://user:` + secret + `@charts.example.com/"}`),
			want:  []string{`env/chart/Chart.yaml: dependency "redis" (repository "https://charts.example.com/", version "17.x") is not in charts/`, "helm dependency build env/chart"},
		},
		{name: "missing dependency that is off", files: dependency(`{name: redis, version: 17.x, repository: "", condition: secret}`), want: []string{`dependency "redis"`}},
		{name: "local dependency outside", files: dependency(`{name: x, version: 1.x, repository: "file://../../../x"}`), want: []string{`dependency "x": repository "file://../../../x" is outside the repo`}},
		{name: "absolute local dependency", files: dependency(`{name: x, version: 1.x, repository: "file:///x"}`), want: []string{"is outside the repo"}},
		{name: "local dependency on itself", files: dependency(`{name: x, version: 1.x, repository: "file://."}`), want: []string{"is the chart itself"}},
		{name: "no chart at the local dependency", files: dependency(`{name: x, version: 1.x, repository: "file://../x"}`), want: []string{`dependency "x"`, "env/x"}},
		{
			name:  "local dependency of another name",
			files: with(dependency(`{name: x, version: 1.x, repository: "file://../x"}`), "env/x/Chart.yaml", "name: other\nversion: 1.0.0"),
			want:  []string{`env/chart/Chart.yaml: dependency "x": the chart at env/x is named "other"`},
		},
		{
			name:  "local dependency of another version",
			files: with(dependency(`{name: x, version: 2.x, repository: "file://../x"}`), "env/x/Chart.yaml", "name: x\nversion: 1.0.0"),
			want:  []string{`dependency "x": wants version "2.x", and the chart at env/x has "1.0.0"`},
		},
		{name: "alias with a slash", files: dependency(`{name: x, alias: a/b}`), want: []string{"env/chart/Chart.yaml: ", "alias"}},
		{name: "file among the subcharts", files: map[string]string{chart + "charts/README.md": "x"}, want: []string{"env/chart/charts/README.md: is not a chart"}},
		{name: "subchart without Chart.yaml", files: map[string]string{chart + "charts/sub/values.yaml": "x: 1"}, want: []string{"env/chart/charts/sub/Chart.yaml: not found"}},
		{name: "directory named as an archive", files: map[string]string{chart + "charts/sub.tgz/x": "x"}, want: []string{"env/chart/charts/sub.tgz: is a directory"}},
		{name: "not an archive", files: map[string]string{chart + "charts/sub.tgz": "x"}, want: []string{"env/chart/charts/sub.tgz: is not a packed chart"}},
		{name: "values of a subchart are not a mapping", files: map[string]string{chart + "charts/sub/Chart.yaml": "name: sub\nversion: 1.0.0", chart + "values.yaml": "sub: " + secret}, want: []string{"env/chart"}},
		{name: "large file", files: map[string]string{chart + "big.bin": strings.Repeat("x", 5<<20+1)}, want: []string{"env/chart/big.bin: is larger than", ".helmignore"}},
		{name: ".helmignore", files: map[string]string{chart + ".helmignore": "a/**/b"}, want: []string{"env/chart/.helmignore: double-star"}},

		{name: "values do not meet the schema", files: schema(`{"properties": {"secret": {"pattern": "^x$"}}, "required": ["a", "b"]}`), want: []string{"env/chart/values.schema.json: the values do not meet the schema: ", "lacks a, b"}},
		{name: "pattern of the schema", files: schema(`{"properties": {"secret": {"pattern": "^x$"}}}`), want: []string{"/secret fails pattern"}},
		{name: "type of the schema", files: schema(`{"properties": {"secret": {"type": "integer"}}}`), want: []string{"/secret is of type string, not integer"}},
		{name: "unknown key of the schema", files: schema(`{"additionalProperties": false}`), want: []string{"/ has the unknown key secret"}},
		{name: "one of the schema", files: schema(`{"properties": {"secret": {"enum": ["a"]}}}`), want: []string{"/secret fails enum"}},
		{name: "schema is not JSON", files: schema(`type: object`), want: []string{"env/chart/values.schema.json: is not JSON"}},
		{name: "schema is not a schema", files: schema(`{"type": 1}`), want: []string{"env/chart/values.schema.json: is not a valid JSON Schema"}},
		{name: "schema by HTTP", files: schema(`{"$ref": "https://user:` + secret + `@example.com/s.json#/definitions/x"}`), want: []string{`env/chart/values.schema.json: refers to "https://example.com/s.json", and nothing is fetched`, "helm.skipSchemaValidation"}},
		{name: "schema by a file URL", files: schema(`{"properties": {"x": {"$ref": "file:///etc/passwd"}}}`), want: []string{`refers to "etc/passwd"`}},
		{name: "schema by a relative path", files: schema(`{"allOf": [{"$ref": "other.json#/definitions/x"}]}`), want: []string{`refers to "other.json"`}},
		{name: "schema relative to its ID", files: schema(`{"$id": "https://example.com/a/b.json", "properties": {"x": {"$ref": "c.json"}}}`), want: []string{`refers to "https://example.com/a/c.json"`}},
		{name: "schema of an unknown draft", files: schema(`{"$schema": "https://example.com/draft"}`), want: []string{`refers to "https://example.com/draft"`}},
		{name: "dynamic reference", files: schema(`{"$dynamicRef": "https://example.com/s.json#x"}`), want: []string{`refers to "https://example.com/s.json"`}},
		{
			name:  "schema of a subchart",
			files: map[string]string{chart + "charts/sub/Chart.yaml": "name: sub\nversion: 1.0.0", chart + "charts/sub/values.schema.json": `{"required": ["x"]}`},
			want:  []string{"env/chart/charts/sub/values.schema.json: the values do not meet the schema: / lacks x"},
		},

		{name: "alias bomb in values", files: map[string]string{chart + "values.yaml": bomb}, opt: small, want: []string{"env/chart/values.yaml: YAML aliases expand to more than 1000 bytes"}},
		{name: "alias bomb in a value file", files: map[string]string{chart + "bomb.yaml": bomb}, src: values("bomb.yaml"), opt: small, want: []string{"env/chart/bomb.yaml: YAML aliases"}},
		{name: "alias bomb in values text", src: spec.HelmSource{Values: bomb}, opt: small, want: []string{"env/chart: helm.values: YAML aliases"}},
		{name: "alias bomb in Chart.yaml", files: map[string]string{chart + "Chart.yaml": bomb}, opt: small, want: []string{"env/chart/Chart.yaml: YAML aliases"}},
		{name: "alias bomb in a template", files: template("a: 1\n---\n" + bomb), opt: small, want: []string{"env/chart/templates/cm.yaml: rendered document 2: YAML aliases"}},
		{name: "alias bomb in a CRD", files: map[string]string{chart + "crds/x.yaml": bomb}, opt: small, want: []string{"env/chart/crds/x.yaml: rendered document 1: YAML aliases"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			opt := test.opt
			if opt.KubeVersion == "" {
				opt.KubeVersion = "1.33.0"
			}
			objs, _, err := render(t, tree(test.files), test.src, opt)
			if err == nil {
				t.Fatalf("rendered %v", objs)
			}
			if objs != nil {
				t.Errorf("partial output: %v", objs)
			}
			rest := err.Error()
			for _, want := range test.want {
				_, after, ok := strings.Cut(rest, want)
				if !ok {
					t.Fatalf("error %q\nlacks     %q", err, want)
				}
				rest = after
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("error holds a value: %q", err)
			}
			if len(err.Error()) > 2000 {
				t.Errorf("error of %d bytes", len(err.Error()))
			}
		})
	}
}

var small = helm.Options{Limits: helm.Limits{OutputBytes: 1000}}

// TestTheSameFaultIsNamed holds that of several faults the same one is told.
func TestTheSameFaultIsNamed(t *testing.T) {
	files := map[string]string{}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		files[caseDir+"/templates/"+name+".yaml"] = strings.Replace(bomb, "*a]", strings.Repeat("*a, ", 20)+"]", 1)
	}
	for range 20 {
		_, _, err := render(t, tree(files), spec.HelmSource{}, helm.Options{KubeVersion: "1.33.0", Limits: helm.Limits{OutputBytes: 5000}})
		if err == nil || !strings.HasPrefix(err.Error(), caseDir+"/templates/a.yaml: rendered document 1: YAML aliases") {
			t.Fatalf("error %v", err)
		}
	}
}

// bomb is small, and long once its aliases are written out: the parser's own
// bound on aliases does not see it.
var bomb = "a: &a " + strings.Repeat("x", 300) + "\nb: [*a, *a, *a, *a]\n"

func with(files map[string]string, name, text string) map[string]string {
	files[name] = text
	return files
}

// A chart's own message may be long, and may come from a loop over everything.
func TestLongMessagesAreShortened(t *testing.T) {
	files := tree(map[string]string{caseDir + "/templates/cm.yaml": `{{ fail (repeat 100000 "é") }}`})
	_, _, err := render(t, files, spec.HelmSource{}, options)
	if err == nil || len(err.Error()) > 2000 || !strings.Contains(err.Error(), "éé...") {
		t.Fatalf("error of %d bytes", len(err.Error()))
	}
}

func TestDeadline(t *testing.T) {
	eachVersion(t, "deadline", testDeadline)
}

func testDeadline(t *testing.T, version string) {
	ctx, cancel := context.WithCancel(t.Context())
	files := tree(map[string]string{caseDir + "/templates/cm.yaml": `{{ fail "executed" }}`})
	opt := options
	opt.Hide = func(string) bool {
		cancel()
		return false
	}
	objs, _, err := helm.Render(ctx, envfs.New(files, envfs.Limits{}), caseDir, spec.HelmSource{Version: version}, opt)
	if !errors.Is(err, context.Canceled) || objs != nil || !strings.HasPrefix(err.Error(), "env/chart: ") {
		t.Fatalf("Render = %v, %v", objs, err)
	}
}

// TestRandomTextIsBounded: what is drawn is asked about before there is any.
func TestRandomTextIsBounded(t *testing.T) {
	for _, name := range []string{"randAlphaNum", "randAlpha", "randAscii", "randNumeric", "randBytes"} {
		files := tree(map[string]string{caseDir + "/templates/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\ndata: {n: '{{ " + name + " 2000000000 | len }}'}\n"})
		if _, _, err := render(t, files, spec.HelmSource{}, options); err == nil || !strings.Contains(err.Error(), "larger than 128 MiB") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
