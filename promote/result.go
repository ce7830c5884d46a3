package promote

import (
	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render"
)

// Result is what became of one run of a verb on an environment, in a directory
// or on a branch of a server. Its JSON is what the commands print.
type Result struct {
	Outcome decision.Outcome `json:"outcome"` // promote, reject, revert, hold, superseded or none
	spec.Environment
	Candidate string        `json:"candidate,omitempty"`
	ID        string        `json:"id,omitempty"`
	Digest    digest.Digest `json:"digest,omitempty"`
	Engine    string        `json:"engine,omitempty"`
	Reason    string        `json:"reason,omitempty"`
	Evidence  string        `json:"evidence,omitempty"`
	SyncWaits string        `json:"syncWaits,omitempty"` // the window that Argo CD waits for before it syncs what landed
	Files     []Changed     `json:"files,omitempty"`
	Untested  []string      `json:"untested,omitempty"`
	Promotion string        `json:"promotion,omitempty"` // the same in all commits that it takes
	Reverts   string        `json:"reverts,omitempty"`   // the commit of the promotion that is undone
	Next      []Next        `json:"next,omitempty"`
	Waiting   int           `json:"waiting,omitempty"`
	Landing
	DryRun     bool        `json:"dryRun,omitempty"`
	Unfinished *Unfinished `json:"unfinished,omitempty"` // that this run does not take up

	// Edit is nil where there was nothing to do, and of a run that finished what
	// an earlier one had begun.
	Edit    *Edit  `json:"-"`
	Choice  Choice `json:"-"` // why a candidate is left as it is, or there is none
	Resumed bool   `json:"-"` // the run finished an earlier one
	Untold  bool   `json:"-"` // it is in files of a Git repository, and no commit tells of it
	Tries   int    `json:"-"` // how often it was made for a branch

	// Earlier is the last decision that is known where there is no candidate: it
	// may be the one that was asked for. Repeats is the very one, carried out
	// before. Undone says where the promotion is reverted already: by a commit, or
	// in the files.
	Earlier *history.Decision `json:"-"`
	Repeats *history.Decision `json:"-"`
	Undone  string            `json:"-"`
}

// Landing is where an edit went.
type Landing struct {
	Committed bool   `json:"committed,omitempty"` // in a directory
	Branch    string `json:"branch,omitempty"`    // on a server
	Commit    string `json:"commit,omitempty"`    // there, or the head of the pull request
	Pull      *Pull  `json:"pullRequest,omitempty"`
}

// Changed is one changed file.
type Changed struct {
	Path    string `json:"path"`
	Change  string `json:"change"` // added, changed or removed
	Added   int    `json:"added,omitempty"`
	Removed int    `json:"removed,omitempty"`
}

// ChangeOf names what becomes of a file.
func ChangeOf(isNew, isGone bool) string {
	switch {
	case isNew:
		return "added"
	case isGone:
		return "removed"
	default:
		return "changed"
	}
}

// Nothing is the result where there was nothing to do.
func Nothing(env spec.Environment) *Result { return &Result{Outcome: decision.None, Environment: env} }

// NoCandidate is the result for a directory that renders without a candidate.
func NoCandidate(req render.Request, res *render.Result) *Result {
	r := Nothing(req.Environment)
	r.Choice.Absent = !IsEnvironment(req, res)
	return r
}

// Proven is the result of an edit that has been made for a decision, before it
// goes anywhere. The record is what its commit tells.
func Proven(e *Edit, d Decision, rec history.Record) *Result {
	r := &Result{
		Outcome: e.Outcome, Environment: e.Environment, Candidate: e.Candidate.Metadata.Name, ID: e.ID, Digest: e.Digest,
		Engine: d.Engine, Reason: d.Reason, Evidence: d.Evidence, Untested: e.Untested, Promotion: rec.Promotion,
		Reverts: e.Reverts, Next: e.Next, Waiting: e.Waiting, Edit: e,
	}
	for _, f := range e.Files {
		c := Changed{Path: f.Path, Change: ChangeOf(f.Before == nil, f.After == nil)}
		c.Added, c.Removed = f.Lines()
		r.Files = append(r.Files, c)
	}
	return r
}

// LeftAlone is the result for a candidate that is left as it is.
func LeftAlone(env spec.Environment, c Choice) *Result {
	return &Result{
		Outcome: c.Held, Environment: env, Candidate: c.Candidate.Metadata.Name, ID: c.Experiment,
		Engine: c.Engine, Reason: c.Reason, Evidence: c.Evidence, Choice: c,
	}
}

// Repeated is the result of a decision that means another candidate than the one
// under test where the past tells that it was carried out before; nil where it
// does not.
func Repeated(env spec.Environment, another *AnotherError, past history.Past) *Result {
	d, known, ambiguous := history.Last(past.Decisions, another.Decision.ID)
	if ambiguous != nil || !known || d.Outcome != another.Decision.Outcome {
		return nil
	}
	r := Nothing(env)
	r.Repeats = &d
	return r
}

// withhold says that the edit is not carried out, and changes nothing.
func (r *Result) withhold(held decision.Outcome) {
	r.Outcome = held
	r.Files, r.Commit, r.Promotion, r.Next, r.Waiting = nil, "", "", nil, 0
}

// Landed says where the edit went, and what became of next environments
// elsewhere.
func (r *Result) Landed(at Landing, next []Next) {
	r.Landing = at
	for i, n := range r.Next {
		for _, there := range next {
			if n.State == Elsewhere && there.Destination == n.Destination {
				r.Next[i] = there
			}
		}
	}
	if at.Pull != nil {
		switch at.Pull.State {
		case Closed:
			r.withhold(decision.Hold)
		case Outdated:
			r.withhold(decision.Superseded)
		}
	}
}

// UndoneInFiles says for people that the files hold nothing of a promotion any
// more.
const UndoneInFiles = "in the files"

// Undone is the result of reverting a promotion that is reverted already.
func Undone(env spec.Environment, d history.Decision, where string) *Result {
	r := Nothing(env)
	r.Candidate, r.ID, r.Reverts, r.Undone = d.Candidate, d.Experiment, d.Commit, where
	return r
}

// UndoneBy says for people which commit reverts a promotion.
func UndoneBy(d history.Decision) string { return "by commit " + git.Short(d.Commit) }
