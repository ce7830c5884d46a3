package main

import (
	"cmp"
	"fmt"

	"github.com/assaydev/assay/internal/spec"

	"github.com/aymanbagabas/go-udiff"

	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/promote"
	"github.com/assaydev/assay/promote/worktree"
)

// report is what promote, reject and conclude say that they did.
type report struct {
	Outcome string `json:"outcome"` // promote, reject, revert, hold, superseded or none
	spec.Environment
	Candidate string         `json:"candidate,omitempty"`
	ID        string         `json:"id,omitempty"`
	Engine    string         `json:"engine,omitempty"`
	Reason    string         `json:"reason,omitempty"`
	Evidence  string         `json:"evidence,omitempty"`
	Files     []fileReport   `json:"files,omitempty"`
	Untested  []string       `json:"untested,omitempty"`
	Promotion string         `json:"promotion,omitempty"` // the same in all commits that it takes
	Reverts   string         `json:"reverts,omitempty"`   // the commit of the promotion that is undone
	Next      []promote.Next `json:"next,omitempty"`
	Waiting   int            `json:"waiting,omitempty"`
	Committed bool           `json:"committed,omitempty"`
	Branch    string         `json:"branch,omitempty"` // on a server
	Commit    string         `json:"commit,omitempty"`
	Pull      *promote.Pull  `json:"pullRequest,omitempty"`
	DryRun    bool           `json:"dryRun,omitempty"`

	withheld string // the outcome that was meant, where it is not to be
	place    *place
	title    string
	record   history.Record
	warnings []string
}

// fileReport is one changed file.
type fileReport struct {
	Path    string `json:"path"`
	Change  string `json:"change"` // added, changed or removed
	Added   int    `json:"added,omitempty"`
	Removed int    `json:"removed,omitempty"`
}

func newReport(p *place, e *promote.Edit, d promote.Decision) (*report, error) {
	rec, err := e.Record(d)
	r := &report{
		Outcome: string(e.Outcome), Environment: e.Environment, Candidate: e.Candidate.Metadata.Name, ID: e.ID,
		Engine: d.Engine, Reason: d.Reason, Evidence: d.Evidence, Untested: e.Untested, Promotion: rec.Promotion, Reverts: e.Reverts, Next: e.Next, Waiting: e.Waiting,
		place: p, title: e.Title(), record: rec, warnings: e.Warnings,
	}
	for _, f := range e.Files {
		r.Files = append(r.Files, compareFile(f))
	}
	return r, err
}

// of fills in what a record tells of a decision that was interrupted.
func (r *report) of(record *worktree.Record, committed bool) *report {
	r.Outcome, r.Environment = string(record.Outcome), record.Environment
	r.Candidate, r.ID, r.Committed = record.Candidate, record.ID, committed && record.Commit != ""
	for _, f := range record.Files {
		r.Files = append(r.Files, fileReport{Path: f.Path, Change: changed(f.Before == "", f.After == "")})
	}
	return r
}

func compareFile(f promote.File) fileReport {
	r := fileReport{Path: f.Path, Change: changed(f.Before == nil, f.After == nil)}
	r.Added, r.Removed = f.Lines()
	return r
}

func changed(isNew, isGone bool) string {
	switch {
	case isNew:
		return "added"
	case isGone:
		return "removed"
	default:
		return "changed"
	}
}

// done is the outcome in the past.
func done(outcome promote.Outcome) string {
	switch outcome {
	case promote.Promote:
		return "promoted"
	case promote.Revert:
		return "reverted the promotion of"
	default:
		return "rejected"
	}
}

func (a *app) report(opt decideOptions, r *report) error {
	if opt.format == formatJSON {
		return a.reportJSON(r)
	}
	_, _ = fmt.Fprintf(&a.out, "%s candidate %s%s\n", r.headline(), called(r.Candidate), inBrackets(r.ID))
	for _, f := range r.Files {
		_, _ = fmt.Fprintf(&a.out, "  %s %s%s\n", f.Change, r.place.on(f.Path), f.lines())
	}
	switch {
	case r.Committed:
		_, _ = fmt.Fprintf(&a.out, "  committed %s\n", r.subject())
	case r.Pull != nil:
		_, _ = fmt.Fprintf(&a.out, "  %s\n", r.Pull)
	case r.Commit != "":
		_, _ = fmt.Fprintf(&a.out, "  pushed commit %s to %s\n", git.Short(r.Commit), r.Branch)
	}
	a.tell(r)
	return nil
}

func (r *report) headline() string {
	meant := cmp.Or(r.withheld, r.Outcome)
	return headline(r.Pull, done(promote.Outcome(meant)), meant)
}

// headline says what became of something to do: a pull request is a proposal
// until it is merged.
func headline(pull *promote.Pull, done, do string) string {
	switch {
	case pull == nil || pull.State == promote.Merged:
		return done
	case pull.State == promote.Closed, pull.State == promote.Outdated:
		return "not " + done + ":"
	case pull.State == promote.Adopted:
		return "already proposed to " + do
	}
	return "proposed to " + do
}

// withhold says that the decision is not carried out, and changes nothing.
func (r *report) withhold(left promote.Left) {
	r.withheld, r.Outcome = r.Outcome, string(left)
	r.Files, r.Commit, r.Promotion, r.Next, r.Waiting = nil, "", "", nil, 0
}

// tell says on stderr what people should know beside the result.
func (a *app) tell(r *report) {
	for _, u := range r.Untested {
		a.notef("ships untested: %s", oneLine(u))
	}
	for _, n := range r.Next {
		where := join(n.Dir, n.Name, n.Branch, n.Repo)
		switch n.State {
		case promote.Set:
			a.notef("next: under test in %s", where)
		case promote.Already:
			a.notef("next: %s has it already", where)
		case promote.Elsewhere:
			a.notef("next: %s is on another branch or in another repository: set the candidate there", where)
		}
	}
	if r.Waiting > 0 {
		a.notef("under test from now on is the next of %d that waited", r.Waiting)
	}
	a.warn(r.warnings)
}

func (a *app) reportJSON(r *report) error {
	data, err := encodeJSON(r)
	if err != nil {
		return err
	}
	a.data(data)
	return nil
}

// reportDryRun prints the change as a unified diff, which git apply takes.
func (a *app) reportDryRun(opt decideOptions, e *promote.Edit, r *report) error {
	r.DryRun = true
	if opt.format == formatJSON {
		return a.reportJSON(r)
	}
	for _, f := range e.Files {
		from, to := "a/"+f.Path, "b/"+f.Path
		if f.Before == nil {
			from = "/dev/null"
		}
		if f.After == nil {
			to = "/dev/null"
		}
		a.out.WriteString(udiff.Unified(from, to, string(f.Before), string(f.After)))
	}
	a.tell(r)
	return nil
}

func (f fileReport) lines() string {
	if f.Change != "changed" || f.Added+f.Removed == 0 {
		return ""
	}
	return fmt.Sprintf(" (+%d -%d)", f.Added, f.Removed)
}

func inBrackets(id string) string {
	if id == "" {
		return ""
	}
	return " (" + id + ")"
}
