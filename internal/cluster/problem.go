package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assaydev/assay/internal/excerpt"
)

var (
	// ErrNotFound is an object that the cluster does not have.
	ErrNotFound = errors.New("it has no such object")
	// ErrNoKind is a kind that the cluster does not know: what brings its
	// CustomResourceDefinition is not installed.
	ErrNoKind = errors.New("it does not know such objects")
)

// Unavailable is the error of a cluster that gives no answer, or that it cannot answer now: whatever is
// asked next, it will say the same for a while.
type Unavailable struct{ Err error }

func (u *Unavailable) Error() string { return u.Err.Error() }

// Unwrap gives the cause.
func (u *Unavailable) Unwrap() error { return u.Err }

// IsUnavailable reports whether an error is an Unavailable.
func IsUnavailable(err error) bool {
	var away *Unavailable
	return errors.As(err, &away)
}

// ofTransport is how the standard library's errors of TLS and HTTP begin.
var ofTransport = regexp.MustCompile(`^(tls|x509|http): `)

// longestWord bounds what the API server says in a message of ours.
const longestWord = 500

// request is what was asked for, for messages.
type request struct {
	verb            string // of RBAC; discover for what everybody may
	resource        schema.GroupVersionResource
	namespace, name string
}

// String names the objects.
func (r request) String() string {
	text := r.resource.GroupResource().String()
	if r.name != "" {
		text += " " + r.name
	}
	if r.namespace != "" {
		text += " in the namespace " + r.namespace
	}
	return text
}

// problem says what a failed request means.
func (c *Client) problem(ctx context.Context, r request, err error) error {
	return fmt.Errorf("read %s from %s: %w", r, c.Place, c.explain(ctx, r, err))
}

func (c *Client) noKind(r request) error {
	return fmt.Errorf("read %s from %s: %w", r, c.Place, unknown(r))
}

func (c *Client) explain(ctx context.Context, r request, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return &Unavailable{c.unreachable(err)}
	}
	switch {
	case apierrors.IsUnauthorized(err) && c.secret != "":
		return fmt.Errorf("it does not know this account (401): the login in the Secret %s is wrong or has expired: put a new one there", c.secret)
	case apierrors.IsUnauthorized(err):
		return errors.New("it does not know this account (401): the token or certificate is wrong or has expired: log in to the cluster again")
	case apierrors.IsTooManyRequests(err):
		return &Unavailable{errors.New("it is asked too much, and cannot answer now (429): " + words(status))}
	case status.Status().Code >= http.StatusInternalServerError:
		return &Unavailable{errors.New("it answers with an error: " + words(status))}
	case apierrors.IsForbidden(err):
		return fmt.Errorf("it forbids this (403): %s: grant the verb %s on %s there, with a Role and a RoleBinding", words(status), r.verb, r.resource.GroupResource())
	case isUnserved(status):
		return unknown(r)
	case apierrors.IsNotFound(err):
		return ErrNotFound
	}
	return errors.New("it answers with an error: " + words(status))
}

func unknown(r request) error {
	return fmt.Errorf("%w: %s is not there, so install what brings it, or choose another context", ErrNoKind, r.resource.GroupVersion())
}

// isUnserved tells a path that the API server does not have from an object that
// is not there: of the path, it says nothing in the API's own words.
func isUnserved(s apierrors.APIStatus) bool {
	if s.Status().Reason != metav1.StatusReasonNotFound || s.Status().Details == nil {
		return false
	}
	for _, cause := range s.Status().Details.Causes {
		if cause.Type == metav1.CauseTypeUnexpectedServerResponse {
			return true
		}
	}
	return false
}

// words are the API server's own, less the object that our message names.
func words(s apierrors.APIStatus) string {
	text := s.Status().Message
	if _, why, found := strings.Cut(text, " is forbidden: "); found {
		text = why
	}
	return excerpt.Of(text, longestWord)
}

// unreachable says why there was no answer. What client-go says otherwise than of
// the network and the certificate is left out: it may hold paths, and what a
// program that gives credentials says.
func (c *Client) unreachable(err error) error {
	var asked *url.Error
	var broken *net.OpError
	from, try := "the kubeconfig", "see what kubectl auth whoami says with the same kubeconfig"
	if c.secret != "" {
		from = "the Secret " + c.secret
		try = "see what Argo CD says of the cluster, and what the log of this process does"
	}
	switch {
	case strings.Contains(err.Error(), "getting credentials: "):
		return fmt.Errorf("the program that %s names for its credentials failed: %s", from, strings.TrimSuffix(try, " with the same kubeconfig"))
	case errors.As(err, &broken):
		return fmt.Errorf("it cannot be reached: %w: see that %s names the right server, and that the network lets you there", broken, from)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &asked) && asked.Timeout():
		return fmt.Errorf("it gave no answer within %s", c.limit)
	case errors.As(err, &asked) && ofTransport.MatchString(asked.Err.Error()):
		return errors.New("it cannot be reached: " + excerpt.Of(asked.Err.Error(), longestWord))
	case asked != nil:
		return errors.New("no request could be made, or no answer came: " + try)
	}
	return fmt.Errorf("it gave no answer that can be read: see that %s names an API server", from)
}

func isSubresource(name string) bool { return strings.Contains(name, "/") }
