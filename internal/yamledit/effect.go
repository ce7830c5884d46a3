package yamledit

import (
	"errors"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"
)

// byEffect makes edits at the anchors that they are repeated from, or writes out
// what is repeated at their paths. It is right where the whole file then has the
// wanted values, and no others; else there are no bytes.
func (f *File) byEffect(edits []Edit) []byte {
	var all []Edit
	for i := range f.docs {
		var own []Edit
		for _, e := range edits {
			if e.Document == i {
				own = append(own, e)
			}
		}
		if len(own) == 0 {
			continue
		}
		moved := f.moved(i, own)
		if moved == nil {
			return nil
		}
		all = append(all, moved...)
	}
	out, err := f.apply(all)
	if err != nil {
		return nil
	}
	return out
}

// moved are the edits of one document in the first form that has their effect.
func (f *File) moved(document int, edits []Edit) []Edit {
	if _, err := f.apply(edits); err == nil {
		return edits
	}
	root := f.docs[document].root
	r := resolver{root: root, paths: map[*yaml.Node]Path{}}
	r.index(root, nil)
	plain, err := r.plain(edits)
	if err == nil {
		r.want, err = edited(value(root), plain)
	}
	if err != nil {
		return nil
	}
	for _, form := range []func([]Edit) ([]Edit, error){r.atAnchors, r.here} {
		moved, err := form(plain)
		if err != nil {
			continue
		}
		out, err := f.apply(moved)
		if err != nil {
			continue
		}
		if nodes, err := decode(out); err == nil && document < len(nodes) && alike(nodes[document].Content[0], r.want) {
			return moved
		}
	}
	return nil
}

var errNowhere = errors.New("the path leads nowhere")

// resolver follows paths through aliases and merge keys.
type resolver struct {
	root  *yaml.Node
	paths map[*yaml.Node]Path // to each node where it is written
	want  any                 // what the document is to be
}

// index notes where each node is written.
func (r resolver) index(n *yaml.Node, at Path) {
	r.paths[n] = at
	for i, c := range n.Content {
		switch {
		case n.Kind == yaml.SequenceNode:
			r.index(c, at.with(Index(i)))
		case n.Kind == yaml.MappingNode && i%2 == 1:
			r.index(c, at.with(Key(n.Content[i-1].Value)))
		}
	}
}

// node is what a path leads to, and whether that is written in the collection that
// the path names.
func (r resolver) node(path Path) (n *yaml.Node, own bool, err error) {
	n, own = r.root, true
	for _, step := range path {
		n = target(n)
		if step.Field != "" || step.Index >= 0 {
			i := itemIndex(n, step)
			if i < 0 {
				return nil, false, errNowhere
			}
			n, own = n.Content[i], true
			continue
		}
		if n.Kind != yaml.MappingNode {
			return nil, false, errNowhere
		}
		if n, own = entry(n, step.Key); n == nil {
			return nil, false, errNowhere
		}
	}
	return n, own, nil
}

// atAnchors are the edits where what they change is written. Edits that come to
// the same are one.
func (r resolver) atAnchors(edits []Edit) ([]Edit, error) {
	var out []Edit
	for _, e := range edits {
		last := len(e.Path) - 1
		switch {
		case e.Op == Insert && last >= 0:
			up, _, err := r.node(e.Path[:last])
			if err != nil {
				return nil, err
			}
			e.Path = r.paths[target(up)].with(e.Path[last])
		case e.Op == Delete:
			n, _, err := r.node(e.Path)
			if err != nil {
				return nil, err
			}
			e.Path = r.paths[n]
		default:
			n, _, err := r.node(e.Path)
			if err != nil {
				return nil, err
			}
			e.Path = r.paths[target(n)]
		}
		e.Shared = true
		if !slices.ContainsFunc(out, func(other Edit) bool { return reflect.DeepEqual(other, e) }) {
			out = append(out, e)
		}
	}
	return out, nil
}

