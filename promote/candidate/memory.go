package candidate

import (
	"context"
	"fmt"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// RememberedError says that a candidate was rejected before, or promoted and
// reverted.
type RememberedError struct {
	Candidate spec.Candidate
	Decision  history.Decision
}

func (e *RememberedError) Error() string {
	became := "rejected"
	if e.Decision.Outcome == history.Revert {
		became = "promoted, and reverted"
	}
	why := ""
	if e.Decision.Evidence != "" {
		why = ": " + excerpt.Of(e.Decision.Evidence, 300)
	}
	return fmt.Sprintf("candidate %s (%s) was %s in commit %s%s", promote.Label(e.Candidate), e.Decision.Experiment, became, git.Short(e.Decision.Commit), why)
}

// unremembered proves the candidate and refuses one that was rejected, or whose
// promotion was reverted. A retry raises the attempt until the experiment is a
// new one.
func (p Put) unremembered(ctx context.Context, c *spec.Candidate, past history.Past, try func(context.Context, spec.Candidate) (*render.Result, error)) (*render.Result, error) {
	for {
		res, err := try(ctx, *c)
		if err != nil {
			return nil, err
		}
		d, known := history.Recall(past.Decisions, res.Digest)
		if !known {
			return res, nil
		}
		if !p.Retry {
			return nil, &RememberedError{*c, d}
		}
		c.Spec.Attempt++
	}
}
