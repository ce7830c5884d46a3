// Package spec holds the formats of the two files that Assay reads in an
// environment: the plan (assay.yaml) and the marker (candidate.yaml).
//
//  1. DecodePlan and DecodeCandidates parse the text (document.go): no alias
//     bomb, invalid UTF-8 or tab gets past here.
//  2. The nodes are walked against these Go types (walk.go): an unknown
//     field, a wrong type or a second value is an error with file, line, field
//     and, where there is one, a near match.
//  3. Rules between fields are checked (check.go).
//  4. What was left out is filled in, in one place (default.go).
//
// EncodeCandidate is the way back. The JSON Schemas under schema/ are generated
// from the types, their comments and the same tags.
package spec

import (
	"strings"

	"sigs.k8s.io/kustomize/api/types"
)

//go:generate go run ./schemagen schema

// APIVersion of both kinds. A file of another group is an ordinary manifest.
const APIVersion = "assay.dev/v1alpha1"

// The kinds.
const (
	KindPlan      = "Plan"
	KindCandidate = "Candidate"
)

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
	Name        string            `json:"name,omitempty"`        // for people; a plan's default is the directory's base name
	Annotations map[string]string `json:"annotations,omitempty"` // for people, as the commit or the pipeline; not part of what is tested
}

// Plan says how candidates of an environment are tested and promoted.
type Plan struct {
	APIVersion string   `json:"apiVersion" jsonschema:"enum=assay.dev/v1alpha1"` // the format's version
	Kind       string   `json:"kind" jsonschema:"enum=Plan"`                     // always Plan
	Metadata   Metadata `json:"metadata,omitempty"`                              // names the plan
	Spec       PlanSpec `json:"spec,omitempty"`                                  // every field has a default
}

// PlanSpec is the body of a Plan. Every field has a default.
type PlanSpec struct {
	Targets    []Ref            `json:"targets,omitempty"`                                                // workloads under test; default: those that the change alters
	Candidate  Variant          `json:"candidate,omitempty"`                                              // how the candidate runs beside the baseline
	Experiment Experiment       `json:"experiment,omitempty"`                                             // what judges the candidate
	Untested   []Ref            `json:"untested,omitempty"`                                               // objects that a change may alter although nothing tests them
	Routing    []Ref            `json:"routing,omitempty"`                                                // objects to apply again when an experiment ends, which resets traffic weights
	Helm       *HelmSource      `json:"helm,omitempty"`                                                   // source options of a Helm chart
	Kustomize  *KustomizeSource `json:"kustomize,omitempty"`                                              // source options of a kustomization
	Directory  *DirectorySource `json:"directory,omitempty"`                                              // source options of a directory of manifests
	Promotion  Promotion        `json:"promotion,omitempty"`                                              // how a verdict reaches Git
	Queue      string           `json:"queue,omitempty" jsonschema:"enum=preempt,enum=latest,enum=every"` // what a new candidate does to one under test: preempt it, wait as the latest, or wait in turn
}

// Ref names an object in the rendered environment.
type Ref struct {
	Group     string `json:"group,omitempty"`               // API group; any when empty
	Kind      string `json:"kind" jsonschema:"minLength=1"` // the object's kind
	Name      string `json:"name" jsonschema:"minLength=1"` // the object's name
	Namespace string `json:"namespace,omitempty"`           // any when empty
}

// Variant says how the candidate runs beside the baseline.
type Variant struct {
	Mode       string            `json:"mode,omitempty" jsonschema:"enum=clone,enum=none,enum=inPlace,enum=native"` // clone the targets, let the engine run the pods, change the target in place, or let the chart do it
	Traffic    string            `json:"traffic,omitempty" jsonschema:"enum=isolated,enum=shared"`                  // whether the baseline's selectors may match the variant's pods
	Name       string            `json:"name,omitempty"`                                                            // of the variant's one target; excludes nameSuffix
	NameSuffix string            `json:"nameSuffix,omitempty"`                                                      // appended to the names of the variant's objects; default -candidate
	Labels     map[string]string `json:"labels,omitempty"`                                                          // added to the variant's targets and pods
	Replicas   *int64            `json:"replicas,omitempty" jsonschema:"minimum=0"`                                 // of each target; default: as in the candidate
	Patches    []types.Patch     `json:"patches,omitempty"`                                                         // for the variant alone; never promoted

	// whether what in the variant addresses a Service of a target (variables, arguments, ConfigMaps) is pointed at the variant's copy; never promoted
	RewriteAddresses bool `json:"rewriteAddresses,omitempty"`
}

// Experiment says what judges a candidate.
type Experiment struct {
	Resources  []string       `json:"resources,omitempty"`                                       // globs of the experiment's files, relative to the environment; default experiment/*
	Parameters map[string]any `json:"parameters,omitempty"`                                      // what templates get as .Parameters
	Delimiters []string       `json:"delimiters,omitempty" jsonschema:"minItems=2,maxItems=2"`   // of actions in templates, when {{ and }} are in the way
	Deadline   Duration       `json:"deadline,omitempty" jsonschema:"oneof_type=string;integer"` // no verdict by then is a reject; as 30m or 24h; 0 waits without end; default 1h
	Engines    []Engine       `json:"engines,omitempty"`                                         // kinds that judge, beside the built-in ones
}

// Duration is text that time.ParseDuration reads, or 0.
type Duration string

// Promotion says how a verdict reaches Git.
type Promotion struct {
	Method string        `json:"method,omitempty" jsonschema:"enum=pull-request,enum=push"` // how a promotion is written; default pull-request
	Reject string        `json:"reject,omitempty" jsonschema:"enum=push,enum=pull-request"` // how a rejection is written; default push
	Title  string        `json:"title,omitempty"`                                           // of the commit and the pull request
	Merge  string        `json:"merge,omitempty" jsonschema:"enum=manual,enum=auto"`        // who merges the pull request; default manual
	Paused bool          `json:"paused,omitempty"`                                          // the promoter leaves the environment alone
	To     []Destination `json:"to,omitempty"`                                              // next environments, which get the change as a candidate of their own

	// when a promotion may land; a rejection always may. Not while a window that denies is open; where some allow, only while one of these is
	Windows []Window `json:"windows,omitempty" jsonschema:"maxItems=50"`
}

// Window is a time that comes again, in which promotions may land or may not.
type Window struct {
	Kind     string   `json:"kind,omitempty" jsonschema:"enum=allow,enum=deny"` // allow or deny; default allow
	Schedule string   `json:"schedule" jsonschema:"minLength=1,maxLength=200"`  // when it opens, in cron's five fields: minute, hour, day of the month, month, day of the week
	Duration Duration `json:"duration" jsonschema:"minLength=1"`                // how long it stays open, as 30m or 8h; at least 1m, at most 8784h
	TimeZone string   `json:"timeZone,omitempty" jsonschema:"maxLength=100"`    // of the tz database, as Europe/Berlin; default UTC
}

// Destination is a next environment.
type Destination struct {
	Path        string `json:"path" jsonschema:"minLength=1"` // its directory, relative to this environment; with a leading slash, or with repo, to the root of the repository
	Repo        string `json:"repo,omitempty"`                // URL of its repo; default: this one
	Branch      string `json:"branch,omitempty"`              // its branch; default: this one
	Environment string `json:"environment,omitempty"`         // its name, where one directory serves several
}

// String names the destination for people.
func (d Destination) String() string {
	var parts []string
	for _, part := range []string{d.Repo, d.Branch, d.Path, d.Environment} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, " ")
}
