package application

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
)

// Deployed is an Application as its cluster has it: what it deploys with the plugin,
// and how that stands.
type Deployed struct {
	Name    Name
	Project string

	// Places has one entry for each source that uses the plugin; Problems say what is
	// wrong with others that do.
	Places   []Place
	Problems []error

	Manages   []object.Key // what Argo CD keeps in the cluster for it
	Operation *Operation   // the sync that runs; nil where none does

	// RolledBack is the revision that people went back to while automated sync is off;
	// empty where they did not.
	RolledBack string

	// Generator is the ApplicationSet that writes it; empty where none does.
	Generator string
}

// Operation is a sync that runs.
type Operation struct {
	Revision string // the commit
	Message  string // what it waits for, in Argo CD's words
	Started  time.Time
}

// Waits reports whether it waits for objects to become healthy or hooks to end.
func (o *Operation) Waits() bool { return o != nil && strings.HasPrefix(o.Message, "waiting for ") }

// ReadDeployed reads an Application that a cluster sent. One without a source that
// uses the plugin has no Places.
func ReadDeployed(o *unstructured.Unstructured) Deployed {
	d := Deployed{Name: Name{Namespace: o.GetNamespace(), Name: o.GetName()}, Project: text(o.Object, "spec", "project")}
	a := &Application{File: d.Name.String()}
	for _, source := range pluginSources(o.Object) {
		p, err := a.place(o.Object, source)
		if err != nil {
			d.Problems = append(d.Problems, err)
			continue
		}
		d.Places = append(d.Places, p)
	}
	for _, owner := range o.GetOwnerReferences() {
		if owner.Kind == "ApplicationSet" {
			d.Generator = owner.Name
		}
	}
	status, _ := o.Object["status"].(map[string]any)
	d.Manages = managed(status, text(o.Object, "spec", "destination", "namespace"))
	d.Operation = running(status)
	if !automated(o.Object) {
		d.RolledBack = rolledBack(status)
	}
	return d
}

// managed lists the objects of status.resources.
func managed(status map[string]any, namespace string) []object.Key {
	var out []object.Key
	list, _ := status["resources"].([]any)
	for _, item := range list {
		r, _ := item.(map[string]any)
		key := object.Key{Group: text(r, "group"), Kind: text(r, "kind"), Namespace: text(r, "namespace"), Name: text(r, "name")}
		if key.Namespace == "" {
			key.Namespace = namespace
		}
		out = append(out, key)
	}
	return out
}

// running is the operation of status.operationState.
func running(status map[string]any) *Operation {
	state, _ := status["operationState"].(map[string]any)
	if text(state, "phase") != "Running" {
		return nil
	}
	op := &Operation{Revision: text(state, "syncResult", "revision"), Message: text(state, "message")}
	if op.Revision == "" {
		op.Revision = text(state, "operation", "sync", "revision")
	}
	op.Started, _ = time.Parse(time.RFC3339, text(state, "startedAt"))
	return op
}

// automated reports whether Argo CD syncs by itself. From v3.1 on, the field enabled turns
// it off and leaves the rest of the policy.
func automated(root map[string]any) bool {
	policy, _, _ := unstructured.NestedFieldNoCopy(root, "spec", "syncPolicy", "automated")
	settings, on := policy.(map[string]any)
	if enabled, said := settings["enabled"].(bool); said {
		return enabled
	}
	return on
}

// rolledBack is the revision that is deployed, if another one was deployed after it for
// the first time: that is what a rollback leaves in status.history.
func rolledBack(status map[string]any) string {
	list, _ := status["history"].([]any)
	var revisions []string
	for _, item := range list {
		entry, _ := item.(map[string]any)
		if r := text(entry, "revision"); r != "" {
			revisions = append(revisions, r)
		}
	}
	if len(revisions) < 3 {
		return ""
	}
	now, before := revisions[len(revisions)-1], revisions[:len(revisions)-1]
	first := slices.Index(before, now)
	if first < 0 || !slices.ContainsFunc(before[first:], func(r string) bool { return r != now }) {
		return ""
	}
	return now
}
