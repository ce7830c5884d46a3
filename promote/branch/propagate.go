package branch

import (
	"context"
	"fmt"
	"slices"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// propagation is a promotion whose candidate goes on to next environments.
type propagation struct {
	record history.Record
	commit string         // on the branch
	forms  []promote.Form // as others may take it, the likeliest first
}

// propagate puts a promoted candidate under test in next environments on other
// branches and in other repositories, in their order. What an earlier run did is
// found by the promotion's ID in their histories. Once all have it, a ref beside
// the branch says so: it is not done again when their histories have grown.
func (s Server) propagate(ctx context.Context, p propagation, destinations []spec.Destination) ([]promote.Next, error) {
	var out []promote.Next
	for _, to := range destinations {
		n, err := s.propagateTo(ctx, p, to)
		if err != nil {
			return out, fmt.Errorf("set the candidate in the next environment %s: %w; what is promoted stays: run the same command again to go on", to, err)
		}
		out = append(out, n)
	}
	return out, s.propagated(ctx, p)
}

// propagateTo does so for one.
func (s Server) propagateTo(ctx context.Context, p propagation, to spec.Destination) (promote.Next, error) {
	there, dir, done, err := s.destination(ctx, p.record.Environment.Dir, to)
	if err != nil {
		return promote.Next{}, err
	}
	defer done()
	n := promote.Next{Environment: spec.Environment{Dir: dir, Name: to.Environment}, Repo: to.Repo, Branch: there.Branch, Destination: to}
	env := spec.Environment{Dir: dir, Name: to.Environment}
	_, err = there.Repo.Update(ctx, there.Branch, func(ctx context.Context, base remote.Base) (*remote.Change, error) {
		n.State = promote.Already
		told, err := there.tells(ctx, env, p.record.Promotion)
		if told || err != nil {
			return nil, err
		}
		// What the operator allows holds there too; what an Application passes
		// is of this environment alone.
		here := there.View.In(base.Tree)
		req := render.Request{FS: here.FS, Environment: spec.Environment{Dir: dir, Name: to.Environment}, Limits: here.Limits, Allow: here.Allow}
		if err := Present(req); err != nil {
			return nil, err
		}
		file, set, err := promote.Introduce(ctx, req, p.forms)
		if n.State = set.State; set.State != promote.Set || err != nil {
			return nil, err
		}
		out := history.Record{
			Outcome: decision.Candidate, Environment: env, Candidate: p.forms[0].Metadata.Name, Promotion: p.record.Promotion,
			Beside: set.Beside[1:], // the first is what the commit is about
		}
		title := "Test candidate " + promote.Label(p.forms[0].Candidate) + ", which " + p.record.Environment.String() + " has promoted"
		return &remote.Change{Files: []git.File{file}, Message: out.Message(title, "")}, nil
	})
	return n, err
}

// tells reports whether the branch tells of a promotion to an environment.
func (s Server) tells(ctx context.Context, env spec.Environment, promotion string) (bool, error) {
	entries, _, err := s.Repo.Log(ctx, s.Branch, s.Commits)
	return slices.ContainsFunc(entries, func(e git.Entry) bool {
		rec, ok := history.Parse(e)
		return ok && rec.Environment == env && rec.Promotion == promotion
	}), err
}

// propagated notes that all next environments have a promotion.
func (s Server) propagated(ctx context.Context, p propagation) error {
	name := history.PropagatedRef(s.Branch, p.record.Environment)
	return s.Repo.Retry(ctx, func(ctx context.Context) error {
		done, now, err := s.isPropagated(ctx, name, p.record.Promotion)
		if done || err != nil {
			return err
		}
		note, err := s.Repo.Note(ctx, p.record.RefMessage("", p.commit))
		if err != nil {
			return err
		}
		return s.Repo.Push(ctx, remote.Ref{Name: name, Expect: now, New: note})
	})
}

// isPropagated reports whether that was noted, and what the ref is now.
func (s Server) isPropagated(ctx context.Context, name, promotion string) (done bool, now string, err error) {
	refs, err := s.Repo.Refs(ctx, name)
	if now = refs[name]; now == "" || err != nil {
		return false, now, err
	}
	entries, err := s.Repo.Entries(ctx, now)
	if err != nil || len(entries) == 0 {
		return false, now, err
	}
	rec, ok := history.Parse(entries[0])
	return ok && rec.Promotion == promotion, now, nil
}
