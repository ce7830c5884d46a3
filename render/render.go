// Package render turns an environment's files into the objects that Argo CD
// gets: the design's Output(T).
//
//  1. readFiles finds the plan and the marker of the environment and decodes
//     them (files.go, internal/spec).
//  2. The layout (render/flat, render/helm, render/kustomize) renders the
//     files less the marker: Baseline(T).
//  3. With a marker, internal/change edits the files in memory, and the same
//     layout renders the result: Candidate(T).
//  4. render/variant names what differs, refuses what nothing tests, and
//     derives the candidate's copies.
//  5. render/experiment renders the injected resources, and the ID is hashed
//     over all that is tested.
//  6. Result holds each stage; Output joins them.
package render

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/change"
	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/spec"
	"github.com/assaydev/assay/render/variant"
)

// DefaultKubeVersion is what charts see when nothing else is given. The Helm
// SDK's own default is v1.20.0, which current charts refuse.
const DefaultKubeVersion = "v1.33.0"

// Request says what to render, and for whom.
type Request struct {
	FS               *envfs.FS
	spec.Environment // its directory is relative to FS

	// What Argo CD says of the Application; each may be empty.
	AppName     string
	Namespace   string // the destination's
	KubeVersion string
	APIVersions []string
	Env         map[string]string // what $NAME means in source options, beside ARGOCD_APP_NAME and the like

	// HelmVersion is the operator's word for what Argo CD renders charts with, v3 or
	// v4. It wins over parameters and the plan; without any, it is v3.
	HelmVersion string

	// Source options from the plugin's parameters. They win over the plan's,
	// field by field, and never alter what a marker tests.
	Helm      *spec.HelmSource
	Kustomize *spec.KustomizeSource
	Directory *spec.DirectorySource

	Limits Limits
	Allow  Allow
	Memo   *Memo // what was rendered before; may be nil
}

// Limits bound one render. A zero field means its default.
type Limits struct {
	Documents   int   // YAML documents, default 50,000
	Depth       int   // YAML nesting, default 100
	OutputBytes int64 // default 128 MiB
}

// Allow is what only the operator may permit, never the repo.
type Allow struct {
	InjectKinds []string // kinds that an experiment may hold beyond the default list
}

// Result is every stage of one render.
type Result struct {
	Layout    spec.Layout
	Namespace string          // where objects go that name none; empty where it is not known
	Plan      *spec.Plan      // defaulted
	Marker    *spec.Candidate // nil without a marker
	Baseline  []*unstructured.Unstructured
	Candidate []*unstructured.Unstructured // nil without a marker, like all below
	Change    spec.Change                  // the marker's, with images by the names that render
	Edited    map[string][]byte            // the change as made in the files
	Draws     bool                         // what was rendered on the way may be another the next time
	Random    []object.Key                 // what a chart draws: it differs between two renders of the same files
	Idle      []change.Idle                // parts of the change that do nothing beside others
	Targets   []object.Key                 // the workloads under test, as the baseline names them
	Variant   []*unstructured.Unstructured
	Replaced  []*unstructured.Unstructured // mode inPlace: what stands in for the baseline's objects of the same key
	Injected  []*unstructured.Unstructured // experiment and load
	Untested  []string                     // what ships untested, for people
	Selected  []string                     // traffic shared: what selects the variant, for people
	Rewritten []string                     // what of the variant differs from what is promoted, for people
	ID        string                       // that of the digest, for names and people
	Digest    digest.Digest                // the experiment's identity
	Waiting   int                          // markers that wait behind this one
	Warnings  []string

	kept    []*unstructured.Unstructured // the baseline as it is in Output: routing marked, inPlace replaced
	inPlace []variant.Target             // mode inPlace: the targets, which may judge
}
