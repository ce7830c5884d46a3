package branch

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
	"github.com/assaydev/assay/test/envrepo"
)

// TestCheckoutsWithOtherLineEndings promotes where a checkout has CRLF, also in what is hashed
// into a name.
func TestCheckoutsWithOtherLineEndings(t *testing.T) {
	t.Parallel()
	const kustomization = "resources: [web.yaml]\nimages:\n- name: example.com/shop/web\n  newTag: 1.0.0\nconfigMapGenerator:\n- name: motd\n  files: [motd.txt]\n"
	tree := envrepo.Prod("method: push").With(envrepo.Files{
		".gitattributes":          "*.txt text eol=crlf\n*.yaml text eol=crlf\n",
		"prod/kustomization.yaml": kustomization,
		"prod/motd.txt":           "first\nsecond\n",
		"prod/web.yaml":           envrepo.Deployment("web") + "      volumes: [{name: motd, configMap: {name: motd}}]\n",
	})
	s := newSite(t, "", tree)
	dir := filepath.Join(t.TempDir(), "clone")
	if out, err := exec.Command("git", "clone", "-q", s.repo.Dir, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	root, err := envfs.OpenDir(dir, envfs.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	checkout, err := render.Environment(t.Context(), render.Request{FS: root, Environment: spec.Environment{Dir: "prod"}})
	if err != nil {
		t.Fatal(err)
	}
	if id := s.id(); id != checkout.ID {
		t.Errorf("the ID is %s on the server, and %s in a checkout", id, checkout.ID)
	}
	s.promote()
	want := strings.TrimSuffix(strings.ReplaceAll(kustomization, "1.0.0", "2.0.0"), "\n")
	if got := strings.TrimSuffix(s.content("main", "prod/kustomization.yaml"), "\n"); got != want {
		t.Errorf("promoted:\n%q\nwant\n%q", got, want)
	}
	if diff := s.run("diff", "--numstat", "main~", "main"); !strings.Contains(diff, "1\t1\tprod/kustomization.yaml") {
		t.Errorf("more than the tag has changed: %s", diff)
	}
}
