package forge

import (
	"context"
	"net/http"

	"github.com/assaydev/assay/internal/excerpt"
)

// StatusState is what a commit status says.
type StatusState string

// The states of a commit status, which all forges have by some name.
const (
	StatusPending StatusState = "pending"
	StatusSuccess StatusState = "success"
	StatusFailure StatusState = "failure"
)

// Status is a commit status: what a pipeline beside the forge's own says of a commit.
type Status struct {
	Context     string // what says it; a later status of the same context takes its place
	State       StatusState
	Description string // for people, one line; cut to what every forge takes
	URL         string // a page with more; may be empty
}

// statusLimit is the most characters of a status's description and of its context that
// every forge takes: GitHub's 140 and GitLab's 255.
const statusLimit = 140

// SetStatus gives a commit of the repository a status. One that it has already is given
// again without harm.
func (c *Client) SetStatus(ctx context.Context, commit string, s Status) error {
	s.Context, s.Description = excerpt.Of(s.Context, statusLimit), excerpt.Of(s.Description, statusLimit)
	err := c.do(ctx, "set the status of commit "+commit, 0, true, func(ctx context.Context) error {
		return c.api.setStatus(ctx, commit, s)
	})
	if refused(err, http.StatusBadRequest, "cannot transition") {
		return nil // GitLab refuses the state that it is in
	}
	return err
}
