package verify

import (
	"context"

	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// Finding is a Report for people and programs.
type Finding struct {
	spec.Environment
	OK        bool          `json:"ok"`
	Error     string        `json:"error,omitempty"`
	Layout    string        `json:"layout,omitempty"`
	Objects   int           `json:"objects"`
	Candidate string        `json:"candidate,omitempty"`
	ID        string        `json:"id,omitempty"`
	Digest    digest.Digest `json:"digest,omitempty"`
	Proven    bool          `json:"proven,omitempty"`  // with a candidate: promotion and rejection would hold now
	Changed   []string      `json:"changed,omitempty"` // since Options.Against, without a verdict
	Claims    []string      `json:"claims,omitempty"`  // since then: commits that promote as tested, and claim the verdict
	promote.Effect
	Untested []string `json:"untested,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
}

// Find proves one environment. The Error of the finding is for the caller to word.
func Find(ctx context.Context, req render.Request, opt Options) (Finding, error) {
	f := Finding{Environment: req.Environment}
	r, err := Environment(ctx, req, opt)
	f.Changed, f.Claims, f.Effect = r.Changed, r.Claims, r.Effect
	if err != nil {
		return f, err
	}
	f.OK, f.Proven, f.Layout, f.ID, f.Digest, f.Objects = true, r.Proven, string(r.Layout), r.ID, r.Digest, len(r.Output())
	if r.Marker != nil {
		f.Candidate = r.Marker.Metadata.Name
	}
	f.Untested, f.Warnings = r.Untested, r.Warnings
	return f, nil
}
