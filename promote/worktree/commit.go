package worktree

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/local"
	"github.com/assaydev/assay/internal/spec"
)

// commit is what a decision does beside the files. Land and updateIndex may run again
// after a crash.
type commit struct {
	// prepare makes everything but the visible step, and returns what the others
	// need to know. A failure leaves nothing to undo.
	prepare func(ctx context.Context, files []git.File) (state string, err error)
	// land takes the visible step, unless it was taken already.
	land func(ctx context.Context, state string) error
	// updateIndex brings the index up to date after land.
	updateIndex func(ctx context.Context, paths []string) error
}

// commitTo makes a commit of Git.
func commitTo(repo *local.Repo, message string) *commit {
	return &commit{
		prepare: func(ctx context.Context, files []git.File) (string, error) {
			made, err := repo.Prepare(ctx, files, message)
			if err != nil {
				return "", err
			}
			state, err := json.Marshal(made)
			return string(state), err
		},
		land: func(ctx context.Context, state string) error {
			var made local.Commit
			if err := json.Unmarshal([]byte(state), &made); err != nil {
				return err
			}
			return repo.Land(ctx, made)
		},
		updateIndex: repo.UpdateIndex,
	}
}

// only refuses a commit that would hold what people have not committed, or that
// would not hold what was proven: by the files that were read for that, in the
// environment's directory and elsewhere. Plans and markers elsewhere are of other
// environments.
func only(ctx context.Context, repo *local.Repo, dir string, files []git.File, read []string) error {
	own := func(name string) bool {
		if IsStaged(name) && !slices.Contains(read, name) {
			return true
		}
		for _, f := range files {
			if f.Path == name && strings.HasPrefix(filepath.Base(name), "candidate.") {
				return true
			}
		}
		return false
	}
	dirty, err := repo.Dirty(ctx, dir, own)
	if err != nil {
		return err
	}
	elsewhere := slices.DeleteFunc(slices.Clone(read), func(name string) bool { return envfs.Within(name, dir) || spec.KindByName(name) != "" })
	more, err := repo.Differ(ctx, elsewhere)
	if err != nil {
		return err
	}
	dirty = append(dirty, more...)
	if len(dirty) > 0 {
		return &DirtyError{dirty}
	}
	return nil
}

// DirtyError names the files that differ from the last commit where a commit
// would have to hold the proven edit and nothing else.
type DirtyError struct{ Files []string }

func (e *DirtyError) Error() string {
	return excerpt.List(e.Files) + " differs from the last commit: commit or stash it first, so that the commit holds what was proven and nothing else"
}

// holds proves that the commit of a record is the one that the record's files make:
// on the commit that was checked out, with these files changed and no others.
func holds(ctx context.Context, repo *local.Repo, state string, files []git.File) error {
	var made local.Commit
	decoder := json.NewDecoder(strings.NewReader(state))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&made); err != nil {
		return errors.New("the record names no commit that this version of assay has made")
	}
	return repo.Holds(ctx, made, files)
}
