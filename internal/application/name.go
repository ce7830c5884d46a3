package application

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
)

// argoCD is the namespace of Argo CD where nothing names another.
const argoCD = "argocd"

// Resource is the resource that an Application is.
func Resource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "applications"}
}

// Name is an Application in a cluster.
type Name struct{ Namespace, Name string } // the namespace may be empty

// ParseName tells a name from a file. Its text alone decides: what files lie around may
// be somebody else's, and an Application says where our credentials go. A file that could
// be a name is given as ./FILE.
func ParseName(text string) (n Name, ok bool) {
	if slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(text)) {
		return n, false
	}
	namespace, name, qualified := strings.Cut(text, "/")
	if !qualified {
		return Name{Name: text}, len(validation.IsDNS1123Subdomain(text)) == 0
	}
	ok = len(validation.IsDNS1123Label(namespace)) == 0 && len(validation.IsDNS1123Subdomain(name)) == 0
	return Name{namespace, name}, ok
}

// Or is the name with a namespace: its own, else the one given, else Argo CD's.
func (n Name) Or(namespace string) Name {
	n.Namespace = cmp.Or(n.Namespace, namespace, argoCD)
	return n
}

func (n Name) String() string { return "Application " + n.Namespace + "/" + n.Name }
