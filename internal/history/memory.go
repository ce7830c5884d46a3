package history

import "slices"

// Recall is the decision for which an experiment's ID is not to be tested again:
// it was rejected, or its promotion was undone. What was decided last counts.
func Recall(list []Decision, experiment string) (Decision, bool) {
	d, known := Last(list, experiment)
	if !known || d.Outcome != Reject && d.Outcome != Revert {
		return Decision{}, false
	}
	return d, true
}

// Last is what was decided last about an experiment's ID.
func Last(list []Decision, experiment string) (Decision, bool) {
	i := slices.IndexFunc(list, func(d Decision) bool {
		return d.Experiment == experiment && experiment != "" && d.Decides()
	})
	if i < 0 {
		return Decision{}, false
	}
	return list[i], true
}
