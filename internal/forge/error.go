package forge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// What a caller can act on.
var (
	// ErrNoChange: the head has no commit that the base lacks.
	ErrNoChange = errors.New("no commits between the branches")
	// ErrHeadMoved: the head is another commit than the one that may be merged.
	ErrHeadMoved = errors.New("its head has moved")
	// ErrConflict: the head conflicts with the base.
	ErrConflict = errors.New("it conflicts with its base")
	// ErrTryAgain: the forge is busy with it, or the base moved meanwhile. The same call may succeed later.
	ErrTryAgain = errors.New("the forge cannot do it at this moment; try again")
	// ErrNotMergeable: checks, reviews or rules stand against it, or it is closed.
	ErrNotMergeable = errors.New("it may not be merged as it is")
	// ErrMerged: it is merged, and can no longer be closed.
	ErrMerged = errors.New("it is merged")
	// ErrTooLong: a title, body or comment has more characters than fit.
	ErrTooLong = errors.New("too long")
)

// Error is a verb that failed. It never holds the token.
type Error struct {
	Repo   Repo
	Verb   string // for people
	Number int64  // of the pull request; 0 where none is known
	Status int    // of the forge's answer; 0 without one
	Reason string // what the forge said; may be empty
	Err    error  // one of the package's errors, or why there is no answer; may be nil

	unknown bool // the forge may have done it
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s ", e.Verb)
	if e.Number != 0 {
		fmt.Fprintf(&b, "%s %d ", e.Repo.Kind.noun(), e.Number)
	}
	fmt.Fprintf(&b, "of %s on %s", e.Repo.Path, e.Repo.Kind.name())
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if e.Reason != "" {
		fmt.Fprintf(&b, ": %s", e.Reason)
	}
	if e.Status >= 400 {
		fmt.Fprintf(&b, " (%d %s)", e.Status, http.StatusText(e.Status))
	}
	if hint := e.hint(); hint != "" {
		fmt.Fprintf(&b, "; %s", hint)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// hint says what to do about an answer that the token or the address is to blame for.
func (e *Error) hint() string {
	switch {
	case e.unknown:
		return "whether the forge did it is not known: look at " + e.Repo.Web()
	case e.Status == http.StatusUnauthorized:
		return "the token is wrong, expired, or not allowed to do this: give one of " + e.Repo.Base + " with " + e.Repo.Kind.scopes()
	case e.Status == http.StatusForbidden:
		return "the token may not do this: it needs " + e.Repo.Kind.scopes()
	case e.Status == http.StatusNotFound && e.Number != 0:
		return "check that " + e.Repo.Web() + " exists and has it, and that the token may see it"
	case e.Status == http.StatusNotFound:
		return "check that " + e.Repo.Web() + " exists, with its branches, and that the token may see it"
	case e.Status == http.StatusUnprocessableEntity && strings.HasSuffix(e.Reason, " invalid"):
		return "check that the branch exists" // GitHub's words name the head or the base
	default:
		return ""
	}
}

func (k Kind) noun() string {
	if k == GitLab {
		return "merge request"
	}
	return "pull request"
}

// scopes is what a token must be allowed.
func (k Kind) scopes() string {
	switch k {
	case GitHub:
		return "read and write access to contents, pull requests and issues (classic tokens: the scope repo)"
	case GitLab:
		return "the scope api and at least the role Developer"
	default:
		return "the scopes write:repository and write:issue"
	}
}

// RateLimitError is a rate limit that outlasts the context's deadline.
type RateLimitError struct {
	Until time.Time // when it may be tried again
}

func (e *RateLimitError) Error() string {
	return "the rate limit is used up; try again after " + e.Until.UTC().Format(time.RFC3339)
}

// fail makes the error of a verb from what the library returned and what the
// transport saw.
func (c *Client) fail(verb string, number int64, seen *call, err error) error {
	e := &Error{Repo: c.repo, Verb: verb, Number: number, Status: seen.status, Reason: seen.reason}
	var limited *RateLimitError
	var wrapped *url.Error
	var said refusal
	switch {
	case errors.As(err, &limited):
		e.Err, e.Status, e.Reason = limited, 0, ""
	case errors.As(err, &said) && seen.status < 400:
		e.Reason = string(said)
	case seen.status >= 400:
		e.unknown = seen.status >= 500 && !seen.repeat
	case seen.status != 0 && undecoded(err):
		e.Reason = "the answer is not that of its API: check the API's URL"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		e.Err, e.unknown = fmt.Errorf("no answer: %w", bare(err)), seen.sent && !seen.repeat
	case errors.As(err, &wrapped):
		e.Err, e.unknown = fmt.Errorf("no answer: %w", wrapped.Err), seen.sent && !seen.repeat
	default:
		e.Err = err
	}
	return e
}

// undecoded says that an answer was not the JSON that a library expects.
func undecoded(err error) bool {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	return errors.As(err, &syntax) || errors.As(err, &kind) || errors.Is(err, io.ErrUnexpectedEOF)
}

// refusal is what a forge says in an answer that counts as success.
type refusal string

func (r refusal) Error() string { return string(r) }

// bare is the error of a context, without the URL that was asked.
func bare(err error) error {
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	return context.DeadlineExceeded
}

// refuse makes the error of a verb that needs no answer, or whose answer was understood.
func (c *Client) refuse(verb string, number int64, cause error, reason string) error {
	return &Error{Repo: c.repo, Verb: verb, Number: number, Reason: reason, Err: cause}
}
