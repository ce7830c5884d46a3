package spec

import (
	"fmt"
	"math"
	"strings"

	"go.yaml.in/yaml/v3"
)

// free decodes a value of any shape, as JSON knows it: mappings, lists, text,
// int64, float64, bool and nil. Words that YAML's versions read differently are
// refused, since Kubernetes' tools read the old way.
func (w *walker) free(n *yaml.Node, at string) (any, bool) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch n.Kind {
	case yaml.MappingNode:
		if !w.is(n, yaml.MappingNode, "!!map", at) {
			return nil, false
		}
		out := make(map[string]any, len(n.Content)/2)
		for key, value := range w.pairs(n, at) {
			out[key.Value], _ = w.free(value, child(at, key.Value))
		}
		return out, true
	case yaml.SequenceNode:
		if !w.is(n, yaml.SequenceNode, "!!seq", at) {
			return nil, false
		}
		out := make([]any, len(n.Content))
		for i, item := range n.Content {
			out[i], _ = w.free(item, fmt.Sprintf("%s[%d]", at, i))
		}
		return out, true
	}
	return w.freeScalar(n, at)
}

func (w *walker) freeScalar(n *yaml.Node, at string) (any, bool) {
	switch tag := n.ShortTag(); tag {
	case "!!null":
		return nil, true
	case "!!bool":
		return strings.EqualFold(n.Value, "true"), true
	case "!!int", "!!float":
		return w.number(n, at)
	case "!!str", "!!timestamp":
		if n.Style == 0 && oldBool(n.Value) {
			w.add(n.Line, at, "%s is a boolean to some tools and text to others: write true or false, or quote it", n.Value)
			return nil, false
		}
		return n.Value, true
	}
	w.add(n.Line, at, "is %s: write it as text", what(n))
	return nil, false
}

// oldBool knows the booleans of YAML 1.1 that 1.2 reads as text.
func oldBool(s string) bool {
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off":
		return true
	}
	return false
}

// number decodes to int64 or float64; what fits neither is refused.
func (w *walker) number(n *yaml.Node, at string) (any, bool) {
	var v any
	if err := n.Decode(&v); err != nil {
		w.add(n.Line, at, "is not a valid number: quote it if it is text")
		return nil, false
	}
	switch v := v.(type) {
	case int:
		return int64(v), true
	case int64:
		return v, true
	case float64:
		if n.ShortTag() == "!!float" && !math.IsInf(v, 0) && !math.IsNaN(v) {
			return v, true
		}
	}
	w.add(n.Line, at, "is a number that JSON cannot hold: quote it if it is text")
	return nil, false
}
