package kustomize

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object/manifest"
)

// fileSystem shows krusty the repo as "/", read-only. It serves one build, in
// one goroutine.
type fileSystem struct {
	ctx   context.Context
	fsys  *envfs.FS
	alone bool              // no other build runs
	data  map[string][]byte // by real name: what was scanned is what is read
	named map[string]bool   // what scanned kustomizations name; nil where nobody asks
	wrong error             // the first fault of a kustomization, where somebody asks for names
	fault error             // the first that krusty must not swallow
	reads int               // files that may still be read, counted each time
	bytes int64             // handed to krusty so far
}

// maxBytes is how much krusty may read in one build, files read twice counted twice.
const maxBytes = 256 << 20

var (
	_ filesys.FileSystem = (*fileSystem)(nil)

	errReadOnly = errors.New("the repository is read-only")
)

func newFileSystem(ctx context.Context, fsys *envfs.FS, alone bool) *fileSystem {
	return &fileSystem{ctx: ctx, fsys: fsys, alone: alone, data: map[string][]byte{}}
}

// absolute is how krusty names a directory of the repo.
func absolute(name string) string { return path.Join("/", name) }

// relative is the opposite.
func relative(name string) string {
	if name = strings.TrimPrefix(path.Clean(name), "/"); name != "" {
		return name
	}
	return "."
}

// CleanedAbs follows links. krusty asks it for each file before it reads it,
// by the name that the kustomization says: so this is where kustomizations are
// recognised, whatever file a link makes of them.
func (f *fileSystem) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	rel := relative(name)
	target, err := f.fsys.Locate(rel)
	if err != nil {
		return "", "", err
	}
	info, err := f.fsys.Stat(target)
	if err != nil {
		return "", "", err
	}
	if info.IsDir() {
		return filesys.ConfirmedDir(absolute(target)), "", nil
	}
	if isKustomization(path.Base(rel)) {
		if err := f.scan(path.Dir(rel), target); err != nil {
			return "", "", f.fail(err)
		}
	}
	return filesys.ConfirmedDir(absolute(path.Dir(target))), path.Base(target), nil
}

func isKustomization(base string) bool {
	return slices.Contains(konfig.RecognizedKustomizationFileNames(), base)
}

func (f *fileSystem) scan(dir, file string) error {
	data, err := f.read(file)
	if err != nil {
		return err
	}
	s := scanner{repo: f, dir: dir, file: file}
	return s.scan(data)
}

// ReadFile returns a file's content. A file that aliases would blow up is
// refused, and so is everything once the caller has gone.
func (f *fileSystem) ReadFile(name string) ([]byte, error) {
	data, err := f.read(relative(name))
	if err != nil {
		return nil, f.fail(err)
	}
	f.reads--
	f.bytes += int64(len(data))
	if f.reads < 0 || f.bytes > maxBytes {
		return nil, f.fail(fmt.Errorf("%s: bases are built so often that too much is read; list each base once", relative(name)))
	}
	return data, nil
}

func (f *fileSystem) read(name string) ([]byte, error) {
	if err := f.ctx.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, context.Cause(f.ctx))
	}
	target, err := f.fsys.Locate(name)
	if err != nil {
		return nil, err
	}
	if data, ok := f.data[target]; ok {
		return data, nil
	}
	data, err := f.fsys.ReadFile(target)
	if err != nil {
		return nil, err
	}
	if err := manifest.CheckAliases(name, data); err != nil {
		return nil, err
	}
	f.data[target] = data
	return data, nil
}

// unless is the error of a kustomization, unless names are asked for: then the first is
// kept, and the others are looked at too.
func (f *fileSystem) unless(err error) error {
	if f.named == nil || err == nil {
		return err
	}
	if f.wrong == nil {
		f.wrong = err
	}
	return nil
}

// fail keeps the first fault: krusty wraps errors beyond recognition, and
// takes an unreadable kustomization for a missing one.
func (f *fileSystem) fail(err error) error {
	if f.fault == nil {
		f.fault = err
	}
	return err
}

// IsDir implements filesys.FileSystem.
func (f *fileSystem) IsDir(name string) bool {
	info, err := f.fsys.Stat(relative(name))
	return err == nil && info.IsDir()
}

// Exists implements filesys.FileSystem.
func (f *fileSystem) Exists(name string) bool {
	_, err := f.fsys.Stat(relative(name))
	return err == nil
}

// ReadDir implements filesys.FileSystem.
func (f *fileSystem) ReadDir(name string) ([]string, error) {
	entries, err := f.fsys.ReadDir(relative(name))
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}

// The rest is not for reading a repo: krusty uses it for what is refused here.

// Open implements filesys.FileSystem.
func (f *fileSystem) Open(string) (filesys.File, error) { return nil, f.fail(errReadOnly) }

// Glob implements filesys.FileSystem.
func (f *fileSystem) Glob(string) ([]string, error) { return nil, f.fail(errReadOnly) }

// Walk implements filesys.FileSystem.
func (f *fileSystem) Walk(string, filepath.WalkFunc) error { return f.fail(errReadOnly) }

// Create implements filesys.FileSystem.
func (f *fileSystem) Create(string) (filesys.File, error) { return nil, f.fail(errReadOnly) }

// Mkdir implements filesys.FileSystem.
func (f *fileSystem) Mkdir(string) error { return f.fail(errReadOnly) }

// MkdirAll implements filesys.FileSystem.
func (f *fileSystem) MkdirAll(string) error { return f.fail(errReadOnly) }

// RemoveAll implements filesys.FileSystem.
func (f *fileSystem) RemoveAll(string) error { return f.fail(errReadOnly) }

// WriteFile implements filesys.FileSystem.
func (f *fileSystem) WriteFile(string, []byte) error { return f.fail(errReadOnly) }
