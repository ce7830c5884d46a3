package status

import (
	"context"
	"errors"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote/candidate"
	"github.com/assaydev/assay/render"
)

// Environment is what status says of one environment.
type Environment struct {
	spec.Environment
	Plan       string             `json:"plan,omitempty"` // its name
	Layout     string             `json:"layout,omitempty"`
	Baseline   []Running          `json:"baseline,omitempty"`
	Candidates []candidate.Queued `json:"candidates,omitempty"`   // the first is under test
	Experiment *Experiment        `json:"experiment,omitempty"`   // of the one under test, where a cluster is asked
	Pulls      []OpenPull         `json:"pullRequests,omitempty"` // open ones, on a server
	Last       *history.Report    `json:"last,omitempty"`
	Error      string             `json:"error,omitempty"` // why it does not render
}

// Waiting is how many of the candidates wait: behind the one under test, or in its place until the
// promoter lets it run.
func (e Environment) Waiting() (n int) {
	for _, c := range e.Candidates {
		if c.State == candidate.Waiting {
			n++
		}
	}
	return n
}

// OpenPull is an open pull request of Assay's.
type OpenPull struct {
	Number int64  `json:"number"`
	URL    string `json:"url"`
	Title  string `json:"title"`
	Head   string `json:"head"`
}

// Running is a workload of the baseline: a target, or any where the plan names
// none.
type Running struct {
	Object string   `json:"object"`
	Images []string `json:"images"`
}

// take renders the environments, a few at a time. That one does not render is
// part of the result.
func (s Survey) take(ctx context.Context, places []spec.Environment) ([]Environment, error) {
	list := make([]Environment, len(places))
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

func (s Survey) one(ctx context.Context, p spec.Environment) (Environment, error) {
	st := Environment{Environment: p}
	past := s.Past[p]
	if i := slices.IndexFunc(past, history.Decision.Decides); i >= 0 {
		last := history.ReportOf(past[i], past)
		st.Last = &last
	}
	req, err := s.Open(p)
	if err != nil {
		return st, err
	}
	defer func() { _ = req.FS.Close() }()
	res, err := render.Environment(ctx, req)
	m, markerErr := marker.Read(req.FS, req.Dir, req.Name)
	st.Candidates = candidate.Queue(m.Candidates)
	if err != nil {
		st.Error = excerpt.Line(err.Error())
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
		if s.Live != nil && res.Marker != nil {
			st.Experiment = s.experiment(ctx, p, res)
		}
	}
	st.Plan, st.Layout = res.Plan.Metadata.Name, string(res.Layout)
	for _, o := range render.UnderTest(res.Plan, res.Baseline) {
		r := Running{Object: object.KeyOf(o).String(), Images: []string{}}
		for _, image := range object.Images(o) {
			r.Images = append(r.Images, image.Ref)
		}
		st.Baseline = append(st.Baseline, r)
	}
	return st, ctx.Err()
}
