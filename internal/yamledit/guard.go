package yamledit

import (
	"go.yaml.in/yaml/v3"

	"github.com/assaydev/assay/internal/excerpt"
)

const (
	// mostDepth is how deep collections may nest.
	mostDepth = 500
	// Aliases may add this many nodes to a document, or this many times its own.
	mostExpanded, mostExpansion = 100_000, 10
)

// guard walks a document once and refuses what edits cannot handle. It
// returns the aliases of each anchored node. tags is the file's layout, where it
// may have tags.
func (f *File) guard(root *yaml.Node, tags *layout) (map[*yaml.Node][]*yaml.Node, error) {
	g := &guard{f: f, tags: tags}
	if _, err := g.node(root, 0); err != nil {
		return nil, err
	}
	if g.expanded > mostExpanded && g.expanded/mostExpansion > g.own {
		return nil, f.refuse(root.Line, nil, "aliases repeat %d nodes in a document of %d; write the values out", g.expanded, g.own)
	}
	return g.aliases, nil
}

type guard struct {
	f        *File
	tags     *layout // set when there may be tags
	own      int     // nodes of the document itself
	expanded int     // nodes that its aliases add
	sizes    map[*yaml.Node]int
	aliases  map[*yaml.Node][]*yaml.Node
}

// node returns the number of nodes below n, with aliases expanded.
func (g *guard) node(n *yaml.Node, depth int) (int, error) {
	g.own++
	if depth > mostDepth {
		return 0, g.f.refuse(n.Line, nil, "nested more than %d deep; flatten the file", mostDepth)
	}
	if n.Anchor != "" {
		if g.sizes == nil {
			g.sizes = map[*yaml.Node]int{}
		}
		g.sizes[n] = 0 // open: an alias to it from inside is a cycle
	}
	size := 1
	if g.tags != nil && n.Kind == yaml.ScalarNode && g.tags.bareTag(n) {
		return 0, g.f.refuse(n.Line, nil, "a bare tag (!), which parsers do not read alike; remove it")
	}
	switch n.Kind {
	case yaml.AliasNode:
		return g.alias(n)
	case yaml.MappingNode:
		if err := g.keys(n); err != nil {
			return 0, err
		}
	}
	for _, c := range n.Content {
		below, err := g.node(c, depth+1)
		if err != nil {
			return 0, err
		}
		size = min(size+below, 1<<40)
	}
	if n.Anchor != "" {
		g.sizes[n] = size
	}
	return size, nil
}

func (g *guard) alias(n *yaml.Node) (int, error) {
	size, known := g.sizes[n.Alias]
	switch {
	case !known:
		return 0, g.f.refuse(n.Line, nil, "alias *%s names an anchor of another document; define it in this one", excerpt.Cut(n.Value, longestName))
	case size == 0:
		return 0, g.f.refuse(n.Line, nil, "alias *%s is inside of what it names; write the value out", excerpt.Cut(n.Value, longestName))
	}
	if g.aliases == nil {
		g.aliases = map[*yaml.Node][]*yaml.Node{}
	}
	g.aliases[n.Alias] = append(g.aliases[n.Alias], n)
	g.expanded = min(g.expanded+size, 1<<40)
	return size, nil
}

// keys checks that a mapping's keys are scalars, each there once, and that
// what it merges are mappings.
func (g *guard) keys(n *yaml.Node) error {
	var lines map[string]int
	if len(n.Content) > 16 {
		lines = make(map[string]int, len(n.Content)/2)
	}
	for i := 0; i < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode {
			return g.complexKey(k)
		}
		if isMerge(k) && !mergeable(n.Content[i+1]) {
			return g.f.refuse(k.Line, nil, "<< merges something other than mappings; correct the file")
		}
		before := lines[k.Value]
		if lines != nil {
			lines[k.Value] = k.Line
		} else {
			for j := 0; j < i; j += 2 {
				if n.Content[j].Value == k.Value {
					before = n.Content[j].Line
				}
			}
		}
		if before > 0 {
			return g.f.refuse(k.Line, nil, "duplicate key %q, already on line %d; remove one of them", excerpt.Cut(k.Value, longestName), before)
		}
	}
	return nil
}

func (g *guard) complexKey(k *yaml.Node) error {
	if line := g.f.templated(); line > 0 && k.Style&yaml.FlowStyle != 0 {
		return g.f.refuse(line, nil, "templated YAML: {{ }} outside of quotes; edit what the template takes its values from, or quote the braces")
	}
	return g.f.refuse(k.Line, nil, "a mapping's key is not a plain name; write it as text")
}

// isMerge reports whether a mapping's key is a merge key.
func isMerge(k *yaml.Node) bool { return k.Tag == "!!merge" }

// mergeable reports whether a merge key may have the value n.
func mergeable(n *yaml.Node) bool {
	if n.Kind == yaml.SequenceNode {
		for _, c := range n.Content {
			if target(c).Kind != yaml.MappingNode {
				return false
			}
		}
		return true
	}
	return target(n).Kind == yaml.MappingNode
}

// target is the node itself, or the one that an alias names.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
