package git

import "time"

// Change is a commit that gave paths another content than they have in its
// first parent.
type Change struct {
	Commit string
	Parent string    // empty for the first commit
	Time   time.Time // when it was committed
}
