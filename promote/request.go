package promote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/gitremote"
	"github.com/assaydev/assay/internal/history"
)

// Pull is the pull request that offers a proposal.
type Pull struct {
	Number int64     `json:"number,omitempty"`
	URL    string    `json:"url,omitempty"`
	Head   string    `json:"head"` // its branch
	State  PullState `json:"state"`
}

// String says what became of it, for people.
func (p *Pull) String() string {
	switch {
	case p.State == Pushed && p.URL != "":
		return fmt.Sprintf("pushed the branch %s: open its pull request at %s", p.Head, p.URL)
	case p.State == Pushed:
		return fmt.Sprintf("pushed the branch %s: open its pull request", p.Head)
	case p.State == Closed:
		return fmt.Sprintf("pull request %d was closed, and is not opened again: to try once more reopen it, to drop the candidate reject it: %s", p.Number, p.URL)
	}
	return fmt.Sprintf("%s pull request %d: %s", p.State, p.Number, p.URL)
}

// PullState is what became of a pull request in this run.
type PullState string

// The states.
const (
	Pushed  PullState = "pushed"  // there is no forge: the branch is there, and people open it
	Opened  PullState = "opened"  // it is new
	Adopted PullState = "adopted" // it was open already, and is up to date
	Merged  PullState = "merged"
	Closed  PullState = "closed" // people closed it: it is not opened again
)

// supersededLabel marks pull requests that were closed because another
// candidate came, and not because people said no.
const supersededLabel = "assay/superseded"

// candidatePrefix is before the ID of a candidate that is only proposed.
const candidatePrefix = "candidate-"

// HeadBranch names the branch of a record's pull request. The ID is of this
// environment alone; the path before it is for people.
func HeadBranch(rec history.Record) string {
	id := rec.Experiment
	switch {
	case id == "":
		id = "unrendered"
	case rec.Outcome == history.Candidate:
		id = candidatePrefix + id
	case rec.Outcome == history.Revert:
		id = "revert-" + id
	}
	return headPrefix(rec.Environment) + id
}

func headPrefix(env history.Environment) string {
	name := path.Clean(env.Dir)
	if name == "." {
		name = "root"
	}
	if env.Name != "" {
		name += "@" + env.Name
	}
	var parts []string
	for part := range strings.SplitSeq(name, "/") {
		part = strings.Map(func(r rune) rune {
			if r == '-' || r == '_' || r == '.' || r == '@' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
				return r
			}
			return '-'
		}, part)
		part = strings.ReplaceAll(strings.Trim(part, "."), "..", "-")
		parts = append(parts, strings.TrimSuffix(part, ".lock"))
	}
	return "assay/" + strings.Join(parts, "/") + "/"
}

// publish is the change that brings the proposal to its own branch; nil where
// that holds it already. What is there is kept if merging it does what was proven
// on the tip; it is replaced only if every byte of it is Assay's.
func (s Server) publish(ctx context.Context, step Step, r *Result) (*gitremote.Change, error) {
	p := r.Proposal
	r.Pull = &Pull{Head: HeadBranch(p.Record)}
	if closed, err := s.refused(ctx, r.Pull); closed || err != nil {
		return nil, err
	}
	ref := gitremote.Ref{Name: "refs/heads/" + r.Pull.Head}
	refs, err := s.Repo.Refs(ctx, ref.Name)
	if err != nil {
		return nil, err
	}
	if ref.Expect = refs[ref.Name]; ref.Expect != "" {
		there, err := s.remake(ctx, step, ref.Expect)
		switch {
		case err != nil:
			return nil, err
		case there == nil:
			return nil, fmt.Errorf("the branch %s holds commits that are not Assay's, and is left as it is: merge it, or delete it and run the same command again", r.Pull.Head)
		case sameEdit(there.Files, p.Files):
			r.Commit = ref.Expect
			return nil, nil
		}
	}
	claim, err := s.claim(ctx, p.Record)
	return &gitremote.Change{
		Files: contents(p.Files), Message: p.Message(), Ref: &ref,
		Also: func(string) []gitremote.Ref { return claim },
	}, err
}

// remake makes the proposal again on the parent of a commit, nil if that does
// not give the commit's very tree: then people have worked on it.
func (s Server) remake(ctx context.Context, step Step, commit string) (*Proposal, error) {
	parents, err := s.Repo.Parents(ctx, commit)
	if err != nil || len(parents) != 1 {
		return nil, err
	}
	tree, err := s.Repo.Tree(ctx, parents[0])
	if err != nil {
		return nil, err
	}
	defer func() { _ = tree.Close() }()
	p, err := step(ctx, gitremote.Base{Branch: s.Branch, Commit: parents[0], Tree: tree})
	if p == nil || err != nil {
		return nil, ctx.Err() // what cannot be proposed there was not proposed there
	}
	again, err := s.Repo.Commit(ctx, parents[0], contents(p.Files), p.Message())
	if err != nil {
		return nil, err
	}
	want, err := s.Repo.TreeID(ctx, again)
	if err != nil {
		return nil, err
	}
	got, err := s.Repo.TreeID(ctx, commit)
	if err != nil || got != want {
		return nil, err
	}
	return p, nil
}

// sameEdit reports whether two edits turn the same contents into the same.
func sameEdit(a, b []File) bool {
	return slices.EqualFunc(a, b, func(x, y File) bool {
		return x.Path == y.Path && bytes.Equal(x.Before, y.Before) && bytes.Equal(x.After, y.After) &&
			(x.After == nil) == (y.After == nil)
	})
}

