package helm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
	"helm.sh/helm/v4/pkg/ignore"

	"github.com/assaydev/assay/internal/excerpt"
)

// Bounds on a chart's directory tree. They stop symlinks that lead back up,
// which no limit on files read would notice in a tree of directories alone.
const (
	maxDepth   = 40
	maxEntries = 100_000
)

// file is one file of a chart.
type file struct {
	name string // relative to the chart
	path string // relative to the repo: for messages
	data []byte
}

// walker collects a chart's files in the order of Helm's own walk.
type walker struct {
	*renderer
	root    string
	rules   *ignore.Rules
	entries int
	files   []file
}

// readChart reads the files of the chart directory root, less what its
// .helmignore and Options.Hide leave out. Symlinks are followed inside the repo.
func (r *renderer) readChart(ctx context.Context, root string) ([]file, error) {
	rules, err := r.ignoreRules(root)
	if err != nil {
		return nil, err
	}
	w := &walker{renderer: r, root: root, rules: rules}
	if err := w.walk(ctx, "", 0); err != nil {
		return nil, err
	}
	return w.files, nil
}

func (r *renderer) ignoreRules(root string) (*ignore.Rules, error) {
	name := path.Join(root, ignore.HelmIgnore)
	data, err := r.fsys.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	rules, err := ignore.Parse(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %s", name, excerpt.Cut(err.Error(), 200))
	}
	rules.AddDefaults()
	return rules, nil
}

func (w *walker) walk(ctx context.Context, rel string, depth int) error {
	dir := path.Join(w.root, rel)
	if depth > maxDepth {
		return fmt.Errorf("%s: directories are nested deeper than %d: is there a symlink that leads back up?", dir, maxDepth)
	}
	if err := stopped(ctx, w.dir); err != nil {
		return err
	}
	entries, err := w.fsys.ReadDir(dir)
	if err != nil {
		return err
	}
	if w.entries += len(entries); w.entries > maxEntries {
		return fmt.Errorf("%s: the chart has more than %d files: list those that it does not need in .helmignore", w.root, maxEntries)
	}
	for _, entry := range entries {
		if err := w.visit(ctx, path.Join(rel, entry.Name()), depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) visit(ctx context.Context, rel string, depth int) error {
	full := path.Join(w.root, rel)
	info, err := w.fsys.Stat(full)
	if err != nil {
		return err
	}
	if w.rules.Ignore(rel, info) {
		return nil
	}
	if info.IsDir() {
		return w.walk(ctx, rel, depth+1)
	}
	if w.opt.Hide != nil && w.opt.Hide(full) {
		return nil
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: is not a regular file, and Helm loads no other: list it in .helmignore", full)
	}
	if info.Size() > archive.MaxDecompressedFileSize {
		return fmt.Errorf("%s: is larger than %d bytes, which Helm refuses in a chart: list it in .helmignore", full, archive.MaxDecompressedFileSize)
	}
	data, err := w.fsys.ReadFile(full)
	if err != nil {
		return err
	}
	w.files = append(w.files, file{name: rel, path: full, data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))})
	return nil
}
