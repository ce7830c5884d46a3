// Package engine is the table of the kinds whose objects judge a candidate.
//
//  1. engines.yaml holds the built-in ones, with the expressions by which
//     internal/engine/verdict reads their objects.
//  2. With puts the plan's own before them.
//  3. Of, Judges and Judging say which objects they are, for whoever injects
//     them and for whoever reads what became of them.
package engine

import (
	_ "embed" // for the table
	"fmt"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
)

// RoleAnnotation marks an object of an engine as load: it does not judge.
const (
	RoleAnnotation = "assay.dev/role"
	RoleLoad       = "load"
)

// ExperimentLabel holds, on every object of an experiment, its ID. It only tells
// where to look: what binds an object that judges is digest.Annotation.
const ExperimentLabel = "assay.dev/experiment"

// Engine is a kind whose objects say how a candidate did.
type Engine struct {
	Name     string            `json:"name"`
	Group    string            `json:"group"`
	Kind     string            `json:"kind"`
	Versions []string          `json:"versions"` // that its expressions read; any when empty
	RunsOnce bool              `json:"runsOnce"` // an object that has run never runs again: its name must hold the ID
	Dated    bool              `json:"dated"`    // what it says counts only if it is newer than the candidate
	Children map[string]string `json:"children"` // labels of the objects that carry its result; {name} is its own name
	Measures string            `json:"measures"` // kind, of its group and version, of the objects that it owns and that hold what it measured
	Custom   bool              `json:"-"`        // the plan's own

	// CEL. Those that are empty say nothing.
	Candidate string `json:"candidate"`
	Concluded string `json:"concluded"`
	Promote   string `json:"promote"`
	Reject    string `json:"reject"`
	Conflict  string `json:"conflict"` // what the object says against itself; empty where it says one thing
	Message   string `json:"message"`
	Evidence  string `json:"evidence"`
}

// Reads reports whether the engine's expressions read objects of the version.
func (e Engine) Reads(version string) bool {
	return len(e.Versions) == 0 || slices.Contains(e.Versions, version)
}

// APIVersions lists what Reads takes, for messages.
func (e Engine) APIVersions() string {
	var out []string
	for _, v := range e.Versions {
		out = append(out, schema.GroupVersion{Group: e.Group, Version: v}.String())
	}
	return strings.Join(out, ", ")
}

// ChildLabels are the labels of the objects that carry the result of the object
// of this name; nil where those do that it owns.
func (e Engine) ChildLabels(name string) map[string]string {
	if len(e.Children) == 0 {
		return nil
	}
	out := make(map[string]string, len(e.Children))
	for key, value := range e.Children {
		out[key] = strings.ReplaceAll(value, "{name}", name)
	}
	return out
}

// ChildKind is the kind of the objects that have such labels.
func ChildKind() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "batch", Version: "v1", Kind: "Job"}
}

// ReadsChildren reports whether an expression looks at what the object owns, or
// may do so.
func (e Engine) ReadsChildren() bool {
	for _, expression := range []string{e.Candidate, e.Concluded, e.Promote, e.Reject, e.Conflict, e.Message, e.Evidence} {
		if strings.Contains(expression, "children") {
			return true
		}
	}
	return false
}

func (e Engine) groupKind() schema.GroupKind { return schema.GroupKind{Group: e.Group, Kind: e.Kind} }

//go:embed engines.yaml
var table []byte

var builtIn = sync.OnceValue(func() []Engine {
	var out []Engine
	if err := yaml.UnmarshalStrict(table, &out); err != nil {
		panic(fmt.Errorf("decode engines.yaml: %w", err)) // A part of the program is broken; a test reads it.
	}
	return out
})

// since is what an expression compares with to date what an object says.
const since = "expect.since"

// Set is the engines that an environment knows, each group and kind once.
type Set []Engine

// With returns the plan's engines and the built-in ones. Where both know a
// kind, the plan's is meant.
func With(custom []spec.Engine) Set {
	set := make(Set, 0, len(custom)+len(builtIn()))
	for _, c := range custom {
		e := Engine{
			Group: c.Group, Kind: c.Kind, RunsOnce: true, Dated: strings.Contains(c.Promote, since), Custom: true,
			Concluded: c.Concluded, Promote: c.Promote, Reject: c.Reject, Message: c.Message,
		}
		e.Name = e.groupKind().String()
		set = append(set, e)
	}
	for _, e := range builtIn() {
		if _, ok := set.OfKind(e.groupKind()); !ok {
			set = append(set, e)
		}
	}
	return set
}

// OfKind returns the engine of a kind.
func (s Set) OfKind(gk schema.GroupKind) (Engine, bool) {
	i := slices.IndexFunc(s, func(e Engine) bool { return e.groupKind() == gk })
	if i < 0 {
		return Engine{}, false
	}
	return s[i], true
}

// Of returns the engine that an object belongs to, whatever its version.
func (s Set) Of(o *unstructured.Unstructured) (Engine, bool) {
	return s.OfKind(o.GroupVersionKind().GroupKind())
}

// Judges reports whether the object's outcome decides about the candidate.
func (s Set) Judges(o *unstructured.Unstructured) bool {
	_, known := s.Of(o)
	return known && o.GetAnnotations()[RoleAnnotation] != RoleLoad
}

// Judging returns the keys of the objects that judge, in order.
func (s Set) Judging(objs []*unstructured.Unstructured) []object.Key {
	var out []object.Key
	for _, o := range objs {
		if s.Judges(o) {
			out = append(out, object.KeyOf(o))
		}
	}
	return out
}

// Kinds lists the kinds as Kind.group, for messages.
func (s Set) Kinds() []string {
	var out []string
	for _, e := range s {
		out = append(out, e.groupKind().String())
	}
	return out
}
