package yamledit

import (
	"bytes"
	"errors"
)

// Apply makes all edits and returns the file's new bytes; File stays as it
// is. Bytes outside of the edited spans are the same, and the result is proven to
// read as the edited values. The error, an *Error, comes with no bytes. An edit that the
// file has already had changes nothing, if it is a Set.
func (f *File) Apply(edits ...Edit) ([]byte, error) {
	out, err := f.apply(edits)
	var refused *Error
	if !errors.As(err, &refused) || !refused.Repeated {
		return out, err
	}
	if out := f.byEffect(edits); out != nil {
		return out, nil
	}
	return nil, err
}

// apply makes the edits at their paths alone.
func (f *File) apply(edits []Edit) ([]byte, error) {
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
