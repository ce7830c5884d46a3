package yamledit

import (
	"go.yaml.in/yaml/v3"

	"github.com/assaydev/assay/internal/excerpt"
)

// site is a node and the way to it.
type site struct {
	node *yaml.Node
	up   *site // nil at the root
	i    int   // which member of up it is
	path Path
}

// depth is the number of steps from the root.
func (s *site) depth() int {
	n := 0
	for ; s.up != nil; s = s.up {
		n++
	}
	return n
}

// flow reports whether the node is written inside brackets or braces.
func (s *site) flow() bool { return s.up != nil && flowed(s.up.node) }

// indent is the column of the block collection around the node, -1 at the root.
func (s *site) indent(l *layout) int {
	if s.up == nil || flowed(s.up.node) {
		return -1
	}
	return l.column(s.up.node)
}

// child is the site of a member of the node.
func (s *site) child(i int, step Step) *site {
	c := &site{up: s, i: i, path: s.path.with(step)}
	if s.node.Kind == yaml.MappingNode {
		c.node = s.node.Content[2*i+1]
	} else {
		c.node = s.node.Content[i]
	}
	return c
}

// Line is the line, from 1, of the key, item or document that a path leads
// to, through aliases and merge keys; false when there is none.
func (f *File) Line(doc int, p Path) (int, bool) {
	if doc < 0 || doc >= len(f.docs) {
		return 0, false
	}
	n := f.docs[doc].root
	line := n.Line
	for _, s := range p {
		n = target(n)
		switch {
		case s.Field == "" && s.Index < 0:
			if n.Kind != yaml.MappingNode {
				return 0, false
			}
			v, own := entry(n, s.Key)
			if v == nil {
				return 0, false
			}
			if line = v.Line; own {
				line = n.Content[keyIndex(n, s.Key)].Line
			}
			n = v
		default:
			i := itemIndex(n, s)
			if i < 0 {
				return 0, false
			}
			n = n.Content[i]
			line = n.Line
		}
	}
	return line, true
}

// itemIndex is the one item that a step names; -1 when there is none, or
// more than one.
func itemIndex(n *yaml.Node, s Step) int {
	if n.Kind != yaml.SequenceNode {
		return -1
	}
	if s.Field == "" {
		if s.Index < len(n.Content) {
			return s.Index
		}
		return -1
	}
	found := -1
	for i, c := range n.Content {
		if c = target(c); c.Kind != yaml.MappingNode {
			continue
		}
		if v, _ := entry(c, s.Field); v != nil && target(v).Kind == yaml.ScalarNode && target(v).Value == s.Value {
			if found >= 0 {
				return -1
			}
			found = i
		}
	}
	return found
}

// find follows a path to the node that it names, not through aliases or
// merge keys.
func (p *plan) find(at *site, path Path) (*site, error) {
	for _, step := range path {
		next, err := p.step(at, step)
		if err != nil {
			return nil, err
		}
		at = next
	}
	return at, nil
}

func (p *plan) step(at *site, step Step) (*site, error) {
	n, path := at.node, at.path.with(step)
	if n.Kind == yaml.AliasNode {
		return nil, p.throughAlias(n, path)
	}
	if step.Field != "" || step.Index >= 0 {
		if n.Kind != yaml.SequenceNode {
			return nil, p.f.refuse(n.Line, path, "not a list but %s; correct the path", kindName(n))
		}
		i := itemIndex(n, step)
		if i < 0 {
			return nil, p.f.refuse(n.Line, path, "the list of %d has no such item, or more than one; correct the path", len(n.Content))
		}
		return at.child(i, step), nil
	}
	if n.Kind != yaml.MappingNode {
		return nil, p.f.refuse(n.Line, path, "not a mapping but %s; correct the path", kindName(n))
	}
	if i := p.keyIndex(n, step.Key); i >= 0 {
		return at.child(i/2, step), nil
	}
	if v, _ := entry(n, step.Key); v != nil {
		return nil, p.f.repeated(n.Line, path, "set by a merge key (<<) on line %d; edit it there, or write the key out here", v.Line)
	}
	if step.Key == "<<" && merged(n) != nil {
		return nil, p.f.refuse(n.Line, path, "a merge key; edit what it merges, or write the keys out")
	}
	return nil, p.f.refuse(n.Line, path, "there is no such key; correct the path, or insert it")
}

func (p *plan) throughAlias(n *yaml.Node, path Path) error {
	return p.f.repeated(n.Line, path, "an alias of the anchor &%s on line %d; edit it there, or write the value out here", excerpt.Cut(n.Value, longestName), n.Alias.Line)
}

// keyTable is where a large mapping's own keys are in its content, and its
// merge key's value.
type keyTable struct {
	at     map[string]int
	merged *yaml.Node
}

// table indexes a mapping, so that many edits of a large one stay linear.
func (p *plan) table(n *yaml.Node) keyTable {
	t, known := p.tables[n]
	if !known {
		t = keyTable{at: make(map[string]int, len(n.Content)/2), merged: merged(n)}
		for i := 0; i < len(n.Content); i += 2 {
			if !isMerge(n.Content[i]) {
				t.at[n.Content[i].Value] = i
			}
		}
		p.tables[n] = t
	}
	return t
}

// keyIndex is where a mapping's own key is in its content; -1 when it is not.
func (p *plan) keyIndex(n *yaml.Node, key string) int {
	if len(n.Content) < 64 {
		return keyIndex(n, key)
	}
	if i, ok := p.table(n).at[key]; ok {
		return i
	}
	return -1
}

// merged is the value of a mapping's merge key, nil when it has none.
func (p *plan) merged(n *yaml.Node) *yaml.Node {
	if len(n.Content) < 64 {
		return merged(n)
	}
	return p.table(n).merged
}

func kindName(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "empty"
	}
	return "a single value"
}
