package experiment

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/engine"
	"github.com/assaydev/assay/internal/spec"
)

// RoleAnnotation marks an object of an engine as load: it does not judge.
const (
	RoleAnnotation = engine.RoleAnnotation
	RoleLoad       = engine.RoleLoad
)

// Judges reports whether the object's outcome decides about the candidate, by
// the built-in engines and the plan's own.
func Judges(o *unstructured.Unstructured, custom ...spec.Engine) bool {
	return engine.With(custom).Judges(o)
}
