package main

import (
	"context"
	"errors"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// standing is what status says of one environment.
type standing struct {
	spec.Environment
	Plan       string          `json:"plan,omitempty"` // its name
	Layout     string          `json:"layout,omitempty"`
	Baseline   []running       `json:"baseline,omitempty"`
	Candidates []queued        `json:"candidates,omitempty"`   // the first is under test
	Pulls      []openPull      `json:"pullRequests,omitempty"` // open ones, on a server
	Last       *decisionReport `json:"last,omitempty"`
	Error      string          `json:"error,omitempty"` // why it does not render
}

// openPull is an open pull request of Assay's.
type openPull struct {
	Number int64  `json:"number"`
	URL    string `json:"url"`
	Title  string `json:"title"`
	Head   string `json:"head"`
}

// running is a workload of the baseline: a target, or any where the plan names
// none.
type running struct {
	Object string   `json:"object"`
	Images []string `json:"images"`
}

// take renders the environments, a few at a time. That one does not render is
// part of the result.
func (s survey) take(ctx context.Context, places []spec.Environment) ([]standing, error) {
	list := make([]standing, len(places))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, p := range places {
		group.Go(func() (err error) {
			list[i], err = s.one(ctx, p)
			return err
		})
	}
	return list, group.Wait()
}

func (s survey) one(ctx context.Context, p spec.Environment) (standing, error) {
	st := standing{Environment: p}
	past := s.past[p]
	if i := slices.IndexFunc(past, history.Decision.Decides); i >= 0 {
		last := newDecisionReport(past[i], past)
		st.Last = &last
	}
	req, err := s.open()
	if err != nil {
		return st, err
	}
	defer func() { _ = req.FS.Close() }()
	req.Environment = p
	res, err := render.Environment(ctx, req)
	m, markerErr := marker.Read(req.FS, req.Dir, req.Name)
	for i, c := range m.Candidates {
		st.Candidates = append(st.Candidates, queued{Candidate: c, State: stateOf(i)})
	}
	if err != nil {
		st.Error = oneLine(err.Error())
		if m.Data == nil || errors.Is(markerErr, marker.ErrForeign) {
			return st, ctx.Err()
		}
		// The candidate may be what does not render: the baseline is shown.
		if len(st.Candidates) > 0 {
			st.Candidates[0].Error = st.Error
		}
		req.FS = req.FS.With(map[string][]byte{m.Path: nil})
		if res, err = render.Environment(ctx, req); err != nil {
			return st, ctx.Err()
		}
	}
	if len(st.Candidates) > 0 {
		st.Candidates[0].ID, st.Candidates[0].Digest = res.ID, res.Digest
	}
	st.Plan, st.Layout = res.Plan.Metadata.Name, string(res.Layout)
	for _, o := range render.UnderTest(res.Plan, res.Baseline) {
		r := running{Object: object.KeyOf(o).String(), Images: []string{}}
		for _, image := range object.Images(o) {
			r.Images = append(r.Images, image.Ref)
		}
		st.Baseline = append(st.Baseline, r)
	}
	return st, ctx.Err()
}
