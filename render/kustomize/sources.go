package kustomize

import (
	"context"
	"path"
	"slices"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
)

// Files lists what a build of dir reads: the kustomizations, and the files that
// they name, by their real paths. It builds nothing itself. With the error for a
// kustomization that does not build come the files that could be found nevertheless.
func Files(ctx context.Context, fsys *envfs.FS, dir string, src spec.KustomizeSource) ([]string, error) {
	var files []string
	err := WithDefaultSchema(func() error {
		repo := newFileSystem(ctx, fsys, true)
		repo.named = map[string]bool{}
		todo := []string{dir}
		for _, component := range src.Components {
			if name, err := envfs.Resolve(dir, component); err == nil && repo.IsDir(name) {
				todo = append(todo, name)
			}
		}
		for done := map[string]bool{}; len(todo) > 0; {
			at := todo[0]
			todo = todo[1:]
			if done[at] {
				continue
			}
			done[at] = true
			if err := repo.unless(repo.scanDirectory(at)); err != nil {
				return err
			}
			for name := range repo.named {
				if repo.IsDir(name) {
					todo = append(todo, name)
				} else if target, err := fsys.Locate(name); err == nil {
					repo.data[target] = nil
				}
			}
			clear(repo.named)
		}
		for name := range repo.data {
			files = append(files, name)
		}
		return repo.wrong
	})
	slices.Sort(files)
	return files, err
}

// scanDirectory scans the kustomization of a directory.
func (f *fileSystem) scanDirectory(dir string) error {
	for _, base := range kustomizationNames() {
		if name := path.Join(dir, base); f.Exists(name) {
			target, err := f.fsys.Locate(name)
			if err != nil {
				return err
			}
			return f.scan(dir, target)
		}
	}
	return nil
}
