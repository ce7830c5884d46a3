package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/spec"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/render"
)

// lawful holds a commit of a decision, or one that sets a candidate, against the
// laws: what it and its parent render to, and which files it changes.
func (s *site) lawful(ctx context.Context, e git.Entry) error {
	rec, ours := history.Parse(e)
	if !ours {
		return errors.New("it tells of nothing")
	}
	if len(e.Parents) != 1 {
		return fmt.Errorf("it has %d parents", len(e.Parents))
	}
	before, err := s.render(ctx, e.Parents[0], rec.Environment.Dir)
	if err != nil {
		return fmt.Errorf("its parent: %w", err)
	}
	after, err := s.render(ctx, e.ID, rec.Environment.Dir)
	if err != nil {
		return err
	}
	changed, err := s.changed(e)
	if err != nil {
		return err
	}
	marker, manifest := path.Join(rec.Environment.Dir, "candidate.yaml"), path.Join(rec.Environment.Dir, "web.yaml")
	tested := before
	switch rec.Outcome {
	case decision.Promote:
		err = errors.Join(equal("law 2", before.Candidate, after.Baseline), only(changed, "D "+marker, "M "+manifest))
	case decision.Reject:
		err = errors.Join(equal("law 3", before.Baseline, after.Baseline), only(changed, "D "+marker))
	case decision.Candidate:
		verb := "A "
		if before.Marker != nil {
			verb = "M "
		}
		err = errors.Join(equal("law 3", before.Baseline, after.Baseline), only(changed, verb+marker))
		tested = after
	default:
		return fmt.Errorf("its outcome is %q", rec.Outcome)
	}
	if tested.ID == "" || rec.Experiment != tested.ID || rec.Digest != tested.Digest {
		err = errors.Join(err, fmt.Errorf("law 6: it is about %q (%s), and %q (%s) is under test", rec.Experiment, rec.Digest, tested.ID, tested.Digest))
	}
	if after.Marker != nil && rec.Outcome != decision.Candidate {
		err = errors.Join(err, errors.New("the marker is still there"))
	}
	return err
}

// render renders an environment at a commit.
func (s *site) render(ctx context.Context, commit, dir string) (*render.Result, error) {
	tree, err := git.OpenTree(ctx, s.runner(), commit+"^{tree}", "", nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tree.Close() }()
	return render.Environment(ctx, render.Request{FS: envfs.New(tree, envfs.Limits{}), Environment: spec.Environment{Dir: dir}})
}

// changed are the files in which a commit differs from its parent, each with a
// letter that says how.
func (s *site) changed(e git.Entry) ([]string, error) {
	out, err := s.Git("diff-tree", "-r", "--no-commit-id", "--name-status", "--no-renames", e.ID)
	var list []string
	for line := range strings.Lines(out) {
		list = append(list, strings.ReplaceAll(strings.TrimSpace(line), "\t", " "))
	}
	return list, err
}

// only is an error unless these files are changed, and no others.
func only(changed []string, want ...string) error {
	if slices.Equal(changed, want) {
		return nil
	}
	return fmt.Errorf("law 4: it changes %s, and not %s", strings.Join(changed, ", "), strings.Join(want, ", "))
}

func equal(law string, want, got []*unstructured.Unstructured) error {
	if len(want) == 0 {
		return fmt.Errorf("%s: nothing to compare", law)
	}
	for _, d := range object.Diff(want, got) {
		return fmt.Errorf("%s: %s differs", law, d.Key)
	}
	return nil
}
