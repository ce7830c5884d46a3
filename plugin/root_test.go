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
	for _, test := range []struct {
		name, dir, sourcePath, root, rel string
		known                            bool
	}{
		{"the source path decides", "plain/apps/shop", "apps/shop", "plain", "apps/shop", true},
		{"it wins over .git", "repo/apps/shop/prod", "shop/prod", "repo/apps", "shop/prod", true},
		{"it may be untidy", "plain/apps/shop", "./apps//shop/", "plain", "apps/shop", true},
		{"the repository's own directory", "plain", ".", "plain", ".", true},
		{"whole elements alone", "plain/apps/shop", "pps/shop", "plain/apps/shop", ".", false},
		{"another path falls back to .git", "repo/apps/shop", "elsewhere", "repo", "apps/shop", true},
		{"no path falls back to .git", "repo/apps/shop", "", "repo", "apps/shop", true},
		{"out of the repository", "repo/apps/shop", "../shop", "repo", "apps/shop", true},
		{"an absolute path", "repo/apps/shop", "/apps/shop", "repo", "apps/shop", true},
		{"neither", "plain/apps/shop", "", "plain/apps/shop", ".", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			root, rel, known := plugin.Root(filepath.Join(base, test.dir), test.sourcePath)
			if root != filepath.Join(base, test.root) || rel != test.rel || known != test.known {
				t.Errorf("root %s, path %s, known %t; want %s, %s, %t", root, rel, known, filepath.Join(base, test.root), test.rel, test.known)
			}
		})
	}
}
