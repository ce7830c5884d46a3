package yamledit

import (
	"bytes"
	"errors"
	"strings"

	"go.yaml.in/yaml/v3"
)

// layout finds where nodes begin and end. It has its own text, whose memory
// of the last position is not to be shared.
type layout struct{ *text }

var errLayout = errors.New("written in a form that cannot be edited in place; write it plainly")

func (f *File) layout() *layout {
	t := *f.text
	return &layout{&t}
}

// start is the offset at which a node begins, properties included.
func (l *layout) start(n *yaml.Node) int { return l.at(n.Line, n.Column) }

// empty reports whether a node has no text of its own.
func empty(n *yaml.Node) bool {
	const written = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Style&written == 0
}

// hasProperties reports whether an anchor or a tag comes before a node.
func hasProperties(n *yaml.Node) bool {
	return n.Anchor != "" || n.Style&yaml.TaggedStyle != 0
}

// properties is the offset after the last anchor or tag of a node.
func (l *layout) properties(n *yaml.Node) int {
	end := l.start(n)
	left := 0
	if n.Anchor != "" {
		left++
	}
	if n.Style&yaml.TaggedStyle != 0 {
		left++
	}
	for i := end; left > 0; left-- {
		i = l.gap(i)
		switch l.byteAt(i) {
		case '&':
			end = i + 1 + len(n.Anchor)
		case '!':
			end = i + l.tag(i)
		default:
			return end
		}
		i = end
	}
	return end
}

// tag is the length of the tag at offset i.
func (l *layout) tag(i int) int {
	rest := l.data[i:l.finish(i)]
	if n := bytes.IndexByte(rest, '>'); n >= 0 && bytes.HasPrefix(rest, []byte("!<")) {
		return n + 1
	}
	if n := bytes.IndexAny(rest, " \t,]}"); n >= 0 {
		return n
	}
	return len(rest)
}

// bareTag reports whether a scalar has a "!" without a name.
func (l *layout) bareTag(n *yaml.Node) bool {
	if n.Style&yaml.TaggedStyle != 0 {
		return false
	}
	i := l.start(n)
	switch {
	case n.Anchor == "" || l.byteAt(i) == '!':
	case empty(n):
		i = l.spaces(l.properties(n))
	default:
		i = l.gap(l.properties(n))
	}
	return l.byteAt(i) == '!'
}

// content is the offset at which a node's own text begins.
func (l *layout) content(n *yaml.Node) int {
	if !hasProperties(n) {
		return l.start(n)
	}
	if empty(n) {
		return l.properties(n)
	}
	return l.gap(l.properties(n))
}

// column is the indentation of a block collection, from 0.
func (l *layout) column(n *yaml.Node) int {
	if !hasProperties(n) {
		return n.Column - 1
	}
	return l.columnOf(l.content(n))
}

// flowed reports whether a node is written in brackets or braces, or without
// any in a flow sequence.
func flowed(n *yaml.Node) bool { return n.Style&yaml.FlowStyle != 0 }

// inBlock reports whether a node is a collection in block style.
func inBlock(n *yaml.Node) bool {
	return (n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode) && !flowed(n)
}

// end is the offset after a node's text. indent is the column of the block
// collection around it, -1 when there is none.
func (l *layout) end(n *yaml.Node, indent int) (int, error) {
	switch {
	case n.Kind == yaml.AliasNode:
		return l.start(n) + 1 + len(n.Value), nil
	case n.Kind == yaml.ScalarNode:
		return l.scalarEnd(n, indent)
	case flowed(n):
		return l.flowEnd(n)
	case len(n.Content) == 0:
		return 0, errLayout
	case n.Kind == yaml.MappingNode:
		e, err := l.entry(n, len(n.Content)-2, l.column(n))
		return e.end, err
	}
	e, err := l.item(n, len(n.Content)-1, l.column(n))
	return e.end, err
}

// span of an entry of a mapping, or of an item of a sequence.
type member struct {
	start int // the key, the item, or the "-" of an item in block style
	slot  int // after the ":" or "-", and the properties of the value
	end   int // after the value
	bare  bool
}

// entry finds the entry whose key is at position i of a mapping's content. A
// bare one, in flow style, has no colon.
func (l *layout) entry(n *yaml.Node, i, indent int) (member, error) {
	k, v := n.Content[i], n.Content[i+1]
	m := member{start: l.start(k)}
	keyEnd, err := l.end(k, indent)
	if err != nil {
		return m, err
	}
	colon := l.spaces(keyEnd)
	if flowed(n) {
		colon = l.gap(keyEnd)
	}
	switch {
	case l.explicit(m.start):
		return m, errExplicit
	case l.byteAt(colon) == ':':
		m.slot = colon + 1
	case !flowed(n):
		return m, errExplicit
	default:
		m.bare, m.slot = true, keyEnd
	}
	return l.slot(m, v, indent)
}

var errExplicit = errors.New(`the entry is written with "?"; write it as "key: value"`)

