// Package local reads and writes a Git repository with git's own plumbing.
// It touches no file of the work tree.
//
//  1. Open finds the repository around a directory, and puts the programs that its
//     own configuration names out of git's reach.
//  2. Tree gives the files of a commit as a file system.
//  3. Dirty tells what differs from the last commit (commit.go).
//  4. Prepare makes a commit of whole new contents that no ref names yet, Land
//     moves the branch to it, and UpdateIndex brings the index up to date.
//  5. Log reads commits with their trailers (log.go).
//
// Create makes a repository for the demo (create.go).
package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/assaydev/assay/internal/git"
)

// Repo is the repository around a directory.
type Repo struct {
	run    git.Runner // at the top of the work tree
	guard  git.Guard
	prefix string // of the directory in it, empty or with a slash at its end
	temp   string // where an index is made
}

// ErrNoRepo is returned where there is no Git repository.
var ErrNoRepo = errors.New("the directory is not in a Git repository")

// Open finds the repository that the directory is in. Paths that its methods
// take and return are relative to the directory. ErrNoRepo says that there is none;
// what git cannot read is another error, with its words.
func Open(ctx context.Context, dir string, p git.Process) (*Repo, error) {
	run := git.Runner{Dir: dir, Env: git.Inherited(p.Env), Config: contentIsNone}
	out, err := run.Run(ctx, nil, "rev-parse", "--show-toplevel", "--show-prefix")
	if isAbsent(err, dir) {
		return nil, ErrNoRepo
	}
	if err != nil {
		return nil, fmt.Errorf("find repository: %w", err)
	}
	lines := strings.Split(string(out), "\n")
	if len(lines) < 2 || lines[0] == "" {
		return nil, fmt.Errorf("%w with a work tree", ErrNoRepo)
	}
	if !isSame(dir, filepath.Join(lines[0], lines[1])) {
		return nil, fmt.Errorf("find repository: the work tree of the one around %s is elsewhere (core.worktree): remove that setting", dir)
	}
	if _, err := os.Lstat(filepath.Join(lines[0], ".git")); err != nil {
		return nil, fmt.Errorf("find repository: %w: files there only look like one", ErrNoRepo)
	}
	run.Dir = lines[0]
	guard, err := git.NewGuard(ctx, run)
	if err != nil {
		return nil, err
	}
	run.Config = append(guard.Config, contentIsNone...)
	return &Repo{run: run, guard: guard, prefix: lines[1], temp: p.TempDir}, nil
}

// contentIsNone keeps git from taking a directory for a repository because its files
// look like one. They may be anybody's: an archive, or a commit, can hold HEAD, refs,
// objects and a configuration. Older versions of git than 2.38 do not know it.
var contentIsNone = [][2]string{{"safe.bareRepository", "explicit"}}

// isAbsent reports whether the error of git says that there is no repository with a
// work tree. One that git refuses to read, or finds broken, is there; without git,
// what is there tells.
func isAbsent(err error, dir string) bool {
	var failed *git.Error
	switch {
	case errors.As(err, &failed) && strings.Contains(failed.Stderr, "must be run in a work tree"):
		return true
	case errors.As(err, &failed) && strings.Contains(failed.Stderr, "safe.bareRepository"):
	case errors.As(err, &failed) && !strings.Contains(failed.Stderr, "not a git repository (or any"):
		return false
	case failed == nil && !errors.Is(err, exec.ErrNotFound):
		return false
	case failed != nil && strings.Contains(failed.Stderr, "parent up to mount point"):
		return true // as git says: what lies above belongs to another file system
	}
	abs, err := filepath.Abs(dir)
	return err == nil && !hasGit(abs)
}

// hasGit reports whether the absolute directory, or one around it, has Git's own one or
// what stands for it. A directory with nothing of Git's in it is neither.
func hasGit(dir string) bool {
	for {
		at := filepath.Join(dir, ".git")
		if info, err := os.Lstat(at); err == nil && (!info.IsDir() || holdsGit(at)) {
			return true
		}
		up := filepath.Dir(dir)
		if up == dir {
			return false
		}
		dir = up
	}
}

func holdsGit(dir string) bool {
	for _, name := range []string{"HEAD", "config", "objects", "refs", "index"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return true // also where it cannot be looked at
		}
	}
	return false
}

func isSame(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// Branch is the branch that is checked out, empty when none is.
func (r *Repo) Branch(ctx context.Context) (string, error) {
	out, err := r.git(ctx, nil, "symbolic-ref", "--quiet", "--short", "HEAD")
	var failed *git.Error
	if errors.As(err, &failed) && failed.Code == 1 {
		return "", nil
	}
	return git.FirstLine(out), err
}

// Resolve returns the commit that a revision names.
func (r *Repo) Resolve(ctx context.Context, revision string) (string, error) {
	if strings.HasPrefix(revision, "-") {
		return "", fmt.Errorf("%q is not a revision of the repository: name a branch, a tag or a commit", revision)
	}
	out, err := r.git(ctx, nil, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}")
	var failed *git.Error
	if !errors.As(err, &failed) {
		return git.FirstLine(out), err
	}
	// One that git knows, and cannot read as a commit, is there nevertheless.
	if out, err = r.git(ctx, nil, "rev-parse", "--verify", "--quiet", "--end-of-options", revision); err == nil {
		_, err = r.git(ctx, nil, "cat-file", "commit", git.FirstLine(out))
	}
	if err != nil && !errors.As(err, &failed) {
		return "", err
	}
	if len(out) > 0 && err != nil {
		return "", fmt.Errorf("read %s: %w", revision, err)
	}
	return "", fmt.Errorf("%q is not a revision of the repository: name a branch, a tag or a commit, and fetch it first if it is a remote's", revision)
}

// Tree opens the files of the directory that Open was given, as the revision
// has them. The caller closes it.
func (r *Repo) Tree(ctx context.Context, revision string) (*git.Tree, error) {
	commit, err := r.Resolve(ctx, revision)
	if err != nil {
		return nil, err
	}
	top := commit + "^{tree}"
	if r.prefix != "" {
		top = commit + ":" + strings.TrimSuffix(r.prefix, "/")
	}
	t, err := git.OpenTree(ctx, r.run, top, r.temp, nil)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", revision, err)
	}
	return t, nil
}

// full is a path from the top of the work tree.
func (r *Repo) full(name string) string { return path.Join(r.prefix, name) }

// git runs git at the top of the work tree and returns what it prints.
func (r *Repo) git(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	return r.run.Run(ctx, stdin, args...)
}
