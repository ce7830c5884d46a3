package branch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/internal/git/remote"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/render"
)

// supersededLabel marks pull requests that were closed because their candidate is
// not under test any more, and not because people said no.
const supersededLabel = "assay/superseded"

// closeSuperseded closes the open pull requests of candidates of the environment that are
// not under test any more. It leaves the one that this run has opened, if there is
// one. What was decided does not depend on it, so that its trouble is only told:
// the next run tries again.
func (s Server) closeSuperseded(ctx context.Context, env spec.Environment, own *promote.Pull) {
	if s.Forge == nil {
		return
	}
	if err := s.closeOthers(ctx, env, own); err != nil {
		s.note("pull requests of other candidates of %s may still be open: %v", env, err)
	}
}

// closeOthers leaves those of what the tip has under test by now, and of what
// does not render. What other environments below this one have, and what people
// opened by hand, has other names.
func (s Server) closeOthers(ctx context.Context, env spec.Environment, own *promote.Pull) error {
	prefix := headPrefix(env)
	list, err := s.Forge.List(ctx, prefix, s.Branch)
	list = slices.DeleteFunc(list, func(p forge.Pull) bool { return !ofCandidate.MatchString(strings.TrimPrefix(p.Head, prefix)) })
	if err != nil || len(list) == 0 {
		return err
	}
	if own != nil && own.State == promote.Merged {
		own = nil // the forge's list may not know yet
	}
	keep, tested, known, err := s.heads(ctx)
	if err != nil || !known {
		return err
	}
	text := fmt.Sprintf("Superseded: its candidate is not under test on `%s` any more.", s.Branch)
	if own != nil && slices.Contains(keep, own.Head) {
		keep = []string{own.Head} // what was decided before about the same candidate gives way
		text = "Superseded by " + own.URL + "."
	}
	for _, pull := range list {
		kept, err := s.keeps(ctx, pull, keep, tested)
		if err != nil {
			return err
		}
		if kept {
			continue
		}
		closed, err := s.supersede(ctx, pull.Number, text)
		if err != nil {
			return err
		}
		if !closed {
			continue
		}
		s.note("closed %s: it is superseded", pull.URL)
		if own != nil && pull.Head == own.Head {
			own.State = promote.Outdated
		}
	}
	return nil
}

// keeps reports whether a pull request may be about what is under test. The name
// of its branch has the ID alone: one whose head tells of another experiment is
// not, and one whose head tells nothing is a person's to close.
func (s Server) keeps(ctx context.Context, pull forge.Pull, heads []string, tested digest.Digest) (bool, error) {
	if !slices.Contains(heads, pull.Head) || pull.HeadSHA == "" {
		return slices.Contains(heads, pull.Head), nil
	}
	entries, err := s.Repo.Entries(ctx, pull.HeadSHA)
	if err != nil || len(entries) != 1 {
		return true, err
	}
	told, ok := history.Parse(entries[0])
	return !ok || told.Digest == "" || told.Digest == tested, nil
}

// heads are the branches of pull requests about what the tip has under test, and
// its digest; that is not known where it does not render.
func (s Server) heads(ctx context.Context) (list []string, tested digest.Digest, known bool, err error) {
	err = s.atTip(ctx, func(ctx context.Context, base remote.Base) error {
		req := s.View.In(base.Tree)
		res, err := render.Environment(ctx, req)
		if list, known = nil, err == nil; !known || res.Marker == nil {
			return ctx.Err()
		}
		tested = res.Digest
		for _, outcome := range []decision.Outcome{decision.Promote, decision.Reject} {
			list = append(list, HeadBranch(history.Record{Outcome: outcome, Environment: req.Environment, Experiment: res.ID}))
		}
		return nil
	})
	return list, tested, known, err
}

// supersede closes a pull request, unless it is merged by now. The label comes
// first: a crash after it leaves one that is closed next time, and none that
// looks as if people had closed it.
func (s Server) supersede(ctx context.Context, number int64, text string) (closed bool, err error) {
	pull, err := s.Forge.Get(ctx, number)
	if err != nil || pull.State == forge.StateMerged {
		return false, err
	}
	if err := s.Forge.AddLabels(ctx, number, supersededLabel); err != nil {
		return false, err
	}
	if err := s.Forge.Comment(ctx, number, text); err != nil {
		return false, err
	}
	if err = s.Forge.Close(ctx, number); errors.Is(err, forge.ErrMerged) {
		return false, nil
	}
	return err == nil, err
}
