//go:build e2e

package e2e_test

import (
	"maps"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/argoproj/argo-cd/v2/pkg/apis/application/v1alpha1"
	"sigs.k8s.io/yaml"
)

const maxMessage = 2 << 10

// bad renders environments that must fail: what reaches the caller is one
// short message that names the file by its path in the repository.
func (s *suite) bad(t *testing.T) {
	data, err := os.ReadFile("testdata/bad.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name       string                                     `json:"name"`
		Files      map[string]string                          `json:"files"`
		Binary     map[string][]byte                          `json:"binary"`
		Path       string                                     `json:"path"`
		Parameters v1alpha1.ApplicationSourcePluginParameters `json:"parameters"`
		Says       []string                                   `json:"says"`
	}
	if err := yaml.UnmarshalStrict(data, &cases); err != nil {
		t.Fatal(err)
	}
	good := "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: good\n"
	r := newRepo(t, fstest.MapFS{"good/config.yaml": {Data: []byte(good)}})
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			defer s.rows.count(t)
			files := maps.Clone(c.Files)
			if files == nil {
				files = map[string]string{}
			}
			for name, content := range c.Binary {
				files[name] = string(content)
			}
			commit := r.edit(t, files)
			env := environment{dir: c.Path, parameters: c.Parameters}
			objects, err := s.render(t, s.plugin(r, env, commit))
			if err == nil {
				t.Fatalf("rendered %d objects; it must fail", len(objects))
			}
			checkMessage(t, err.Error(), c.Says)
		})
	}
	// The server has taken no harm.
	if _, err := s.render(t, s.plugin(r, environment{dir: "good"}, r.base)); err != nil {
		t.Error(err)
	}
}

func checkMessage(t *testing.T, message string, says []string) {
	t.Helper()
	if len(message) > maxMessage {
		t.Errorf("the message has %d bytes", len(message))
	}
	for _, word := range []string{os.TempDir(), "/_cmp_server", "goroutine ", "panic", "Usage:"} {
		if strings.Contains(message, word) {
			t.Errorf("the message must not hold %q", word)
		}
	}
	for _, word := range says {
		if !strings.Contains(message, word) {
			t.Errorf("the message must say %q", word)
		}
	}
	t.Log(message)
}
