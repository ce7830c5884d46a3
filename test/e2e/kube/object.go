package kube

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/test/e2e/process"
)

// Apply puts the objects of YAML documents there, as kubectl apply --server-side
// does. A kind that it brings can be used by the next call.
func (s *Server) Apply(ctx context.Context, manifests string) error {
	objs, err := manifest.Decode("manifests", []byte(manifests), manifest.Limits{})
	if err != nil {
		return err
	}
	for _, o := range objs {
		if err := s.apply(ctx, o, ""); err != nil {
			return err
		}
	}
	return nil
}

// Conclude sets the status of an object, which has to be there.
func (s *Server) Conclude(ctx context.Context, manifest string) error {
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(manifest), &o.Object); err != nil {
		return err
	}
	return s.apply(ctx, o, "status")
}

func (s *Server) apply(ctx context.Context, o *unstructured.Unstructured, subresource string) error {
	resource, err := s.resource(o)
	if err != nil {
		return err
	}
	data, err := o.MarshalJSON()
	if err != nil {
		return err
	}
	force := true
	opt := metav1.PatchOptions{FieldManager: "e2e", Force: &force}
	var parts []string
	if subresource != "" {
		parts = append(parts, subresource)
	}
	if _, err = resource.Patch(ctx, o.GetName(), types.ApplyPatchType, data, opt, parts...); err != nil {
		return fmt.Errorf("apply %s %s: %w", o.GetKind(), o.GetName(), err)
	}
	if o.GetKind() == "CustomResourceDefinition" {
		return s.established(ctx, o)
	}
	return nil
}

// resource is where objects of the kind are. What the server said of its kinds is kept until one is
// asked for that it did not name.
func (s *Server) resource(o *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	gvk := o.GroupVersionKind()
	s.mu.Lock()
	mapping, err := s.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if meta.IsNoMatchError(err) {
		s.mapper.Reset()
		mapping, err = s.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	}
	s.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("find kind %s: %w", gvk.Kind, err)
	}
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return s.objects.Resource(mapping.Resource), nil
	}
	return s.objects.Resource(mapping.Resource).Namespace(o.GetNamespace()), nil
}

// established waits until the server serves the kinds of a definition.
func (s *Server) established(ctx context.Context, crd *unstructured.Unstructured) error {
	group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
	kind, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "kind")
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	for _, item := range versions {
		version, _ := item.(map[string]any)
		name, _ := version["name"].(string)
		o := &unstructured.Unstructured{}
		o.SetGroupVersionKind(schema.GroupVersionKind{Group: group, Version: name, Kind: kind})
		err := s.group.Ready("kube-apiserver", process.StartLimit, func(context.Context) error {
			resource, err := s.resource(o)
			if err != nil {
				return err
			}
			_, err = resource.List(ctx, metav1.ListOptions{Limit: 1})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Account makes a token of a service account, which has to be there.
func (s *Server) Account(ctx context.Context, namespace, name string) (string, error) {
	accounts := s.objects.Resource(schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}).Namespace(namespace)
	request := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": map[string]any{"name": name},
	}}
	made, err := accounts.Create(ctx, request, metav1.CreateOptions{}, "token")
	if err != nil {
		return "", fmt.Errorf("make token of %s: %w", name, err)
	}
	token, _, err := unstructured.NestedString(made.Object, "status", "token")
	return token, err
}

// Kubeconfig writes a file whose one context e2e comes in with the token. It
// returns the file's path. The context's namespace may be empty.
func (s *Server) Kubeconfig(name, token, namespace string) (string, error) {
	file := filepath.Join(s.dir, name+".kubeconfig")
	config := api.NewConfig()
	config.Clusters["e2e"] = &api.Cluster{Server: s.URL, CertificateAuthority: s.CA}
	config.AuthInfos["e2e"] = &api.AuthInfo{Token: token}
	config.Contexts["e2e"] = &api.Context{Cluster: "e2e", AuthInfo: "e2e", Namespace: namespace}
	config.CurrentContext = "e2e"
	data, err := clientcmd.Write(*config)
	if err != nil {
		return "", err
	}
	return file, os.WriteFile(file, data, 0o600)
}

// Get reads an object by apiVersion, kind, namespace and name; nil where it is not there.
func (s *Server) Get(ctx context.Context, apiVersion, kind, namespace, name string) (*unstructured.Unstructured, error) {
	resource, err := s.named(apiVersion, kind, namespace)
	if err != nil {
		return nil, err
	}
	o, err := resource.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return o, err
}

// List reads the objects of a kind in a namespace that have a label; all where it is empty.
func (s *Server) List(ctx context.Context, apiVersion, kind, namespace, label string) ([]unstructured.Unstructured, error) {
	resource, err := s.named(apiVersion, kind, namespace)
	if err != nil {
		return nil, err
	}
	list, err := resource.List(ctx, metav1.ListOptions{LabelSelector: label})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// Patch merges JSON into an object.
func (s *Server) Patch(ctx context.Context, apiVersion, kind, namespace, name, patch string) error {
	resource, err := s.named(apiVersion, kind, namespace)
	if err != nil {
		return err
	}
	_, err = resource.Patch(ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	return err
}

// Delete deletes an object, and what it owns after it.
func (s *Server) Delete(ctx context.Context, apiVersion, kind, namespace, name string) error {
	resource, err := s.named(apiVersion, kind, namespace)
	if err != nil {
		return err
	}
	background := metav1.DeletePropagationBackground
	return resource.Delete(ctx, name, metav1.DeleteOptions{PropagationPolicy: &background})
}

// named is where objects of a kind are in a namespace.
func (s *Server) named(apiVersion, kind, namespace string) (dynamic.ResourceInterface, error) {
	o := &unstructured.Unstructured{}
	o.SetAPIVersion(apiVersion)
	o.SetKind(kind)
	o.SetNamespace(namespace)
	return s.resource(o)
}
