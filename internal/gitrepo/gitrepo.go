// Package gitrepo reads and writes a Git repository with git's own plumbing.
// It touches no file of the work tree.
//
//  1. Open finds the repository around a directory.
//  2. Tree gives the files of a commit as a file system (tree.go).
//  3. Dirty tells what differs from the last commit (commit.go).
//  4. Prepare makes a commit of whole new contents that no ref names yet, Land
//     moves the branch to it, and Settle brings the index up to date.
//  5. Log reads commits with their trailers (log.go).
package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path"
	"strings"
)

// Repo is the repository around a directory.
type Repo struct {
	top    string // of the work tree
	prefix string // of the directory in it, empty or with a slash at its end
}

// ErrNoRepo is returned where there is no Git repository.
var ErrNoRepo = errors.New("no Git repository")

// Open finds the repository that the directory is in. Paths that its methods
// take and return are relative to the directory.
func Open(ctx context.Context, dir string) (*Repo, error) {
	out, err := (&Repo{top: dir}).git(ctx, nil, "rev-parse", "--show-toplevel", "--show-prefix")
	var failed *Error
	if errors.As(err, &failed) {
		return nil, fmt.Errorf("find repository: %w", ErrNoRepo)
	}
	if err != nil {
		return nil, err
	}
	lines := strings.Split(string(out), "\n")
	if len(lines) < 2 || lines[0] == "" {
		return nil, fmt.Errorf("find repository: %w with a work tree", ErrNoRepo)
	}
	return &Repo{top: lines[0], prefix: lines[1]}, nil
}

// Branch is the branch that is checked out, empty when none is.
func (r *Repo) Branch(ctx context.Context) (string, error) {
	out, err := r.git(ctx, nil, "symbolic-ref", "--quiet", "--short", "HEAD")
	var failed *Error
	if errors.As(err, &failed) && failed.Code == 1 {
		return "", nil
	}
	return line(out), err
}

// Resolve returns the commit that a revision names.
func (r *Repo) Resolve(ctx context.Context, revision string) (string, error) {
	if strings.HasPrefix(revision, "-") {
		return "", fmt.Errorf("%q is no revision of the repository: name a branch, a tag or a commit", revision)
	}
	out, err := r.git(ctx, nil, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}")
	var failed *Error
	if errors.As(err, &failed) {
		return "", fmt.Errorf("%q is no revision of the repository: name a branch, a tag or a commit, and fetch it first if it is a remote's", revision)
	}
	return line(out), err
}

// full is a path from the top of the work tree.
func (r *Repo) full(name string) string { return path.Join(r.prefix, name) }

// Error is a git command that failed.
type Error struct {
	Command string
	Code    int
	Message string // the first lines of what git said
}

func (e *Error) Error() string { return fmt.Sprintf("git %s: %s", e.Command, e.Message) }

// git runs git at the top of the work tree and returns what it prints.
func (r *Repo) git(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	return r.gitWith(ctx, nil, stdin, args...)
}

func (r *Repo) gitWith(ctx context.Context, env []string, stdin []byte, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", r.top, "--literal-pathspecs", "--no-replace-objects"}, args...)...) //nolint:gosec // git, without a shell
	cmd.Env = append(cmd.Environ(), append(env, "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")...)
	cmd.Stdin = bytes.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err == nil {
		return stdout.Bytes(), nil
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("run git %s: %w", args[0], context.Cause(ctx))
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return nil, fmt.Errorf("run git: %w; is it installed?", err)
	}
	return nil, &Error{Command: args[0], Code: exit.ExitCode(), Message: firstLines(stderr.String())}
}

// firstLines is enough of what git says to know the cause.
func firstLines(text string) string {
	const most = 300
	text = strings.Join(strings.Fields(strings.TrimSpace(text)), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + " ..."
	}
	if text == "" {
		return "it failed and said nothing"
	}
	return text
}

func line(out []byte) string {
	first, _, _ := strings.Cut(string(out), "\n")
	return first
}
