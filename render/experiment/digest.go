package experiment

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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

	// JSON is what an object holds, as encoding/json writes it; nil is that itself.
	JSON func(*unstructured.Unstructured) ([]byte, error) `json:"-"`

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
	return digest.Of(joined(bound)), nil
}

// joined is the JSON object of members that are canonical.
func joined(members map[string]json.RawMessage) []byte {
	var out bytes.Buffer
	for i, name := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, "%q:", name)
		out.Write(members[name])
	}
	return slices.Concat([]byte("{"), out.Bytes(), []byte("}"))
}

// bound are the members of the JSON object that is hashed. docs/engines.md explains them.
func (in Tested) bound() (map[string]json.RawMessage, error) {
	if in.Plan == nil {
		return nil, errors.New("hash experiment: the plan is missing")
	}
	plan := in.Plan.Spec
	plan.Promotion, plan.Queue = spec.Promotion{}, ""
	bound := map[string]json.RawMessage{}
	sets := map[string][]*unstructured.Unstructured{"resources": in.Resources, "baseline": in.Baseline, "candidate": in.Candidate}
	if used := in.used(); len(used) > 0 {
		sets["used"] = used
	}
	for name, objs := range sets {
		set, err := in.canonicalSet(objs)
		if err != nil {
			return nil, err
		}
		bound[name] = set
	}
	rest := map[string]any{
		"format": digest.Format, "path": in.Path, "environment": in.Environment,
		"change": in.Change, "attempt": in.Attempt, "plan": plan, "templates": templates(in.Sources),
	}
	if len(templates(in.Sources)) > 0 {
		rest["name"] = in.Plan.Metadata.Name // templates alone see it
	}
	for name, value := range rest {
		data, err := canonical(value)
		if err != nil {
			return nil, fmt.Errorf("hash experiment: %w", err)
		}
		bound[name] = data
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

// canonicalSet is a list of the objects as JSON, in an order of their own.
func (in Tested) canonicalSet(objs []*unstructured.Unstructured) (json.RawMessage, error) {
	out := make([][]byte, len(objs))
	for i, o := range objs {
		data, err := in.canonicalObject(o)
		if err != nil {
			return nil, fmt.Errorf("hash %s: %w", title(o), err)
		}
		out[i] = data
	}
	slices.SortFunc(out, bytes.Compare)
	return slices.Concat([]byte("["), bytes.Join(out, []byte(",")), []byte("]")), nil
}

// canonicalObject is canonical of what an object holds. What is but mappings, lists and
// plain values is written canonically at once.
func (in Tested) canonicalObject(o *unstructured.Unstructured) ([]byte, error) {
	switch {
	case !simple(o.Object):
		return canonical(o.Object)
	case in.JSON != nil:
		return in.JSON(o)
	}
	return json.Marshal(o.Object)
}

// simple reports whether a value is but mappings, lists and plain values, and all text is UTF-8.
func simple(v any) bool {
	switch v := v.(type) {
	case nil, bool, int64, float64:
		return true
	case string:
		return utf8.ValidString(v)
	case map[string]any:
		for key, value := range v {
			if !utf8.ValidString(key) || !simple(value) {
				return false
			}
		}
		return true
	case []any:
		for _, item := range v {
			if !simple(item) {
				return false
			}
		}
		return true
	}
	return false
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
