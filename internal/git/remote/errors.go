package remote

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

var (
	// ErrStale is returned where a ref is not what was expected: somebody else
	// moved it.
	ErrStale = errors.New("the ref has moved")
	// ErrNoBranch is returned where a branch does not exist.
	ErrNoBranch = errors.New("no such branch")
	// ErrEmpty is returned where a repository has no commit yet.
	ErrEmpty = errors.New("the repository has no commit yet: push the first one, then start again")
	// ErrNoDefault is returned where the server's HEAD names no branch that exists.
	ErrNoDefault = errors.New("the server's HEAD names no branch that is there: name one")
	// ErrNoCommit is returned where the server does not give out a commit.
	ErrNoCommit = errors.New("the server does not have the commit, or does not give it out")
	// ErrNoChange is returned where a commit would have the files of its parent.
	ErrNoChange = errors.New("nothing changes")
	// ErrRewritten is returned where a commit is no longer in its branch's history.
	ErrRewritten = errors.New("the branch's history was rewritten")
)

// RefusedError is an answer of the server that another try will not change.
type RefusedError struct {
	Reason string // why: git's words, or a plain summary
	Server string // what the server itself said, if it did; several lines
	Hint   string // how to mend it, empty where nothing is known

	Strange bool // the answer is not one of a Git server
	Local   bool // ssh ended before it asked the server
}

// Protected reports whether the branch is one that nobody pushes to.
func (e *RefusedError) Protected() bool { return e.Hint == hintBranch }

func (e *RefusedError) Error() string {
	text := "the server refuses: " + e.Reason
	switch {
	case e.Strange:
		text = "the answer is not one of a Git server: " + e.Reason
	case e.Local:
		text = "ssh does not start: " + e.Reason
	}
	if e.Server != "" {
		text += " (" + strings.Join(strings.Fields(e.Server), " ") + ")"
	}
	if e.Hint != "" {
		text += ": " + e.Hint
	}
	return text
}

// UnavailableError is a server that did not answer as it should, and that did
// nothing. It may, later.
type UnavailableError struct {
	Reason      string
	Unreachable bool // no connection could be made
	NoRoute     bool // likewise, and its host was not even found
	Err         error
}

func (e *UnavailableError) Error() string { return "the server does not answer: " + e.Reason }

// Unwrap returns what git said.
func (e *UnavailableError) Unwrap() error { return e.Err }

// UnreachableError is a server that no connection could be made to, for as long
// as it would take one to start again.
type UnreachableError struct {
	Reason string
	Tries  int           // in a row
	After  time.Duration // from the end of the first of these to that of the last
	Err    error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("no connection to the server in %s and %s: %s: check the host and the port of the URL, and the network",
		e.After.Round(time.Second), count(e.Tries, "try", "tries"), e.Reason)
}

// Unwrap returns what git said.
func (e *UnreachableError) Unwrap() error { return e.Err }

// UnknownError is a push that ended without an answer: it may have landed.
type UnknownError struct{ Err error }

func (e *UnknownError) Error() string {
	return "the connection ended before the server answered, and the push may have landed: " + e.Err.Error()
}

// Unwrap returns what ended it.
func (e *UnknownError) Unwrap() error { return e.Err }

// IsUnavailable reports whether an error is that of a server that did not answer as it should: nothing is known
// of what it has, and another try may find out.
func IsUnavailable(err error) bool {
	var away *UnavailableError
	var unreachable *UnreachableError
	var open *UnknownError
	var late *GaveUpError
	return errors.As(err, &away) || errors.As(err, &unreachable) || errors.As(err, &open) || errors.As(err, &late) && late.Unavailable > 0
}

// MayHaveLanded reports whether an error leaves open if what was pushed has landed.
func MayHaveLanded(err error) bool {
	var open *UnknownError
	var late *GaveUpError
	return errors.As(err, &open) || errors.As(err, &late) && late.Pending
}

// moving names what others move, for people.
func moving(branch string) string {
	if branch == "" {
		return "the ref"
	}
	return "the branch " + branch
}

// GaveUpError is an Update that ran out of time.
type GaveUpError struct {
	Branch      string        // empty where it was another ref
	Tries       int           // times that the branch was read
	Moved       int           // times that it moved before the push arrived
	Unavailable int           // times that the server did not answer
	After       time.Duration // since the start
	Pending     bool          // a push had no answer, and may have landed
	Err         error         // what ended the time
	Last        error         // what ended the last try, if it ended by itself
}

func (e *GaveUpError) Error() string {
	text := fmt.Sprintf("gave up after %s and %s", e.After.Round(time.Millisecond), count(e.Tries, "try", "tries"))
	if e.Moved > 0 {
		text += fmt.Sprintf("; %s moved %s", moving(e.Branch), count(e.Moved, "time", "times"))
	}
	if e.Unavailable > 0 {
		text += fmt.Sprintf("; the server did not answer %s", count(e.Unavailable, "time", "times"))
	}
	if e.Pending {
		text += "; a push had no answer and may have landed: run the same command again, it finds out"
	}
	if e.Last != nil {
		text += "; the last try ended with: " + e.Last.Error()
	}
	return text + ": " + e.Err.Error()
}

// Unwrap returns what ended the time, and the last try.
func (e *GaveUpError) Unwrap() []error {
	if e.Last == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.Last}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
