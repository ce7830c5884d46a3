package yamledit

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// blockGroup removes members from a collection in block style, and adds some.
func (s *splicer) blockGroup(g *group) error {
	n := g.at.node
	for i := 0; i < members(n); i++ {
		if !g.gone[i] {
			continue
		}
		j := i
		for g.gone[j+1] {
			j++
		}
		if err := s.cut(g, i, j); err != nil {
			return err
		}
		i = j
	}
	return s.addLines(g)
}

// cut removes members i to j, with their comments.
func (s *splicer) cut(g *group, i, j int) error {
	n, at := g.at.node, g.at
	col := s.column(n)
	first, err := s.memberAt(n, i)
	if err != nil {
		return err
	}
	last, err := s.memberAt(n, j)
	if err != nil {
		return err
	}
	end := s.tail(last.end, col)
	if !s.leads(first.start) {
		// The line also holds the "-" of an item around it: what follows moves up.
		for end < len(s.data) && s.blank(end) {
			end = s.next(end)
		}
		s.replace(at, first.start, s.spaces(end), "")
		return nil
	}
	bound, keep, open, err := s.before(g, i)
	if err != nil {
		return err
	}
	start := s.head(first.start, bound)
	if at.up == nil && i == 0 && (start == s.text.lines[0] || !s.blank(s.begin(start-1))) {
		start = s.begin(first.start) // a comment at the top belongs to the document
	}
	s.replace(at, start, end, "")
	s.tidy(&s.spans[len(s.spans)-1], i == 0, bound, keep, open)
	return nil
}

// before describes what comes before member i: the end of its last line, and
// whether that belongs to a scalar which keeps the blank lines after it, or to one that
// the end of the file cuts short.
func (s *splicer) before(g *group, i int) (bound int, keep, open bool, err error) {
	if i == 0 {
		slot, _, _, err := s.slotOf(g.at)
		if g.at.up == nil {
			return s.text.lines[0], false, false, err
		}
		return s.next(slot), false, false, err
	}
	m, err := s.memberAt(g.at.node, i-1)
	if err != nil {
		return 0, false, false, err
	}
	if leaf, b, err := s.lastScalar(g.at.node, i-1); err != nil {
		return 0, false, false, err
	} else if leaf != nil {
		keep, open = b.chomp == '+', b.chomp != '-'
	}
	return s.next(m.end), keep, open, nil
}

// lastScalar is the block scalar with which member i of a collection ends, nil when it ends otherwise.
func (s *splicer) lastScalar(n *yaml.Node, i int) (*yaml.Node, blockScalar, error) {
	for {
		col := s.column(n)
		c := n.Content[i]
		if n.Kind == yaml.MappingNode {
			c = n.Content[2*i+1]
		}
		if c.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			b, err := s.blockScalar(c, col)
			return c, b, err
		}
		if !inBlock(c) || len(c.Content) == 0 {
			return nil, blockScalar{}, nil
		}
		n, i = c, members(c)-1
	}
}

// tidy widens a removal so that blank lines around it do not pile up.
func (s *splicer) tidy(cut *span, first bool, bound int, keep, open bool) {
	after := cut.end
	for after < len(s.data) && s.blank(after) {
		after = s.next(after)
	}
	above := cut.start
	for above > bound && s.blank(s.begin(above-1)) {
		above = s.begin(above - 1)
	}
	switch {
	case keep:
		cut.end, cut.far = after, after // they would become text of the scalar before
	case cut.end == len(s.data):
		cut.wide = above
	case after < len(s.data) && (first || above < cut.start):
		cut.far = after
	}
	if cut.end == len(s.data) && !s.ends() && !open {
		cut.wide = s.lineEndBefore(cut.wide)
	}
}

// addLines adds members to a collection in block style, on lines of their own.
func (s *splicer) addLines(g *group) error {
	n, at := g.at.node, g.at
	col := s.column(n)
	for k := 0; k < len(g.added); {
		before := g.added[k].before
		if before == 0 {
			m, err := s.memberAt(n, 0)
			if err != nil {
				return err
			}
			lines := s.render(g, &k, s.writer(at, m.start), col)
			if s.leads(m.start) {
				i, err := s.above(g, m.start)
				if err != nil {
					return err
				}
				s.replace(at, i, i, lines)
			} else {
				s.replace(at, m.start, m.start, lines[col:]+pad(col))
			}
			continue
		}
		m, err := s.memberAt(n, before-1)
		if err != nil {
			return err
		}
		i := s.tail(m.end, col)
		if i == len(s.data) && !s.ends() && !g.gone[before-1] {
			if err := s.closeScalar(g, before-1); err != nil {
				return err
			}
		}
		s.lines(at, i, s.render(g, &k, s.writer(at, i), col))
	}
	return nil
}

// above is where a new first item goes: above the comments of the item that
// starts at offset i, unless they may be the document's.
func (s *splicer) above(g *group, i int) (int, error) {
	if g.at.up == nil {
		return s.begin(i), nil
	}
	bound, _, _, err := s.before(g, 0)
	return s.head(i, bound), err
}

// render writes the additions that go to the same place, from the one at *k.
func (s *splicer) render(g *group, k *int, w writer, col int) string {
	var b strings.Builder
	for before := g.added[*k].before; *k < len(g.added) && g.added[*k].before == before; *k++ {
		a := g.added[*k]
		if g.at.node.Kind == yaml.MappingNode {
			b.WriteString(w.entry(a.key, a.value, col))
		} else {
			b.WriteString(w.item(a.value, col))
		}
	}
	return b.String()
}

// closeScalar keeps the value of a block scalar that the end of the file cuts
// short of its line break, when lines follow: it is chomped from now on.
func (s *splicer) closeScalar(g *group, i int) error {
	leaf, b, err := s.lastScalar(g.at.node, i)
	if err != nil || leaf == nil || b.chomp == '-' || s.p.values[leaf] != nil {
		return err
	}
	header := strings.Trim(string(s.data[b.start:b.header]), "+")
	s.replace(g.at, b.start, b.header, header+"-")
	return nil
}
