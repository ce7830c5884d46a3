package worktree

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/dotgit"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
)

// ErrInterrupted is returned where an earlier command was killed while it wrote
// and has to be finished first.
var ErrInterrupted = errors.New("an earlier decision was interrupted while it was written: run the same command again to finish it")

// recordVersion is raised when the format of the record changes.
const recordVersion = 2

// mostRecord bounds what is read of a record, in bytes.
const mostRecord = 1 << 20

// Record says what was decided and which files that changes. It is on the disk
// only while they are being replaced.
type Record struct {
	Version int              `json:"version"`
	Root    string           `json:"root"` // the real path of the repository's directory
	Outcome decision.Outcome `json:"outcome"`
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
func (r *Record) of(files []git.File) *Record {
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
	return slices.Contains([]decision.Outcome{decision.Promote, decision.Reject, decision.Revert}, r.Outcome)
}

// hash is empty for a file that does not exist.
func hash(data []byte) string {
	if data == nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// check refuses a record that names what the environment's record would not: it
// is read back from the disk.
func (r *Record) check(s *store, marker string) error {
	if r.Version != recordVersion || r.Root != s.root || r.Environment != s.env {
		return errors.New("it is of another version, or of another environment")
	}
	for _, f := range r.Files {
		if !fs.ValidPath(f.Path) || dotgit.Inside(f.Path) {
			return fmt.Errorf("%q is not a path of a file of the repository", f.Path)
		}
		for _, sum := range []string{f.Before, f.After} {
			if sum != "" && !isHash(sum) {
				return fmt.Errorf("%s has no SHA-256", f.Path)
			}
		}
		if !envfs.Within(f.Path, s.dir) && f.Path != marker && spec.KindByName(f.Path) != spec.KindCandidate {
			return fmt.Errorf("%s is outside of the environment", f.Path)
		}
	}
	return nil
}

func isHash(text string) bool {
	sum, err := hex.DecodeString(text)
	return err == nil && len(sum) == sha256.Size && strings.ToLower(text) == text
}
