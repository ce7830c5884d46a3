package experiment

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
)

// tree writes files into a repository; "-> x" as content makes a link to x.
func tree(t *testing.T, files map[string]string) *envfs.FS {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		var err error
		if to, ok := strings.CutPrefix(content, "-> "); ok {
			err = os.Symlink(to, file)
		} else {
			err = os.WriteFile(file, []byte(content), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	fsys, err := envfs.OpenDir(root, envfs.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fsys.Close() })
	return fsys
}

func TestLoadFollowsLinks(t *testing.T) {
	fsys := tree(t, map[string]string{
		"apps/shop/experiment": "-> ../judges", "apps/judges/a.yaml": "a", "apps/judges/b.yml": "-> ../other/real.yaml",
		"apps/judges/deep": "-> ../other", "apps/judges/notes": "-> gone", "apps/other/real.yaml": "b",
	})
	for pattern, want := range map[string][]string{
		"":                     {"apps/shop/experiment/a.yaml", "apps/shop/experiment/b.yml"},
		"experiment/a.yaml":    {"apps/shop/experiment/a.yaml"},
		"experiment/d*/*.yaml": {"apps/shop/experiment/deep/real.yaml"},
		"exp*/*":               {"apps/shop/experiment/a.yaml", "apps/shop/experiment/b.yml"},
	} {
		exp := spec.Experiment{}
		if pattern != "" {
			exp.Resources = []string{pattern}
		}
		got, err := Load(fsys, "apps/shop", exp)
		var names []string
		for _, s := range got {
			names = append(names, s.File)
		}
		if diff := cmp.Diff(want, names); diff != "" || err != nil {
			t.Errorf("%q: %v\n%s", pattern, err, diff)
		}
	}
}

// What stands in the way of a directory must not cost the experiment.
func TestLoadNamesWhatIsNotADirectory(t *testing.T) {
	for name, c := range map[string]struct {
		files   map[string]string
		pattern string
		want    string
	}{
		"a file":              {map[string]string{"shop/experiment": "x"}, "experiment/*", "shop/experiment: is a file, and spec.experiment.resources (experiment/*) wants a directory there: move it"},
		"a file, by link":     {map[string]string{"shop/experiment": "-> ../x", "x": "x"}, "experiment/*", "shop/experiment: is a file"},
		"a file further up":   {map[string]string{"shop/experiment": "x"}, "experiment/deep/*.yaml", "shop/experiment: is a file"},
		"a file, no wildcard": {map[string]string{"shop/experiment": "x"}, "experiment/a.yaml", "shop/experiment: is a file"},
		"a link to nothing":   {map[string]string{"shop/experiment": "-> ../gone"}, "experiment/*", "shop/experiment: is a link to nothing: correct or remove it"},
		"a file's link":       {map[string]string{"shop/experiment/a.yaml": "-> gone.yaml"}, "experiment/*", "shop/experiment/a.yaml: is a link to nothing: correct or remove it"},
		"a link out":          {map[string]string{"shop/experiment": "-> ../../gone"}, "experiment/*", "the symlink shop/experiment leaves the repository"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(tree(t, c.files), "shop", spec.Experiment{Resources: []string{c.pattern}})
			wantError(t, err, c.want)
		})
	}
	// Files beside directories are not a fault where a wildcard stands for them.
	got, err := Load(repo("shop/e/a.yaml", "shop/e/deep/b.yaml"), "shop", spec.Experiment{Resources: []string{"e/*/*.yaml"}})
	if err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

// locked has a directory that nobody may list.
type locked struct{ fstest.MapFS }

func (l locked) Open(name string) (fs.File, error) {
	if name == "shop/experiment" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return l.MapFS.Open(name)
}

func TestLoadNamesAnUnreadableDirectory(t *testing.T) {
	fsys := envfs.New(locked{fstest.MapFS{"shop/experiment/a.yaml": {Data: []byte("a")}}}, envfs.Limits{})
	for _, pattern := range []string{"experiment/*", "exp*/*.yaml"} {
		_, err := Load(fsys, "shop", spec.Experiment{Resources: []string{pattern}})
		wantError(t, err, "shop/experiment: ", "permission denied", "make the directory readable")
	}
}

func TestLoadRefusesOtherEndings(t *testing.T) {
	for file, want := range map[string]string{
		"load.tmpl":      "rename it to load.yaml.tmpl",
		"load.json.tmpl": "rename it to load.yaml.tmpl",
		"x.json":         "rename it to x.yaml",
		"x.YAML":         "rename it to x.yaml",
	} {
		_, err := Load(repo("shop/experiment/a.yaml", "shop/experiment/"+file), "shop", spec.Experiment{})
		wantError(t, err, "shop/experiment/"+file+": ", ".yaml, .yml, .yaml.tmpl or .yml.tmpl", want)
	}
}
