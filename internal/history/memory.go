package history

import "slices"

// Recall is the decision for which an experiment's ID is not to be tested again:
// it was rejected, or its promotion was undone. What was decided last counts.
func Recall(list []Decision, experiment string) (Decision, bool) {
	i := slices.IndexFunc(list, func(d Decision) bool {
		return d.Experiment == experiment && experiment != "" && d.Decides()
	})
	if i < 0 || list[i].Outcome != Reject && list[i].Outcome != Revert {
		return Decision{}, false
	}
	return list[i], true
}
