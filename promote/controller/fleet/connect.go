package fleet

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/flowcontrol"

	"github.com/assaydev/assay/internal/application"
	"github.com/assaydev/assay/internal/cluster"
	"github.com/assaydev/assay/internal/clustersecret"
	"github.com/assaydev/assay/internal/outage"
)

// requestLimit is what a request to a cluster of a Secret may take, where nothing else is said.
const requestLimit = 15 * time.Second

// connect is the cluster of a Secret, connected as the Secret says. Nothing is sent yet.
func (o Options) connect(c *clustersecret.Cluster) (*member, error) {
	limit := cmp.Or(o.Limit, requestLimit)
	config := rest.CopyConfig(c.REST)
	if config.Proxy == nil {
		config.Proxy = o.Proxy
	}
	config.UserAgent, config.WarningHandler = "assayd", rest.NoWarnings{}
	config.RateLimiter = flowcontrol.NewTokenBucketRateLimiter(20, 40) // of all that follows
	at := cluster.Choice{REST: config, Place: c.String(), Secret: c.Secret}
	connections, err := at.Connect(limit)
	if err != nil {
		return nil, err
	}
	objects, err := at.Over(connections, limit)
	if err != nil {
		return nil, err
	}
	k, err := newKinds(config, &http.Client{Transport: connections}, o.seen(application.Target{Server: c.Server, Name: c.Name}), o.Log.With("cluster", c.Name, "secret", c.Secret))
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", c, err)
	}
	k.namespaces = c.Namespaces
	return &member{cluster: c, list: objects.List, schemas: objects.OpenAPI, now: objects.Now, outage: outage.New(cluster.IsUnavailable), kinds: k, close: connections.Close}, nil
}

// newKinds prepares to watch the kinds of a cluster.
func newKinds(config *rest.Config, client *http.Client, wake func(Sighting), log *slog.Logger) (*kinds, error) {
	m, err := metadata.NewForConfigAndClient(config, client)
	if err != nil {
		return nil, err
	}
	d, err := discovery.NewDiscoveryClientForConfigAndClient(config, client)
	if err != nil {
		return nil, err
	}
	return newKindsOf(m, d, wake, log), nil
}

// clusterSecrets follows the cluster Secrets of Argo CD's namespace, and no other Secrets.
func clusterSecrets(core corev1client.CoreV1Interface, namespace string) cache.SharedInformer {
	label := func(opt *metav1.ListOptions) {
		opt.LabelSelector = clustersecret.TypeLabel + "=" + clustersecret.Type
	}
	informer := cache.NewSharedInformer(cache.NewFilteredListWatchFromClient(core.RESTClient(), "secrets", namespace, label), &corev1.Secret{}, 0)
	_ = informer.SetTransform(func(o any) (any, error) {
		if s, ok := o.(*corev1.Secret); ok {
			s.ManagedFields, s.Annotations = nil, nil
		}
		return o, nil
	})
	return informer
}
