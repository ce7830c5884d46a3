package forge

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// Merge merges a pull request whose head is m.HeadSHA, and returns the commit
// that the base has by it. One that is merged already, with that head, is as
// good. Otherwise it is ErrHeadMoved, ErrConflict, ErrTryAgain, when the base
// moved meanwhile or the forge is not ready, or ErrNotMergeable with the
// forge's reason.
func (c *Client) Merge(ctx context.Context, number int64, m Merge) (string, error) {
	if m.HeadSHA == "" {
		return "", c.refuse("merge", number, ErrHeadMoved, "a merge must name the head that was tested")
	}
	if m.Method == "" {
		m.Method = MethodMerge
	}
	var sha string
	err := c.do(ctx, "merge", number, false, func(ctx context.Context) (err error) {
		sha, err = c.api.merge(ctx, number, m)
		return err
	})
	if err == nil && sha != "" {
		return sha, nil
	}
	return c.mergedOrNot(ctx, number, m, err)
}

// mergedOrNot reads the pull request again to learn what a refused or unknown merge
// means; err is nil when the forge merged it without naming the commit.
func (c *Client) mergedOrNot(ctx context.Context, number int64, m Merge, err error) (string, error) {
	failed, _ := asError(err) // nil where err is
	var limited *RateLimitError
	if errors.As(err, &limited) || denied(err) || failed != nil && failed.Status == 0 && !failed.unknown {
		return "", err
	}
	pull, s, readErr := c.decided(ctx, number, failed)
	switch {
	case readErr != nil:
		return "", errors.Join(err, readErr)
	case pull.State == StateMerged && pull.HeadSHA == m.HeadSHA && pull.MergeSHA != "":
		return pull.MergeSHA, nil
	case err == nil:
		return "", c.refuse("merge", number, ErrTryAgain, "it is not merged yet")
	}
	cause := c.cause(pull, s, m, failed)
	reason := failed.Reason
	if s.reason != "" {
		reason = words([]any{reason, s.reason})
	}
	return "", &Error{Repo: c.repo, Verb: "merge", Number: number, Status: failed.Status, Reason: reason, Err: cause}
}

// decided reads the pull request, and on Gitea again until it is known whether
// it conflicts: Gitea has one refusal and one state for a conflict and for not
// having looked yet. What it has not found to be mergeable for as long as
// patience is a conflict.
func (c *Client) decided(ctx context.Context, number int64, failed *Error) (Pull, mergeability, error) {
	const patience = 15 * time.Second
	pause, slept := firstBackoff, time.Duration(0)
	for {
		pull, s, err := c.get(ctx, number)
		if err != nil || !s.unsure || !undecided(failed) {
			return pull, s, err
		}
		if slept >= patience || sleep(ctx, pause) != nil {
			s.conflict = true
			return pull, s, nil
		}
		slept += pause
		pause = min(2*pause, 2*time.Second)
	}
}

func (c *Client) cause(pull Pull, s mergeability, m Merge, failed *Error) error {
	switch {
	case pull.HeadSHA != m.HeadSHA && pull.HeadSHA != "", refused(failed, http.StatusConflict, "head branch was modified", "sha does not match", "head out of date"):
		return ErrHeadMoved
	case pull.State != StateOpen:
		return ErrNotMergeable
	case s.conflict, conflicted(failed):
		return ErrConflict
	case failed.unknown, transient(failed), vague(failed) && (s.busy || s.reason == ""):
		return ErrTryAgain // it names no reason, and by now it has none: the base moved
	default:
		return ErrNotMergeable
	}
}

// transient tells the refusals that pass by themselves: on GitHub and Gitea
// when the base moved during the merge.
func transient(failed *Error) bool {
	return refused(failed, http.StatusMethodNotAllowed, "base branch was modified", "merge already in progress") ||
		refused(failed, http.StatusConflict, "base branch was modified", "merge push out of date") ||
		undecided(failed)
}

// undecided is Gitea's refusal of what it has not looked at, and of conflicts.
func undecided(failed *Error) bool {
	return failed != nil && refused(failed, http.StatusMethodNotAllowed, "please try again later")
}

// vague is a refusal without a reason: GitHub's and GitLab's.
func vague(failed *Error) bool {
	return refused(failed, http.StatusMethodNotAllowed, "not mergeable", "method not allowed") ||
		refused(failed, http.StatusUnprocessableEntity, "cannot be merged")
}

// conflicted is Gitea's refusal when git itself found the conflict.
func conflicted(failed *Error) bool {
	return refused(failed, http.StatusConflict, "conflict (", "merge conflict")
}
