package yamledit

import "go.yaml.in/yaml/v3"

// comparison walks a document as it was and as it is, and holds each
// difference against the plan.
type comparison struct {
	*plan
	twin map[*yaml.Node]*yaml.Node // anchored nodes: as it was, as it is
	why  string                    // what is wrong with the node returned
}

// node returns the first node that is not as planned, nil when all are.
func (c *comparison) node(was, is *yaml.Node) *yaml.Node {
	if wrong := c.parts(was, is); wrong != nil {
		if c.why == "" {
			c.why = "the edit cannot be made in place: something here would read as another value; make it by hand"
		}
		return wrong
	}
	if want, set := c.sets[was]; set && !same(is, want) {
		c.why = "aliases repeat what changes here, so that it cannot have this value; write them out first"
		return was
	}
	return nil
}

func (c *comparison) parts(was, is *yaml.Node) *yaml.Node {
	if was.Anchor != is.Anchor {
		return was
	}
	if was.Anchor != "" {
		c.twin[was] = is
	}
	if r := c.values[was]; r != nil {
		if is.Kind == yaml.AliasNode || !same(is, r.want) || !plain(is.Content) {
			return was
		}
		return nil
	}
	if was.Kind != is.Kind || was.Tag != is.Tag || was.Value != is.Value {
		return was
	}
	switch was.Kind {
	case yaml.AliasNode:
		if c.twin[was.Alias] != is.Alias {
			return was
		}
		return nil
	case yaml.ScalarNode:
		if was.Style != is.Style {
			return was
		}
		return nil
	}
	if g := c.groups[was]; g != nil {
		return c.group(g, is, 0, members(was))
	}
	if len(was.Content) != len(is.Content) {
		return was
	}
	for i, n := range was.Content {
		if wrong := c.node(n, is.Content[i]); wrong != nil {
			return wrong
		}
	}
	return nil
}

// group compares members from to to of a collection, which lost some or got some.
func (c *comparison) group(g *group, is *yaml.Node, from, to int) *yaml.Node {
	was := g.at.node
	width := 1
	if was.Kind == yaml.MappingNode {
		width = 2
	}
	rest := is.Content
	added := g.added
	for i := from; i <= to; i++ {
		for ; len(added) > 0 && added[0].before == i; added = added[1:] {
			if len(rest) < width || !isAddition(rest[:width], added[0]) {
				return was
			}
			rest = rest[width:]
		}
		if i == to || g.gone[i] {
			continue
		}
		if len(rest) < width {
			return was
		}
		for k := range width {
			if wrong := c.node(was.Content[width*i+k], rest[k]); wrong != nil {
				return wrong
			}
		}
		rest = rest[width:]
	}
	if len(rest) > 0 || len(added) > 0 {
		return was
	}
	return nil
}

// isAddition reports whether the nodes of a member are the planned ones.
func isAddition(nodes []*yaml.Node, a addition) bool {
	v := nodes[len(nodes)-1]
	if len(nodes) == 2 && (!same(nodes[0], a.key) || isMerge(nodes[0])) {
		return false
	}
	return v.Kind != yaml.AliasNode && same(v, a.value) && plain(nodes)
}

// plain reports whether nodes have neither anchors nor aliases.
func plain(nodes []*yaml.Node) bool {
	for _, n := range nodes {
		if n.Anchor != "" || n.Kind == yaml.AliasNode || !plain(n.Content) {
			return false
		}
	}
	return true
}