// refused reports whether people have closed the pull request of the branch.
func (s Server) refused(ctx context.Context, pull *Pull) (bool, error) {
	if s.Forge == nil {
		return false, nil
	}
	list, err := s.Forge.Find(ctx, pull.Head, s.Branch)
	if err != nil || len(list) == 0 {
		return false, err
	}
	last := list[0]
	if last.State != forge.StateClosed || slices.Contains(last.Labels, supersededLabel) {
		return false, nil
	}
	pull.Number, pull.URL, pull.State = last.Number, last.URL, Closed
	return true, nil
}

// offer opens the pull request, or brings the open one up to date, and merges
// it where the plan says so.
func (s Server) offer(ctx context.Context, r *Result) error {
	if s.Forge == nil {
		r.Pull.State = Pushed
		if s.Compare != nil {
			r.Pull.URL = s.Compare(s.Branch, r.Pull.Head)
		}
		return nil
	}
	list, err := s.Forge.Find(ctx, r.Pull.Head, s.Branch)
	if err != nil {
		return err
	}
	title := excerpt.Of(r.Proposal.Title, forge.TitleLimit)
	body, err := s.body(r.Proposal)
	if err != nil {
		return err
	}
	if len(list) > 0 && list[0].State == forge.StateOpen {
		err = s.adopt(ctx, r.Pull, list[0], title, body)
	} else {
		err = s.open(ctx, r.Pull, title, body)
	}
	if err != nil || !r.Proposal.Auto {
		return err
	}
	return s.merge(ctx, r)
}

func (s Server) open(ctx context.Context, pull *Pull, title, body string) error {
	made, err := s.Forge.Create(ctx, forge.New{Head: pull.Head, Base: s.Branch, Title: title, Body: body})
	pull.Number, pull.URL, pull.State = made.Number, made.URL, Opened
	return err
}

func (s Server) adopt(ctx context.Context, pull *Pull, open forge.Pull, title, body string) error {
	pull.Number, pull.URL, pull.State = open.Number, open.URL, Adopted
	if open.Title == title && open.Body == body {
		return nil
	}
	return s.Forge.Update(ctx, open.Number, forge.Change{Title: &title, Body: &body})
}

// merge merges the very commit that was proven, and looks at what came of it.
func (s Server) merge(ctx context.Context, r *Result) error {
	title, message, _ := strings.Cut(r.Proposal.Message(), "\n\n")
	m := forge.Merge{HeadSHA: r.Commit, Method: s.Method, Title: title, Message: message}
	for try := 1; ; try++ {
		sha, err := s.Forge.Merge(ctx, r.Pull.Number, m)
		switch {
		case err == nil:
			r.Commit, r.Pull.State = sha, Merged
			return s.merged(ctx, r)
		case errors.Is(err, forge.ErrTryAgain):
			if err := s.Repo.Wait(ctx, try); err != nil {
				return err
			}
		case errors.Is(err, forge.ErrNotMergeable):
			s.note("%s is not merged yet: %v", r.Pull.URL, err)
			return nil
		default:
			return err
		}
	}
}

// merged holds the branch against what was proven: a forge merges on whatever
// the tip is by then.
func (s Server) merged(ctx context.Context, r *Result) error {
	tip, err := s.Repo.Tip(ctx, s.Branch)
	if err != nil {
		return err
	}
	tree, err := s.Repo.Tree(ctx, tip)
	if err != nil {
		return err
	}
	defer func() { _ = tree.Close() }()
	req := s.Open(tree)
	for _, f := range r.Proposal.Files {
		got, err := before(req.FS, f.Path)
		if err != nil {
			return err
		}
		if !bytes.Equal(got.Before, f.After) || (got.Before == nil) != (f.After == nil) {
			return fmt.Errorf("%s was merged, but at commit %s %s is not what was proven: look at both, and revert it with assay revert",
				r.Pull.URL, git.Short(tip), f.Path)
		}
	}
	return s.settleClaims(ctx, r.Proposal.Record.Environment)
}

// closeOthers closes the open pull requests of the environment's other
// candidates.
func (s Server) closeOthers(ctx context.Context, env history.Environment, keep *Pull) error {
	if s.Forge == nil {
		return nil
	}
	prefix := headPrefix(env)
	list, err := s.Forge.List(ctx, prefix, s.Branch)
	if err != nil {
		return err
	}
	for _, pull := range list {
		id := strings.TrimPrefix(pull.Head, prefix)
		if keep != nil && pull.Number == keep.Number || strings.Contains(id, "/") || strings.HasPrefix(id, candidatePrefix) {
			continue
		}
		text := fmt.Sprintf("Superseded: `%s` is not under test on `%s` any more.", id, s.Branch)
		if keep != nil {
			text += " See " + keep.URL + "."
		}
		if err := s.supersede(ctx, pull.Number, text); err != nil {
			return err
		}
	}
	return nil
}

// supersede closes a pull request. The label comes first: a crash after it
// leaves one that is closed next time, and none that looks as if people had
// closed it.
func (s Server) supersede(ctx context.Context, number int64, text string) error {
	if err := s.Forge.AddLabels(ctx, number, supersededLabel); err != nil {
		return err
	}
	if err := s.Forge.Comment(ctx, number, text); err != nil {
		return err
	}
	return s.Forge.Close(ctx, number)
}
