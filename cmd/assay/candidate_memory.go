package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/local"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// unremembered proves the candidate and refuses one that was rejected, or whose
// promotion was reverted. With retry it raises the attempt until the experiment
// is a new one.
func unremembered(ctx context.Context, c *spec.Candidate, retry bool, past history.Past, try func(context.Context, spec.Candidate) (*render.Result, error)) (*render.Result, error) {
	for {
		res, err := try(ctx, *c)
		if err != nil {
			return nil, err
		}
		d, known := history.Recall(past.Decisions, res.Digest)
		if !known {
			return res, nil
		}
		if !retry {
			return nil, remembered(*c, d)
		}
		c.Spec.Attempt++
	}
}

// remembered says why a candidate is refused.
func remembered(c spec.Candidate, d history.Decision) error {
	became := "rejected"
	if d.Outcome == history.Revert {
		became = "promoted, and reverted"
	}
	why := ""
	if d.Evidence != "" {
		why = ": " + cut(d.Evidence, 300)
	}
	return fmt.Errorf("candidate %s (%s) was %s in commit %s%s; to test the same change once more, add --retry", promote.Label(c), d.Experiment, became, git.Short(d.Commit), why)
}

// memory is the past of an environment as candidates are refused by it: empty
// where there is no Git to remember anything.
func (p *place) memory(ctx context.Context, commits int) (history.Past, error) {
	past, err := p.past(ctx, commits)
	if errors.Is(err, local.ErrNoRepo) || errors.Is(err, exec.ErrNotFound) {
		return history.Past{}, nil
	}
	return past, err
}
