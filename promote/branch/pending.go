package branch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
)

// A pending outcome is an outcome's ref that names no commit of the branch yet: what a
// pull request will tell once it is merged. A forge that squashes may drop the
// message of its commit; it then becomes the outcome. A server that moves
// one ref at a time gets it before the branch: one without a branch counts for nothing,
// and is removed; a branch without one could be merged, and nobody would know
// what it was.

// pending is the ref to push with a pull request's branch, if it does not say so
// already. One that tells of a commit stays: it is history.
func (s Server) pending(ctx context.Context, rec history.Record) ([]remote.Ref, error) {
	if rec.Digest == "" || !rec.Decides() {
		return nil, nil
	}
	name, err := history.Ref(s.Branch, rec.Environment, rec.Digest)
	if err != nil {
		return nil, err
	}
	refs, err := s.Repo.Refs(ctx, name)
	if err != nil {
		return nil, err
	}
	if refs[name] != "" {
		entries, err := s.Repo.Entries(ctx, refs[name])
		if err != nil {
			return nil, err
		}
		if there, ok := history.Parse(entries[0]); ok && (history.About(entries[0]) != "" || there.Outcome == rec.Outcome) {
			return nil, nil
		}
	}
	commit, err := s.Repo.Note(ctx, rec.RefMessage("", ""))
	return []remote.Ref{{Name: name, Expect: refs[name], New: commit}}, err
}

// keepPending writes the pending outcome of a branch that stays as it is: another run may
// have taken it for one without a pull request.
func (s Server) keepPending(ctx context.Context, rec history.Record) error {
	pending, err := s.pending(ctx, rec)
	if err != nil || len(pending) == 0 {
		return err
	}
	return s.Repo.Push(ctx, pending...)
}

// outcome is what a ref beside the branch tells.
type outcome struct {
	ref   string
	entry git.Entry
}

// outcomes are those of the environment.
func (s Server) outcomes(ctx context.Context, env spec.Environment) ([]outcome, error) {
	refs, err := s.Repo.Refs(ctx, history.RefPrefix(s.Branch, env))
	if err != nil || len(refs) == 0 {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(refs))
	ids := make([]string, len(names))
	for i, name := range names {
		ids[i] = refs[name]
	}
	entries, err := s.Repo.Entries(ctx, ids...)
	if err == nil && len(entries) != len(names) {
		err = fmt.Errorf("read the outcomes of %s: %d of %d are there", env, len(entries), len(names))
	}
	if err != nil {
		return nil, err
	}
	out := make([]outcome, len(names))
	for i, name := range names {
		out[i] = outcome{name, entries[i]}
	}
	return out, nil
}

// closePending looks what became of the pull requests that were open when an
// earlier run ended.
func (s Server) closePending(ctx context.Context, env spec.Environment) error {
	if s.Forge == nil {
		return nil
	}
	outcomes, err := s.outcomes(ctx, env)
	if err != nil {
		return err
	}
	for _, o := range outcomes {
		rec, ok := history.Parse(o.entry)
		if !ok || history.About(o.entry) != "" {
			continue
		}
		ref, err := s.concludePending(ctx, o, rec)
		if err != nil {
			return err
		}
		if ref != nil {
			// Another run may have concluded it meanwhile.
			if err := s.Repo.Push(ctx, *ref); err != nil && !errors.Is(err, remote.ErrStale) {
				return err
			}
		}
	}
	return nil
}

// concludePending is the update of one pending outcome; nil while its pull request may be merged.
func (s Server) concludePending(ctx context.Context, o outcome, rec history.Record) (*remote.Ref, error) {
	list, err := s.Forge.Find(ctx, HeadBranch(rec), s.Branch)
	if err != nil || len(list) > 0 && list[0].State == forge.StateOpen {
		return nil, err
	}
	gone := &remote.Ref{Name: o.ref, Expect: o.entry.ID}
	if len(list) == 0 {
		// Between the push of its branch and its pull request there is none yet.
		refs, err := s.Repo.Refs(ctx, "refs/heads/"+HeadBranch(rec))
		if err != nil || len(refs) > 0 {
			return nil, err
		}
		return gone, nil
	}
	if list[0].State != forge.StateMerged || list[0].MergeSHA == "" {
		return gone, nil
	}
	entries, _, err := s.Repo.Log(ctx, s.Branch, s.Commits)
	if err != nil {
		return nil, err
	}
	told := slices.ContainsFunc(entries, func(e git.Entry) bool {
		other, ok := history.Parse(e)
		return ok && other.Environment == rec.Environment && other.Experiment == rec.Experiment && other.Digest == rec.Digest && other.Outcome == rec.Outcome
	})
	if told {
		return gone, nil
	}
	gone.New, err = s.Repo.Note(ctx, rec.RefMessage("", list[0].MergeSHA))
	return gone, err
}
