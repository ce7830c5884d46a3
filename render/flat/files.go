package flat

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/internal/spec"
)

// Files lists the files of dir that may hold manifests, relative to the repo,
// in the order in which Argo CD reads them. Those with the skip line are among
// them: Render passes over them, and so must whoever edits them
// (manifest.Skipped). skip keeps files out that are not manifests here; it may
// be nil. A .jsonnet file that Argo CD would render is an error, and so is a
// link that leaves the repo.
func Files(ctx context.Context, fsys *envfs.FS, dir string, opt spec.DirectorySource, skip func(name string) bool) ([]string, error) {
	w := walk{ctx: ctx, fsys: fsys, root: dir, recurse: opt.Recurse, everyName: opt.DisableExtensionFilter, skip: skip}
	var err error
	if w.include, err = compile("include", opt.Include); err != nil {
		return nil, err
	}
	if w.exclude, err = compile("exclude", opt.Exclude); err != nil {
		return nil, err
	}
	if err := w.dir(dir); err != nil {
		return nil, err
	}
	return w.files, nil
}

type walk struct {
	ctx              context.Context
	fsys             *envfs.FS
	root             string
	recurse          bool
	everyName        bool // not only those with an extension of manifests
	include, exclude *pattern
	skip             func(name string) bool
	files            []string
}

// dir visits the entries of a directory in the order of their names.
func (w *walk) dir(dir string) error {
	if err := w.ctx.Err(); err != nil {
		return fmt.Errorf("list %s: %w", dir, context.Cause(w.ctx))
	}
	entries, err := w.fsys.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case e.IsDir():
			// Git's own files are never manifests, and many.
			if w.recurse {
				err = w.dir(name)
			}
		case w.everyName || isManifest(e.Name()):
			err = w.file(name, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func isManifest(base string) bool {
	switch path.Ext(base) {
	case ".yaml", ".yml", ".json", ".jsonnet":
		return true
	}
	return false
}

func (w *walk) file(name string, e fs.DirEntry) error {
	if w.skip != nil && w.skip(name) {
		return nil
	}
	mode := e.Type()
	if mode&fs.ModeSymlink != 0 {
		info, err := w.fsys.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // Argo CD warns of a link to nothing and goes on.
		}
		if err != nil {
			return err
		}
		mode = info.Mode()
	}
	rel := strings.TrimPrefix(name, w.root+"/")
	if !mode.IsRegular() {
		return nil
	}
	if excluded, err := w.exclude.match(rel, false); excluded || err != nil {
		return err
	}
	if included, err := w.include.match(rel, true); !included || err != nil {
		return err
	}
	if strings.HasSuffix(name, ".jsonnet") {
		return w.jsonnet(name)
	}
	w.files = append(w.files, name)
	return nil
}

// jsonnet refuses a file that Argo CD would evaluate.
func (w *walk) jsonnet(name string) error {
	data, err := w.fsys.ReadFile(name)
	if err != nil || manifest.Skipped(data) {
		return err
	}
	return fmt.Errorf("%s: Jsonnet is not rendered; commit the manifests that it makes, or leave it out with directory.exclude", name)
}
