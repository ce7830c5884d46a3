package yamledit

import (
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// Value is what a document decodes to: map[string]any, []any, string, int64,
// float64, bool or nil, with aliases and merge keys resolved. It is the
// caller's own. Plain words are typed as YAML 1.2 types them, so "on" is a
// string; dates are strings. A document that is not there is nil.
func (f *File) Value(doc int) any {
	if doc < 0 || doc >= len(f.docs) {
		return nil
	}
	return value(f.docs[doc].root)
}

func value(n *yaml.Node) any {
	switch n = target(n); n.Kind {
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		eachEntry(n, func(k string, v *yaml.Node) { m[k] = value(v) })
		return m
	case yaml.SequenceNode:
		s := make([]any, len(n.Content))
		for i, c := range n.Content {
			s[i] = value(c)
		}
		return s
	}
	return scalar(n)
}

// eachEntry calls f for each key that a mapping has, merged ones included,
// with the value that counts.
func eachEntry(n *yaml.Node, f func(key string, v *yaml.Node)) {
	if merged(n) == nil {
		for i := 0; i < len(n.Content); i += 2 {
			f(n.Content[i].Value, n.Content[i+1])
		}
		return
	}
	seen := map[string]bool{}
	eachUnseen(n, seen, f)
}

func eachUnseen(n *yaml.Node, seen map[string]bool, f func(key string, v *yaml.Node)) {
	for i := 0; i < len(n.Content); i += 2 {
		if k := n.Content[i]; !isMerge(k) && !seen[k.Value] {
			seen[k.Value] = true
			f(k.Value, n.Content[i+1])
		}
	}
	m := merged(n)
	switch {
	case m == nil:
	case m.Kind == yaml.SequenceNode:
		for _, c := range m.Content {
			eachUnseen(target(c), seen, f)
		}
	default:
		eachUnseen(target(m), seen, f)
	}
}

// merged is the value of a mapping's merge key, nil when it has none.
func merged(n *yaml.Node) *yaml.Node {
	for i := 0; i < len(n.Content); i += 2 {
		if isMerge(n.Content[i]) {
			return n.Content[i+1]
		}
	}
	return nil
}

// entry is the value that a mapping has for a key by itself, or through its
// merge key.
func entry(n *yaml.Node, key string) (v *yaml.Node, own bool) {
	if i := keyIndex(n, key); i >= 0 {
		return n.Content[i+1], true
	}
	if merged(n) != nil {
		eachEntry(n, func(k string, e *yaml.Node) {
			if k == key {
				v = e
			}
		})
	}
	return v, false
}

// keyIndex is where a mapping's own key is in its content; -1 when it is not.
func keyIndex(n *yaml.Node, key string) int {
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == key && !isMerge(n.Content[i]) {
			return i
		}
	}
	return -1
}

var decimal = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)$`)

// scalar decodes a scalar.
func scalar(n *yaml.Node) any {
	switch n.Tag {
	case "!!str", "!!timestamp", "!!merge":
		return n.Value
	case "!!null":
		return nil
	case "!!bool":
		if n.Style&yaml.TaggedStyle == 0 {
			return n.Value[0] == 't' || n.Value[0] == 'T'
		}
	case "!!int":
		if decimal.MatchString(n.Value) {
			if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
				return i
			}
		}
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return n.Value // a tag that its text does not fit
	}
	switch v := v.(type) {
	case int:
		return int64(v)
	case uint64:
		return float64(v)
	case int64, float64, bool, string, nil:
		return v
	}
	return n.Value
}
