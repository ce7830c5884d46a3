package yamledit

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// place writes a new value where a node stands.
func (s *splicer) place(r *replacement) error {
	at, n := r.at, r.at.node
	slot, end, bare, err := s.slotOf(at)
	if err != nil {
		return err
	}
	if in := s.context(at); in.flow {
		text := flow(r.want, n.Style, in)
		start := s.content(n)
		if empty(n) {
			start = slot
			text = " " + text
			if bare {
				text = ":" + text
			}
		}
		s.replace(at, start, end, text)
		return nil
	}
	switch {
	case inBlock(n):
		return s.placeCollection(at, r.want, slot, end)
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return s.placeBlockScalar(at, r.want, slot)
	}
	s.placeToken(at, r.want, slot, end)
	return nil
}

// slotOf is where the value of a site goes, and where it ends now.
func (s *splicer) slotOf(at *site) (slot, end int, bare bool, err error) {
	if at.up != nil {
		m, err := s.memberAt(at.up.node, at.i)
		return m.slot, m.end, m.bare, err
	}
	slot = s.p.doc.start
	if hasProperties(at.node) {
		slot = s.properties(at.node)
	}
	end, err = s.valueEnd(at.node, slot, -1)
	return slot, end, false, err
}

// context is what the place of a site allows.
func (s *splicer) context(at *site) context {
	in := context{flow: at.flow(), json: strings.HasSuffix(s.p.f.name, ".json")}
	if in.json {
		in.flow = true
		return in
	}
	for up := at.up; up != nil && flowed(up.node); up = up.up {
		in.json = likeJSON(up.node)
	}
	return in
}

// likeJSON reports whether a flow collection is written as JSON, by its first key or item.
func likeJSON(n *yaml.Node) bool {
	if len(n.Content) == 0 {
		return false
	}
	first := n.Content[0]
	return first.Style&yaml.DoubleQuotedStyle != 0 || flowed(first) && likeJSON(first)
}

// placeCollection replaces a filled collection in block style.
func (s *splicer) placeCollection(at *site, want any, slot, end int) error {
	n, col, own := at.node, at.indent(s.layout), s.column(at.node)
	m, err := s.memberAt(n, 0)
	if err != nil {
		return err
	}
	after := s.tail(end, col)
	if at.up == nil {
		after = s.tail(end, own)
	}
	w := s.writer(at, after)
	if !s.leads(m.start) {
		stop := s.finish(max(after-1, end))
		if after == len(s.data) && !s.ends() {
			stop = after
		}
		s.replace(at, m.start, stop, s.compact(w, want, col, own))
		return nil
	}
	above := s.next(slot)
	start := s.head(m.start, above)
	if at.up == nil {
		start = s.begin(m.start)
	}
	w.blocks = at.up == nil || start == above
	head, body := w.value(want, col)
	if filled(want) && sameKind(n, want) {
		body = w.collection(want, own)
	}
	switch {
	case head != "" && at.up == nil:
		body = head + s.nl + body
	case head != "":
		s.replace(at, slot, slot, " "+head)
	}
	s.swapLines(at, start, after, body)
	return nil
}

// swapLines replaces whole lines by others, or by none.
func (s *splicer) swapLines(at *site, start, end int, lines string) {
	if end == len(s.data) && !s.ends() {
		if lines = strings.TrimSuffix(lines, s.nl); lines == "" {
			start = s.lineEndBefore(start)
		}
	}
	s.replace(at, start, end, lines)
}

// lineEndBefore is where the line before the one that starts at offset i ends.
func (s *splicer) lineEndBefore(i int) int {
	if i <= s.text.lines[0] {
		return i
	}
	return s.finish(s.begin(i - 1))
}

// compact writes a value that starts on the line of its "-", at column own.
func (s *splicer) compact(w writer, want any, col, own int) string {
	if filled(want) {
		return strings.TrimSuffix(w.collection(want, own)[own:], w.nl)
	}
	head, body := w.value(want, col)
	return strings.TrimSuffix(head+w.nl+body, w.nl)
}

func sameKind(n *yaml.Node, want any) bool {
	_, isMap := want.(map[string]any)
	return isMap == (n.Kind == yaml.MappingNode)
}

// placeBlockScalar replaces a literal or folded scalar.
func (s *splicer) placeBlockScalar(at *site, want any, slot int) error {
	col := at.indent(s.layout)
	b, err := s.blockScalar(at.node, col)
	if err != nil {
		return err
	}
	text, isText := want.(string)
	if isText {
		if lines, ok := s.rewrite(b, text); ok && (s.breaks(s.next(b.end)) || !strings.HasSuffix(text, "\n")) {
			s.replace(at, b.start, b.end, lines)
			return nil
		}
	}
	comment := s.comment(b.header)
	if comment != "" {
		comment = " " + comment
		if s.spaces(b.header) > b.header {
			comment = string(s.data[b.header:s.finish(b.header)])
		}
	}
	if !filled(want) {
		head := inline(want, yaml.DoubleQuotedStyle, context{})
		if !isText {
			head, _ = s.writer(at, b.last).value(want, col)
		}
		s.replace(at, b.start, b.last, head+comment)
		return nil
	}
	_, body := s.writer(at, b.last).value(want, col)
	s.replace(at, slot, b.last, comment+s.nl+strings.TrimSuffix(body, s.nl))
	return nil
}

// placeToken replaces a value that is one token, a flow collection, or
// nothing at all.
func (s *splicer) placeToken(at *site, want any, slot, end int) {
	n, col := at.node, at.indent(s.layout)
	start := slot
	if !empty(n) {
		start = s.content(n)
	}
	next := s.next(end)
	w := s.writer(at, next)
	if at.up == nil && empty(n) {
		head, body := w.value(want, col)
		if head != "" {
			head += s.nl
		}
		s.lines(at, next, head+body)
		return
	}
	w.blocks = s.tail(end, max(col, 0)) == next
	head, body := w.value(want, col)
	if body != "" && s.spaces(end) == s.finish(end) {
		end = s.finish(end) // white space would become part of the last line
	}
	if text, ok := want.(string); ok && (body == "" || n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0) {
		head, body = inline(text, n.Style, context{}), ""
	}
	space := ""
	if start == slot && at.up != nil {
		space = " "
	}
	switch {
	case body == "":
		s.replace(at, start, end, space+head)
	case head != "":
		s.replace(at, start, end, space+head)
		s.lines(at, next, body)
	case s.leads(start):
		own := s.columnOf(start)
		w.blocks = w.blocks && s.comment(end) == ""
		s.replace(at, start, end, strings.TrimSuffix(w.collection(want, own)[own:], s.nl))
	case at.up != nil && at.up.node.Kind == yaml.SequenceNode && s.comment(end) == "" && s.number(start) == s.number(slot):
		own := s.columnOf(start) + len(space)
		s.replace(at, start, end, space+strings.TrimSuffix(w.collection(want, own)[own:], s.nl))
	default:
		s.replace(at, slot, end, "")
		s.lines(at, next, body)
	}
}
