// Package spec holds the formats of the two files that Assay reads in an
// environment: the plan (assay.yaml) and the marker (candidate.yaml).
//
//  1. DecodePlan and DecodeCandidates parse strictly: an unknown field, a
//     wrong type or a second value is an error with file, line, field and,
//     where there is one, a near match.
//  2. Default fills in what was left out, in one place (default.go).
//  3. The JSON Schemas under schema/ are generated from these types.
package spec

import "sigs.k8s.io/kustomize/api/types"

// APIVersion of both kinds. A file of another apiVersion is an ordinary manifest.
const APIVersion = "assay.dev/v1alpha1"

// Layout is how an environment's files become objects.
type Layout string

// The layouts, by the names that Argo CD's users know.
const (
	Flat      Layout = "flat" // Argo CD's directory source
	Helm      Layout = "helm"
	Kustomize Layout = "kustomize"
)

// Metadata names a plan or a candidate for people.
type Metadata struct {
	Name        string            `json:"name,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Plan says how candidates of an environment are tested and promoted.
type Plan struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   Metadata `json:"metadata,omitempty"`
	Spec       PlanSpec `json:"spec,omitempty"`
}

// PlanSpec is the body of a Plan. Every field has a default.
type PlanSpec struct {
	Targets    []Ref            `json:"targets,omitempty"`
	Candidate  Variant          `json:"candidate,omitempty"`
	Experiment Experiment       `json:"experiment,omitempty"`
	Untested   []Ref            `json:"untested,omitempty"`
	Routing    []Ref            `json:"routing,omitempty"`
	Helm       *HelmSource      `json:"helm,omitempty"`
	Kustomize  *KustomizeSource `json:"kustomize,omitempty"`
	Directory  *DirectorySource `json:"directory,omitempty"`
	Promotion  Promotion        `json:"promotion,omitempty"`
	Queue      string           `json:"queue,omitempty"` // preempt | latest | every
}

// Ref names an object in the rendered environment. Group and Namespace
// narrow the match when they are set.
type Ref struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
}

// Variant says how the candidate runs beside the baseline.
type Variant struct {
	Mode       string            `json:"mode,omitempty"`    // clone | none | inPlace | native
	Traffic    string            `json:"traffic,omitempty"` // isolated | shared
	Name       string            `json:"name,omitempty"`    // one target only; excludes nameSuffix
	NameSuffix string            `json:"nameSuffix,omitempty"`
	Labels     map[string]string `json:"labels,omitempty"`
	Replicas   *int64            `json:"replicas,omitempty"`
	Patches    []types.Patch     `json:"patches,omitempty"`
}

// Experiment says what judges a candidate.
type Experiment struct {
	Resources  []string       `json:"resources,omitempty"` // globs, relative to the environment
	Parameters map[string]any `json:"parameters,omitempty"`
	Delimiters []string       `json:"delimiters,omitempty"` // of templates; two strings
	Deadline   string         `json:"deadline,omitempty"`   // a Go duration
}

// Promotion says how a winner reaches Git.
type Promotion struct {
	Method string        `json:"method,omitempty"` // pull-request | push
	Reject string        `json:"reject,omitempty"` // push | pull-request
	Title  string        `json:"title,omitempty"`
	Merge  string        `json:"merge,omitempty"` // manual | auto
	Paused bool          `json:"paused,omitempty"`
	To     []Destination `json:"to,omitempty"`
}

// Destination is a next environment.
type Destination struct {
	Path        string `json:"path"`
	Repo        string `json:"repo,omitempty"`
	Branch      string `json:"branch,omitempty"`
	Environment string `json:"environment,omitempty"`
}
