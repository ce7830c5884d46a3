package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"
)

// plainDocs decodes every document into plain values, without this package.
func plainDocs(data []byte) ([]any, error) {
	docs := []any{}
	for dec := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var v any
		err := dec.Decode(&v)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		v, err = stringKeys(v)
		if err != nil {
			return nil, err
		}
		docs = append(docs, v)
	}
	if len(docs) == 0 {
		docs = append(docs, nil)
	}
	return docs, nil
}

// stringKeys copies a value, and brings its integers to one type.
func stringKeys(v any) (any, error) {
	switch v := v.(type) {
	case map[any]any:
		return nil, errors.New("keys that are not strings")
	case map[string]any:
		m := map[string]any{}
		for k, e := range v {
			var err error
			if m[k], err = stringKeys(e); err != nil {
				return nil, err
			}
		}
		return m, nil
	case []any:
		s := make([]any, len(v))
		for i, e := range v {
			var err error
			if s[i], err = stringKeys(e); err != nil {
				return nil, err
			}
		}
		return s, nil
	case int:
		return float64(v), nil
	case int64:
		return float64(v), nil
	case uint64:
		return float64(v), nil
	case float64:
		if math.IsNaN(v) {
			return "NaN", nil
		}
	case time.Time:
		return v.String(), nil
	}
	return v, nil
}

// mutate makes the edit on plain values.
func mutate(v any, op Op, path Path, want any) (any, error) {
	if len(path) == 0 {
		if op != Set {
			return nil, errors.New("no path")
		}
		return want, nil
	}
	step, last := path[0], len(path) == 1
	if s, ok := v.([]any); ok && step.Field != "" {
		step = Index(slices.IndexFunc(s, func(e any) bool {
			m, ok := e.(map[string]any)
			return ok && m[step.Field] == step.Value
		}))
	}
	if step.Index >= 0 {
		s, ok := v.([]any)
		if !ok && v != nil {
			return nil, errors.New("no list")
		}
		if last && op == Insert && step.Index <= len(s) {
			return slices.Insert(slices.Clone(s), step.Index, want), nil
		}
		if step.Index >= len(s) {
			return nil, errors.New("no item")
		}
		if last && op == Delete {
			return append(slices.Clone(s[:step.Index]), s[step.Index+1:]...), nil
		}
		e, err := mutate(s[step.Index], op, path[1:], want)
		s = slices.Clone(s)
		s[step.Index] = e
		return s, err
	}
	m, ok := v.(map[string]any)
	if !ok && v != nil {
		return nil, errors.New("no mapping")
	}
	_, there := m[step.Key]
	out := map[string]any{}
	for k, e := range m {
		out[k] = e
	}
	switch {
	case last && op == Insert && !there:
		out[step.Key] = want
		return out, nil
	case !there || last && op == Insert:
		return nil, errors.New("no key, or one too many")
	case last && op == Delete:
		delete(out, step.Key)
		return out, nil
	}
	e, err := mutate(m[step.Key], op, path[1:], want)
	out[step.Key] = e
	return out, err
}

// checkEdit applies an edit in two ways and compares: in place, and on plain
// values. It says whether the edit was made.
func checkEdit(data []byte, edits ...Edit) (out []byte, err error) {
	f, err := Parse("values.yaml", data)
	if err != nil {
		return nil, err
	}
	out, err = f.Apply(edits...)
	f.large = 0
	parts, partsErr := f.Apply(edits...)
	if !bytes.Equal(out, parts) || (err == nil) != (partsErr == nil) {
		return out, fmt.Errorf("WRONG: a proof by parts gives %q, %w", parts, partsErr)
	}
	if err != nil {
		return nil, err
	}
	shared := false
	for _, e := range edits {
		shared = shared || e.Shared
	}
	if bytes.HasPrefix(data, []byte(byteOrderMark)) != bytes.HasPrefix(out, []byte(byteOrderMark)) {
		return out, errors.New("WRONG: the byte order mark did not survive")
	}
	docs, err := plainDocs(data)
	if err == nil && !shared {
		after, err := plainDocs(out)
		if err != nil {
			return out, fmt.Errorf("WRONG: decode the result: %w", err)
		}
		for _, e := range inOrder(docs, edits) {
			if docs[e.Document], err = mutate(docs[e.Document], e.Op, e.Path, mustStringKeys(e.Value)); err != nil {
				return out, fmt.Errorf("WRONG: made what cannot be made: %w", err)
			}
		}
		if diff := cmp.Diff(docs, after); diff != "" {
			return out, fmt.Errorf("WRONG: %s", diff)
		}
	}
	if err := checkSigs(data, out, edits); err != nil && !shared {
		return out, err
	}
	return out, checkAgain(out, edits)
}

