package yamledit

import (
	"go.yaml.in/yaml/v3"

	"github.com/assaydev/assay/internal/excerpt"
)

// free refuses a change at or below an anchor that aliases repeat, unless the
// anchor is meant.
func (p *plan) free(at *site, shared bool) error {
	if shared || len(p.doc.aliases) == 0 {
		return nil
	}
	for s := at; s != nil; s = s.up {
		if aliases := p.doc.aliases[s.node]; len(aliases) > 0 {
			return p.f.repeated(s.node.Line, at.path, "part of the anchor &%s, which line %d repeats, so that both would change; write the value out there first",
				excerpt.Cut(s.node.Anchor, longestName), aliases[0].Line)
		}
	}
	return nil
}

// dangling refuses to remove nodes that aliases elsewhere name.
func (p *plan) dangling(at *site, nodes ...*yaml.Node) error {
	if len(p.doc.aliases) == 0 {
		return nil
	}
	inside := map[*yaml.Node]int{}
	var anchors []*yaml.Node
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		if n.Anchor != "" {
			anchors = append(anchors, n)
		}
		if n.Kind == yaml.AliasNode {
			inside[n.Alias]++
			return
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	for _, n := range nodes {
		walk(n)
	}
	for _, a := range anchors {
		if all := p.doc.aliases[a]; len(all) > inside[a] {
			return p.f.repeated(a.Line, at.path, "the anchor &%s would go, which line %d names; write the value out there first", excerpt.Cut(a.Anchor, longestName), all[len(all)-1].Line)
		}
	}
	return nil
}
