package experiment

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/spec"
)

// idFormat is raised when what the ID is computed from changes.
const idFormat = 1

// IDInput is all that is tested.
type IDInput struct {
	Path        string // the environment's, in the repo
	Environment string // its name, or empty
	Change      spec.Change
	Attempt     int64
	Plan        *spec.Plan                   // defaulted
	Resources   []*unstructured.Unstructured // as Parse returns them

	// Every object of the variant, before naming: what it is in Baseline and
	// in Candidate, rendered from Git and the plan alone.
	Baseline, Candidate []*unstructured.Unstructured
}

// ID is the experiment's identity. It depends on nothing but what is tested:
// not on the order of maps or files, nor on names for people, nor on how the
// result is promoted.
func ID(in IDInput) (string, error) {
	if in.Plan == nil {
		return "", errors.New("hash experiment: the plan is missing")
	}
	plan := in.Plan.Spec
	plan.Promotion, plan.Queue = spec.Promotion{}, ""
	tested := map[string]any{
		"format": idFormat, "path": in.Path, "environment": in.Environment,
		"change": in.Change, "attempt": in.Attempt, "plan": plan,
	}
	for name, objs := range map[string][]*unstructured.Unstructured{
		"resources": in.Resources, "baseline": in.Baseline, "candidate": in.Candidate,
	} {
		set, err := canonicalSet(objs)
		if err != nil {
			return "", err
		}
		tested[name] = set
	}
	data, err := canonical(tested)
	if err != nil {
		return "", fmt.Errorf("hash experiment: %w", err)
	}
	sum := sha256.Sum256(data)
	return "e" + hex.EncodeToString(sum[:])[:9], nil
}

// canonicalSet is the objects as JSON, in an order of their own.
func canonicalSet(objs []*unstructured.Unstructured) ([]string, error) {
	out := make([]string, len(objs))
	for i, o := range objs {
		data, err := canonical(o.Object)
		if err != nil {
			return nil, fmt.Errorf("hash %s: %w", title(o), err)
		}
		out[i] = string(data)
	}
	slices.Sort(out)
	return out, nil
}

// canonical is JSON with sorted keys, also those of structs: the order of a
// Go type's fields must not be part of the ID.
func canonical(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var generic any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&generic); err != nil {
		return nil, err
	}
	return json.Marshal(generic)
}
