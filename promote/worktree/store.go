package worktree

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git/local"
	"github.com/assaydev/assay/internal/spec"
)

// store is where the record of an environment lies: where no content of the
// repository can put it. With Git that is Git's own directory, without Git the
// user's directory for state.
type store struct {
	root string // the real path of the repository's directory
	env  spec.Environment
	dir  string      // the environment's, with every link followed
	file string      // the record
	repo *local.Repo // nil without Git
}

func (d Dir) store(ctx context.Context) (*store, error) {
	root, err := filepath.EvalSymlinks(d.Root)
	if err == nil {
		root, err = filepath.Abs(root)
	}
	if err != nil {
		return nil, fmt.Errorf("open repository: %w", excerpt.Cause(err))
	}
	s := &store{root: root, env: d.env(), dir: d.real()}
	s.env.Dir = path.Clean(s.env.Dir)
	s.repo, err = local.Open(ctx, root, d.Process)
	if err == nil {
		s.file, err = s.repo.Private(ctx, "assay/"+sum(s.repo.Path(s.env.Dir), s.env.Name))
		return s, err
	}
	if !errors.Is(err, local.ErrNoRepo) {
		return nil, err
	}
	if !filepath.IsAbs(d.State) {
		return nil, errors.New("there is no directory for what a crash would leave: set XDG_STATE_HOME or HOME to an absolute path")
	}
	s.file = filepath.Join(d.State, "assay", sum(filepath.Join(root, filepath.FromSlash(s.env.Dir)), s.env.Name))
	return s, nil
}

// sum is a name for texts, another one for any other texts.
func sum(texts ...string) string {
	h := sha256.New()
	for _, text := range texts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// name is the record for people.
func (s *store) name() string {
	if rel, err := filepath.Rel(s.root, s.file); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return "$XDG_STATE_HOME/assay/" + filepath.Base(s.file)
}

// within runs f in the directory of the record, which has to be there.
func (s *store) within(f func(dir *os.Root, name string) error) error {
	if info, err := os.Lstat(filepath.Dir(s.file)); err != nil { //nolint:gosec // Git's own directory, or the user's for state
		return err
	} else if !info.IsDir() {
		return errors.New("its directory is a link, or a file: remove it")
	}
	dir, err := os.OpenRoot(filepath.Dir(s.file))
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	return f(dir, filepath.Base(s.file))
}

// ready makes the directory of the record, and shows that it can be written.
func (s *store) ready() error {
	err := os.MkdirAll(filepath.Dir(s.file), 0o700) //nolint:gosec // Git's own directory, or the user's for state
	if err == nil {
		err = s.within(func(dir *os.Root, name string) error {
			part, err := dir.Create(name + ".part")
			if err != nil {
				return err
			}
			return part.Close()
		})
	}
	if err != nil {
		return fmt.Errorf("%s, where it is recorded what a crash would leave, cannot be written: %w", s.name(), excerpt.Cause(err))
	}
	return nil
}

// save makes the record appear whole.
func (s *store) save(r *Record, step func(string)) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return s.within(func(dir *os.Root, name string) error {
		part := name + ".part"
		file, err := dir.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		_, err = file.Write(append(data, '\n'))
		if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
			return err
		}
		step("save record")
		if err := dir.Rename(part, name); err != nil {
			return err
		}
		at, err := dir.Open(".")
		if err != nil {
			return err
		}
		defer func() { _ = at.Close() }()
		return at.Sync()
	})
}

// drop removes what was written of the record.
func (s *store) drop() {
	_ = s.remove() // it is not there, as a rule
}

// remove removes the record, once nothing is left to finish.
func (s *store) remove() error {
	err := s.within(func(dir *os.Root, name string) error {
		_ = dir.Remove(name + ".part")
		return dir.Remove(name)
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", s.name(), excerpt.Cause(err))
	}
	return nil
}

// load reads the record of the environment; nil if there is none. What it says is
// not believed yet: see (*writer).believe.
func (s *store) load() (*Record, error) {
	r, err := readRecord(s.file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: restore the environment's files, and remove it", s.name(), err)
	}
	return r, nil
}

func readRecord(name string) (*Record, error) {
	if info, err := os.Lstat(name); err == nil && !info.Mode().IsRegular() { //nolint:gosec // as below
		return nil, errors.New("it is not a regular file")
	}
	file, err := os.Open(name) //nolint:gosec // it lies where the repository's content cannot put it
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, excerpt.Cause(err)
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, mostRecord+1))
	if err != nil {
		return nil, excerpt.Cause(err)
	}
	var r Record
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if len(data) > mostRecord || decoder.Decode(&r) != nil || decoder.More() {
		return nil, errors.New("it is not a record that this version of assay has written")
	}
	return &r, nil
}

// needed are the staged files that records of this repository still need.
func (s *store) needed() map[string]bool {
	needed := map[string]bool{}
	entries, _ := os.ReadDir(filepath.Dir(s.file))
	for _, entry := range entries {
		r, err := readRecord(filepath.Join(filepath.Dir(s.file), entry.Name()))
		if err != nil || r == nil || r.Root != s.root {
			continue
		}
		for _, f := range r.Files {
			needed[staged(f.Path)] = true
		}
	}
	return needed
}
