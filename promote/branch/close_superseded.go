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
	now, err := s.heads(ctx)
	if err != nil || !now.known {
		return err
	}
	text := fmt.Sprintf("Superseded: its candidate is not under test on `%s` any more.", s.Branch)
	if own != nil && slices.Contains(now.heads, own.Head) {
		now.heads = []string{own.Head} // what was decided before about the same candidate gives way
		text = "Superseded by " + own.URL + "."
	}
	for _, pull := range list {
		kept, err := s.keeps(ctx, pull, now)
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
		if err := s.recordClosed(ctx, env, pull, now.tip); err != nil {
			return err
		}
	}
	return nil
}

// recordClosed keeps for the history that a pull request was closed, and why. The commit is
// the branch's tip, under which its candidate is not under test any more.
func (s Server) recordClosed(ctx context.Context, env spec.Environment, pull forge.Pull, tip string) error {
	rec := history.Record{Outcome: decision.Close, Environment: env, Evidence: fmt.Sprintf("pull request %d was superseded", pull.Number)}
	if told, ok := s.toldBy(ctx, pull); ok {
		rec.Experiment, rec.Digest, rec.Candidate = told.Experiment, told.Digest, told.Candidate
	}
	commit, err := s.Repo.Note(ctx, rec.RefMessage(fmt.Sprintf("Close pull request %d of %s", pull.Number, env), tip))
	if err != nil {
		return err
	}
	err = s.Repo.Push(ctx, remote.Ref{Name: history.ClosedRef(s.Branch, env, pull.Number), New: commit})
	if errors.Is(err, remote.ErrStale) {
		return nil // another run has kept it
	}
	return err
}

// keeps reports whether a pull request may be about what is under test. The name
// of its branch has the ID alone: one whose head tells of another experiment is
// not, and one whose head tells nothing is a person's to close.
func (s Server) keeps(ctx context.Context, pull forge.Pull, now underTest) (bool, error) {
	if !slices.Contains(now.heads, pull.Head) || pull.HeadSHA == "" {
		return slices.Contains(now.heads, pull.Head), nil
	}
	entries, err := s.Repo.Entries(ctx, pull.HeadSHA)
	if err != nil || len(entries) != 1 {
		return true, err
	}
	told, ok := history.Parse(entries[0])
	return !ok || told.Digest == "" || told.Digest == now.digest, nil
}

// toldBy is what the head of a pull request tells, where it is still there.
func (s Server) toldBy(ctx context.Context, pull forge.Pull) (history.Record, bool) {
	if pull.HeadSHA == "" {
		return history.Record{}, false
	}
	entries, err := s.Repo.Entries(ctx, pull.HeadSHA)
	if err != nil || len(entries) != 1 {
		return history.Record{}, false
	}
	return history.Parse(entries[0])
}

// underTest is what the tip of the branch has under test.
type underTest struct {
	tip    string
	known  bool // it renders
	digest digest.Digest
	heads  []string // the branches of pull requests about it
}

// heads looks what the tip has under test.
func (s Server) heads(ctx context.Context) (now underTest, err error) {
	err = s.atTip(ctx, func(ctx context.Context, base remote.Base) error {
		req := s.View.In(base.Tree)
		res, err := render.Environment(ctx, req)
		now = underTest{tip: base.Commit, known: err == nil}
		if !now.known || res.Marker == nil {
			return ctx.Err()
		}
		now.digest = res.Digest
		for _, outcome := range []decision.Outcome{decision.Promote, decision.Reject} {
			now.heads = append(now.heads, HeadBranch(history.Record{Outcome: outcome, Environment: req.Environment, Experiment: res.ID}))
		}
		return nil
	})
	return now, err
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
