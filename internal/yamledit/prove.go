package yamledit

import (
	"sort"

	"go.yaml.in/yaml/v3"
)

// largeFile is the size from which a proof parses only the entries of a
// document's root that were edited, where that proves as much.
const largeFile = 256 << 10

// prove parses the result and compares every document with its plan.
func (f *File) prove(out []byte, spans []span, plans []*plan) error {
	at := spans[0].at
	broken := func(why string) error {
		return f.refuse(at.node.Line, at.path, "the edit cannot be made in place (%s); make it by hand", why)
	}
	if !untouched(f.text.data, out, spans) {
		return broken("it would change other bytes")
	}
	if len(out) >= f.large && f.proveParts(out, spans, plans) {
		return nil
	}
	nodes, err := decode(out)
	if err != nil {
		return broken("the result is not valid YAML")
	}
	if len(nodes) != len(f.docs) {
		return broken("it would change the number of documents")
	}
	for i, d := range f.docs {
		p := plans[i]
		if p == nil {
			p = f.newPlan(d)
		}
		c := &comparison{plan: p, twin: map[*yaml.Node]*yaml.Node{}}
		if n := c.node(d.root, nodes[i].Content[0]); n != nil {
			return f.refuse(n.Line, at.path, "%s", c.why)
		}
		if p.shared {
			if _, err := f.guard(nodes[i].Content[0], nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// proveParts proves the edits of each document by the entries around them. An
// entry of a block mapping at the root starts its line at column 0, where no
// collection, scalar or quote is open: what comes before and after it parses as it
// did, whatever the entry holds, as long as that is whole by itself. Only aliases reach across. It says
// false where it proves nothing; then the whole file has to be parsed.
func (f *File) proveParts(out []byte, spans []span, plans []*plan) bool {
	for i, p := range plans {
		if p == nil {
			continue
		}
		end := len(f.text.data)
		if i+1 < len(f.docs) {
			end = f.docs[i+1].begin
		}
		w, ok := p.window(spans, end)
		if !ok {
			return false
		}
		from, to := shift(spans, w.start, false), shift(spans, w.end, true)
		nodes, err := decode(out[from:to])
		if err != nil || len(nodes) != 1 {
			return false
		}
		root := nodes[0].Content[0]
		if !plainRoot(root) {
			return false
		}
		c := &comparison{plan: p, twin: map[*yaml.Node]*yaml.Node{}}
		g := p.groups[p.doc.root]
		if g == nil {
			g = &group{at: &site{node: p.doc.root}}
		}
		if c.group(g, root, w.first, w.last+1) != nil {
			return false
		}
	}
	return true
}

// plainRoot reports whether a document's root is a block mapping at column 0.
func plainRoot(n *yaml.Node) bool {
	return n.Kind == yaml.MappingNode && inBlock(n) && !hasProperties(n) && n.Column == 1
}

// window is the entries of a document's root that spans are in, and where
// they start and end in the file.
type window struct {
	first, last int
	start, end  int
}

// window finds the entries that hold every span of the document, which ends
// at offset end.
func (p *plan) window(spans []span, end int) (window, bool) {
	root := p.doc.root
	_, set := p.sets[root]
	if set || p.values[root] != nil || len(p.doc.aliases) > 0 || !plainRoot(root) {
		return window{}, false
	}
	low, high := -1, -1
	for _, s := range spans {
		if s.doc == p.doc {
			if low < 0 {
				low = s.start
			}
			high = max(high, s.end)
		}
	}
	start := func(i int) int { return p.f.text.lines[root.Content[2*i].Line-1] }
	count := members(root)
	w := window{
		first: sort.Search(count, func(i int) bool { return start(i) >= low }) - 1,
		last:  sort.Search(count, func(i int) bool { return start(i) >= high }) - 1,
		end:   end,
	}
	if low < 0 || w.first < 0 || root.Content[2*w.first].Column != 1 {
		return window{}, false
	}
	w.start = start(w.first)
	if w.last+1 < count {
		if root.Content[2*w.last+2].Column != 1 {
			return window{}, false
		}
		w.end = start(w.last + 1)
	}
	return w, true
}

// shift is where offset i of the file is in the result, before or after what
// is inserted right there.
func shift(spans []span, i int, after bool) int {
	to := i
	for _, s := range spans {
		if s.end < i || s.end == i && (after || s.start < i) {
			to += len(s.text) - (s.end - s.start)
		}
	}
	return to
}
