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

// expires is when an object that is bound to the candidate, and can be read, will
// have had it for the deadline without a verdict; zero where that will never be. One
// that is not there, or is bound to nothing, or contradicts itself says nothing of the
// candidate, however long that lasts.
func (e Expect) expires(judges []judge, findings []finding) time.Time {
	var first time.Time
	for i, f := range findings {
		if at := e.due(judges[i]); f.expires && !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// due is when the object will have had the candidate for the deadline; zero where it
// is not known since when it has it.
func (e Expect) due(j judge) time.Time {
	if e.Deadline <= 0 || j.object == nil || j.digest != e.Digest {
		return time.Time{}
	}
	start := e.started(j)
	if start.IsZero() {
		return start
	}
	return start.Add(e.Deadline)
}

// began is when the first of the objects that are bound to the candidate began to test it; zero
// where none has.
func (e Expect) began(judges []judge) time.Time {
	var first time.Time
	for _, j := range judges {
		if j.object == nil || j.digest != e.Digest {
			continue
		}
		if at := e.started(j); !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
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
