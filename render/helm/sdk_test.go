package helm_test

import (
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render/helm"
)

// What the versions of Helm do differently, each for a reason in Helm's history.
// The real helm is held to the first of them by TestCasesMatchHelm.
func TestVersionsDiffer(t *testing.T) {
	sub := caseDir + "/charts/sub/"
	umbrella := func(values, template string) map[string]string {
		return map[string]string{
			caseDir + "/values.yaml": values,
			sub + "Chart.yaml":       "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
			sub + "values.yaml":      "limits: {cpu: 1}\nuser: {id: 1000}\nempty: null\n",
			sub + "templates/_x.tpl": `{{ define "x" }}` + template + `{{ end }}`,
		}
	}
	for name, test := range map[string]struct {
		template string
		files    map[string]string
		src      spec.HelmSource
		helm3    string
		helm4    string
	}{
		"a top-level null of the defaults": {
			template: `{{ hasKey .Values "limits" }}`, files: map[string]string{caseDir + "/values.yaml": "limits: null\n"},
			helm3: "true", helm4: "false",
		},
		"a nested null of the defaults": {
			template: `{{ hasKey .Values.resources "limits" }}`, files: map[string]string{caseDir + "/values.yaml": "resources: {limits: null}\n"},
			helm3: "true", helm4: "false",
		},
		"a null that the parent sets on a subchart's value": {
			template: `{{ include "x" .Subcharts.sub }}`, files: umbrella("sub: {user: {id: null}}\n", `{{ .Values.user | toJson }}`),
			helm3: "{}", helm4: `{"id":1000}`,
		},
		"the same beside any other value that is given": {
			template: `{{ include "x" .Subcharts.sub }}`, files: umbrella("sub: {user: {id: null}}\n", `{{ .Values.user | toJson }}`),
			src: spec.HelmSource{Values: "sub: {other: 1}"}, helm3: "{}", helm4: "{}",
		},
		"a null that the user sets on a subchart's value": {
			template: `{{ include "x" .Subcharts.sub }}`, files: umbrella("{}", `{{ .Values.user | toJson }}`),
			src: spec.HelmSource{Values: "sub: {user: {id: null}}"}, helm3: "{}", helm4: "{}",
		},
		"a field that .Chart lacks": {
			template: `{{ .Chart.Nothing | default "none" }}`, helm3: "error", helm4: "none",
		},
		"several documents of values": {
			template: `{{ .Values.b | default "none" }}`, files: map[string]string{caseDir + "/values.yaml": "a: 1\n---\nb: 2\n"},
			helm3: "none", helm4: "2",
		},
		"mustToYaml": {template: `{{ mustToYaml (dict "a" 1) }}`, helm3: "error", helm4: "a: 1"},
		"a URN in a schema": {
			template: "ok", files: map[string]string{caseDir + "/values.schema.json": `{"properties": {"secret": {"$ref": "urn:example:x"}}}`},
			helm3: "error", helm4: "ok",
		},
		"chart API v3": {
			template: "ok", files: map[string]string{caseDir + "/Chart.yaml": "apiVersion: v3\nname: web\nversion: 1.0.0\n"},
			helm3: "ok", helm4: "error",
		},
	} {
		for version, want := range map[string]string{helm.Version3: test.helm3, helm.Version4: test.helm4} {
			t.Run(name+"/"+version, func(t *testing.T) {
				files := tree(test.files)
				files[caseDir+"/templates/cm.yaml"].Data = []byte("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: |-\n    " + test.template + "\n")
				test.src.Version = version
				objs, _, err := helm.Render(t.Context(), envfs.New(files, envfs.Limits{}), caseDir, test.src, options)
				got := "error"
				if err == nil {
					got = objs[0].GetName()
				}
				if got != want {
					t.Errorf("got %q (%v), want %q", got, err, want)
				}
				if err != nil && (!strings.HasPrefix(err.Error(), "env/chart/") || strings.Contains(err.Error(), secret)) {
					t.Errorf("error: %v", err)
				}
			})
		}
	}
}

// Every document of a text of values is bounded, where Helm reads them all.
func TestAliasesInLaterDocuments(t *testing.T) {
	later := "a: 1\n---\n" + strings.Replace(bomb, "*a]", strings.Repeat("*a, ", 20)+"]", 1)
	opt := options
	opt.Limits.OutputBytes = 5000
	for name, files := range map[string]map[string]string{
		"the chart's values": {caseDir + "/values.yaml": later},
		"a value file":       {caseDir + "/more.yaml": later},
	} {
		src := spec.HelmSource{Version: helm.Version4}
		if _, ok := files[caseDir+"/more.yaml"]; ok {
			src.ValueFiles = []string{"more.yaml"}
		}
		if _, _, err := render(t, tree(files), src, opt); err == nil || !strings.Contains(err.Error(), "YAML aliases expand to more than 5000 bytes") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Helm 4 knows webhooks, and puts them before kinds that it does not know.
func TestInstallOrderOfWebhooks(t *testing.T) {
	files := map[string]string{caseDir + "/templates/cm.yaml": "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: hook}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\n---\napiVersion: example.com/v1\nkind: Apple\nmetadata: {name: api}\n"}
	for version, want := range map[string]string{
		helm.Version3: "Service/web Apple/api ValidatingWebhookConfiguration/hook",
		helm.Version4: "Service/web ValidatingWebhookConfiguration/hook Apple/api",
	} {
		names, _, err := render(t, tree(files), spec.HelmSource{Version: version}, options)
		if got := strings.Join(names, " "); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", version, got, err, want)
		}
	}
}

func TestUnknownVersion(t *testing.T) {
	for _, version := range []string{"v2", "v5", "3", "V4"} {
		_, _, err := render(t, tree(nil), spec.HelmSource{Version: version}, options)
		if err == nil || !strings.Contains(err.Error(), "set helm.version to v3 or v4") {
			t.Errorf("%s: %v", version, err)
		}
	}
}
