// Package cluster reads single objects of a Kubernetes cluster.
//
//  1. Open chooses the cluster and the account: those of a kubeconfig's context,
//     else those of the pod that the process runs in (kubeconfig.go).
//  2. Get reads one object by its resource and name, in one request.
//  3. List asks which resource a kind has, and reads its objects with a label.
//  4. OpenAPI reads what a group and version publishes of its kinds.
//  5. What goes wrong is told by what mends it: a login, a Role, a context
//     (problem.go).
//
// Nothing is written, watched or cached. No message holds a token, or a path of
// this machine.
package cluster

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

const (
	// answerLimit is what one request may take. An API server that needs longer
	// for one object is down.
	answerLimit = 30 * time.Second
	pageSize    = 500
)

// Options say which cluster, and who asks.
type Options struct {
	// Kubeconfig is the files to merge, the first wins. Those that are not there
	// are passed over; without any, the pod's service account is used.
	Kubeconfig []string
	Context    string // of the kubeconfig; its current one where empty
	UserAgent  string
}

// Client reads objects as one account of one cluster. It may be used by several
// goroutines.
type Client struct {
	// Namespace is the one that the context, or the pod, names; empty where
	// neither does.
	Namespace string
	// Place names the cluster for people.
	Place string

	secret  string // that the account is from; empty is a kubeconfig
	limit   time.Duration
	objects dynamic.Interface
	kinds   rest.Interface
	clock   clock
}

// Open reads the kubeconfig. It does not speak with the cluster. The error is
// ErrNoCluster where nothing names one.
func Open(opt Options) (*Client, error) {
	at, err := Choose(opt)
	if err != nil {
		return nil, err
	}
	return at.Client()
}

// Client is for single objects. A request ends after 30 seconds.
func (c Choice) Client() (*Client, error) {
	connections, err := rest.TransportFor(c.REST)
	if err != nil {
		return nil, c.unusable()
	}
	return c.Over(connections, answerLimit)
}

// Over is Client over connections of the caller's, with a limit for one request.
func (c Choice) Over(connections http.RoundTripper, limit time.Duration) (*Client, error) {
	client := &Client{Namespace: c.Namespace, Place: c.Place, secret: c.Secret, limit: limit}
	client.clock.next = connections
	if err := client.dial(rest.CopyConfig(c.REST), &http.Client{Transport: &client.clock, Timeout: limit}); err != nil {
		return nil, c.unusable()
	}
	return client, nil
}

func (c *Client) dial(config *rest.Config, httpClient *http.Client) error {
	kinds, err := discovery.NewDiscoveryClientForConfigAndClient(config, httpClient)
	if err != nil {
		return err
	}
	c.kinds = kinds.RESTClient()
	c.objects, err = dynamic.NewForConfigAndClient(config, httpClient)
	return err
}

// Get reads an object. The error is ErrNotFound where it is not there, and
// ErrNoKind where the cluster does not know such objects.
func (c *Client) Get(ctx context.Context, resource schema.GroupVersionResource, namespace, name string) (*unstructured.Unstructured, error) {
	limited, cancel := c.within(ctx)
	defer cancel()
	o, err := c.objects.Resource(resource).Namespace(namespace).Get(limited, name, metav1.GetOptions{})
	if err != nil {
		return nil, c.problem(ctx, request{verb: "get", resource: resource, namespace: namespace, name: name}, err)
	}
	return o, nil
}

// List reads the objects of a kind that have a label. The error is ErrNoKind
// where the cluster does not know the kind.
func (c *Client) List(ctx context.Context, kind schema.GroupVersionKind, namespace, selector string) ([]*unstructured.Unstructured, error) {
	resource, err := c.resource(ctx, kind)
	if err != nil {
		return nil, err
	}
	return c.ListAll(ctx, resource, namespace, selector)
}

// ListAll reads the objects of a resource that have a label; an empty namespace is all
// of them.
func (c *Client) ListAll(ctx context.Context, resource schema.GroupVersionResource, namespace, selector string) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	for opt := (metav1.ListOptions{LabelSelector: selector, Limit: pageSize}); ; {
		page, err := c.page(ctx, resource, namespace, opt)
		if err != nil {
			return nil, c.problem(ctx, request{verb: "list", resource: resource, namespace: namespace}, err)
		}
		for i := range page.Items {
			out = append(out, &page.Items[i])
		}
		if opt.Continue = page.GetContinue(); opt.Continue == "" {
			return out, nil
		}
	}
}

func (c *Client) page(ctx context.Context, resource schema.GroupVersionResource, namespace string, opt metav1.ListOptions) (*unstructured.UnstructuredList, error) {
	limited, cancel := c.within(ctx)
	defer cancel()
	return c.objects.Resource(resource).Namespace(namespace).List(limited, opt)
}

// mostOpenAPI is how long an OpenAPI document may be. That of argoproj.io has 4 MiB.
const mostOpenAPI = 32 << 20

// OpenAPI reads the OpenAPI v3 document of a group and version, which every account may.
func (c *Client) OpenAPI(ctx context.Context, version schema.GroupVersion) ([]byte, error) {
	r := request{verb: "get", resource: version.WithResource("openapi")}
	path := "/openapi/v3/apis/" + version.String()
	limited, cancel := c.within(ctx)
	defer cancel()
	body, err := c.kinds.Get().AbsPath(path).SetHeader("Accept", "application/json").Stream(limited)
	if apierrors.IsForbidden(err) {
		return nil, fmt.Errorf("read %s from %s: it forbids this (403): bind the ClusterRole system:discovery to the account", path, c.Place)
	}
	if err != nil {
		return nil, c.problem(ctx, r, err)
	}
	defer func() { _ = body.Close() }()
	data, err := io.ReadAll(io.LimitReader(body, mostOpenAPI+1))
	switch {
	case err != nil:
		return nil, c.problem(ctx, r, err)
	case len(data) > mostOpenAPI:
		return nil, fmt.Errorf("read %s from %s: it is longer than %d MiB", path, c.Place, mostOpenAPI>>20)
	}
	return data, nil
}

// within bounds one request with all that client-go tries again of it, as it does where a server
// answers that it is busy.
func (c *Client) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, c.limit)
}

// resource asks the cluster by which name it serves a kind.
func (c *Client) resource(ctx context.Context, kind schema.GroupVersionKind) (schema.GroupVersionResource, error) {
	path := "/apis/" + kind.Group + "/" + kind.Version
	if kind.Group == "" {
		path = "/api/" + kind.Version
	}
	found := kind.GroupVersion().WithResource(kind.Kind)
	var list metav1.APIResourceList
	limited, cancel := c.within(ctx)
	defer cancel()
	err := c.kinds.Get().AbsPath(path).Do(limited).Into(&list)
	if err != nil {
		return found, c.problem(ctx, request{verb: "discover", resource: found}, err)
	}
	for _, r := range list.APIResources {
		if r.Kind == kind.Kind && !isSubresource(r.Name) {
			return kind.GroupVersion().WithResource(r.Name), nil
		}
	}
	return found, c.noKind(request{verb: "discover", resource: found})
}
