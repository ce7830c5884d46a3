package forge

import (
	"context"
	"errors"
	"net/http"
)

// asError is the *Error in err.
func asError(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}

// Create opens a pull request, or adopts the open one of the same head and
// base: that one is returned as it is, its labels completed, and its title and
// body left to Update. After an answer that was lost it looks first, so that
// there is never a second one. ErrNoChange says that there is nothing to merge.
//
// When labelling fails, the pull request is returned together with the error;
// the same call completes it.
func (c *Client) Create(ctx context.Context, n New) (Pull, error) {
	if err := c.fits("open", 0, &n.Title, &n.Body); err != nil {
		return Pull{}, err
	}
	pull, err := c.openOne(ctx, n)
	if err != nil {
		return Pull{}, err
	}
	labels := missing(pull.Labels, n.Labels)
	if err := c.AddLabels(ctx, pull.Number, labels...); err != nil {
		return pull, err
	}
	pull.Labels = append(pull.Labels, labels...)
	return pull, nil
}

// openOne tries until it is known whether there is a pull request.
func (c *Client) openOne(ctx context.Context, n New) (Pull, error) {
	for try := 1; ; try++ {
		pull, err := c.createOnce(ctx, n)
		if err == nil || errors.Is(err, ErrNoChange) {
			return pull, err
		}
		e, _ := asError(err)
		if e == nil || !e.unknown && !exists(err) {
			return Pull{}, err
		}
		pull, found, findErr := c.findOpen(ctx, n)
		switch {
		case findErr != nil:
			return Pull{}, findErr
		case found:
			return pull, nil
		case exists(err):
			return Pull{}, c.refuse("open a pull request", 0, ErrTryAgain, "the one that was open is not any more")
		case try == tries:
			return Pull{}, err
		}
		if sleep(ctx, backoff(try)) != nil {
			return Pull{}, err
		}
	}
}

func (c *Client) createOnce(ctx context.Context, n New) (Pull, error) {
	const verb = "open a pull request"
	var same bool
	err := c.do(ctx, verb, 0, true, func(ctx context.Context) (err error) {
		same, err = c.api.same(ctx, n.Head, n.Base)
		return err
	})
	if err != nil {
		return Pull{}, err
	}
	if same {
		return Pull{}, c.refuse(verb, 0, ErrNoChange, n.Base+" has all of "+n.Head)
	}
	var pull Pull
	err = c.do(ctx, verb, 0, false, func(ctx context.Context) (err error) {
		pull, err = c.api.create(ctx, n)
		return err
	})
	if refused(err, http.StatusUnprocessableEntity, "no commits between") {
		return Pull{}, c.refuse(verb, 0, ErrNoChange, n.Base+" has all of "+n.Head)
	}
	return pull, err
}

// exists says that the forge refused for an open pull request of the same
// branches: GitHub with 422, GitLab and Gitea with 409.
func exists(err error) bool {
	return refused(err, http.StatusUnprocessableEntity, "already exists") || refused(err, http.StatusConflict, "already exists")
}

func (c *Client) findOpen(ctx context.Context, n New) (Pull, bool, error) {
	pulls, err := c.Find(ctx, n.Head, n.Base)
	for _, pull := range pulls {
		if pull.State == StateOpen {
			return pull, true, err
		}
	}
	return Pull{}, false, err
}
