package controller

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/assaydev/assay/internal/cluster"
	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/internal/git/remote"
)

// count is which environments have been looked at since the experiments that run began to be counted.
type count struct {
	number int // each has its own
	began  time.Time

	unseen  map[Key]bool // not looked at yet; nil before the first look has ended
	unknown map[Key]bool // what runs there could not be read, as a server did not answer
}

// answersWithin is how long a count waits for servers that do not answer. What runs on their branches may be too
// much with what is let run meanwhile: a restart of a server is waited for. One that is gone for good must not
// keep the candidates of all others waiting.
const answersWithin = 15 * time.Minute

// seen takes that a look at an environment has ended, and reports whether the count is complete. What does not
// render runs nothing, and an answer that is always the same is not waited for.
func (c *count) seen(key Key, err error, all func() []Key) (complete bool) {
	if c.unseen == nil {
		c.unseen, c.unknown = map[Key]bool{}, map[Key]bool{}
		for _, k := range all() {
			c.unseen[k] = true
		}
	}
	delete(c.unseen, key)
	if delete(c.unknown, key); isAway(err) {
		c.unknown[key] = true
	}
	return len(c.unseen) == 0 && (len(c.unknown) == 0 || time.Since(c.began) > answersWithin)
}

// isAway reports whether a look was ended by a server that did not answer, or for want of time: the next one may
// find out more.
func isAway(err error) bool {
	var refused *forge.Error
	var status apierrors.APIStatus
	var network net.Error
	switch {
	case remote.IsUnavailable(err), cluster.IsUnavailable(err), errors.As(err, &network):
		return true
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return true
	case errors.As(err, &refused):
		return refused.Status == 0 || refused.Status == http.StatusTooManyRequests || refused.Status >= http.StatusInternalServerError
	case errors.As(err, &status):
		code := status.Status().Code
		return code == http.StatusTooManyRequests || code >= http.StatusInternalServerError
	}
	return false
}