// checkAgain holds that a Set which was made changes nothing any more.
func checkAgain(out []byte, edits []Edit) error {
	f, err := Parse("values.yaml", out)
	if err != nil {
		return fmt.Errorf("WRONG: parse the result: %w", err)
	}
	for _, e := range edits {
		if e.Op != Set || len(edits) > 1 {
			continue
		}
		again, err := f.Apply(e)
		if err != nil {
			return fmt.Errorf("WRONG: set again: %w", err)
		}
		if !bytes.Equal(again, out) {
			return fmt.Errorf("WRONG: set again: %s", cmp.Diff(string(out), string(again)))
		}
	}
	return nil
}

// checkSigs compares as Kubernetes and Helm decode.
func checkSigs(data, out []byte, edits []Edit) error {
	if len(edits) != 1 || edits[0].Document != 0 || strings.Contains(string(data), "---") || strings.Contains(string(out), "---") {
		return nil
	}
	var before, after any
	if sigsyaml.Unmarshal(data, &before) != nil {
		return nil
	}
	if v, err := plainDocs(data); err != nil || !sameKeys(v[0], before) {
		return nil // keys like "on" are other keys in YAML 1.1
	}
	if err := sigsyaml.Unmarshal(out, &after); err != nil {
		return fmt.Errorf("WRONG: decode the result as YAML 1.1: %w", err)
	}
	e := edits[0]
	want, err := mutate(before, e.Op, e.Path, mustStringKeys(e.Value))
	if err != nil {
		return nil
	}
	if diff := cmp.Diff(want, after); diff != "" {
		return fmt.Errorf("WRONG as YAML 1.1: %s", diff)
	}
	return nil
}

// sameKeys reports whether two values have the same mappings, whatever is in them.
func sameKeys(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		for k, e := range a {
			other, there := b[k]
			ok = ok && there && sameKeys(e, other)
		}
		return ok && len(a) == len(b)
	case []any:
		b, ok := b.([]any)
		for i := 0; ok && i < len(a); i++ {
			ok = len(a) == len(b) && sameKeys(a[i], b[i])
		}
		return ok
	}
	return true
}

func mustStringKeys(v any) any {
	v, err := stringKeys(v)
	if err != nil {
		panic(err)
	}
	return v
}

// inOrder puts new and removed items last, the highest first, so that one edit
// after the other means what all at once mean.
func inOrder(docs []any, edits []Edit) []Edit {
	var first, items []Edit
	for _, e := range edits {
		last := len(e.Path) - 1
		switch {
		case e.Op == Insert && e.Path[last].Index >= 0:
			e.Path = e.Path[:last].with(Index(min(e.Path[last].Index, length(docs[e.Document], e.Path[:last]))))
			items = append(items, e)
		case e.Op == Delete:
			items = append(items, e)
		default:
			first = append(first, e)
		}
	}
	slices.Reverse(items)
	slices.SortStableFunc(items, func(a, b Edit) int {
		if order := comparePaths(b.Path, a.Path); order != 0 {
			return order
		}
		return int(b.Op) - int(a.Op) // what is removed goes before something takes its place
	})
	return append(first, items...)
}

// length is that of the list at a path of keys and indexes; 0 where there is none.
func length(v any, path Path) int {
	for _, step := range path {
		s, isList := v.([]any)
		switch {
		case !isList:
			m, _ := v.(map[string]any)
			v = m[step.Key]
		case step.Index >= 0 && step.Index < len(s):
			v = s[step.Index]
		default:
			return 0
		}
	}
	s, _ := v.([]any)
	return len(s)
}

func comparePaths(a, b Path) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			if a[i].Index != b[i].Index {
				return a[i].Index - b[i].Index
			}
			return strings.Compare(a[i].Key, b[i].Key)
		}
	}
	return len(a) - len(b)
}
