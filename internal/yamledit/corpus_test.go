package yamledit

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCorpus makes random edits of real files, and holds that only templates
// and broken files are refused.
func TestCorpus(t *testing.T) {
	root := os.Getenv("ASSAY_CORPUS")
	if root == "" {
		t.Skip("ASSAY_CORPUS is not set: the directory of real environments")
	}
	files, made := 0, 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yaml" && filepath.Ext(path) != ".yml" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil || len(data) > 200_000 {
			return err
		}
		name, _ := filepath.Rel(root, path)
		docs, err := plainDocs(data)
		_, refusal := Parse(name, data)
		if refusal != nil && err == nil {
			t.Errorf("refused: %v", refusal)
		}
		if err != nil || refusal != nil || len(docs) > 40 {
			return nil
		}
		files++
		for seed := range uint64(8) {
			out, edits, err := try(data, seed, 1+int(seed%3))
			var refused *Error
			switch {
			case err == nil:
				made++
			case !errors.As(err, &refused), strings.Contains(err.Error(), "in place"):
				t.Errorf("%s: %v\nedits %+v\nto %q", name, err, edits, out)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 || made < 2*files {
		t.Errorf("made %d edits of %d files", made, files)
	}
	t.Logf("%d edits of %d files", made, files)
}
