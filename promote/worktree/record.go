package worktree

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
)

// ErrInterrupted is returned where an earlier command was killed while it wrote
// and has to be finished first.
var ErrInterrupted = errors.New("an earlier decision was interrupted while it was written: run the same command again to finish it")

// recordVersion is raised when the format of the record changes.
const recordVersion = 1

// Record says what was decided and which files that changes. It is on the disk
// only while they are being replaced.
type Record struct {
	Version int             `json:"version"`
	Outcome promote.Outcome `json:"outcome"`
	spec.Environment
	Candidate string       `json:"candidate,omitempty"`
	ID        string       `json:"id,omitempty"`
	Files     []RecordFile `json:"files"`
	Commit    string       `json:"commit,omitempty"` // what commit.land needs to know
}

// RecordFile names contents by their SHA-256; empty where there is no file.
type RecordFile struct {
	Path   string `json:"path"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

func newRecord(e *promote.Edit) *Record {
	r := &Record{Outcome: e.Outcome, Environment: e.Environment, Candidate: e.Candidate.Metadata.Name, ID: e.ID}
	return r.of(e.Files)
}

// of adds the files.
func (r *Record) of(files []promote.File) *Record {
	r.Version = recordVersion
	for _, f := range files {
		r.Files = append(r.Files, RecordFile{f.Path, hash(f.Before), hash(f.After)})
	}
	return r
}

// What says for people what was interrupted.
func (r *Record) What() string {
	if r.decides() {
		return fmt.Sprintf("a decision to %s the candidate", r.Outcome)
	}
	return "assay " + string(r.Outcome)
}

func (r *Record) decides() bool {
	return slices.Contains([]promote.Outcome{promote.Promote, promote.Reject, promote.Revert}, r.Outcome)
}

// hash is empty for a file that does not exist.
func hash(data []byte) string {
	if data == nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// recordName is where the record of an environment lies.
func recordName(env spec.Environment) (string, error) {
	name, err := spec.CandidateFile(env.Name)
	if err != nil {
		return "", err
	}
	return filepath.FromSlash(path.Join(env.Dir, "."+name+recordSuffix)), nil
}

// save makes the record appear whole, and only once all before it is on the disk.
func (w *writer) save(r *Record) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	for _, f := range r.Files {
		if err := w.syncDir(path.Dir(f.Path)); err != nil {
			return err
		}
	}
	part := w.record + ".part"
	file, err := w.root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(data, '\n'))
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return err
	}
	w.step("save record")
	if err := w.root.Rename(part, w.record); err != nil {
		return err
	}
	return w.syncDir(path.Dir(filepath.ToSlash(w.record)))
}

// syncDir makes renames and removals in a directory last.
func (w *writer) syncDir(name string) error {
	dir, err := w.root.Open(filepath.FromSlash(name))
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	return dir.Sync()
}

// Interrupted returns the record of an earlier decision on the environment
// that was killed while it was written; nil if there is none.
func Interrupted(root string, env spec.Environment) (*Record, error) {
	name, err := recordName(env)
	if err != nil {
		return nil, err
	}
	repo, err := os.OpenRoot(root)
	if err != nil {
		return nil, fmt.Errorf("open repository: %w", excerpt.Cause(err))
	}
	defer func() { _ = repo.Close() }()
	return readRecord(repo, name)
}

func readRecord(root *os.Root, name string) (*Record, error) {
	data, err := root.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.ToSlash(name), excerpt.Cause(err))
	}
	var r Record
	if err := json.Unmarshal(data, &r); err != nil || r.Version != recordVersion {
		return nil, fmt.Errorf("%s: it is no record that this version of assay has written: restore the environment's files, and remove it", filepath.ToSlash(name))
	}
	return &r, nil
}
