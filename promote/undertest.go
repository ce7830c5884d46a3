package promote

import (
	"cmp"
	"context"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/render"
)

// History is a branch by its own commits, each with its first parent.
type History interface {
	// Changed is the newest commit, from the given one back, that gave one of
	// the paths another content. It is false where none is known to.
	Changed(ctx context.Context, from string, paths []string) (git.Change, bool, error)

	// Tree opens the files of a commit. The caller closes it.
	Tree(ctx context.Context, commit string) (*git.Tree, error)
}

// UnderTestSince is when the branch began to hold what is tested under a digest: the time of
// the commit since which the environment renders to it without a break, and does not wait. It is
// zero where the tip does not render to it, and where that is longer ago than the
// history reaches.
//
// When the marker was set does not tell: the digest depends on the baseline, the plan
// and the resources too, and candidates that wait change the marker without
// changing the digest.
func UnderTestSince(ctx context.Context, branch History, tip string, id digest.Digest, open func(fs.FS) render.Request) (time.Time, error) {
	var since time.Time
	for at := tip; ; {
		inputs, same, err := rendersTo(ctx, branch, at, id, open)
		if err != nil || !same {
			return since, err
		}
		change, known, err := branch.Changed(ctx, at, inputs)
		if err != nil || !known {
			return time.Time{}, err
		}
		if since = change.Time; change.Parent == "" {
			return since, nil
		}
		at = change.Parent
	}
}

// rendersTo reports whether the environment has the digest at a commit, and what it
// was rendered from.
func rendersTo(ctx context.Context, branch History, commit string, id digest.Digest, open func(fs.FS) render.Request) (inputs []string, same bool, err error) {
	tree, err := branch.Tree(ctx, commit)
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = tree.Close() }()
	req := open(tree)
	res, err := render.Environment(ctx, req)
	if failed := tree.Failed(); failed != nil || ctx.Err() != nil {
		return nil, false, cmp.Or(failed, ctx.Err())
	}
	if err != nil || res.Digest != id || res.Waits() {
		return nil, false, nil // what did not render was not tested, nor what waited
	}
	return inputsOf(req), true, nil
}

// inputsOf are the paths that decide what was rendered: the environment's own
// directory, those of files beyond it, and what else led there, as links and
// names where there is nothing. None of them is within another.
func inputsOf(req render.Request) []string {
	all := append(req.FS.Depends(), path.Clean(req.Dir))
	for _, name := range req.FS.Charged() {
		all = append(all, path.Dir(name))
	}
	slices.Sort(all)
	var inputs []string
	for _, name := range all {
		if !slices.ContainsFunc(inputs, func(top string) bool { return envfs.Within(name, top) }) {
			inputs = append(inputs, name)
		}
	}
	return inputs
}
