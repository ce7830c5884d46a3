package yamledit

import (
	"sort"

	"go.yaml.in/yaml/v3"

	"github.com/assaydev/assay/internal/excerpt"
)

// plan is what becomes of the nodes of one document.
type plan struct {
	f       *File
	doc     *document
	tables  map[*yaml.Node]keyTable
	values  map[*yaml.Node]*replacement
	groups  map[*yaml.Node]*group
	sets    map[*yaml.Node]any // what each Set wants of its node
	claims  []claim
	removes bool // some member goes
	shared  bool // some edit may change what aliases repeat
	here    bool // what aliases and merge keys bring may be written out
}

// claim is the node that an edit is about, with all below it.
type claim struct {
	at    *site
	whole bool // the node itself, not a member of it
}

// replacement is a node whose whole value is written anew.
type replacement struct {
	at    *site
	want  any
	grown bool // by inserts into an empty value
}

// group is what is removed from a collection and added to it.
type group struct {
	at    *site
	gone  map[int]bool
	added []addition
	keys  map[string]bool // of the additions to a mapping
}

// addition is a new member of a collection, before the member that is at
// that position now.
type addition struct {
	before int
	key    string
	value  any
}

func (f *File) newPlan(doc *document) *plan {
	return &plan{
		f: f, doc: doc,
		tables: map[*yaml.Node]keyTable{},
		values: map[*yaml.Node]*replacement{},
		groups: map[*yaml.Node]*group{},
		sets:   map[*yaml.Node]any{},
	}
}

// edit adds one edit to the plan.
func (p *plan) edit(e Edit) error {
	root := &site{node: p.doc.root}
	want, err := normal(e.Value, 0)
	if err != nil {
		return p.f.refuse(0, e.Path, "%v", err)
	}
	p.shared, p.here = p.shared || e.Shared, p.here || e.here
	switch e.Op {
	case Set:
		at, err := p.find(root, e.Path)
		if err != nil {
			return err
		}
		if _, twice := p.sets[at.node]; twice {
			return p.overlap(at)
		}
		p.sets[at.node] = want
		p.claims = append(p.claims, claim{at: at, whole: true})
		return p.set(at, want, e.Shared)
	case Delete, Insert:
		if len(e.Path) == 0 {
			return p.f.refuse(p.doc.root.Line, nil, "the path is empty; only Set takes a whole document")
		}
	default:
		return p.f.refuse(0, e.Path, "there is no such operation; use Set, Insert or Delete")
	}
	last := len(e.Path) - 1
	up, err := p.find(root, e.Path[:last])
	if err != nil {
		return err
	}
	p.claims = append(p.claims, claim{at: up})
	if e.Op == Insert {
		return p.insert(up, e.Path[last], want, e.Shared)
	}
	at, err := p.step(up, e.Path[last])
	if err != nil {
		return err
	}
	return p.remove(at, e.Shared)
}

// set plans the least that makes a node read as the wanted value.
func (p *plan) set(at *site, want any, shared bool) error {
	n := at.node
	if same(n, want) {
		return nil
	}
	if n.Kind == yaml.AliasNode && !p.here {
		return p.throughAlias(n, at.path)
	}
	switch want := want.(type) {
	case map[string]any:
		if n.Kind == yaml.MappingNode && len(n.Content) > 0 && len(want) > 0 {
			return p.setMapping(at, want, shared)
		}
	case []any:
		if n.Kind == yaml.SequenceNode && len(n.Content) > 0 && len(want) > 0 {
			return p.setList(at, want, shared)
		}
	}
	return p.replace(at, want, shared)
}

func (p *plan) setMapping(at *site, want map[string]any, shared bool) error {
	n := at.node
	for i := 0; i < len(n.Content); i += 2 {
		k := n.Content[i]
		if isMerge(k) {
			continue
		}
		child := at.child(i/2, Key(k.Value))
		var err error
		if w, ok := want[k.Value]; ok {
			err = p.set(child, w, shared)
		} else {
			err = p.remove(child, shared)
		}
		if err != nil {
			return err
		}
	}
	var err error
	if p.merged(n) != nil {
		eachEntry(n, func(k string, v *yaml.Node) {
			if w, ok := want[k]; err == nil && p.keyIndex(n, k) < 0 && (!ok || !same(v, w)) {
				err = p.f.repeated(n.Line, at.path.with(Key(k)), "set by a merge key (<<) on line %d; edit it there, or write the key out here", v.Line)
			}
		})
	}
	for _, k := range names(want) {
		if err == nil && p.keyIndex(n, k) < 0 && !p.mergeHas(n, k) {
			err = p.insert(at, Key(k), want[k], shared)
		}
	}
	return err
}

