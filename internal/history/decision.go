package history

import (
	"slices"
	"time"

	"github.com/assaydev/assay/internal/git"
)

// Decision is a record, and the commit that made it so.
type Decision struct {
	Record
	Commit  string
	Parent  string    // its first parent; empty where there is none here
	Time    time.Time // when it was committed
	Subject string
}

// Past is what a branch's commits tell of an environment, and how far back they
// reach.
type Past struct {
	Decisions []Decision // the newest first
	Commits   int        // that were read
	Cut       bool       // there are older ones, which were not
	Shallow   bool       // the repository lacks older ones
}

// Of lists what a branch's commits tell of an environment, in their order: the
// newest first, as git log gives them.
func Of(entries []git.Entry, env Environment) []Decision {
	return Merge(entries, nil, env)
}

// Merge lists what a branch's commits tell of an environment, and what the
// commits of outcome refs tell of commits that are on the branch and say nothing
// themselves. An outcome on another branch is none of this one's.
func Merge(entries, refs []git.Entry, env Environment) []Decision {
	return All(entries, refs)[env]
}

// All is Merge for every environment that there is a decision about.
func All(entries, refs []git.Entry) map[Environment][]Decision {
	kept := map[string][]Record{}
	for _, e := range refs {
		if r, ok := Parse(e); ok {
			kept[About(e)] = append(kept[About(e)], r)
		}
	}
	all := map[Environment][]Decision{}
	for _, e := range entries {
		told := kept[e.ID]
		if r, ok := Parse(e); ok {
			told = []Record{r}
		}
		for _, r := range told {
			d := Decision{Record: r, Commit: e.ID, Time: e.Time, Subject: line(e.Subject)}
			if len(e.Parents) > 0 {
				d.Parent = e.Parents[0]
			}
			all[r.Environment] = append(all[r.Environment], d)
		}
	}
	return all
}

// Reverted is the decision that undid the promotion d, if the list has one.
func (d Decision) Reverted(list []Decision) (Decision, bool) {
	i := slices.IndexFunc(list, func(other Decision) bool { return other.Outcome == Revert && other.Reverts == d.Commit })
	if i < 0 || d.Outcome != Promote {
		return Decision{}, false
	}
	return list[i], true
}

// Promotion is the newest promotion: of an experiment, or by a commit, where
// they are given.
func Promotion(list []Decision, experiment, commit string) (Decision, bool) {
	i := slices.IndexFunc(list, func(d Decision) bool {
		return d.Outcome == Promote && (experiment == "" || d.Experiment == experiment) && (commit == "" || d.Commit == commit)
	})
	if i < 0 {
		return Decision{}, false
	}
	return list[i], true
}
