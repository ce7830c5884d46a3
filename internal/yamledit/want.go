package yamledit

import (
	"fmt"
	"math"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/assaydev/assay/internal/excerpt"
)

// normal brings a value that a caller wants to the types that Value returns.
// Whole floats become integers, as JSON does not tell them apart.
func normal(v any, depth int) (any, error) {
	if depth > mostDepth/2 {
		return nil, fmt.Errorf("the value nests more than %d deep; flatten it", mostDepth/2)
	}
	switch v := v.(type) {
	case nil, bool, int64:
		return v, nil
	case int:
		return int64(v), nil
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v), nil
		}
		return v, nil
	case string:
		if !utf8.ValidString(v) {
			return nil, fmt.Errorf("the value is not valid UTF-8; encode it")
		}
		return v, nil
	case []any:
		s := make([]any, len(v))
		for i, e := range v {
			var err error
			if s[i], err = normal(e, depth+1); err != nil {
				return nil, err
			}
		}
		return s, nil
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, e := range v {
			var err error
			if m[k], err = normal(e, depth+1); err != nil {
				return nil, err
			}
			if err := checkKey(k); err != nil {
				return nil, err
			}
		}
		return m, nil
	}
	return nil, fmt.Errorf("a value of type %T has no YAML form here; pass nil, bool, int64, float64, string, []any or map[string]any", v)
}

// checkKey refuses names that cannot be written as a mapping's key: YAML
// allows it 1024 characters on one line, quotes and escapes included.
func checkKey(k string) error {
	if !utf8.ValidString(k) {
		return fmt.Errorf("the key is not valid UTF-8; encode it")
	}
	if k == "<<" {
		return fmt.Errorf("the key << merges another mapping; write the keys out")
	}
	if len(doubleQuoted(k)) > 1000 {
		return fmt.Errorf("the key %q is too long for YAML; shorten it", excerpt.Cut(k, longestName))
	}
	return nil
}

// same reports whether a node reads as the wanted value, for readers of YAML 1.1
// and of YAML 1.2 alike.
func same(n *yaml.Node, want any) bool { return reads(n, want, unambiguous) }

// alike reports whether a node reads as the wanted value for some readers.
func alike(n *yaml.Node, want any) bool {
	return reads(n, want, func(*yaml.Node) bool { return true })
}

func reads(n *yaml.Node, want any, settled func(*yaml.Node) bool) bool {
	n = target(n)
	switch want := want.(type) {
	case map[string]any:
		if n.Kind != yaml.MappingNode {
			return false
		}
		count, equal := 0, true
		eachEntry(n, func(k string, v *yaml.Node) {
			w, ok := want[k]
			count++
			equal = equal && ok && reads(v, w, settled)
		})
		return equal && count == len(want)
	case []any:
		if n.Kind != yaml.SequenceNode || len(n.Content) != len(want) {
			return false
		}
		for i, w := range want {
			if !reads(n.Content[i], w, settled) {
				return false
			}
		}
		return true
	}
	return n.Kind == yaml.ScalarNode && settled(n) && equal(scalar(n), want)
}

// equal compares two scalars. Numbers are equal by value.
func equal(a, b any) bool {
	if x, ok := a.(float64); ok {
		switch y := b.(type) {
		case int64:
			return x == float64(y) && math.Abs(x) < 1<<53
		case float64:
			return x == y || math.IsNaN(x) && math.IsNaN(y)
		}
		return false
	}
	return a == b
}
