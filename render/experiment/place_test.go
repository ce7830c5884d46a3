package experiment

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestInjectedNamespace: an injected object is where the application is deployed
// to, or where a target is.
func TestInjectedNamespace(t *testing.T) {
	for _, tt := range []struct {
		name, namespace, destination, target string
		refused                              bool
	}{
		{"none", "", "shop", "", false},
		{"the destination's", "shop", "shop", "", false},
		{"a target's", "web", "shop", "web", false},
		{"the destination's, of a target elsewhere", "shop", "shop", "web", false},
		{"another tenant's", "other", "shop", "", true},
		{"another tenant's, of a target elsewhere", "other", "shop", "web", true},
		{"any, and the destination is not known", "other", "", "", false},
	} {
		in := input(t, file("a.yaml", strings.Replace(job, "name: judge", "name: judge, namespace: '"+tt.namespace+"'", 1)))
		in.Namespace, in.Destination = tt.destination, tt.destination
		if tt.target != "" {
			in.Namespace = tt.target
			in.Targets[0].Candidate.Namespace = tt.target
		}
		_, _, err := render(t, in, Options{})
		if (err != nil) != tt.refused {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// TestInjectedIdentity: an injected object is never one of the environment's own,
// wherever a namespace is left out.
func TestInjectedIdentity(t *testing.T) {
	for _, tt := range []struct {
		name, injected, taken, destination, templates string // namespaces
		refused                                       bool
	}{
		{"both without one", "", "", "shop", "shop", true},
		{"the destination's, named by one", "", "shop", "shop", "shop", true},
		{"the destination's, named by the other", "shop", "", "shop", "shop", true},
		{"the destination's, and the variant is elsewhere", "", "shop", "shop", "web", true},
		{"two namespaces", "", "web", "shop", "web", false},
		{"not known, and both without one", "", "", "", "", true},
		{"not known, and one is named", "", "shop", "", "", true},
		{"not known, and the other is", "shop", "", "", "", true},
		{"not known, and both are", "shop", "web", "", "", false},
	} {
		own := object1(t, strings.Replace(job, "name: judge", "name: judge-"+testID, 1))
		own.SetNamespace(tt.taken)
		text := job
		if tt.injected != "" {
			text = strings.Replace(job, "name: judge", "name: judge, namespace: "+tt.injected, 1)
		}
		in := input(t, file("a.yaml", text))
		in.Namespace, in.Destination, in.Taken = tt.templates, tt.destination, []*unstructured.Unstructured{own}
		_, _, err := render(t, in, Options{})
		if (err != nil) != tt.refused || err != nil && !strings.Contains(err.Error(), "has the identity of an object of the environment") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
