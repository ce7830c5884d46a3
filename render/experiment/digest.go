package experiment

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assaydev/assay/internal/digest"
	"github.com/assaydev/assay/internal/excerpt"
	"github.com/assaydev/assay/internal/spec"
)

// Tested is all that is tested.
type Tested struct {
	Path        string // the environment's, in the repo
	Environment string // its name, or empty
	Change      spec.Change
	Attempt     int64
	Plan        *spec.Plan                   // defaulted
	Resources   []*unstructured.Unstructured // as Parse returns them
	Sources     []Source                     // the files of the experiment, as Load returns them

	// Every object of the variant, before naming: what it is in Baseline and
	// in Candidate, rendered from Git and the plan alone.
	Baseline, Candidate []*unstructured.Unstructured

	// Beside is all that the environment renders to, likewise. Only what the
	// experiment reads of it is tested.
	Beside []*unstructured.Unstructured
}

// Digest is the experiment's identity. It depends on nothing but what is tested:
// not on the order of maps or files, nor on names for people, nor on how the
// result is promoted. A template is a part of it by its bytes too: what it
// renders to here may not be what it renders to under the ID.
func Digest(in Tested) (digest.Digest, error) {
	bound, err := in.bound()
	if err != nil {
		return "", err
	}
	data, err := canonical(bound)
	if err != nil {
		return "", fmt.Errorf("hash experiment: %w", err)
	}
	return digest.Of(data), nil
}

// bound is the JSON object that is hashed. docs/engines.md explains its keys.
func (in Tested) bound() (map[string]any, error) {
	if in.Plan == nil {
		return nil, errors.New("hash experiment: the plan is missing")
	}
	plan := in.Plan.Spec
	plan.Promotion, plan.Queue = spec.Promotion{}, ""
	bound := map[string]any{
		"format": digest.Format, "path": in.Path, "environment": in.Environment,
		"change": in.Change, "attempt": in.Attempt, "plan": plan, "templates": templates(in.Sources),
	}
	if len(templates(in.Sources)) > 0 {
		bound["name"] = in.Plan.Metadata.Name // templates alone see it
	}
	sets := map[string][]*unstructured.Unstructured{"resources": in.Resources, "baseline": in.Baseline, "candidate": in.Candidate}
	if used := in.used(); len(used) > 0 {
		sets["used"] = used
	}
	for name, objs := range sets {
		set, err := canonicalSet(objs)
		if err != nil {
			return nil, err
		}
		bound[name] = set
	}
	return bound, nil
}

// templates are the hashes of the templates' contents, sorted.
func templates(sources []Source) []string {
	out := []string{}
	for _, s := range sources {
		if s.Template() {
			sum := sha256.Sum256(s.Data)
			out = append(out, hex.EncodeToString(sum[:]))
		}
	}
	slices.Sort(out)
	return out
}

// canonicalSet is the objects as JSON, in an order of their own.
func canonicalSet(objs []*unstructured.Unstructured) ([]json.RawMessage, error) {
	out := make([]json.RawMessage, len(objs))
	for i, o := range objs {
		data, err := canonical(o.Object)
		if err != nil {
			return nil, fmt.Errorf("hash %s: %w", title(o), err)
		}
		out[i] = data
	}
	slices.SortFunc(out, func(a, b json.RawMessage) int { return bytes.Compare(a, b) })
	return out, nil
}

// canonical is JSON with sorted keys, also those of structs: the order of a
// Go type's fields must not be part of the digest. JSON would replace what is not
// UTF-8, and so give different values one digest.
func canonical(v any) ([]byte, error) {
	if text, ok := notUTF8(reflect.ValueOf(v)); ok {
		return nil, fmt.Errorf("the string %q is not UTF-8: correct it, or encode it in base64", excerpt.Cut(text, 60))
	}
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

// notUTF8 finds a string in a value, or a key of a map, that is not UTF-8.
func notUTF8(v reflect.Value) (string, bool) {
	switch v.Kind() {
	case reflect.String:
		return v.String(), !utf8.ValidString(v.String())
	case reflect.Interface, reflect.Pointer:
		return notUTF8(v.Elem())
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return "", false // JSON that was made here, or encoded as base64
		}
		for i := range v.Len() {
			if text, ok := notUTF8(v.Index(i)); ok {
				return text, true
			}
		}
	case reflect.Map:
		for key, value := range v.Seq2() {
			if text, ok := notUTF8(key); ok {
				return text, true
			}
			if text, ok := notUTF8(value); ok {
				return text, true
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if text, ok := notUTF8(v.Field(i)); ok {
				return text, true
			}
		}
	}
	return "", false
}
