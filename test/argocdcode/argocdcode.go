// Package argocdcode finds the code of Argo CD, of each version that the tests have: the one
// that they link, and the one that they run. Modules of both cannot be linked into one test,
// but read.
package argocdcode

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Dirs are the directories of the modules, by version.
func Dirs(t *testing.T) map[string]string {
	t.Helper()
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		t.Fatalf("go list -m: %v", err)
	}
	dirs := map[string]string{}
	for module, at := range map[string]string{"github.com/argoproj/argo-cd/v2": ".", "github.com/argoproj/argo-cd/v3": "test/components/argocd-v3"} {
		cmd := exec.Command("go", "mod", "download", "-json", module)
		cmd.Dir = filepath.Join(strings.TrimSpace(string(root)), at)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go mod download %s: %v", module, err)
		}
		var found struct{ Version, Dir string }
		if err := json.Unmarshal(out, &found); err != nil {
			t.Fatal(err)
		}
		dirs[found.Version] = found.Dir
	}
	return dirs
}
