package history

import (
	"slices"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
)

// Recall is the decision for which an experiment is not to be run again: it was
// rejected, or its promotion was undone. What was decided last counts.
func Recall(list []Decision, experiment digest.Digest) (Decision, bool) {
	i := slices.IndexFunc(list, func(d Decision) bool {
		return experiment != "" && d.Digest == experiment && d.Decides()
	})
	if i < 0 || list[i].Outcome != decision.Reject && list[i].Outcome != decision.Revert {
		return Decision{}, false
	}
	return list[i], true
}

// Last is what was decided last about the experiment that is meant. Two that may
// be meant are an error.
func Last(list []Decision, meant digest.Selector) (Decision, bool, error) {
	if meant == "" {
		return Decision{}, false, nil
	}
	return only(list, meant, Decision.Decides)
}

// Another is the digest of another experiment of the same ID that the list tells
// of.
func Another(list []Decision, experiment digest.Digest) (digest.Digest, bool) {
	for _, d := range list {
		if d.Digest != "" && d.Digest != experiment && d.Digest.ID() == experiment.ID() {
			return d.Digest, true
		}
	}
	return "", false
}

// only is the newest decision of a kind about the experiment that is meant.
func only(list []Decision, meant digest.Selector, of func(Decision) bool) (found Decision, ok bool, err error) {
	for _, d := range list {
		switch {
		case !of(d) || !d.about(meant):
		case !ok:
			found, ok = d, true
		case meant != "" && d.Digest != found.Digest && d.Digest != "" && found.Digest != "":
			return Decision{}, false, meant.Ambiguous(found.Digest, d.Digest)
		}
	}
	return found, ok, nil
}

// about reports whether the experiment is meant. One of format 1 has an ID alone.
func (r Record) about(meant digest.Selector) bool {
	if r.Digest == "" {
		return meant == "" || r.Experiment == string(meant)
	}
	return meant == "" || meant.Selects(r.Digest)
}
