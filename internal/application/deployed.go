package application

import (
	"slices"
	"strings"
	"time"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/object/drift"
)

// Deployed is an Application as its cluster has it: what it deploys with the plugin,
// and how that stands.
type Deployed struct {
	Name     Name
	UID      string
	Version  string // of the object, by its server
	Created  time.Time
	Deleting bool
	Project  string

	// Places has one entry for each source that uses the plugin; Problems say what is
	// wrong with others that do.
	Places   []Place
	Problems []error
	Excess   error // nothing is concluded for its Places, as there are too many of them

	// State differs, within one process, where anything does that a look depends on.
	State uint64

	Manages   []object.Key // what Argo CD keeps in the cluster for it
	Operation *Operation   // the sync that runs; nil where none does

	// RolledBack is the revision that people went back to while automated sync is off;
	// empty where they did not.
	RolledBack string

	// Ignored is what spec.ignoreDifferences says of its objects.
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

// Waits reports whether it waits for objects to become healthy or hooks to end.
func (o *Operation) Waits() bool { return o != nil && strings.HasPrefix(o.Message, "waiting for ") }
