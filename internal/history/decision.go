package history

import (
	"slices"
	"time"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/git"
	"github.com/assaydev/assay/internal/spec"
)

// Decision is a record, and the commit that made it so on the branch.
type Decision struct {
	Record
	Commit  string
	Parent  string    // its first parent; empty where there is none here
	Time    time.Time // when it was committed
	Subject string    // of the commit that tells
	Head    string    // the commit that tells, where Commit merges it
}

// Past is what a branch's commits tell of an environment, and how far back they
// reach.
type Past struct {
	Decisions []Decision // the newest first
	Commits   int        // that were read
	Cut       bool       // there are older ones, which were not
	Shallow   bool       // the repository lacks older ones

	// Was is where the environment was before its directory was renamed, the last one
	// first, and Earlier what was decided there, the newest first. Gone are other
	// environments whose directories are not there any more.
	Was     []spec.Environment
	Earlier []Decision
	Gone    []spec.Environment
}

// Told is all that was decided about the environment, wherever it was, the newest first.
func (p Past) Told() []Decision { return slices.Concat(p.Decisions, p.Earlier) }

// Elsewhere says for people what is told of environments that are not there any more.
func (p Past) Elsewhere() string {
	if len(p.Gone) == 0 {
		return ""
	}
	var names []string
	for _, env := range p.Gone {
		names = append(names, env.String())
	}
	return "; there are some about " + excerpt.List(names) + ", no longer in the repository"
}

// Merge lists what a branch's commits tell of an environment, and what the
// commits of outcome refs tell of commits that are on the branch and say nothing
// themselves. An outcome on another branch does not count for this one.
func Merge(entries, refs []git.Entry, env spec.Environment) []Decision {
	return All(entries, refs)[env]
}

// All is Merge for every environment that there is a decision about.
func All(entries, refs []git.Entry) map[spec.Environment][]Decision {
	kept := map[string][]Record{}
	for _, e := range refs {
		if r, ok := Parse(e); ok {
			kept[About(e)] = append(kept[About(e)], r)
		}
	}
	told := map[string][]Record{}
	for _, e := range entries {
		told[e.ID] = kept[e.ID]
		if r, ok := Parse(e); ok {
			told[e.ID] = append([]Record{r}, closed(kept[e.ID])...)
		}
	}
	list := map[string][]Decision{} // by commit
	by := merges(entries)
	for _, e := range entries {
		for _, r := range told[e.ID] {
			at, d := e, Decision{Record: r, Subject: excerpt.Line(e.Subject)}
			if m, merged := by[e.ID]; merged && r.of(e.ID, m, told[m.ID]) {
				at, d.Head = m, e.ID
			}
			d.Commit, d.Parent, d.Time = at.ID, first(at.Parents), at.Time
			list[at.ID] = put(list[at.ID], d)
			for _, b := range r.Beside {
				other := d
				var known bool
				if other.Record, known = b.record(r); known {
					list[at.ID] = put(list[at.ID], other)
				}
			}
		}
	}
	all := map[spec.Environment][]Decision{}
	for _, e := range entries {
		for _, d := range list[e.ID] {
			all[d.Environment] = append(all[d.Environment], d)
		}
	}
	return all
}

// closed are the records of pull requests that were closed: they add to what a commit
// says itself.
func closed(list []Record) []Record {
	return slices.DeleteFunc(slices.Clone(list), func(r Record) bool { return r.Outcome != decision.Close })
}

// put adds a decision, once: a merge may say the same as its head.
func put(list []Decision, d Decision) []Decision {
	i := slices.IndexFunc(list, func(other Decision) bool { return other.same(d.Record) })
	if i < 0 {
		return append(list, d)
	}
	if list[i].Head == "" {
		list[i].Head = d.Head
	}
	return list
}

// is reports whether a commit's id means the decision.
func (d Decision) is(commit string) bool {
	return commit != "" && (commit == d.Commit || commit == d.Head)
}

// Reverted is the decision that undid the promotion d, if the list has one.
func (d Decision) Reverted(list []Decision) (Decision, bool) {
	i := slices.IndexFunc(list, func(other Decision) bool { return other.Outcome == decision.Revert && d.is(other.Reverts) })
	if i < 0 || d.Outcome != decision.Promote {
		return Decision{}, false
	}
	return list[i], true
}

// Promotion is the newest promotion: of an experiment, or by a commit, where
// they are given.
//
// Two experiments that may be meant are an error.
func Promotion(list []Decision, experiment digest.Selector, commit string) (Decision, bool, error) {
	return only(list, experiment, func(d Decision) bool {
		return d.Outcome == decision.Promote && (commit == "" || d.is(commit))
	})
}
