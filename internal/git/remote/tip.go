package remote

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/agext/levenshtein"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
)

// Where fetched refs are kept, so that they stay apart from those to push.
const (
	tipRef   = "refs/fetched/tip"
	namedRef = "refs/fetched/named"
	fromRef  = "refs/fetched/from/"
)

// withParents is the depth of what may be pushed again. At depth 1, a commit that
// has no parents counts as the shallow end of a history for good, and servers
// refuse to take such a one.
const withParents = 2

// Tip fetches the last commit of a branch, without its files, and returns its
// id. ErrNoBranch where it does not exist, ErrEmpty where the repository has no
// commit at all.
func (r *Remote) Tip(ctx context.Context, branch string) (string, error) {
	ref, err := r.branchRef(ctx, branch)
	if err != nil {
		return "", err
	}
	r.opt.Step("fetch " + branch)
	err = r.fetch(ctx, fetch{refspecs: []string{"+" + ref + ":" + tipRef}, depth: 1})
	if errors.Is(err, ErrNoBranch) {
		return "", r.noBranch(ctx, branch)
	}
	if err != nil {
		return "", fmt.Errorf("fetch branch %s: %w", branch, err)
	}
	return r.resolve(ctx, tipRef)
}

// branchRef is the full name of a branch.
func (r *Remote) branchRef(ctx context.Context, branch string) (string, error) {
	ref := "refs/heads/" + branch
	if r.known.isBranch(branch) {
		return ref, nil
	}
	if _, err := r.run.Run(ctx, nil, "check-ref-format", ref); err != nil {
		if ctx.Err() != nil {
			return "", err
		}
		return "", fmt.Errorf("%q is not a name of a branch", branch)
	}
	r.known.addBranch(branch)
	return ref, nil
}

// resolve is the commit of a ref that was fetched.
func (s *store) resolve(ctx context.Context, ref string) (string, error) {
	out, err := s.run.Run(ctx, nil, "for-each-ref", "--format=%(objectname) %(tree)", ref)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", ref, err)
	}
	commit, tree, found := strings.Cut(git.FirstLine(out), " ")
	if !found || !isID(tree) {
		return "", fmt.Errorf("read %s: it is not a commit", ref)
	}
	s.known.addTree(commit, tree)
	return commit, nil
}

// noBranch is the error for a branch that does not exist, with those that do.
func (r *Remote) noBranch(ctx context.Context, branch string) error {
	list, err := r.branches(ctx)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return ErrEmpty
	}
	slices.SortFunc(list, func(a, b string) int {
		return levenshtein.Distance(a, branch, nil) - levenshtein.Distance(b, branch, nil)
	})
	return fmt.Errorf("branch %s: %w; there are: %s", branch, ErrNoBranch, excerpt.List(list))
}

// branches are the names of the server's branches.
func (r *Remote) branches(ctx context.Context) ([]string, error) {
	refs, err := r.lsRemote(ctx, "ls-remote", "--quiet", "--heads", "origin")
	if err != nil {
		return nil, fmt.Errorf("list branches: %w", err)
	}
	var list []string
	for name := range maps.Keys(refs) {
		list = append(list, strings.TrimPrefix(name, "refs/heads/"))
	}
	return list, nil
}

// Tree opens the files of a commit. What is read of them is fetched: a
// directory by itself, a file with the others of its directory. The context is
// that of all reads. The caller closes the tree.
func (r *Remote) Tree(ctx context.Context, commit string) (*git.Tree, error) {
	root, err := r.rootTree(ctx, commit)
	if err != nil {
		return nil, err
	}
	t, err := git.OpenTree(ctx, r.run, root, r.dir, r.bringRead)
	if err != nil {
		return nil, fmt.Errorf("read commit %s: %w", git.Short(commit), err)
	}
	return t, nil
}

// reads is what became of the reads below a context.
type reads struct{ failed atomic.Pointer[error] }

type readsKey struct{}

// watched is a context whose reads are told of: a reader may take a file
// that could not be fetched for a broken or a missing one.
func watched(ctx context.Context) (context.Context, *reads) {
	r := &reads{}
	return context.WithValue(ctx, readsKey{}, r), r
}

// bringRead fetches what is read of a tree.
func (r *Remote) bringRead(ctx context.Context, ids []string) error {
	err := r.bring(ctx, ids)
	if w, ok := ctx.Value(readsKey{}).(*reads); ok && err != nil {
		w.failed.Store(&err)
	}
	return err
}

// rootTree is the id of a commit's tree, which need not be here.
func (r *Remote) rootTree(ctx context.Context, commit string) (string, error) {
	if tree := r.known.tree(commit); tree != "" {
		return tree, nil
	}
	if err := r.Fetch(ctx, commit); err != nil {
		return "", err
	}
	out, err := r.run.Run(ctx, nil, "log", "-1", "--format=%T", commit, "--")
	if err != nil {
		return "", fmt.Errorf("read commit %s: %w", git.Short(commit), err)
	}
	r.known.addTree(commit, git.FirstLine(out))
	return git.FirstLine(out), nil
}

// Fetch brings commits by id, without their files and what came before them.
// ErrNoCommit where the server does not give one out.
func (r *Remote) Fetch(ctx context.Context, commits ...string) error {
	return r.fetchCommits(ctx, 1, commits)
}

func (r *Remote) fetchCommits(ctx context.Context, depth int, commits []string) error {
	for _, id := range commits {
		if !isID(id) {
			return fmt.Errorf("fetch commit: %q is not a full commit id", id)
		}
	}
	want, err := r.missing(ctx, commits)
	if err != nil || len(want) == 0 {
		return err
	}
	if err := r.fetch(ctx, fetch{stdin: lines(want), depth: depth}); err != nil {
		return fmt.Errorf("fetch commit %s: %w", git.Short(want[0]), err)
	}
	return nil
}

func isID(text string) bool {
	return (len(text) == 40 || len(text) == 64) && strings.Trim(text, "0123456789abcdef") == ""
}

// Refs are the server's refs whose full names begin with a prefix, as
// refs/assay/outcomes/. Their commits are fetched too, so that Entries reads them.
func (r *Remote) Refs(ctx context.Context, prefix string) (map[string]string, error) {
	rest, found := strings.CutPrefix(prefix, "refs/")
	if !found || strings.ContainsAny(rest, "*:\n ") {
		return nil, fmt.Errorf("list refs: %q is not a beginning of refs", prefix)
	}
	f := fetch{refspecs: []string{"+" + prefix + "*:" + fromRef + rest + "*"}, depth: withParents, prune: true}
	err := r.fetch(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("list refs %s: %w", prefix, err)
	}
	out, err := r.run.Run(ctx, nil, "for-each-ref", "--format=%(objectname)%09refs/%(refname:lstrip=3)", fromRef)
	if err != nil {
		return nil, err
	}
	refs := parseRefs(string(out))
	maps.DeleteFunc(refs, func(name, _ string) bool { return !strings.HasPrefix(name, prefix) })
	return refs, nil
}

// Entries are commits that were fetched, in the order of their ids here.
func (r *Remote) Entries(ctx context.Context, commits ...string) ([]git.Entry, error) {
	if err := r.fetchCommits(ctx, withParents, commits); err != nil || len(commits) == 0 {
		return nil, err
	}
	return git.Log(ctx, r.run, append([]string{"--no-walk=unsorted"}, commits...)...)
}