// here are the edits with what an alias or a merge key brings written out: the
// value that the document is to have there.
func (r resolver) here(edits []Edit) ([]Edit, error) {
	var out []Edit
	for _, e := range edits {
		n := r.root
		for i, step := range e.Path {
			up := target(n)
			if i == len(e.Path)-1 && e.Op == Insert {
				break
			}
			var own bool
			var err error
			if n, own, err = (resolver{root: up}).node(Path{step}); err != nil {
				return nil, err
			}
			if n.Kind != yaml.AliasNode && own || i == len(e.Path)-1 && e.Op == Delete {
				continue
			}
			if e.Op, e.Path = Set, e.Path[:i+1]; !own {
				e.Op = Insert
			}
			if e.Value, err = at(r.want, e.Path); err != nil {
				return nil, err
			}
			break
		}
		e.here = true
		if !slices.ContainsFunc(out, func(other Edit) bool { return reflect.DeepEqual(other, e) }) {
			out = append(out, e)
		}
	}
	return out, nil
}

// at is what a value has at a path of keys and indexes.
func at(v any, path Path) (any, error) {
	for _, step := range path {
		m, isMap := v.(map[string]any)
		list, isList := v.([]any)
		switch {
		case isMap && step.Index < 0:
			v = m[step.Key]
		case isList && step.Index >= 0 && step.Index < len(list):
			v = list[step.Index]
		default:
			return nil, errNowhere
		}
	}
	return v, nil
}

// plain are the edits with paths of keys and indexes alone, and values as a
// document has them.
func (r resolver) plain(edits []Edit) ([]Edit, error) {
	out := slices.Clone(edits)
	for i, e := range edits {
		var at Path
		for j, step := range e.Path {
			if step.Field != "" {
				up, _, err := r.node(e.Path[:j])
				if err != nil {
					return nil, err
				}
				step = Index(itemIndex(target(up), step))
			}
			at = at.with(step)
		}
		want, err := normal(e.Value, 0)
		if err != nil {
			return nil, err
		}
		out[i].Path, out[i].Value = at, want
	}
	return out, nil
}

// edited is a value with edits made whose paths begin at it.
func edited(v any, edits []Edit) (any, error) {
	if len(edits) == 0 {
		return v, nil
	}
	for _, e := range edits {
		if len(e.Path) == 0 {
			if len(edits) > 1 {
				return nil, errNowhere
			}
			return e.Value, nil
		}
	}
	if edits[0].Path[0].Index >= 0 {
		list, ok := v.([]any)
		if !ok && v != nil {
			return nil, errNowhere
		}
		return editedList(list, edits)
	}
	m, ok := v.(map[string]any)
	if !ok && v != nil {
		return nil, errNowhere
	}
	return editedMapping(m, edits)
}

func editedMapping(m map[string]any, edits []Edit) (any, error) {
	out := make(map[string]any, len(m))
	for k, v := range m {
		below, gone, err := taken(edits, Key(k))
		if err != nil {
			return nil, err
		}
		if gone {
			continue
		}
		if out[k], err = edited(v, below); err != nil {
			return nil, err
		}
	}
	for _, e := range edits {
		if e.Op != Insert || len(e.Path) > 1 {
			continue
		}
		_, there := m[e.Path[0].Key]
		if _, twice := out[e.Path[0].Key]; there || twice {
			return nil, errNowhere
		}
		out[e.Path[0].Key] = e.Value
	}
	return out, nil
}

func editedList(list []any, edits []Edit) (any, error) {
	out := []any{}
	for i := range len(list) + 1 {
		for _, e := range edits {
			if e.Op == Insert && len(e.Path) == 1 && (e.Path[0].Index == i || i == len(list) && e.Path[0].Index > i) {
				out = append(out, e.Value)
			}
		}
		if i == len(list) {
			break
		}
		below, gone, err := taken(edits, Index(i))
		if err != nil {
			return nil, err
		}
		if gone {
			continue
		}
		v, err := edited(list[i], below)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// taken are the edits of one member, and whether it goes.
func taken(edits []Edit, member Step) (below []Edit, gone bool, err error) {
	for _, e := range edits {
		if e.Path[0] != member || e.Op == Insert && len(e.Path) == 1 {
			continue
		}
		gone = gone || e.Op == Delete && len(e.Path) == 1
		e.Path = e.Path[1:]
		below = append(below, e)
	}
	if gone && len(below) > 1 {
		return nil, false, errNowhere
	}
	return below, gone, nil
}
