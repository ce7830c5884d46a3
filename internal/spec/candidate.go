package spec

import "sigs.k8s.io/kustomize/api/types"

// Candidate is the marker: the one file that CI writes.
type Candidate struct {
	APIVersion string        `json:"apiVersion" jsonschema:"enum=assay.dev/v1alpha1"` // the format's version
	Kind       string        `json:"kind" jsonschema:"enum=Candidate"`                // always Candidate
	Metadata   Metadata      `json:"metadata,omitempty"`                              // names the candidate
	Spec       CandidateSpec `json:"spec"`                                            // the change under test
}

// CandidateSpec is the change under test, which attempt at it this is, and whether it waits.
type CandidateSpec struct {
	Change `json:",inline"`

	// tells a second test of the same change from the first, which is 0
	Attempt int64 `json:"attempt,omitempty" jsonschema:"minimum=0"`

	// the baseline runs alone until the promoter takes this away, as there is room for another experiment
	Waiting bool `json:"waiting,omitempty"`
}

// Change is the edit of the environment's own files. At least one field is set.
type Change struct {
	Images  []types.Image  `json:"images,omitempty"`  // Kustomize's image fields; a short name if it is unique
	Values  map[string]any `json:"values,omitempty"`  // Helm: merged into the value files; null deletes
	Patches []types.Patch  `json:"patches,omitempty"` // Kustomize's patch fields
	Diff    string         `json:"diff,omitempty"`    // a unified diff of the environment's own files
}
