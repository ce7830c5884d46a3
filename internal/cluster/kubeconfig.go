package cluster

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// ErrNoCluster is returned where nothing says which cluster is meant.
var ErrNoCluster = errors.New("no cluster is known: there is no kubeconfig ($KUBECONFIG, or .kube/config in the home directory), and this is not a pod with a service account")

// Choice is a cluster and an account.
type Choice struct {
	REST      *rest.Config
	Namespace string // that the context, or the pod, names; empty where neither does
	Place     string // the cluster for people

	// Secret is the cluster Secret of Argo CD that the account is from; empty is a kubeconfig, or the pod.
	Secret string
}

// Choose follows the rules of kubectl. What client-go says of a kubeconfig holds
// paths of this machine, and may hold what is in it: the messages are our own.
func Choose(opt Options) (Choice, error) {
	rules := &clientcmd.ClientConfigLoadingRules{Precedence: opt.Kubeconfig}
	config := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: opt.Context})
	raw, err := config.RawConfig()
	if err != nil {
		return Choice{}, errors.New("read kubeconfig: it cannot be read, or it is not a kubeconfig: see what kubectl config view says")
	}
	name := opt.Context
	if name == "" {
		name = raw.CurrentContext
	}
	c := Choice{Place: "the cluster of the context " + name}
	chosen, ok := raw.Contexts[name]
	switch {
	case ok:
		c.Namespace = chosen.Namespace
	case name != "" || len(raw.Contexts) > 0:
		return Choice{}, noContext(name, raw.Contexts)
	default:
		c.Place = "the cluster of this pod"
		c.Namespace, _, _ = config.Namespace() // without a cluster, the next call says so
	}
	if c.REST, err = config.ClientConfig(); err == nil {
		c.REST.UserAgent, c.REST.WarningHandler = opt.UserAgent, rest.NoWarnings{}
		return c, nil
	}
	if !ok && clientcmd.IsEmptyConfig(err) {
		return Choice{}, ErrNoCluster
	}
	return Choice{}, c.unusable()
}

// Contexts lists those of the kubeconfig, sorted.
func Contexts(kubeconfig []string) ([]string, error) {
	rules := &clientcmd.ClientConfigLoadingRules{Precedence: kubeconfig}
	raw, err := rules.Load()
	if err != nil {
		return nil, errors.New("read kubeconfig: it cannot be read, or it is not a kubeconfig: see what kubectl config view says")
	}
	return slices.Sorted(maps.Keys(raw.Contexts)), nil
}

// noContext names the contexts that there are.
func noContext(name string, contexts map[string]*api.Context) error {
	known := "it has none"
	if len(contexts) > 0 {
		known = "there are " + strings.Join(slices.Sorted(maps.Keys(contexts)), ", ")
	}
	if name == "" {
		return fmt.Errorf("read kubeconfig: it has no current context: choose one: %s", known)
	}
	return fmt.Errorf("read kubeconfig: it has no context %s: %s", name, known)
}

func (c Choice) unusable() error {
	if c.Secret != "" {
		return fmt.Errorf("%s cannot be used: see that its server and its TLS settings are right", c.Place)
	}
	return fmt.Errorf("read kubeconfig: %s cannot be used: it has no server or no such user, or a certificate, key or token file that it names cannot be read: see what kubectl config view --minify says", c.Place)
}
