// Package pullrequest writes the description of a pull request: what was
// decided, on which evidence, and what merging it changes.
//
//  1. The head, what ships untested and the trailers are written whole (body.go).
//  2. The sections that may be shortened share the room that is left
//     (section.go); differences of objects come last, and are cut line by line
//     before they are left out (difference.go).
//  3. Whatever comes from a repository, a cluster or a person is put into code,
//     where no forge reads Markdown, HTML, mentions or links (markdown.go).
package pullrequest

import (
	"fmt"
	"strings"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/engine/evidence"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/object"
)

// Body is a description before it is written. Every text may hold anything.
type Body struct {
	Outcome     decision.Outcome
	Environment string // its directory, and its name where the directory serves several
	Candidate   string // the marker's name
	ID          string // the experiment's

	Engine  string // what judged; empty where a person decided
	Verdict string // the outcome that it reached
	Message string // why, in the engine's words
	Reason  string // why, in a person's
	Metrics []evidence.Metric

	Differences []object.Difference // baseline against candidate; Secrets are masked here
	Untested    []string            // what ships untested
	Rewritten   []string            // what of the variant differs from what is promoted
	Files       []git.File
	Next        []Next
	Proof       Proof
	Links       []Link

	// Trailers are the commit's, one to a line. They end the description, so
	// that a squash merge that takes it for its message keeps them.
	Trailers string
}

// Next is an environment that a promotion goes on to.
type Next struct {
	Environment string
	State       string // a NextState of package promote
}

// Proof is what was proven before the files were written.
type Proof struct {
	Laws    []int  // of the design; 2, 3, 4 and 5 have words
	Commit  string // whose files were edited
	Objects int    // that they render to
}

// Link is a place to look at. A URL that is not http or https is left out;
// credentials in it are.
type Link struct{ Text, URL string }

// Markdown returns at most limit bytes, which are at least as many as the
// characters that a forge counts. The error tells that what is never shortened
// does not fit: the verdict, the ID, what ships untested, the trailers.
func (b Body) Markdown(limit int) (string, error) {
	head, untested, trailers := b.head(), b.untested(), b.trailers()
	room := limit - len(head) - len(untested) - len(trailers)
	if room < 0 {
		return "", fmt.Errorf("describe pull request of %s: the verdict, what ships untested and the trailers take %d characters of %d: let fewer objects ship untested, or set spec.promotion.method to push",
			excerpt.Of(b.Environment, longestText), limit-room, limit)
	}
	// In the order of what should be kept; each leaves half of the room.
	proof := b.proof().within(&room, room/2)
	next := b.next().within(&room, room/2)
	links := b.links().within(&room, room/2)
	metrics := b.metrics().within(&room, room/2)
	rewritten := b.rewritten().within(&room, room/2)
	files := b.files().within(&room, room/2)
	differences := b.differences(room)
	return head + metrics + untested + rewritten + differences + files + next + proof + links + trailers, nil
}

// head says what happens, and why.
func (b Body) head() string {
	var out strings.Builder
	verb, effect := "Promote", "Merging makes it the baseline."
	switch b.Outcome {
	case decision.Reject:
		verb, effect = "Reject", "Merging removes it; the baseline stays as it is."
	case decision.Revert:
		verb, effect = "Revert the promotion of", "Merging brings back the baseline that was before it."
	case decision.Candidate:
		verb, effect = "Test", "Merging starts its experiment; the baseline stays as it is."
	}
	_, _ = fmt.Fprintf(&out, "%s the candidate %s of %s. %s\n\n", verb, code(b.Candidate, "without a name"), code(b.Environment, "."), effect)
	fact := func(name, text string) {
		if text != "" {
			_, _ = fmt.Fprintf(&out, "- %s: %s\n", name, text)
		}
	}
	fact("Experiment", code(b.ID, ""))
	if b.Engine != "" {
		fact("Verdict", joined(": ", code(b.Verdict, "none")+" by "+code(b.Engine, ""), code(b.Message, "")))
	} else if b.Outcome != decision.Candidate {
		fact("Verdict", "decided by hand")
	}
	fact("Reason", code(b.Reason, ""))
	return out.String()
}

// untested is never shortened: nothing untested ships unseen.
func (b Body) untested() string {
	if len(b.Untested) == 0 {
		return ""
	}
	var out strings.Builder
	out.WriteString("\n### Ships untested\n\n")
	for _, u := range b.Untested {
		out.WriteString("- " + code(u, "(unnamed)") + "\n")
	}
	return out.String()
}

// trailers end the text in a fence that nothing closes: a line after them, and
// Git would not take them for trailers.
func (b Body) trailers() string {
	text := strings.Trim(strings.ToValidUTF8(b.Trailers, "\uFFFD"), "\n")
	if text == "" {
		return ""
	}
	return "\n" + fenceMark(text) + "text\n\n" + text + "\n"
}
