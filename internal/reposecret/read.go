package reposecret

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The ConfigMaps that say whom Argo CD trusts.
const (
	knownHosts   = "argocd-ssh-known-hosts-cm"
	certificates = "argocd-tls-certs-cm"
)

// List reads the objects of a resource in a namespace that have a label.
type List func(ctx context.Context, resource schema.GroupVersionResource, namespace, selector string) ([]*unstructured.Unstructured, error)

// Read reads the settings of the Argo CD in a namespace. It takes the verb list on Secrets and
// ConfigMaps there.
func Read(ctx context.Context, list List, namespace string) (Settings, error) {
	var s Settings
	secrets, err := list(ctx, schema.GroupVersionResource{Version: "v1", Resource: "secrets"}, namespace, TypeLabel+" in ("+strings.Join(types, ",")+")")
	if err != nil {
		return s, err
	}
	for _, o := range secrets {
		secret := Secret{Name: o.GetName(), Type: o.GetLabels()[TypeLabel], Data: map[string][]byte{}}
		data, _, _ := unstructured.NestedStringMap(o.Object, "data")
		for field, text := range data {
			if secret.Data[field], err = base64.StdEncoding.DecodeString(text); err != nil {
				return s, fmt.Errorf("read Secret %s: the field %s is not base64", secret.Name, field)
			}
		}
		s.Secrets = append(s.Secrets, secret)
	}
	maps, err := list(ctx, schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}, namespace, PartLabel+"="+Part)
	if err != nil {
		return s, err
	}
	for _, o := range maps {
		data, _, _ := unstructured.NestedStringMap(o.Object, "data")
		s.Trust(o.GetName(), data)
	}
	return s, nil
}

// What Argo CD's own ConfigMaps are labelled with.
const (
	PartLabel = "app.kubernetes.io/part-of"
	Part      = "argocd"
)

// Trust takes the hosts or certificates of a ConfigMap that has some.
func (s *Settings) Trust(name string, data map[string]string) {
	switch name {
	case knownHosts:
		s.KnownHosts = []byte(data["ssh_known_hosts"])
	case certificates:
		s.TLS = data
	}
}
