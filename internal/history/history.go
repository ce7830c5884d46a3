// Package history keeps what was decided about candidates in the messages of
// commits, and reads it back from them.
//
//  1. Record is one decision. Message writes it as a commit message: a subject,
//     a body for people, and trailers (message.go).
//  2. Parse reads it from the trailers of a commit (parse.go).
//  3. RefMessage keeps it under refs/assay/ as well, where a forge's squash drops
//     the message of a pull request's commit (ref.go).
//  4. Of and Merge list the decisions about one environment, All those about each
//     (decision.go); what a pull request brought counts by its merge (merged.go).
//  5. Recall says what they tell of an experiment, by its digest (memory.go).
//
// It does not run git: the caller, which has the repository, lists its commits.
package history

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/spec"
)

// ByHand stands for an engine where people decided.
const ByHand = "by hand"

// Record is what a commit tells of a decision.
type Record struct {
	Outcome     decision.Outcome
	Environment spec.Environment
	Experiment  string        // the ID; empty where the candidate did not render
	Digest      digest.Digest // of the experiment: what the decision is about; empty in records of format 1
	Candidate   string        // its name
	Engine      string        // what judged, or ByHand
	Evidence    string        // what the verdict rests on, or the reason that people gave
	Untested    []string
	Promotion   string   // PromotionID: the same in all commits of one promotion
	Next        []string // destinations in other branches or repositories that are still to be told, in order
	Reverts     string   // the commit whose promotion this one undoes
	Beside      []Beside // what the same commit does to other candidates
}

// Beside is what a commit does to another candidate than the one that it is about, here
// or in a next environment: Candidate, Preempt or Drop.
type Beside struct {
	Outcome decision.Outcome `json:"outcome"`
	spec.Environment
	Candidate string `json:"candidate,omitempty"`
	ID        string `json:"id,omitempty"`
}

// record is what history lists. It decides nothing, whatever the commit says.
func (b Beside) record(by Record) (Record, bool) {
	known := slices.Contains([]decision.Outcome{decision.Candidate, decision.Preempt, decision.Drop}, b.Outcome)
	return Record{
		Outcome: b.Outcome, Environment: spec.Environment{Dir: excerpt.Line(b.Dir), Name: excerpt.Line(b.Name)},
		Candidate: excerpt.Line(b.Candidate), Experiment: excerpt.Line(b.ID), Engine: by.byCandidate(),
	}, known
}

// byCandidate names what did it.
func (r Record) byCandidate() string {
	if r.Outcome == decision.Promote {
		return "promotion in " + r.Environment.String()
	}
	return "candidate " + r.Candidate
}

// Decides reports whether the outcome decides what becomes of a candidate.
func (r Record) Decides() bool {
	return !slices.Contains([]decision.Outcome{decision.Candidate, decision.Withdraw, decision.Wait, decision.Admit, decision.Preempt, decision.Drop, decision.Close}, r.Outcome)
}

// PromotionID is an ID for all commits that one promotion makes, in this
// environment and in the next ones: a function of what is promoted, so that who
// takes up an unfinished promotion computes the same.
func PromotionID(env spec.Environment, experiment digest.Digest, c spec.Candidate) (string, error) {
	c.Metadata, c.Spec.Waiting = spec.Metadata{}, false
	data, err := spec.EncodeCandidate(c)
	if err != nil {
		return "", err
	}
	return "p" + hashed(env.String(), string(experiment), string(data))[:16], nil
}

// hashed hashes texts so that no two lists of them are the same input.
func hashed(texts ...string) string {
	h := sha256.New()
	for _, text := range texts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil))
}
