package change

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/lfs"
	"github.com/assaydev/assay/internal/yamledit"
)

// tree is the environment's files with the edits so far.
type tree struct {
	fs     *envfs.FS
	dir    string
	edited map[string][]byte
	parsed map[string]*yamledit.File
}

func newTree(fsys *envfs.FS, dir string) *tree {
	return &tree{fsys, dir, map[string][]byte{}, map[string]*yamledit.File{}}
}

// fork is a copy that can be edited by itself.
func (t *tree) fork() *tree {
	return &tree{t.fs, t.dir, maps.Clone(t.edited), maps.Clone(t.parsed)}
}

// take makes the edits of a fork the tree's own.
func (t *tree) take(fork *tree) { t.edited, t.parsed = fork.edited, fork.parsed }

// read returns a file as edited so far.
func (t *tree) read(name string) ([]byte, error) {
	if data, ok := t.edited[name]; ok {
		return data, nil
	}
	data, err := t.fs.ReadFile(name)
	if err == nil {
		err = lfs.Check(name, data)
	}
	return data, err
}

// file parses a file as edited so far.
func (t *tree) file(name string) (*yamledit.File, error) {
	if f, ok := t.parsed[name]; ok {
		return f, nil
	}
	data, err := t.read(name)
	if err != nil {
		return nil, err
	}
	f, err := yamledit.Parse(name, data)
	if err != nil {
		return nil, err
	}
	t.parsed[name] = f
	return f, nil
}

// apply edits a file, which must really lie inside the environment.
func (t *tree) apply(name string, edits ...yamledit.Edit) error {
	if len(edits) == 0 {
		return nil
	}
	if err := t.editable(name); err != nil {
		return err
	}
	f, err := t.file(name)
	if err != nil {
		return err
	}
	data, err := applied(f, edits)
	if err != nil {
		return err
	}
	return t.write(name, data)
}

// applied is a file's new content.
func applied(f *yamledit.File, edits []yamledit.Edit) ([]byte, error) {
	data, err := f.Apply(edits...)
	var refused *yamledit.Error
	if errors.As(err, &refused) && refused.Repeated {
		return nil, fmt.Errorf("%w, or make the edit as you mean it on a branch, and put that under test: assay candidate from makes a spec.diff of it", err)
	}
	return data, err
}

// editable refuses a file that does not really lie inside the environment.
func (t *tree) editable(name string) error {
	inside, err := t.inside(name)
	if err != nil {
		return err
	}
	if !inside {
		return fmt.Errorf("%s: it is, or is a link to, a file outside the environment %s, and only files inside are edited: copy it there", name, t.dir)
	}
	return nil
}

// write gives a file, which must really lie inside the environment, its new content.
func (t *tree) write(name string, data []byte) error {
	if err := t.editable(name); err != nil {
		return err
	}
	delete(t.parsed, name)
	original, err := t.fs.ReadFile(name)
	if err != nil {
		return err
	}
	if bytes.Equal(data, original) {
		delete(t.edited, name)
		return nil
	}
	t.edited[name] = data
	return nil
}

// inside reports whether a file lies in the environment's directory, and no
// link leads elsewhere.
func (t *tree) inside(name string) (bool, error) {
	dir, err := t.fs.Locate(t.dir)
	if err != nil {
		return false, err
	}
	actual, err := t.fs.Locate(name)
	if err != nil {
		return false, err
	}
	return dir == "." || strings.HasPrefix(actual, dir+"/"), nil
}

// mapping returns a document as a mapping; an empty document is an empty one.
func mapping(f *yamledit.File, name string) (map[string]any, error) {
	if f.Documents() == 0 {
		return map[string]any{}, nil
	}
	switch v := f.Value(0).(type) {
	case map[string]any:
		return v, nil
	case nil:
		return map[string]any{}, nil
	}
	return nil, fmt.Errorf("%s: the document is not a mapping", name)
}

// keys is a path of mapping keys.
func keys(names ...string) yamledit.Path {
	path := make(yamledit.Path, len(names))
	for i, name := range names {
		path[i] = yamledit.Key(name)
	}
	return path
}

// lineOf is ":N" where the node's line is known.
func lineOf(f *yamledit.File, document int, path yamledit.Path) string {
	if line, ok := f.Line(document, path); ok {
		return fmt.Sprintf(":%d", line)
	}
	return ""
}
