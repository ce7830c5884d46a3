package kustomize

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/spec"
)

const settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata:\n  app.json: '{\"host\": \"old\", \"port\": 80}'\n  app.yaml: |\n    host: old\n    port: 80\n"

// What Kustomize 5.8 takes and earlier releases do not.
func TestInputsOfKustomize58(t *testing.T) {
	replace := func(fields, more string) string {
		return "resources: [d.yaml, s.yaml, c.yaml]\nreplacements:\n- source: {kind: Service, name: web, fieldPath: metadata.name}\n  targets:\n  - select: {kind: ConfigMap}\n" + more + "    fieldPaths: [" + fields + "]\n"
	}
	for name, test := range map[string]struct {
		kustomization string
		at            []string // of the ConfigMap
		want          string
	}{
		"a patch of comments": {"resources: [d.yaml, s.yaml, c.yaml]\npatches: [{patch: '# nothing yet'}]\n", []string{"data", "app.json"}, `{"host": "old", "port": 80}`},
		"replacement in JSON": {replace(`'data.app\.json.host'`, ""), []string{"data", "app.json"}, `{"host":"web","port":80}`},
		"replacement in YAML": {replace(`'data.app\.yaml.host'`, ""), []string{"data", "app.yaml"}, "host: web\nport: 80"},
		"reject by a pattern": {replace(`'data.app\.yaml.host'`, "    reject: [{name: 'set.*'}]\n"), []string{"data", "app.yaml"}, "host: old\nport: 80\n"},
		"select by a pattern": {strings.Replace(replace(`'data.new'`, "    options: {create: true}\n"), "select: {kind: ConfigMap}", "select: {kind: Config.*, name: set.*}", 1), []string{"data", "new"}, "web"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"app/kustomization.yaml": test.kustomization, "app/d.yaml": deployment, "app/s.yaml": service, "app/c.yaml": settings}
			for _, o := range render(t, files, "app") {
				if o.GetKind() != "ConfigMap" {
					continue
				}
				got, _, err := unstructured.NestedString(o.Object, test.at...)
				if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
					t.Errorf("%v (-want +got):\n%s", err, diff)
				}
			}
		})
	}
}

// A text inside an object is YAML, too, once a replacement goes into it.
func TestBombsInsideTexts(t *testing.T) {
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 12; i++ {
		last := "*a" + string(rune('a'+i-2))
		if i == 1 {
			last = "*a0"
		}
		bomb += "b" + string(rune('a'+i-1)) + ": &a" + string(rune('a'+i-1)) + " [" + strings.Repeat(last+", ", 9) + last + "]\n"
	}
	bomb += "host: old\n"
	indented := "    " + strings.ReplaceAll(strings.TrimSuffix(bomb, "\n"), "\n", "\n    ")
	for name, text := range map[string]string{
		"aliases": "  app.yaml: |\n" + indented + "\n",
		"depth":   "  app.yaml: '" + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + "'\n",
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{
				"app/s.yaml":             service,
				"app/c.yaml":             "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata:\n" + text,
				"app/kustomization.yaml": "resources: [s.yaml, c.yaml]\nreplacements:\n- source: {kind: Service, name: web, fieldPath: metadata.name}\n  targets:\n  - select: {kind: ConfigMap}\n    fieldPaths: ['data.app\\.yaml.host']\n",
			}
			started := time.Now()
			objs, _, err := Render(t.Context(), repo(files), "app", spec.KustomizeSource{}, Options{})
			if took := time.Since(started); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			if err != nil && (len(err.Error()) > 1000 || !strings.HasPrefix(err.Error(), "app/")) {
				t.Errorf("error %v", err)
			}
			size := 0
			for _, o := range objs {
				text, _, _ := unstructured.NestedString(o.Object, "data", "app.yaml")
				size += len(text)
			}
			if size > 100_000 {
				t.Errorf("a text of %d bytes is made", size)
			}
		})
	}
}
