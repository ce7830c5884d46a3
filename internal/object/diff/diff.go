// Package diff prints how one object differs between two renders, for
// people to read.
//
//  1. Masked hides what a Secret holds, so that a diff may be shown to anyone;
//     in a pair it still tells which of the values differ (mask.go).
//  2. Unified prints both sides as YAML, and compares them line by line.
package diff

import (
	"github.com/aymanbagabas/go-udiff"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/object"
)

// Kind says what became of an object.
type Kind string

// The kinds of a difference.
const (
	Added   Kind = "added"
	Removed Kind = "removed"
	Changed Kind = "changed"
)

// KindOf tells whether the object is new, gone or another.
func KindOf(d object.Difference) Kind {
	switch {
	case d.Before == nil:
		return Added
	case d.After == nil:
		return Removed
	default:
		return Changed
	}
}

// Unified returns a unified diff of the object's YAML, from baseline to
// candidate, with Secrets masked. A side of more than limit bytes is
// object.ErrTooLarge.
func Unified(d object.Difference, limit int64) (string, error) {
	return Between("baseline", "candidate", d, limit)
}

// Between is Unified with names for the sides.
func Between(left, right string, d object.Difference, limit int64) (string, error) {
	before, after := maskedPair(d.Before, d.After)
	from, err := yamlOf(before, limit)
	if err != nil {
		return "", err
	}
	to, err := yamlOf(after, limit)
	if err != nil {
		return "", err
	}
	return udiff.Unified(left, right, from, to), nil
}

func yamlOf(o *unstructured.Unstructured, limit int64) (string, error) {
	if o == nil {
		return "", nil
	}
	data, err := object.MarshalYAMLWithin([]*unstructured.Unstructured{o}, limit)
	return string(data), err
}
