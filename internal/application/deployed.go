package application

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/object/drift"
)

// Deployed is an Application as its cluster has it: what it deploys with the plugin,
// and how that stands.
type Deployed struct {
	Name    Name
	UID     string
	Created time.Time
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

	// Ignored is what spec.ignoreDifferences says of its objects. A rule that is not a JSON
	// pointer is about the whole object here.
	Ignored []drift.Ignore

	// Generator is the ApplicationSet that writes it; empty where none does.
	Generator string
}

// Operation is a sync that runs.
type Operation struct {
	Revisions []string // the commits, in the order of the sources
	Message   string   // what it waits for, in Argo CD's words
	Started   time.Time
}

// Of is the commit of a source; empty where it is not known.
func (o *Operation) Of(at Place) string {
	if o == nil || at.Source >= len(o.Revisions) {
		return ""
	}
	return o.Revisions[at.Source]
}

// Same reports whether both are one sync.
func (o *Operation) Same(as *Operation) bool {
	return o != nil && as != nil && o.Started.Equal(as.Started) && slices.Equal(o.Revisions, as.Revisions)
}

// revisions are the commits that a part of the status names, of one source or of several.
func revisions(of map[string]any) []string {
	if one := text(of, "revision"); one != "" {
		return []string{one}
	}
	var out []string
	list, _ := of["revisions"].([]any)
	for _, item := range list {
		one, _ := item.(string)
		out = append(out, one)
	}
	return out
}

// Waits reports whether it waits for objects to become healthy or hooks to end.
func (o *Operation) Waits() bool { return o != nil && strings.HasPrefix(o.Message, "waiting for ") }

// ReadDeployed reads an Application that a cluster sent. One without a source that
// uses the plugin has no Places.
func ReadDeployed(o *unstructured.Unstructured) Deployed {
	d := Deployed{Name: Name{Namespace: o.GetNamespace(), Name: o.GetName()}, UID: string(o.GetUID()), Created: o.GetCreationTimestamp().Time, Project: text(o.Object, "spec", "project")}
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
	d.Ignored = ignored(o.Object)
	status, _ := o.Object["status"].(map[string]any)
	d.Manages = managed(status, text(o.Object, "spec", "destination", "namespace"))
	d.Operation = running(status)
	if !automated(o.Object) {
		d.RolledBack = rolledBack(status)
	}
	return d
}

// ignored are the rules of spec.ignoreDifferences.
func ignored(root map[string]any) []drift.Ignore {
	var out []drift.Ignore
	list, _, _ := unstructured.NestedSlice(root, "spec", "ignoreDifferences")
	for _, item := range list {
		r, _ := item.(map[string]any)
		rule := drift.Ignore{Group: text(r, "group"), Kind: text(r, "kind"), Namespace: text(r, "namespace"), Name: text(r, "name")}
		rule.Pointers, _, _ = unstructured.NestedStringSlice(r, "jsonPointers")
		for _, other := range []string{"jqPathExpressions", "managedFieldsManagers"} {
			given, _ := r[other].([]any)
			rule.Whole = rule.Whole || len(given) > 0
		}
		out = append(out, rule)
	}
	return out
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
	result, _ := state["syncResult"].(map[string]any)
	op := &Operation{Revisions: revisions(result), Message: text(state, "message")}
	if len(op.Revisions) == 0 {
		operation, _ := state["operation"].(map[string]any)
		sync, _ := operation["sync"].(map[string]any)
		op.Revisions = revisions(sync)
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

// rolledBack is the revision that is deployed, if a later one was deployed before it: that
// is what a rollback leaves in status.history. A revision is later than another if it came
// there after it.
func rolledBack(status map[string]any) string {
	list, _ := status["history"].([]any)
	var deployed []string
	for _, item := range list {
		entry, _ := item.(map[string]any)
		if r := strings.Join(revisions(entry), " "); r != "" {
			deployed = append(deployed, r)
		}
	}
	if len(deployed) == 0 {
		return ""
	}
	now := deployed[len(deployed)-1]
	first := slices.Index(deployed, now)
	for _, r := range deployed[first:] {
		if slices.Index(deployed, r) > first {
			return now
		}
	}
	return ""
}
