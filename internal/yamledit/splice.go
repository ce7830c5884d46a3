package yamledit

import (
	"bytes"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// span is bytes to replace. Lines around it that are only tidied, between
// wide and start or between end and far, are left where another span needs them.
type span struct {
	start, end int
	text       string
	wide, far  int
	fresh      bool // the text starts on a new line
	doc        *document
	at         *site
	order      int
}

// splicer collects the spans of a plan.
type splicer struct {
	*layout
	p      *plan
	manner *manner
	spans  []span
}

// replace adds a span.
func (s *splicer) replace(at *site, start, end int, text string) {
	s.spans = append(s.spans, span{start: start, end: end, wide: start, far: end, text: text, doc: s.p.doc, at: at, order: len(s.spans)})
}

// lines adds whole lines, each with its break, before the line that starts at offset i.
func (s *splicer) lines(at *site, i int, lines string) {
	cut := i == len(s.data) && i > s.text.lines[0] && !s.ends()
	if cut {
		lines = strings.TrimSuffix(lines, s.nl)
	}
	s.replace(at, i, i, lines)
	s.spans[len(s.spans)-1].fresh = cut
}

// writer writes values for a site, up to offset i.
func (s *splicer) writer(at *site, i int) writer {
	if s.manner == nil {
		m := s.p.f.survey()
		s.manner = &m
	}
	return writer{
		manner: *s.manner,
		nl:     s.nl,
		blocks: true,
		clip:   s.breaks(i),
		inList: at.up != nil && at.up.node.Kind == yaml.SequenceNode,
	}
}

// breaks reports whether what is written before offset i stays followed by a
// line break: not at the end of a file without one, and where removals may move that end.
func (s *splicer) breaks(i int) bool {
	return s.ends() || len(s.data) == 0 || i < len(s.data) && !s.p.removes
}

// tail is where the line after offset i starts, past the comments that follow
// and are indented deeper than col.
func (s *splicer) tail(i, col int) int {
	result := s.next(i)
	for q := result; q < len(s.data); q = s.next(q) {
		if s.blank(q) {
			continue
		}
		indent, c := s.indent(q)
		if c != '#' || indent <= col {
			break
		}
		result = s.next(q)
	}
	return result
}

// head is where the comment begins that stands directly above the line of offset i and at
// the same column, not before bound.
func (s *splicer) head(i, bound int) int {
	col := s.columnOf(i)
	p := s.begin(i)
	for p > bound {
		q := s.begin(p - 1)
		if indent, c := s.indent(q); q < bound || c != '#' || indent != col {
			break
		}
		p = q
	}
	return p
}

// splice orders the spans and applies them. Spans may touch, not overlap.
func (f *File) splice(spans []span) ([]byte, []span, error) {
	sort.SliceStable(spans, func(i, j int) bool {
		a, b := spans[i], spans[j]
		if a.start != b.start {
			return a.start < b.start
		}
		if (a.start == a.end) != (b.start == b.end) {
			return a.start == a.end
		}
		if x, y := a.at.depth(), b.at.depth(); x != y {
			return x > y // what is deeper comes first
		}
		return a.order < b.order
	})
	for i := range spans {
		if i > 0 && spans[i].wide >= spans[i-1].end {
			spans[i].start = spans[i].wide
		}
		if i+1 == len(spans) || spans[i].far <= spans[i+1].wide {
			spans[i].end = spans[i].far
		}
		if i == 0 {
			spans[i].start = spans[i].wide
			continue
		}
		if spans[i].start < spans[i-1].end {
			at := spans[i].at
			return nil, nil, f.refuse(at.node.Line, at.path, "two edits change the same lines; apply them one after the other")
		}
	}
	var out bytes.Buffer
	last := 0
	for i, s := range spans {
		out.Write(f.text.data[last:s.start])
		if s.fresh && !bytes.HasSuffix(out.Bytes(), []byte("\n")) {
			s.text = f.text.nl + s.text
			spans[i] = s
		}
		out.WriteString(s.text)
		last = s.end
	}
	out.Write(f.text.data[last:])
	return out.Bytes(), spans, nil
}

// untouched reports whether the bytes outside of the spans are the same before
// and after.
func untouched(before, after []byte, spans []span) bool {
	i, j := 0, 0
	for _, s := range spans {
		n := s.start - i
		if n < 0 || j+n > len(after) || !bytes.Equal(before[i:s.start], after[j:j+n]) {
			return false
		}
		i, j = s.end, j+n+len(s.text)
	}
	return j <= len(after) && bytes.Equal(before[i:], after[j:])
}