// setList keeps the items that a list begins and ends with, and pairs those
// in between.
func (p *plan) setList(at *site, want []any, shared bool) error {
	have := at.node.Content
	head := 0
	for head < len(have) && head < len(want) && alike(have[head], want[head]) {
		head++
	}
	tail := 0
	for tail < len(have)-head && tail < len(want)-head && alike(have[len(have)-1-tail], want[len(want)-1-tail]) {
		tail++
	}
	paired := min(len(have), len(want)) - tail
	for i := range paired {
		if err := p.set(at.child(i, Index(i)), want[i], shared); err != nil {
			return err
		}
	}
	for i := 1; i <= tail; i++ {
		j := len(have) - i
		if err := p.set(at.child(j, Index(j)), want[len(want)-i], shared); err != nil {
			return err
		}
	}
	for i := paired; i < len(have)-tail; i++ {
		if err := p.remove(at.child(i, Index(i)), shared); err != nil {
			return err
		}
	}
	for i := paired; i < len(want)-tail; i++ {
		if err := p.add(at, addition{before: len(have) - tail, value: want[i]}, shared); err != nil {
			return err
		}
	}
	return nil
}

// replace plans a whole new value for a node.
func (p *plan) replace(at *site, want any, shared bool) error {
	n := at.node
	if p.values[n] != nil {
		return p.overlap(at)
	}
	if err := p.free(at, shared); err != nil {
		return err
	}
	if err := p.dangling(at, n.Content...); err != nil {
		return err
	}
	if n.Style&yaml.TaggedStyle != 0 && !tagFits(n, want) {
		return p.f.refuse(n.Line, at.path, "the value has the tag %s; remove the tag first", excerpt.Cut(n.Tag, longestName))
	}
	p.values[n] = &replacement{at: at, want: want}
	return nil
}

// tagFits reports whether a node's tag can stay when its value changes.
func tagFits(n *yaml.Node, want any) bool {
	switch want.(type) {
	case string:
		return n.Tag == "!!str"
	case map[string]any:
		return n.Tag == "!!map"
	case []any:
		return n.Tag == "!!seq"
	}
	return false
}

func (p *plan) group(at *site) *group {
	g := p.groups[at.node]
	if g == nil {
		g = &group{at: at, gone: map[int]bool{}, keys: map[string]bool{}}
		p.groups[at.node] = g
	}
	return g
}

// remove plans that a member goes, with its own comments.
func (p *plan) remove(at *site, shared bool) error {
	if err := p.free(at.up, shared); err != nil {
		return err
	}
	nodes := []*yaml.Node{at.node}
	if n := at.up.node; n.Kind == yaml.MappingNode {
		k := n.Content[2*at.i]
		nodes = append(nodes, k)
		if p.mergeHas(n, k.Value) {
			return p.f.repeated(k.Line, at.path, "a merge key (<<) would bring the key back; edit what it merges")
		}
	}
	if err := p.dangling(at, nodes...); err != nil {
		return err
	}
	g := p.group(at.up)
	if g.gone[at.i] {
		return p.overlap(at)
	}
	g.gone[at.i], p.removes = true, true
	return nil
}

// mergeHas reports whether a mapping would have a key through its merge key alone.
func (p *plan) mergeHas(n *yaml.Node, key string) bool {
	m := p.merged(n)
	if m == nil {
		return false
	}
	bare := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!merge", Value: "<<"}, m}}
	v, _ := entry(bare, key)
	return v != nil
}

// settle turns collections that lose every member into replacements, and
// refuses edits of what another edit takes away.
func (p *plan) settle() error {
	for _, c := range p.claims {
		s := c.at
		if c.whole {
			s = s.up
		}
		for ; s != nil; s = s.up {
			if _, set := p.sets[s.node]; set {
				return p.overlap(c.at)
			}
		}
	}
	for n, g := range p.groups {
		if len(g.gone) < members(n) {
			continue
		}
		if p.values[n] != nil {
			return p.overlap(g.at)
		}
		delete(p.groups, n)
		p.values[n] = &replacement{at: g.at, want: g.remains()}
	}
	for _, at := range p.sites() {
		if p.values[at.node] != nil && p.groups[at.node] != nil {
			return p.overlap(at)
		}
		for s := at; s.up != nil; s = s.up {
			if g := p.groups[s.up.node]; g != nil && g.gone[s.i] || p.values[s.up.node] != nil {
				return p.overlap(at)
			}
		}
	}
	return nil
}

// remains is the value of a group whose old members are all gone.
func (g *group) remains() any {
	if g.at.node.Kind == yaml.MappingNode {
		m := map[string]any{}
		for _, a := range g.added {
			m[a.key] = a.value
		}
		return m
	}
	s := []any{}
	for _, a := range g.added {
		s = append(s, a.value)
	}
	return s
}

// sites lists what the plan touches, in the order of the document.
func (p *plan) sites() []*site {
	var all []*site
	for _, r := range p.values {
		all = append(all, r.at)
	}
	for _, g := range p.groups {
		all = append(all, g.at)
	}
	sort.SliceStable(all, func(i, j int) bool {
		a, b := all[i].node, all[j].node
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Column < b.Column || a.Column == b.Column && all[i].depth() < all[j].depth()
	})
	return all
}

func (p *plan) overlap(at *site) error {
	return p.f.refuse(at.node.Line, at.path, "two edits change the same place; make one of them, or apply them one after the other")
}
