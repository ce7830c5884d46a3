package verdict

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/object"
)

// owns reports whether the object was made for this experiment alone. Others
// are there before it and after it, and become the candidate for its time.
func (e Expect) owns(name string) bool { return strings.Contains(name, e.Digest.ID()) }

// expired reports whether an object that is bound to the candidate, and can be
// read, has had it for longer than the deadline without a verdict. One that is not
// there, or is bound to nothing, or contradicts itself says nothing of the
// candidate, however long that lasts.
func (e Expect) expired(judges []judge, findings []finding) bool {
	for i, f := range findings {
		if f.expires && e.overdue(judges[i]) {
			return true
		}
	}
	return false
}

// overdue reports whether the object has had the candidate for longer than
// the deadline. It has not if it is not known since when.
func (e Expect) overdue(j judge) bool {
	if e.Deadline <= 0 || j.object == nil || j.digest != e.Digest {
		return false
	}
	start := e.started(j)
	return !start.IsZero() && e.Now.Sub(start) > e.Deadline
}

// started is when the object began to test the candidate. The age of one that
// outlives the candidate says nothing, unless it is younger than that.
func (e Expect) started(j judge) time.Time {
	created := j.object.GetCreationTimestamp().Time
	if e.owns(j.key.Name) {
		return created
	}
	if !e.Since.IsZero() && created.After(e.Since) {
		return created
	}
	return e.Since
}

// NeedsSince reports whether the verdict can depend on since when the branch holds
// the ID: an object judges that is there before the experiment or after it.
func (e Expect) NeedsSince(opt Options) bool {
	engines := engine.With(opt.Engines)
	return slices.ContainsFunc(e.Judges, func(key object.Key) bool {
		eng, ok := engines.OfKind(schema.GroupKind{Group: key.Group, Kind: key.Kind})
		return ok && (!eng.RunsOnce || eng.Dated || !e.owns(key.Name))
	})
}
