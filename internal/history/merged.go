package history

import (
	"slices"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/git"
)

// A pull request that is merged leaves two commits: its head, whose message
// tells of the decision, and the commit on the branch that merges it. The
// decision came with the merge: that is the commit to find and to revert.

// merges are the commits of a branch's own line, its tip and the first parent of
// each, that brought the other commits in, by the ids of those.
func merges(entries []git.Entry) map[string]git.Entry {
	byID := map[string]git.Entry{}
	for _, e := range entries {
		byID[e.ID] = e
	}
	var own []git.Entry
	on := map[string]bool{}
	for i := 0; len(entries) > 0; i++ {
		e, known := entries[0], true
		if i > 0 {
			e, known = byID[first(own[i-1].Parents)]
		}
		if !known || on[e.ID] {
			break
		}
		own, on[e.ID] = append(own, e), true
	}
	by := map[string]git.Entry{}
	for _, m := range slices.Backward(own) {
		for todo := slices.Clone(m.Parents); len(todo) > 0; {
			id := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			e, known := byID[id]
			if _, done := by[id]; !known || done || on[id] {
				continue
			}
			by[id] = m
			todo = append(todo, e.Parents...)
		}
	}
	return by
}

// of reports whether a commit's decision is told as that of the merge which
// brought it in: it is the head that was merged, or the merge says the same.
func (r Record) of(commit string, merge git.Entry, told []Record) bool {
	return len(merge.Parents) == 2 && merge.Parents[1] == commit || slices.ContainsFunc(told, r.same)
}

// same reports whether two records tell of one decision.
func (r Record) same(other Record) bool {
	return r.Outcome == other.Outcome && r.Environment == other.Environment && r.Experiment == other.Experiment &&
		r.Digest == other.Digest && r.Promotion == other.Promotion && r.Reverts == other.Reverts &&
		(r.Outcome != decision.Close || r.Evidence == other.Evidence)
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
