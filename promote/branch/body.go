package branch

import (
	"maps"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/pullrequest"
)

// body describes the pull request of a proposal, within what the forge takes.
func (s Server) body(p *Proposal) (string, error) {
	b := pullrequest.Body{
		Outcome: p.Record.Outcome, Environment: p.Record.Environment.String(),
		Candidate: p.Record.Candidate, ID: p.Record.Experiment, Untested: p.Record.Untested,
		Files:    p.Files,
		Trailers: p.Record.Trailers(),
		Proof:    pullrequest.Proof{Commit: p.Base},
	}
	if p.Rendered != nil {
		b.Differences = object.Diff(p.Rendered.Baseline, p.Rendered.Candidate)
		b.Proof.Objects = len(p.Rendered.Baseline)
		if o := p.Record.Outcome; o == decision.Promote || o == decision.Candidate {
			b.Rewritten = p.Rendered.Rewritten
		}
	}
	if e := p.Edit; e != nil {
		b.Proof.Laws = e.Laws()
		for _, n := range e.Next {
			env := n.Environment
			b.Next = append(b.Next, pullrequest.Next{Environment: env.String(), State: string(n.State)})
		}
	}
	if p.Decision.ByHand() {
		b.Reason = p.Decision.Reason
	} else {
		b.Engine, b.Verdict, b.Message, b.Metrics = p.Decision.Engine, string(p.Decision.Outcome), p.Decision.Reason, p.Decision.Metrics
	}
	b.Links = s.links(p)
	text, err := b.Markdown(s.Forge.BodyLimit())
	return strings.TrimSpace(text), err // as the forges keep it
}

// links are the addresses that the candidate's annotations hold, as those of its
// pipeline, and the commit that all was proven on.
func (s Server) links(p *Proposal) []pullrequest.Link {
	var links []pullrequest.Link
	if p.Rendered != nil && p.Rendered.Marker != nil {
		notes := p.Rendered.Marker.Metadata.Annotations
		for _, name := range slices.Sorted(maps.Keys(notes)) {
			if strings.Contains(notes[name], "://") {
				links = append(links, pullrequest.Link{Text: name, URL: notes[name]})
			}
		}
	}
	if page := s.Forge.CommitURL(p.Base); page != "" {
		links = append(links, pullrequest.Link{Text: "proven on " + git.Short(p.Base), URL: page})
	}
	return links
}
