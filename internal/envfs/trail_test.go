package envfs_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/internal/envfs"
)

// TestDepends: whatever leads to what is read is told, also what is not there.
func TestDepends(t *testing.T) {
	files := map[string]string{
		"base/v1/web.yaml": "web", "base/v2/web.yaml": "web 2", "base/current": "-> v1",
		"prod/base.yaml": "-> ../base/current/web.yaml", "charts/a/Chart.yaml": "a", "only/x": "x",
	}
	for name, c := range map[string]struct {
		read func(*envfs.FS)
		want []string
	}{
		"nothing":               {func(*envfs.FS) {}, nil},
		"a file":                {func(f *envfs.FS) { _, _ = f.ReadFile("base/v1/web.yaml") }, []string{"base/v1/web.yaml"}},
		"links on the way":      {func(f *envfs.FS) { _, _ = f.ReadFile("prod/base.yaml") }, []string{"base/current", "base/v1/web.yaml", "prod/base.yaml"}},
		"a link by itself":      {func(f *envfs.FS) { _, _ = f.ReadLink("base/current") }, []string{"base/current"}},
		"no such file":          {func(f *envfs.FS) { _, _ = f.Stat("charts/a/values.yaml") }, []string{"charts/a", "charts/a/values.yaml"}},
		"no such directory":     {func(f *envfs.FS) { _, _ = f.ReadFile("nowhere/below/x") }, []string{".", "nowhere"}},
		"a directory":           {func(f *envfs.FS) { _, _ = f.Stat("only") }, []string{"only"}},
		"a list":                {func(f *envfs.FS) { _, _ = f.ReadDir("charts") }, []string{"charts"}},
		"a file of a directory": {func(f *envfs.FS) { _, _ = f.Stat("only"); _, _ = f.Stat("only/x") }, []string{"only/x"}},
		"under an edit": {func(f *envfs.FS) {
			over := f.With(map[string][]byte{"new/x": []byte("x")})
			_, _ = over.ReadFile("new/x")
			_, _ = over.ReadFile("charts/a/Chart.yaml")
		}, []string{"charts/a/Chart.yaml", "new"}},
	} {
		f := open(t, repo(t, files))
		c.read(f)
		if diff := cmp.Diff(c.want, f.Depends()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
