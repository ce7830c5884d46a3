package branch

import (
	"path"
	"regexp"
	"strings"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/history"
	"github.com/assaydev/assay/internal/spec"
)

// What stands before the ID in the names of branches, but for a promotion.
var headKinds = map[decision.Outcome]string{
	decision.Reject:    "reject-",
	decision.Revert:    "revert-",
	decision.Candidate: "candidate-",
}

// unrendered stands for the ID of a candidate that has none.
const unrendered = "unrendered-"

// ofCandidate tells the branches of promotions and rejections, by what follows
// the environment.
var ofCandidate = regexp.MustCompile(`^(reject-)?(e[0-9a-f]{9}|unrendered-[0-9a-f]{9})$`)

// HeadBranch names the branch of a record's pull request. A promotion and a
// rejection of one candidate are two, so that what people approved never turns
// into the other.
func HeadBranch(rec history.Record) string {
	return headPrefix(rec.Environment) + headKinds[rec.Outcome] + rec.Experiment
}

// head is HeadBranch, and knows a candidate without an ID by its marker.
func (p *Proposal) head() string {
	rec := p.Record
	if rec.Experiment == "" {
		rec.Experiment = p.subject()[:len(unrendered)+9]
	}
	return HeadBranch(rec)
}

// subject is the candidate that a proposal is about: its digest or, without one,
// that of its marker. A branch's name has but a part of it.
func (p *Proposal) subject() string {
	if p.Record.Digest != "" {
		return string(p.Record.Digest)
	}
	return unrendered + hash(p.Files[len(p.Files)-1].Before)
}

// headPrefix is before all branches of an environment, and of no other: where
// its path cannot be in the name of a branch as it is, a digest follows.
func headPrefix(env spec.Environment) string {
	dir := path.Clean(env.Dir)
	name := dir
	if name == "." {
		name = "root"
	}
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = refPart(part)
	}
	name = strings.Join(parts, "/")
	plain := name == dir && dir != "root" || dir == "."
	if env.Name != "" {
		name += "@" + refPart(env.Name)
		plain = plain && refPart(env.Name) == env.Name
	}
	if !plain {
		name += "-" + hash([]byte(env.String()))[:8]
	}
	return "assay/" + name + "/"
}

var outsideRefs = regexp.MustCompile(`[^A-Za-z0-9._-]`)

// refPart is a text as git and the forges take it between two slashes of a ref.
func refPart(text string) string {
	const most = 180 // bytes: it may be the name of a file on the server
	text = outsideRefs.ReplaceAllString(text, "-")
	text = strings.ReplaceAll(text[:min(len(text), most)], "..", "--")
	if strings.HasPrefix(text, ".") {
		text = "-" + text[1:]
	}
	if rest, found := strings.CutSuffix(text, "."); found {
		text = rest + "-"
	}
	if rest, found := strings.CutSuffix(text, ".lock"); found {
		text = rest + "-lock"
	}
	return text
}