// explicit reports whether the key at offset i comes after a "?".
func (l *layout) explicit(i int) bool {
	before := bytes.TrimRight(l.data[l.begin(i):i], " \t")
	return len(before) < i-l.begin(i) && bytes.HasSuffix(before, []byte("?"))
}

// item finds an item of a sequence.
func (l *layout) item(n *yaml.Node, i, indent int) (member, error) {
	v := n.Content[i]
	if flowed(n) {
		m := member{start: l.start(v)}
		m.slot = m.start
		return l.slot(m, v, indent)
	}
	dash, err := l.dash(n, i, indent)
	if err != nil {
		return member{}, err
	}
	if l.byteAt(dash) != '-' {
		return member{}, errLayout
	}
	return l.slot(member{start: dash, slot: dash + 1}, v, indent)
}

// dash is where the "-" of an item in block style is.
func (l *layout) dash(n *yaml.Node, i, indent int) (int, error) {
	if i == 0 {
		return l.content(n), nil
	}
	if v := n.Content[i]; empty(v) && !hasProperties(v) {
		return l.start(v) - 1, nil
	}
	before := n.Content[i-1]
	end, err := l.valueEnd(before, l.start(before), indent)
	return l.gap(end), err
}

// slot completes a member by its value.
func (l *layout) slot(m member, v *yaml.Node, indent int) (member, error) {
	var err error
	if m.end, err = l.valueEnd(v, m.slot, indent); err != nil {
		return m, err
	}
	if hasProperties(v) {
		m.slot = l.properties(v)
	}
	return m, nil
}

// valueEnd is where a value ends, when what comes before it ends at slot.
func (l *layout) valueEnd(v *yaml.Node, slot, indent int) (int, error) {
	switch {
	case !empty(v):
		return l.end(v, indent)
	case hasProperties(v):
		return l.properties(v), nil
	}
	return slot, nil
}

// flowEnd is the offset after the closing bracket of a flow collection.
func (l *layout) flowEnd(n *yaml.Node) (int, error) {
	open := l.content(n)
	i := open + 1
	single := n.Kind == yaml.MappingNode && l.byteAt(open) != '{'
	if len(n.Content) > 0 {
		m, err := l.flowMember(n, -1)
		if err != nil || single {
			return m.end, err
		}
		i = m.end
	}
	if i = l.gap(i); l.byteAt(i) == ',' {
		i = l.gap(i + 1)
	}
	if c := l.byteAt(i); c != '}' && c != ']' {
		return 0, errLayout
	}
	return i + 1, nil
}

// flowMember is a member of a flow collection, by its number; -1 is the last.
func (l *layout) flowMember(n *yaml.Node, i int) (member, error) {
	if i < 0 {
		i = members(n) - 1
	}
	if n.Kind == yaml.MappingNode {
		return l.entry(n, 2*i, -1)
	}
	return l.item(n, i, -1)
}

// members is the number of entries or items of a collection.
func members(n *yaml.Node) int {
	if n.Kind == yaml.MappingNode {
		return len(n.Content) / 2
	}
	return len(n.Content)
}

// memberAt is a member of a collection of either style, by its number.
func (l *layout) memberAt(n *yaml.Node, i int) (member, error) {
	switch {
	case flowed(n):
		return l.flowMember(n, i)
	case n.Kind == yaml.MappingNode:
		return l.entry(n, 2*i, l.column(n))
	}
	return l.item(n, i, l.column(n))
}

// scalarEnd is the offset after a scalar's text.
func (l *layout) scalarEnd(n *yaml.Node, indent int) (int, error) {
	i := l.content(n)
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return l.quoteEnd(i, '"')
	case n.Style&yaml.SingleQuotedStyle != 0:
		return l.quoteEnd(i, '\'')
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		b, err := l.blockScalar(n, indent)
		return b.end, err
	}
	return l.plainEnd(i, n.Value)
}

func (l *layout) quoteEnd(i int, quote byte) (int, error) {
	if l.byteAt(i) != quote {
		return 0, errLayout
	}
	for i++; i < len(l.data); i++ {
		switch c := l.data[i]; {
		case c == '\\' && quote == '"':
			i++
		case c == quote && quote == '\'' && l.byteAt(i+1) == quote:
			i++
		case c == quote:
			return i + 1, nil
		}
	}
	return 0, errLayout
}

// plainEnd follows a plain scalar's value through the text. A line break in
// the text is a space of the value, and each further one a line break.
func (l *layout) plainEnd(i int, value string) (int, error) {
	for v := 0; v < len(value); {
		c := l.byteAt(i)
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			if c != value[v] || i >= len(l.data) {
				return 0, errLayout
			}
			i, v = i+1, v+1
			continue
		}
		j := i
		for j < len(l.data) && strings.IndexByte(" \t\r\n", l.data[j]) >= 0 {
			j++
		}
		white := string(l.data[i:j])
		if breaks := strings.Count(white, "\n"); breaks == 1 {
			white = " "
		} else if breaks > 1 {
			white = strings.Repeat("\n", breaks-1)
		}
		if !strings.HasPrefix(value[v:], white) {
			return 0, errLayout
		}
		i, v = j, v+len(white)
	}
	return i, nil
}
