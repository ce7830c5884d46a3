package experiment

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/assaydev/assay/internal/object"
)

// longestName is what a label value, and so the name of a Job or Service, may have.
const longestName = 63

// checkNames looks at the names that reach the cluster: each fits, is there
// once, and is another one for another experiment where an object runs once.
func checkNames(resources []resource, in Input, id string) error {
	taken := make(map[object.Key]string, 2*(len(in.Taken)+len(resources)))
	take := func(o *unstructured.Unstructured, by string) {
		key := keyIn(o, in.Destination)
		taken[key] = by
		if in.Destination == "" { // an object that names no namespace may be in that one
			key.Namespace = ""
			taken[anywhere(key)] = by
		}
	}
	for _, o := range in.Taken {
		take(o, "an object of the environment or the variant")
	}
	for _, r := range resources {
		name := r.object.GetName()
		if len(name) > longestName {
			return r.errorf("the name has %d characters with the ID, and at most %d are allowed: shorten it", len(name), longestName)
		}
		if reasons := validation.IsDNS1123Subdomain(name); len(reasons) > 0 {
			return r.errorf("the name is not one that Kubernetes takes: %s", reasons[0])
		}
		if e, ok := in.engines().Of(r.object); ok && e.RunsOnce && !strings.Contains(name, id) {
			return r.errorf("the name must hold the ID, or the next candidate would not be tested: metadata.name: %s-{{ .ID }}", name)
		}
		key := keyIn(r.object, in.Destination)
		other, ok := taken[key]
		if key.Namespace == "" {
			other, ok = taken[anywhere(key)]
		} else if !ok && in.Destination == "" {
			unnamed := key
			unnamed.Namespace = ""
			other, ok = taken[unnamed]
		}
		if ok {
			return r.errorf("has the identity of %s: give it another name", other)
		}
		take(r.object, "another in "+r.file)
	}
	return nil
}

// anywhere stands for the object in any namespace: no namespace is called so.
func anywhere(key object.Key) object.Key {
	key.Namespace = "*"
	return key
}

// keyIn is the identity of an object once Argo CD has filled in its namespace.
func keyIn(o *unstructured.Unstructured, namespace string) object.Key {
	key := object.KeyOf(o)
	if key.Namespace == "" {
		key.Namespace = namespace
	}
	return key
}
