// Package change turns the marker's change into an edit of the environment's
// own files: the design's Edit(T).
//
//  1. Make looks for where each part of the change lives: in a flat file's
//     document, the environment's kustomization, or a Helm value file.
//  2. It edits those files in memory through yamledit.
//  3. The result is laid over the file system with envfs.FS.With, and
//     rendered: what that yields is the candidate. Promotion commits the same bytes.
//
// A near miss (an image that matches nothing) is an error with the names that exist.
package change

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/envfs"
	"github.com/assaydev/assay/internal/spec"
)

// Input is an environment and the change to make in it.
type Input struct {
	FS       *envfs.FS
	Dir      string // the environment's directory, relative to FS
	Marker   string // the marker's path, relative to FS: for error messages
	Layout   spec.Layout
	Plan     *spec.Plan // defaulted, source options from Git alone
	Change   spec.Change
	Files    []string                     // flat: the manifest files, relative to FS
	Baseline []*unstructured.Unstructured // what renders today
}

// Edit is the change as made: whole new contents by path, relative to FS.
type Edit struct {
	Files map[string][]byte
}
