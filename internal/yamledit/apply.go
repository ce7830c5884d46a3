package yamledit

import (
	"bytes"
	"errors"

	"go.yaml.in/yaml/v3"
)

// Apply makes all edits and returns the file's new bytes; File stays as it
// is. Bytes outside of the edited spans are the same, and the result is proven to
// read as the edited values. The error, an *Error, comes with no bytes. An edit that the
// file has already had changes nothing, if it is a Set.
func (f *File) Apply(edits ...Edit) ([]byte, error) {
	plans := make([]*plan, len(f.docs))
	for _, e := range edits {
		if e.Document < 0 || e.Document >= len(f.docs) {
			return nil, f.refuse(0, e.Path, "there is no document %d, the file has %d; correct the number", e.Document, len(f.docs))
		}
		if plans[e.Document] == nil {
			plans[e.Document] = f.newPlan(f.docs[e.Document])
		}
		if err := plans[e.Document].edit(e); err != nil {
			return nil, err
		}
	}
	var spans []span
	for _, p := range plans {
		if p == nil {
			continue
		}
		if err := p.settle(); err != nil {
			return nil, err
		}
		more, err := p.spans()
		if err != nil {
			return nil, err
		}
		spans = append(spans, more...)
	}
	if len(spans) == 0 {
		return bytes.Clone(f.text.data), nil
	}
	out, spans, err := f.splice(spans)
	if err != nil {
		return nil, err
	}
	if err := f.prove(out, spans, plans); err != nil {
		return nil, err
	}
	return out, nil
}

// spans turns the plan into bytes.
func (p *plan) spans() ([]span, error) {
	s := &splicer{layout: p.f.layout(), p: p}
	for _, at := range p.sites() {
		var err error
		switch g := p.groups[at.node]; {
		case g == nil:
			err = s.place(p.values[at.node])
		case flowed(at.node):
			err = s.flowGroup(g)
		default:
			err = s.blockGroup(g)
		}
		var known *Error
		if err != nil && !errors.As(err, &known) {
			return nil, p.f.refuse(at.node.Line, at.path, "%v", err)
		}
		if err != nil {
			return nil, err
		}
	}
	return s.spans, nil
}

// prove parses the result and compares every document with its plan.
func (f *File) prove(out []byte, spans []span, plans []*plan) error {
	at := spans[0].at
	broken := func(why string) error {
		return f.refuse(at.node.Line, at.path, "the edit cannot be made in place (%s); make it by hand", why)
	}
	if !untouched(f.text.data, out, spans) {
		return broken("it would change other bytes")
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
			if _, err := f.guard(nodes[i].Content[0]); err != nil {
				return err
			}
		}
	}
	return nil
}
