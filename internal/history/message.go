package history

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/assaydev/assay/internal/excerpt"
)

// The trailers. Their names are part of the format of env repos.
const (
	trailerOutcome     = "Assay-Outcome"
	trailerEnvironment = "Assay-Environment"
	trailerExperiment  = "Assay-Experiment"
	trailerDigest      = "Assay-Digest"
	trailerCandidate   = "Assay-Candidate"
	trailerEngine      = "Assay-Engine"
	trailerEvidence    = "Assay-Evidence"
	trailerUntested    = "Assay-Untested"
	trailerPromotion   = "Assay-Promotion"
	trailerNext        = "Assay-Next"
	trailerReverts     = "Assay-Reverts"
	trailerBeside      = "Assay-Beside" // JSON of what the commit does to other candidates
	trailerCommit      = "Assay-Commit" // of outcome refs: the commit on the branch
)

// maxEvidence is how many bytes of it a commit holds: it may quote what an
// engine says.
const maxEvidence = 2000

// Message is the message of a commit that makes the decision: the title, the
// body if there is one, and the trailers. Neither the texts nor the values can
// add a trailer, hide one, or change what another says; and what is not in the words
// of people who decide closes no issue and mentions nobody.
func (r Record) Message(title, body string) string {
	return r.message(title, body, "")
}

func (r Record) message(title, body, commit string) string {
	if title = excerpt.Inert(defuse(excerpt.Line(title))); title == "" {
		// Without a subject, git takes the trailers for one.
		title = fmt.Sprintf("%s the candidate of %s", capital(string(r.Outcome)), excerpt.Line(r.Environment.String()))
	}
	parts := []string{title}
	if body = r.words(paragraphs(body)); body != "" {
		parts = append(parts, body)
	}
	return strings.Join(append(parts, r.trailers(commit)), "\n\n")
}

// words are those of people who decided, as they gave them, or an engine's, which
// give no orders to a forge.
func (r Record) words(text string) string {
	if r.Engine == ByHand {
		return text
	}
	return excerpt.Inert(text)
}

func inert(texts []string) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = excerpt.Inert(text)
	}
	return out
}

// Gives reports whether the record, as a commit tells it, gives a reason.
func (r Record) Gives(reason string) bool {
	return reason != "" && evidence(reason) == evidence(r.Evidence)
}

// evidence is a text as its trailer has it.
func evidence(text string) string { return excerpt.Cut(excerpt.Line(text), maxEvidence-3) }

// Trailers are those of the message, one to a line.
func (r Record) Trailers() string { return r.trailers("") }

// trailers are those that have a value, one a line.
func (r Record) trailers(commit string) string {
	var out strings.Builder
	add := func(key string, values ...string) {
		for _, value := range values {
			if value = excerpt.Line(value); value != "" {
				_, _ = fmt.Fprintf(&out, "%s: %s\n", key, value)
			}
		}
	}
	add(trailerOutcome, string(r.Outcome))
	add(trailerEnvironment, r.Environment.String())
	add(trailerExperiment, r.Experiment)
	add(trailerDigest, string(r.Digest))
	add(trailerCandidate, excerpt.Inert(r.Candidate))
	add(trailerEngine, excerpt.Inert(r.Engine))
	add(trailerEvidence, evidence(r.words(r.Evidence)))
	add(trailerUntested, inert(r.Untested)...)
	add(trailerPromotion, r.Promotion)
	add(trailerNext, inert(r.Next)...)
	add(trailerReverts, r.Reverts)
	for _, b := range r.Beside {
		b.Candidate = excerpt.Inert(b.Candidate)
		if data, err := json.Marshal(b); err == nil {
			add(trailerBeside, string(data))
		}
	}
	add(trailerCommit, commit)
	return out.String()
}

// paragraphs are the lines of a body. Its indentation is kept, since it may be
// Markdown.
func paragraphs(body string) string {
	var out []string
	for text := range strings.Lines(body) {
		text = strings.TrimRight(text, "\r\n")
		indent := text[:len(text)-len(strings.TrimLeft(text, " "))]
		if text = excerpt.Line(text); text != "" {
			text = defuse(indent + text)
		}
		out = append(out, text)
	}
	return strings.Trim(strings.Join(out, "\n"), "\n")
}

// defuse keeps git from taking a line for the end of the message: the start of
// a patch, or the line that a verbose commit's diff stands below.
func defuse(text string) string {
	const scissors = "------------------------ >8 ------------------------"
	text = strings.ReplaceAll(text, scissors, "-- >8 --")
	if strings.HasPrefix(text, "---") {
		text = " " + text
	}
	return text
}

func capital(word string) string {
	if word == "" {
		return "Decide on"
	}
	return strings.ToUpper(word[:1]) + word[1:]
}
