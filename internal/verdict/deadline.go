package verdict

import (
	"strings"
	"time"
)

// owns reports whether the object was made for this experiment alone. Others
// are there before it and after it, and become the candidate for its time.
func (e Expect) owns(name string) bool { return strings.Contains(name, e.ID) }

// overdue reports whether the object has had the candidate for longer than
// the deadline. It has not if it is not known since when.
func (e Expect) overdue(j judge) bool {
	if e.Deadline <= 0 || j.object == nil || j.id != e.ID {
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
