package yamledit

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// insert plans a new member of a collection, or of an empty value.
func (p *plan) insert(up *site, step Step, want any, shared bool) error {
	n, path := up.node, up.path.with(step)
	if n.Kind == yaml.AliasNode {
		return p.throughAlias(n, path)
	}
	asList := step.Index >= 0
	blank := n.Tag == "!!null" || n.Kind != yaml.ScalarNode && len(n.Content) == 0
	switch {
	case step.Field != "":
		return p.f.refuse(n.Line, path, "a new item has no name yet; insert it at an index")
	case n.Kind == yaml.ScalarNode && !blank, asList && n.Kind == yaml.MappingNode, !asList && n.Kind == yaml.SequenceNode:
		return p.f.refuse(n.Line, path, "nothing can be inserted here: the place is %s; correct the path", kindName(n))
	}
	if blank {
		return p.grow(up, step, want, shared)
	}
	if asList {
		return p.item(up, step, want, shared)
	}
	if err := checkKey(step.Key); err != nil {
		return p.f.refuse(n.Line, up.path, "%v", err)
	}
	if i := p.keyIndex(n, step.Key); i >= 0 {
		return p.f.refuse(n.Content[i].Line, path, "the key is already there; set it")
	}
	if p.mergeHas(n, step.Key) && !p.here {
		return p.f.repeated(n.Line, path, "a merge key (<<) sets the key already; edit what it merges")
	}
	return p.add(up, addition{before: len(n.Content) / 2, key: step.Key, value: want}, shared)
}

// item plans a new item before the one that is at the index now. Several new
// last items take consecutive indexes, or all the list's length.
func (p *plan) item(up *site, step Step, want any, shared bool) error {
	n := up.node
	length, appended := len(n.Content), 0
	if g := p.groups[n]; g != nil {
		for _, a := range g.added {
			if a.before == length {
				appended++
			}
		}
	}
	if step.Index > length && step.Index != length+appended {
		return p.f.refuse(n.Line, up.path.with(step), "the list has %d items, and a new last one goes to %d; correct the index", length, length)
	}
	return p.add(up, addition{before: min(step.Index, length), value: want}, shared)
}

// grow plans the first members of an empty value.
func (p *plan) grow(up *site, step Step, want any, shared bool) error {
	r := p.values[up.node]
	if r == nil {
		var first any = map[string]any{}
		if step.Index >= 0 {
			first = []any{}
		}
		if err := p.replace(up, first, shared); err != nil {
			return err
		}
		r = p.values[up.node]
		r.grown = true
	}
	list, isList := r.want.([]any)
	m, isMap := r.want.(map[string]any)
	_, taken := m[step.Key]
	switch {
	case !r.grown || isMap != (step.Index < 0) || taken:
		return p.overlap(up)
	case isList && step.Index != 0 && step.Index != len(list):
		return p.f.refuse(up.node.Line, up.path.with(step), "the list is empty; insert at 0")
	case isList:
		r.want = append(list, want)
	default:
		if err := checkKey(step.Key); err != nil {
			return p.f.refuse(up.node.Line, up.path, "%v", err)
		}
		m[step.Key] = want
	}
	return nil
}

// add plans a new member of a filled collection.
func (p *plan) add(up *site, a addition, shared bool) error {
	if err := p.free(up, shared); err != nil {
		return err
	}
	g := p.group(up)
	if up.node.Kind == yaml.MappingNode {
		if g.keys[a.key] {
			return p.overlap(up)
		}
		g.keys[a.key] = true
	}
	// Additions stay in the order of their places, and at one place in the
	// order of the edits.
	i := len(g.added)
	for i > 0 && g.added[i-1].before > a.before {
		i--
	}
	g.added = slices.Insert(g.added, i, a)
	return nil
}
