package plugin_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/assaydev/assay/plugin"
)

func TestRoot(t *testing.T) {
	base := t.TempDir()
	for _, dir := range []string{"repo/.git", "repo/apps/shop/prod", "plain/apps/shop"} {
		if err := os.MkdirAll(filepath.Join(base, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ name, dir, sourcePath, root, rel string }{
		{"the source path decides", "plain/apps/shop", "apps/shop", "plain", "apps/shop"},
		{"it wins over .git", "repo/apps/shop/prod", "shop/prod", "repo/apps", "shop/prod"},
		{"it may be untidy", "plain/apps/shop", "./apps//shop/", "plain", "apps/shop"},
		{"the repository's own directory", "plain", ".", "plain", "."},
		{"whole elements alone", "plain/apps/shop", "pps/shop", "plain/apps/shop", "."},
		{"another path falls back to .git", "repo/apps/shop", "elsewhere", "repo", "apps/shop"},
		{"no path falls back to .git", "repo/apps/shop", "", "repo", "apps/shop"},
		{"out of the repository", "repo/apps/shop", "../shop", "repo", "apps/shop"},
		{"an absolute path", "repo/apps/shop", "/apps/shop", "repo", "apps/shop"},
		{"neither", "plain/apps/shop", "", "plain/apps/shop", "."},
	} {
		t.Run(test.name, func(t *testing.T) {
			root, rel := plugin.Root(filepath.Join(base, test.dir), test.sourcePath)
			if root != filepath.Join(base, test.root) || rel != test.rel {
				t.Errorf("root %s, path %s; want %s, %s", root, rel, filepath.Join(base, test.root), test.rel)
			}
		})
	}
}
