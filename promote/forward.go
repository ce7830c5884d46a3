package promote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/gitremote"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/marker"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// forward puts a promoted candidate under test in the next environments that
// the record names, in its order. What an earlier run did is found by the
// promotion's ID in their histories.
func (s Server) forward(ctx context.Context, rec history.Record, c spec.Candidate) ([]Next, error) {
	var out []Next
	for _, text := range rec.Next {
		to, err := decodeDestination(text)
		if err != nil {
			return out, err
		}
		n, err := s.send(ctx, rec, c, to)
		if err != nil {
			return out, fmt.Errorf("set the candidate in the next environment %s: %w; what is promoted stays: run the same command again to go on", where(to), err)
		}
		out = append(out, n)
	}
	return out, nil
}

// send does so for one.
func (s Server) send(ctx context.Context, rec history.Record, c spec.Candidate, to spec.Destination) (Next, error) {
	there, dir, done, err := s.destination(ctx, rec.Environment.Dir, to)
	if err != nil {
		return Next{}, err
	}
	defer done()
	n := Next{Dir: dir, Name: to.Environment, Repo: to.Repo, Branch: there.Branch}
	_, err = there.Repo.Update(ctx, there.Branch, func(ctx context.Context, base gitremote.Base) (*gitremote.Change, error) {
		n.State = Already
		told, err := there.tells(ctx, rec.Promotion)
		if told || err != nil {
			return nil, err
		}
		req := there.Open(base.Tree)
		req.Dir, req.Name = dir, to.Environment
		file, state, err := introduce(ctx, req, c)
		if n.State = state; state != Set || err != nil {
			return nil, err
		}
		out := history.Record{
			Outcome: history.Candidate, Environment: history.Environment{Dir: dir, Name: to.Environment},
			Candidate: c.Metadata.Name, Promotion: rec.Promotion,
		}
		title := "Test candidate " + Label(c) + ", which " + rec.Environment.String() + " has promoted"
		return &gitremote.Change{Files: contents([]File{file}), Message: out.Message(title, "")}, nil
	})
	return n, err
}

// destination opens the branch of a next environment, and names its directory.
func (s Server) destination(ctx context.Context, from string, to spec.Destination) (there Server, dir string, done func(), err error) {
	there, done = s, func() {}
	if to.Repo == "" {
		there.Branch = to.Branch
		dir, err = envfs.Resolve(from, to.Path)
		return there, path.Clean(dir), done, err
	}
	if s.Another == nil {
		return there, "", done, errors.New("other repositories are not set up here")
	}
	if there.Repo, done, err = s.Another(ctx, to.Repo); err != nil {
		return there, "", func() {}, err
	}
	if there.Branch = to.Branch; there.Branch == "" {
		there.Branch, err = there.Repo.DefaultBranch(ctx)
	}
	return there, path.Clean(to.Path), done, err
}

// tells reports whether the branch tells of a promotion.
func (s Server) tells(ctx context.Context, promotion string) (bool, error) {
	entries, _, err := s.Repo.Log(ctx, s.Branch, s.Commits)
	return slices.ContainsFunc(entries, func(e git.Entry) bool {
		rec, ok := history.Parse(e)
		return ok && rec.Promotion == promotion
	}), err
}

// finish takes up what an earlier run left undone: what the claims of pull
// requests came to, and next environments that the last promotion did not reach.
// It returns the last decision that the branch tells of, where it had to look.
func (s Server) finish(ctx context.Context) (*history.Decision, error) {
	tip, err := s.Repo.Tip(ctx, s.Branch)
	if err != nil {
		return nil, err
	}
	tree, err := s.Repo.Tree(ctx, tip)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tree.Close() }()
	req := s.Open(tree)
	if err := Present(req); err != nil {
		return nil, err
	}
	env := history.Environment{Dir: req.Dir, Name: req.Name}
	if err := s.settleClaims(ctx, env); err != nil {
		return nil, err
	}
	// What is wrong with a plan or a marker is told when they are used.
	plan, err := render.Plan(req)
	forwards := err == nil && len(elsewhere(plan, s.Branch)) > 0
	now, err := marker.Read(req.FS, req.Dir, req.Name)
	if !forwards && (err != nil || len(now.Candidates) > 0) {
		return nil, nil
	}
	past, err := s.Past(ctx, env)
	list := past.Decisions
	if err != nil || len(list) == 0 {
		return nil, err
	}
	if len(now.Candidates) == 0 {
		if err := s.closeOthers(ctx, env, nil); err != nil {
			return nil, err
		}
	}
	return &list[0], s.resume(ctx, list, req)
}

// resume goes on with next environments that the last promotion did not reach.
func (s Server) resume(ctx context.Context, list []history.Decision, req render.Request) error {
	i := slices.IndexFunc(list, func(d history.Decision) bool { return d.Outcome == history.Promote || d.Outcome == history.Revert })
	if i < 0 || len(list[i].Next) == 0 {
		return nil
	}
	c, err := s.promoted(ctx, list[i], req)
	if err != nil {
		return err
	}
	_, err = s.forward(ctx, list[i].Record, c)
	return err
}

// promoted is the candidate that a decision was about: what was under test
// before its commit.
func (s Server) promoted(ctx context.Context, d history.Decision, req render.Request) (spec.Candidate, error) {
	parents, err := s.Repo.Parents(ctx, d.Commit)
	if err == nil && len(parents) == 0 {
		err = fs.ErrNotExist
	}
	if err != nil {
		return spec.Candidate{}, fmt.Errorf("read what commit %s promotes: %w", git.Short(d.Commit), err)
	}
	tree, err := s.Repo.Tree(ctx, parents[0])
	if err != nil {
		return spec.Candidate{}, err
	}
	defer func() { _ = tree.Close() }()
	f, err := marker.Read(s.Open(tree).FS, req.Dir, req.Name)
	if err == nil && len(f.Candidates) == 0 {
		err = fmt.Errorf("commit %s promotes a candidate that its parent has not", git.Short(d.Commit))
	}
	if err != nil {
		return spec.Candidate{}, err
	}
	return f.Candidates[0], nil
}
